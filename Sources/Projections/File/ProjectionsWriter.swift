// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Foundation
internal import GRDB
internal import Ledger

/// Keeps the projections of one ledger up to date with its log.
///
/// Several may do so at once, also in several processes: each transaction reads the position again
/// and goes on from there. Used by one thread at a time.
package final class ProjectionsWriter {
    /// Entries of one transaction, about; always whole batches.
    package static let entriesPerTransaction: UInt64 = 10_000

    let place: ProjectionsPlace
    private let log: EventLog
    private let progress: (UInt64, UInt64) -> Void
    private let isCancelled: () -> Bool
    private var open: OpenFile?
    /// What a person should hear: files that did not fit, and what was done.
    package private(set) var notices: [String] = []
    /// How far the file had come when it was last looked at.
    package private(set) var position: ProjectionsPosition?

    private struct OpenFile {
        let name: String
        let queue: DatabaseQueue
        var projector: Projector?
    }

    /// - Parameters:
    ///   - directory: That of the ledger.
    ///   - progress: Told of entries taken in and entries in all while a file is built.
    ///   - isCancelled: Asked about every ten thousand entries; ends the work with `.cancelled`.
    package init(
        directory: String, log: EventLog,
        progress: @escaping (_ entries: UInt64, _ of: UInt64) -> Void = { _, _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) {
        place = ProjectionsPlace(directory: directory)
        self.log = log
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// Takes in what the log has committed, building the file where there is none that fits.
    ///
    /// Returns how far the file has come: further than the log where another process follows a
    /// longer one.
    package func catchUp() throws(ProjectionsError) -> ProjectionsPosition {
        let end: UInt64
        do throws(LogError) {
            end = try Projector.sealedSize(of: log, upTo: log.size)
        } catch { throw .log(error) }
        guard end > 0 else { throw .empty(directory: place.directory) }
        for _ in 0..<10 {
            try openFitting(end)
            do throws(Damage) {
                while let position = try step(to: end) {
                    self.position = position
                    if position.entries >= end { return position }
                    if isCancelled() { throw Damage.other(.cancelled) }
                }
            } catch {
                switch error {
                case .unusable(let problem): try replace(problem, end)
                case .other(let error): throw error
                }
            }
        }
        throw .unsettled(path: place.link)
    }

    /// Closes the file.
    package func close() throws(ProjectionsError) {
        guard var file = open else { return }
        open = nil
        // Its statements go before the connection does.
        file.projector = nil
        try ProjectionsPlace.working(place.path(file.name)) { try file.queue.close() }
    }

    private enum Damage: Error {
        case unusable(String)
        case other(ProjectionsError)
    }

    /// One transaction; nil where another file has taken the place of the one that is open.
    private func step(to end: UInt64) throws(Damage) -> ProjectionsPosition? {
        guard var file = open else { return nil }
        do {
            let position = try file.queue.writeWithoutTransaction { db -> ProjectionsPosition? in
                var result: ProjectionsPosition?
                try db.inTransaction(.immediate) {
                    guard place.target() == .file(file.name) else { return .rollback }
                    guard let position = try ProjectionsPosition(db) else {
                        throw Damage.unusable("it says not how far it has come")
                    }
                    result = position
                    if let damage = try Seal.damage(db) { throw Damage.unusable(damage) }
                    guard position.entries < end else { return .rollback }
                    if file.projector?.entries != position.entries {
                        file.projector = try Projector(db, at: position)
                    }
                    guard let projector = file.projector else {
                        throw Damage.unusable("its tables hold what was never written")
                    }
                    file.projector = nil
                    try Seal.set(folding: true, db)
                    try projector.fold(log, to: end, enough: Self.entriesPerTransaction)
                    result = try projector.finish(log)
                    try Seal.set(folding: false, db)
                    file.projector = projector
                    return .commit
                }
                return result
            }
            open?.projector = file.projector
            file.projector = nil
            if position == nil { try close() }
            return position
        } catch {
            open?.projector = nil
            throw Self.damage(error, place.path(file.name))
        }
    }

    private static func damage(_ error: any Error, _ path: String) -> Damage {
        if let damage = error as? Damage { return damage }
        if let error = error as? DatabaseError {
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH,
                .SQLITE_ERROR:
                return .unusable(error.message ?? "\(error.resultCode)")
            default: break
            }
        }
        do throws(ProjectionsError) {
            try ProjectionsPlace.working(path) { throw error }
            fatalError("an error was not thrown again")
        } catch { return .other(error) }
    }
}

// MARK: - Opening and replacing

extension ProjectionsWriter {
    /// Makes sure that a file that fits the log is open.
    private func openFitting(_ end: UInt64) throws(ProjectionsError) {
        if let name = open?.name {
            if place.target() == .file(name) { return }
            try close()
        }
        for _ in 0..<10 {
            switch place.inspect(log) {
            case .absent: try build(nil, end)
            case .unfit(let problem): try build(problem, end)
            case .gone: continue
            case .failed(let error): throw error
            case .fits(let name, _):
                let path = place.path(name)
                let queue: DatabaseQueue
                do throws(ProjectionsError) {
                    queue = try ProjectionsPlace.working(path) {
                        try ProjectionsPlace.connect(path, .follow)
                    }
                } catch {
                    // It may have been replaced and removed in the meantime.
                    if place.target() != .file(name) { continue }
                    throw error
                }
                open = OpenFile(name: name, queue: queue)
                return
            }
        }
        throw .unsettled(path: place.link)
    }

    /// Gives up a file that turned out to be damaged, and builds another.
    private func replace(_ problem: String, _ end: UInt64) throws(ProjectionsError) {
        let name = open?.name
        do throws(ProjectionsError) { try close() } catch {
            // It is to be removed; what it could not write matters no more.
        }
        guard let name, place.target() == .file(name) else { return }
        try build(problem, end)
    }

    /// Builds a file unless another process does, which is waited for.
    private func build(_ problem: String?, _ end: UInt64) throws(ProjectionsError) {
        let before = place.target()
        let lock = try place.waitForLock { isCancelled() || place.target() != before }
        if isCancelled() { throw .cancelled }
        guard let lock else { return }
        defer { lock.release() }
        guard place.target() == before else { return }
        if let problem {
            notices.append("\(place.link) did not fit and was built anew: \(problem)")
        }
        _ = try place.rebuild(log, to: end, progress: report)
    }

    private func report(_ entries: UInt64, of all: UInt64) throws {
        if isCancelled() { throw ProjectionsError.cancelled }
        progress(entries, all)
    }
}

extension ProjectionsPlace {
    /// Waits for the lock; nil where there is no need for it any more.
    func waitForLock(unless isDone: () -> Bool) throws(ProjectionsError) -> (any DiskLock)? {
        while true {
            do throws(DiskError) { return try disk.lock(lock) } catch {
                guard case .locked = error else { throw .disk(error) }
            }
            if isDone() { return nil }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Builds a new file and puts it in place; only by the holder of the lock.
    func rebuild(
        _ log: EventLog, to end: UInt64, progress: (UInt64, UInt64) throws -> Void
    ) throws(ProjectionsError) -> ProjectionsPosition {
        do throws(DiskError) { try removeOthers() } catch { throw .disk(error) }
        let name: String
        do throws(DiskError) { name = try newName() } catch { throw .disk(error) }
        do throws(ProjectionsError) {
            let position = try ProjectionsBuilder.build(
                path(name), from: log, to: end, progress: progress)
            do throws(DiskError) { try use(name) } catch { throw .disk(error) }
            do throws(DiskError) { try removeOthers() } catch { throw .disk(error) }
            return position
        } catch {
            if target() != .file(name) { discard(name) }
            throw error
        }
    }

    /// Removes a file that is not in use, as far as that is possible.
    private func discard(_ name: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            do { try disk.remove(path(name) + suffix) } catch {
                // The next build removes it.
            }
        }
    }
}
