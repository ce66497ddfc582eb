// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

private let options = LogOptions(segmentBytesMax: 500)

@Suite("a disk that fails while a crash is being repaired")
struct DiskFaultTests {
    /// What a crash within a roll leaves: a segment without its footer, and a torn tail.
    private static func crashed() throws -> (SimulatedDisk, [[UInt8]]) {
        var random = SplitMix64(seed: 6)
        for operation in 0..<400 {
            let disk = SimulatedDisk()
            var entries: [[UInt8]] = []
            disk.fail(operation: operation, with: .powerCut)
            do throws(LogError) {
                let log = try EventLog.create(directory: "/log", disk: disk, options: options)
                while true {
                    let entry = random.bytes(60)
                    _ = try log.stage(entry)
                    try log.commit()
                    entries.append(entry)
                }
            } catch {}
            disk.restart(seed: 1)
            guard let last = disk.files.last(where: { $0.hasSuffix(".segment") }),
                let bytes = disk.bytes(of: last)
            else { continue }
            disk.replace(last, with: bytes + Array("RCFR".utf8))
            let reader = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
            if reader.recovery.resealed != nil, reader.recovery.tornBytes > 0, reader.size > 9 {
                return (disk, Array(entries[..<min(entries.count, Int(reader.size))]))
            }
        }
        fatalError("no crash left a segment without a footer")
    }

    @Test(
        "at any operation of opening: refused aloud, and the next opening has it all",
        arguments: [SimulatedFault.noSpace, .inputOutputError])
    func opening(fault: SimulatedFault) throws {
        var refused = 0
        for operation in 0..<1000 {
            let (disk, entries) = try Self.crashed()
            let before = disk.operations
            disk.fail(operation: operation, with: fault)
            do {
                let log = try EventLog.open(directory: "/log", disk: disk, options: options)
                #expect(try allEntries(log).starts(with: entries), "operation \(operation)")
                try log.close()
            } catch {
                refused += 1
                #expect("\(error)".contains("/log"), "operation \(operation): \(error)")
            }
            let isOver = disk.operations - before <= operation
            disk.healFaults()
            let log = try EventLog.open(directory: "/log", disk: disk, options: options)
            #expect(try allEntries(log).starts(with: entries), "operation \(operation)")
            _ = try log.verifyAll()
            #expect(disk.files.contains { $0.contains("/torn/") }, "operation \(operation)")
            try log.close()
            if isOver {
                #expect(refused > 20)
                return
            }
        }
        Issue.record("opening never came to an end")
    }
}
