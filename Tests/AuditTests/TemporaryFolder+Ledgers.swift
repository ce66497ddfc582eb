// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Foundation
import TestSupport

extension EventLog {
    /// Writes a log of these entries, a commit at every seal, and closes it.
    static func write(_ entries: [[UInt8]], to directory: String, disk: any Disk) throws {
        let log = try EventLog.create(directory: directory, disk: disk)
        for entry in entries {
            _ = try log.stage(entry)
            if entry.first == 76 { try log.commit() }
        }
        try log.commit()
        try log.close()
    }
}

extension TemporaryFolder {
    /// Writes a log of these entries anew, and returns its directory.
    func write(_ entries: [[UInt8]], name: String = "ledger") throws -> String {
        let directory = file(name)
        if FileManager.default.fileExists(atPath: directory) {
            try FileManager.default.removeItem(atPath: directory)
        }
        try EventLog.write(entries, to: directory, disk: POSIXDisk())
        return directory
    }

    /// What an audit of these entries finds.
    func audit(_ entries: [[UInt8]], _ options: AuditOptions = AuditOptions()) throws -> AuditReport
    {
        try Auditor.run(directory: try write(entries), options: options)
    }
}

extension AuditOptions {
    static let derivationOnly = AuditOptions(checkSignatures: false, verifyProofs: false)
}
