// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Where a ledger lies, and how it is opened without touching it.
package enum LedgerDirectory {
    /// Returns the directory of the log: `path` itself, or `ledger` in it where `path` is a home.
    package static func locate(_ path: String, disk: any Disk = POSIXDisk()) -> String {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let inner = trimmed + "/ledger"
        return !holdsLog(trimmed, disk) && holdsLog(inner, disk) ? inner : trimmed
    }

    private static func holdsLog(_ path: String, _ disk: any Disk) -> Bool {
        do throws(DiskError) {
            _ = try disk.list(path + "/segments")
            return true
        } catch {
            return false
        }
    }

    /// Opens the log of a home or ledger directory for reading.
    package static func open(
        _ path: String, disk: any Disk = POSIXDisk()
    ) throws(LogError) -> EventLog {
        try EventLog.open(directory: locate(path, disk: disk), disk: disk, access: .readOnly)
    }
}
