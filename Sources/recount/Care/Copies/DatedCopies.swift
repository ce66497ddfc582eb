// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Foundation
import Ledger
import Storage

/// Copies of one ledger in a folder, each named by when it was made:
/// `2026-01-31T120000Z-3f9a01bc`, with the first digits of the ledger's identity.
struct DatedCopies {
    /// The most copies that are kept.
    static let countMax = 1000

    private let folder: String
    private let ledger: LedgerID
    private let count: Int
    /// The path of the copy that is to be made now.
    let newest: String

    /// Finds a name for a new copy, and makes the folder where it is not there.
    init(in folder: String, of directory: String, keeping count: Int) throws(Failure) {
        let disk = POSIXDisk()
        do throws(LogError) { ledger = try LedgerStore.identity(of: directory, disk: disk) } catch {
            throw failure(error, directory)
        }
        do throws(DiskError) {
            if try !disk.exists(folder) { try disk.createDirectory(folder) }
        } catch { throw Failure("\(folder) cannot be made: \(error)") }
        (self.folder, self.count) = (folder, count)
        let now = Time(UInt64(max(0, Date().timeIntervalSince1970 * 1000)))
        let name = Self.name(at: now, ledger)
        // Behind those of the same second, also where the first of them is gone again.
        let taken = Self.names(in: folder).map(Self.place).filter { $0.name == name }
        let number = 1 + (taken.map(\.number).max() ?? 0)
        newest = "\(folder)/" + (number == 1 ? name : "\(name)-\(number)")
    }

    /// What copies are ordered by: the name without the number behind it, and the number of those
    /// of one second.
    private static func place(_ copy: String) -> (name: String, number: Int) {
        let length = "2026-01-31T120000Z-3f9a01bc".count
        return (String(copy.prefix(length)), Int(copy.dropFirst(length + 1)) ?? 1)
    }

    private static func name(at time: Time, _ ledger: LedgerID) -> String {
        UTC.text(time).prefix(19).filter { $0 != ":" } + "Z-" + ledger.hex.prefix(8)
    }

    /// The names of this form in a folder, the oldest first.
    static func names(in folder: String) -> [String] {
        do throws(DiskError) {
            return try POSIXDisk().list(folder).filter { $0.wholeMatch(of: form) != nil }
                .sorted { place($0) < place($1) }
        } catch { return [] }
    }

    private static var form: Regex<Substring> {
        /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z-[0-9a-f]{8}(?:-[0-9]+)?/
    }

    /// Reads the new copy back, and then removes what is older than those that are to stay; returns
    /// the paths that were removed.
    ///
    /// Only copies of this ledger, by their names and by their first entries, are counted and
    /// removed. One that is not whole does not count; one that a process holds is left alone.
    func removeOld(_ report: BackupReport) throws(Failure) -> [String] {
        try readBack(report)
        var isWhole = 0
        var removed: [String] = []
        let newestPlace = Self.place(String(newest.dropFirst(folder.count + 1)))
        for name in Self.names(in: folder).reversed() {
            let path = "\(folder)/\(name)"
            guard path != newest else {
                isWhole += 1
                continue
            }
            guard isOurs(path) else { continue }
            if isWhole < count, Self.isWhole(path) {
                isWhole += 1
                continue
            }
            // What is newer than the copy that was made is another process's.
            guard Self.place(name) < newestPlace, try remove(path) else { continue }
            removed.append(path)
        }
        return removed.reversed()
    }

    private func readBack(_ report: BackupReport) throws(Failure) {
        do throws(LogError) {
            let log = try EventLog.open(directory: newest, disk: POSIXDisk(), access: .readOnly)
            _ = try log.verifyChecksums()
            guard log.size == report.size, log.root == report.root else {
                throw .notALog(path: newest)
            }
        } catch {
            throw Failure("the new copy \(newest) is not good, and nothing was removed: \(error)")
        }
    }

    private func isOurs(_ path: String) -> Bool {
        do throws(LogError) {
            return try LedgerStore.identity(of: path, disk: POSIXDisk()) == ledger
        } catch { return false }
    }

    /// Whether a copy was finished.
    static func isWhole(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/END")
    }

    private func remove(_ path: String) throws(Failure) -> Bool {
        let disk = POSIXDisk()
        do throws(DiskError) {
            let lock = try disk.lock("\(path)/LOCK")
            defer { lock.release() }
            try disk.removeTree(path)
            return true
        } catch {
            if case .locked = error { return false }
            throw Failure("the old copy \(path) cannot be removed: \(error)")
        }
    }
}
