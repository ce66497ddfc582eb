// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// A log of entries that are told apart by their index.
struct NumberedLog: Sendable {
    /// One of 70,000 entries, made once.
    static let large = Result { try NumberedLog(count: 70_000) }

    let log: EventLog
    let disk = SimulatedDisk()

    init(count: Int, salt: String = "entry") throws {
        log = try EventLog.create(directory: "/log", disk: disk)
        for index in 0..<count {
            _ = try log.stage(Self.entry(index, salt: salt))
            if index % 777 == 776 { try log.commit() }
        }
        if log.stagedSize > log.size { try log.commit() }
    }

    /// Entries have different lengths, from 6 bytes on.
    static func entry(_ index: Int, salt: String = "entry") -> [UInt8] {
        Array("\(salt) \(index)".utf8) + [UInt8](repeating: 0xAB, count: index % 5)
    }

    /// The signed checkpoint of the first `size` entries.
    func checkpoint(_ size: Int, cosigners: [UInt8] = []) throws -> SignedCheckpoint {
        let head = TreeHead(size: UInt64(size), root: try log.root(at: UInt64(size)))
        return try signed(Checkpoint(ledger: ledger, head: head), cosigners: cosigners)
    }

    /// Exports up to `size` to `/tiles` of a disk.
    @discardableResult
    func export(_ size: Int, to disk: SimulatedDisk) throws -> TileExportReport {
        try TileExport.run(log, upTo: checkpoint(size), to: "/tiles", disk: disk)
    }
}

/// Reads everything that a folder says up to the size of `head`, or throws.
func readAll(_ disk: any Disk, _ head: TreeHead, directory: String = "/tiles") throws -> [[UInt8]] {
    let folder = try TileFolder(directory: directory, head: head, disk: disk)
    let roots = try folder.tileRoots()
    #expect(roots.count == Int(head.size) / 256)
    var entries: [[UInt8]] = []
    try folder.forEach(from: 0, to: head.size) { index, entry in
        #expect(index == UInt64(entries.count))
        entries.append(entry)
    }
    return entries
}
