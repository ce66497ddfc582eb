// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite("What a closed log says of its last segment")
struct ClosedEdgeTests {
    /// A log whose last segment is long, with sealed ones before it where `segments` is above 1.
    private static func closed(_ disk: SimulatedDisk, sealed: Bool) throws -> (Digest, UInt64) {
        let options = LogOptions(segmentBytesMax: sealed ? 30_000 : 8 << 20)
        var random = SplitMix64(seed: 5)
        let log = try EventLog.create(directory: "/log", disk: disk, options: options)
        for count in [3_001, 20_000] {
            _ = try log.stage((0..<count).map { _ in random.bytes(12) }[...])
            try log.commit()
        }
        try log.close()
        return (log.root, log.size)
    }

    private static func open(_ disk: SimulatedDisk) throws -> EventLog {
        try EventLog.open(directory: "/log", disk: disk)
    }

    @Test(arguments: [true, false])
    func itOpensToTheSameTreeAndGoesOn(sealed: Bool) throws {
        let disk = SimulatedDisk()
        let (root, size) = try Self.closed(disk, sealed: sealed)
        #expect(disk.bytes(of: "/log/EDGE") != nil)
        let other = SimulatedDisk()
        _ = try Self.closed(other, sealed: sealed)
        try other.remove("/log/EDGE")
        let logs = try [disk, other].map(Self.open)
        for log in logs {
            #expect(log.root == root)
            #expect(log.size == size)
            #expect(try log.verifyAll().entries == size)
            for index in [0, 3_000, 3_001, 15_000, size - 1] {
                #expect(
                    try log.inclusionProof(index: index, size: size)
                        == logs[0].inclusionProof(index: index, size: size))
            }
            _ = try log.stage((0..<700).map { [UInt8(truncatingIfNeeded: $0)] }[...])
            try log.commit()
        }
        #expect(logs[0].root == logs[1].root)
        // What it said of the log before counts no more, also after a crash.
        #expect(disk.bytes(of: "/log/EDGE") != nil)
        disk.restart(seed: 1)
        let again = try Self.open(disk)
        #expect(again.root == logs[1].root)
    }

    @Test func anyChangedByteOfItIsPassedOver() throws {
        let disk = SimulatedDisk()
        let (root, size) = try Self.closed(disk, sealed: true)
        let edge = try #require(disk.bytes(of: "/log/EDGE"))
        for place in stride(from: 0, to: edge.count, by: 7) {
            var changed = edge
            changed[place] ^= 0x10
            disk.replace("/log/EDGE", with: changed)
            let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
            #expect(log.root == root && log.size == size, "byte \(place)")
        }
        for length in [0, 63, 71, edge.count - 1] {
            disk.replace("/log/EDGE", with: Array(edge[..<length]))
            #expect(
                try EventLog.open(directory: "/log", disk: disk, access: .readOnly).root == root)
        }
    }

    @Test func itHidesNoDamageOfTheFrames() throws {
        let disk = SimulatedDisk()
        _ = try Self.closed(disk, sealed: false)
        let path = try #require(disk.files.last { $0.hasSuffix(".segment") })
        let good = try #require(disk.bytes(of: path))
        for place in stride(from: 0, to: good.count, by: 997) {
            var bad = good
            bad[place] ^= 1
            disk.replace(path, with: bad)
            #expect(throws: LogError.self, "byte \(place)") { try Self.open(disk) }
        }
        disk.replace(path, with: Array(good.dropLast()))
        #expect(throws: LogError.self) { try Self.open(disk) }
        disk.replace(path, with: good + [0])
        #expect(throws: LogError.self) { try Self.open(disk) }
    }
}
