// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Figures
import Foundation

/// A folder for what a part of the benchmarks writes, removed at its end.
func inTemporaryFolder<R>(_ note: (String) -> Void, _ work: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("recount-benchmarks-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
        do { try FileManager.default.removeItem(at: folder) } catch {
            note("\(folder.path) could not be removed: \(error)")
        }
    }
    return try work(folder)
}

extension LedgerGenerator {
    /// Makes a ledger of at least `entries` entries in the directory `path`.
    static func make(
        entries: UInt64, at path: String, signing: Bool, seed: UInt64 = 1,
        _ note: (String) -> Void
    ) throws {
        let log = try EventLog.create(
            directory: path, disk: POSIXDisk(), options: LogOptions())
        var generator = try LedgerGenerator(signing: signing, seed: seed)
        let (seconds, _) = try timed {
            try generator.open(log)
            while generator.entries < entries { try generator.addBatch(log) }
            try log.close()
        }
        note(
            "generated \(generator.entries) entries in \(Int(seconds)) s; decisions, order and"
                + " roots are real, signatures are \(signing ? "real" : "random bytes"), proofs are"
                + " not")
    }
}
