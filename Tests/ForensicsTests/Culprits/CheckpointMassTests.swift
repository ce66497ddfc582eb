// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Foundation
import Ledger
import TestSupport
import Testing

/// Many checkpoints against a ledger that was cut, rewritten or forked; `RECOUNT_CHECKPOINTS=10000`
/// takes so many.
struct CheckpointMassTests {
    private static let count =
        ProcessInfo.processInfo.environment["RECOUNT_CHECKPOINTS"].flatMap { Int($0) } ?? 200
    private static let batches = 40

    private let ledgers = CulpritLedgers()

    /// Some checkpoints of a log, of all sizes in turn from one on, by three validators each.
    private func checkpoints(
        of path: String, _ ledger: LedgerID, from first: UInt64 = 1, count: Int = Self.count
    ) throws -> [SignedCheckpoint] {
        let log = try EventLog.open(directory: path, disk: ledgers.shelf.disk, access: .readOnly)
        return try (0..<count).map { number in
            let size = first + UInt64(number) % (log.size - first + 1)
            let signers = (0..<3).map { UInt16((number + $0) % CulpritLedgers.validators) }
            return try CulpritLedgers.checkpoint(
                TreeHead(size: size, root: try log.root(at: size)), of: ledger, by: signers)
        }
    }

    private var everybody: [String] {
        (0..<UInt16(CulpritLedgers.validators)).map { Fixture.name($0) }
    }

    @Test func `a ledger that holds them all convicts nobody`() throws {
        let scenario = try GoldenRun.play(seed: 41, batches: Self.batches)
        try ledgers.shelf.write(scenario.log, to: "/a")
        let report = try ledgers.culprits(
            ["/a"], checkpoints: try checkpoints(of: "/a", scenario.ledger))
        #expect(report.unprovable.isEmpty && report.unread.isEmpty)
        #expect(report.proved.allSatisfy { $0.kind != "twoHistories" })
    }

    @Test func `a ledger that was cut is told for each that is larger`() throws {
        let scenario = try GoldenRun.play(seed: 42, batches: Self.batches)
        try ledgers.shelf.write(scenario.log, to: "/a")
        let seals = scenario.log.indices.filter { scenario.log[$0].tag == 76 }
        let cut = seals[seals.count / 2] + 1
        try ledgers.shelf.write(Array(scenario.log.prefix(cut)), to: "/cut")
        let all = try checkpoints(of: "/a", scenario.ledger, from: UInt64(cut) - 50)
        let report = try ledgers.culprits(["/cut"], checkpoints: all)
        let larger = all.count { $0.head.size > UInt64(cut) }
        #expect(report.unprovable.count == larger && larger > 0)
        #expect(report.proved.allSatisfy { $0.kind != "twoHistories" })
    }

    @Test func `a ledger that was rewritten is told for each that follows the change`() throws {
        let scenario = try GoldenRun.play(seed: 43, batches: Self.batches)
        try ledgers.shelf.write(scenario.log, to: "/a")
        let votes = scenario.log.indices.filter { scenario.log[$0].tag == 3 }
        let place = votes[votes.count / 2]
        var rewritten = scenario.log
        guard case .voteCast(var cast) = rewritten[place] else { return }
        cast.timestamp = cast.timestamp.adding(milliseconds: 1)
        rewritten[place] = .voteCast(cast)
        try ledgers.shelf.write(rewritten, to: "/b")
        let all = try checkpoints(of: "/a", scenario.ledger, from: UInt64(place) - 50)
        let report = try ledgers.culprits(["/b"], checkpoints: all)
        let later = all.count { $0.head.size > UInt64(place) }
        #expect(report.unprovable.count == later && later > 0)
        // Whoever rewrote it had nobody's signature.
        #expect(report.proved.allSatisfy { $0.kind != "twoHistories" })
    }

    @Test func `a fork convicts all who signed checkpoints of both sides`() throws {
        var one = try GoldenRun.play(seed: 44, batches: Self.batches / 2)
        var other = one
        let common = one.state.size
        for _ in 0..<20 {
            try one.open(after: 1_000)
            try one.seal()
            try other.open(after: 1_001)
            try other.seal()
        }
        try ledgers.shelf.write(one.log, to: "/a")
        try ledgers.shelf.write(other.log, to: "/b")
        let half = Self.count / 2
        let ledger = one.ledger
        let all =
            try checkpoints(of: "/a", ledger, from: common, count: half)
            + checkpoints(of: "/b", ledger, from: common, count: half)
        let report = try ledgers.culprits(["/a", "/b"], checkpoints: all)
        let proved = report.proved.filter { $0.kind == "twoHistories" }
        #expect(Set(proved.map(\.name)).sorted() == everybody)
        for charged in proved {
            let file = try EvidenceFile(report.evidence[charged.file].bytes)
            #expect(file.verdict().effect == .convicts)
        }
        // One side alone tells of the other's checkpoints.
        let alone = try ledgers.culprits(["/a"], checkpoints: all)
        #expect(alone.isFound)
    }
}
