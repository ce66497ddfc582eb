// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
internal import Foundation
package import GRDB

/// The read models of a ledger in SQLite, folded from its log and from nothing else.
package enum Projections {
    /// Brings the projections of a ledger up to date, or builds them, and opens them for reading.
    ///
    /// Where the directory cannot be written to, the log is folded into a temporary file, which is
    /// removed with the reader; `notices` says so.
    /// - Parameters:
    ///   - ledgerDirectory: That of the log.
    ///   - progress: Told of entries taken in and entries in all while a file is built.
    package static func reader(
        ledgerDirectory: String, log: EventLog,
        progress: @escaping (_ entries: UInt64, _ of: UInt64) -> Void = { _, _ in }
    ) throws(ProjectionsError) -> ProjectionsReader {
        let writer = ProjectionsWriter(
            directory: ledgerDirectory, log: log, progress: progress)
        do throws(ProjectionsError) {
            // Who may not write may read what is up to date.
            if case .fits(_, let position) = writer.place.inspect(log),
                position.entries >= log.size
            {
                return try ProjectionsReader(writer.place, notices: [])
            }
            _ = try writer.catchUp()
            let reader = try ProjectionsReader(writer.place, notices: writer.notices)
            try writer.close()
            return reader
        } catch {
            switch error {
            case .log, .empty, .entry, .cancelled: throw error
            case .database, .disk, .busy, .unsettled:
                let notice =
                    "projections are folded into a temporary file, since those of the ledger"
                    + " cannot be brought up to date: \(error)"
                return try ProjectionsReader(
                    temporary: log, notices: writer.notices + [notice], progress: progress)
            }
        }
    }
}

extension Projections {
    /// Opens the projections of a ledger as they are, for a reader beside a node that follows.
    ///
    /// Throws where there are none yet, and where they cannot be read.
    package static func followed(
        ledgerDirectory: String
    ) throws(ProjectionsError) -> ProjectionsReader {
        try ProjectionsReader(ProjectionsPlace(directory: ledgerDirectory), notices: [])
    }

    /// Opens a new file with the settings under which projections are built, to compare with.
    package static func buildingConnection(_ path: String) throws -> DatabaseQueue {
        try ProjectionsPlace.connect(path, .build)
    }
}

/// Projections opened for reading. Others may go on writing; each `read` sees one position.
package final class ProjectionsReader: Sendable {
    /// The connection.
    package let database: any DatabaseReader
    /// How far the file had come when it was opened.
    package let position: ProjectionsPosition
    /// What a person should hear.
    package let notices: [String]
    /// The file that is read.
    package let path: String
    private let temporary: String?
    private let place: ProjectionsPlace?

    /// Whether the file is still the one that the ledger uses, and no other took its place.
    package var isInUse: Bool {
        guard let place else { return true }
        if case .file(let name) = place.target() { return place.path(name) == path }
        return false
    }

    init(_ place: ProjectionsPlace, notices: [String]) throws(ProjectionsError) {
        (path, database, position) = try Self.open(place)
        self.notices = notices
        self.place = place
        temporary = nil
    }

    private static func open(
        _ place: ProjectionsPlace
    ) throws(ProjectionsError) -> (String, DatabaseQueue, ProjectionsPosition) {
        for _ in 0..<10 {
            guard case .file(let name) = place.target() else { continue }
            let path = place.path(name)
            do throws(ProjectionsError) {
                let (queue, position) = try open(path)
                return (path, queue, position)
            } catch {
                // It may have been replaced and removed in the meantime.
                if place.target() == .file(name) { throw error }
            }
        }
        throw .unsettled(path: place.link)
    }

    private static func open(
        _ path: String
    ) throws(ProjectionsError) -> (DatabaseQueue, ProjectionsPosition) {
        let result = try ProjectionsPlace.working(path) {
            let queue = try ProjectionsPlace.connect(path, .read)
            return (queue, try queue.read { try ProjectionsPosition($0) })
        }
        guard let position = result.1 else {
            throw .database(path: path, problem: "it does not say how far it has come")
        }
        return (result.0, position)
    }

    /// Folds the whole log into a file of its own.
    init(
        temporary log: EventLog, notices: [String], progress: (UInt64, UInt64) -> Void
    ) throws(ProjectionsError) {
        let path = Self.temporaryPath()
        let end: UInt64
        do throws(LogError) {
            end = try Projector.sealedSize(of: log, upTo: log.size)
        } catch { throw .log(error) }
        guard end > 0 else { throw .empty(directory: log.directory) }
        do throws(ProjectionsError) {
            _ = try ProjectionsBuilder.build(path, from: log, to: end, progress: progress)
            (database, position) = try Self.open(path)
        } catch {
            Self.remove(path)
            throw error
        }
        self.path = path
        self.notices = notices
        place = nil
        temporary = path
    }

    /// Runs queries that see one position of the file.
    package func read<T>(_ body: (Database) throws -> T) throws(ProjectionsError) -> T {
        try ProjectionsPlace.working(path) { try database.read(body) }
    }

    /// Closes the file, and removes it where it is a temporary one.
    deinit {
        do { try database.close() } catch {
            // Nothing was written through it.
        }
        if let temporary { Self.remove(temporary) }
    }

    /// A name that no file in the folder of temporary files has.
    static func temporaryPath() -> String {
        NSTemporaryDirectory() + "recount-projections-\(UUID().uuidString).sqlite"
    }

    /// Removes a temporary file, as far as that is possible.
    static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm"] {
            do { try POSIXDisk().remove(path + suffix) } catch {
                // Most often it is not there.
            }
        }
    }
}
