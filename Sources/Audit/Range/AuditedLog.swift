// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog

/// A log that is open to be audited, in files of its own or in a folder of tiles.
struct AuditedLog: Sendable {
    /// A log in files of its own, with what lies beside it.
    struct Own: Sendable {
        let log: EventLog
        let witnesses: FolderWitnesses
    }

    /// The log.
    let log: any SweptLog
    /// The same where it lies in files of its own; nil of tiles.
    let own: Own?

    /// Opens a folder of tiles, a home or a ledger directory.
    init(_ path: String, _ disk: any Disk) throws(RangeError) {
        do throws(LogError) {
            if TiledLog.isThere(path, disk: disk) {
                log = try TiledLog(path, disk: disk)
                own = nil
                return
            }
            var witnesses = try FolderWitnesses(LedgerDirectory.locate(path, disk: disk), disk)
            let opened = try LedgerDirectory.open(path, disk: disk)
            try witnesses.lookAgain()
            log = opened
            own = Own(log: opened, witnesses: witnesses)
        } catch { throw .log(error) }
    }
}
