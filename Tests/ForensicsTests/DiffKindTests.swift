// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import Storage
import TestSupport
import Testing

/// Each kind of difference is found where it is, and nothing where there is none.
struct DiffKindTests {
    /// Seeds of each kind: more than a thousand pairs in all.
    private static let seeds: Range<UInt64> = 0..<84
    private static let kinds = DifferenceKind.allCases.filter {
        $0 != .otherLedger && $0 != .otherRoot && $0 != .otherState
    }

    @Test(arguments: kinds)
    func `a difference is found`(_ kind: DifferenceKind) throws {
        for seed in Self.seeds {
            let quarrel = try Quarrel(kind, seed: seed)
            let shelf = Shelf()
            try shelf.write(quarrel.first, to: "/a")
            try shelf.write(quarrel.second, to: "/b")
            if kind == .damage { try Self.damage(shelf.disk, seed) }
            let diff = try shelf.diff("/a", "/b")
            let found = try #require(diff.comparisons.first, "seed \(seed)")
            #expect(diff.verdict == .different, "seed \(seed)")
            #expect(found.kind == kind, "seed \(seed): \(found.sentence)")
            guard kind != .damage else { continue }
            #expect(found.entry == quarrel.entry, "seed \(seed)")
            try Self.check(found, kind, seed, quarrel)
        }
    }

    /// Changes a byte of the first frame's payload.
    private static func damage(_ disk: SimulatedDisk, _ seed: UInt64) throws {
        let path = "/b/segments/00000000000000000000.segment"
        var bytes = try #require(disk.bytes(of: path))
        bytes[64 + 52 + Int(seed % 40)] ^= 1 << UInt8(seed % 8)
        disk.replace(path, with: bytes)
    }

    /// What the signatures prove, and which state differs.
    private static func check(
        _ found: HistoryComparison, _ kind: DifferenceKind, _ seed: UInt64, _ quarrel: Quarrel
    ) throws {
        let proved = found.signatures.filter(\.holds)
        let certified = proved.filter { $0.kind == .certificate }.map(\.copy)
        switch kind {
        case .longer: #expect(found.signatures.isEmpty)
        case .fork:
            #expect(certified == ["/a", "/b"], "seed \(seed)")
            let twice = proved.filter { $0.kind == .doublePrecommit }
            #expect(twice.count >= 2 * Quarrel.threshold - Quarrel.validators, "seed \(seed)")
            for proof in twice { try checkEvidence(proof) }
        default:
            #expect(certified == ["/a"], "seed \(seed)")
            #expect(found.sentence.contains("T validators signed the batch of /a"))
        }
        if kind == .equivocation {
            let proof = try #require(proved.first { $0.kind == .contradiction })
            try checkEvidence(proof)
        }
        guard kind != .longer else { return }
        #expect(found.components.map(\.component) == quarrel.components, "seed \(seed)")
        #expect(found.firstEntry != nil && found.secondEntry != nil, "seed \(seed)")
    }

    /// Evidence convicts by itself: it decodes, and both statements contradict each other.
    private static func checkEvidence(_ proof: SignatureProof) throws {
        let digits = try #require(proof.evidence)
        let borsh = try #require(bytes(hex: digits))
        let message = try EvidenceMessage(decoding: borsh)
        #expect(message.first != message.second)
        #expect(proof.signers.count == 1)
    }

    @Test func `nothing is found between twins`() throws {
        for seed in 0..<1_000 as Range<UInt64> {
            let events = try Quarrel(.longer, seed: seed % 50).first
            let shelf = Shelf()
            try shelf.write(events, to: "/a")
            let every = Int(seed % 9) + 1
            try shelf.write(
                events, to: "/b", segmentBytesMax: 900 + 40 * (seed % 60), commitEvery: every)
            var paths = ["/a", "/b"]
            if seed.isMultiple(of: 10) { paths.append(try shelf.tiles(of: "/a", to: "/t")) }
            let diff = try HistoryDiff(paths.map { ($0, $0) }, disk: shelf.disk)
            #expect(diff.verdict == .same, "seed \(seed)")
            #expect(diff.comparisons.allSatisfy { $0.kind == nil }, "seed \(seed)")
            #expect(diff.sides.isEmpty, "seed \(seed)")
        }
    }

    @Test func `a certificate that does not hold makes no fork`() throws {
        for seed in 0..<20 as Range<UInt64> {
            let quarrel = try Quarrel(.fork, seed: seed)
            var second = quarrel.second
            let place = try #require(second.lastIndex { $0.tag == 1 })
            guard case .batchOpened(var opened) = second[place] else { continue }
            opened.precommits[0].signature = opened.precommits[1].signature
            second[place] = .batchOpened(opened)
            let shelf = Shelf()
            try shelf.write(quarrel.first, to: "/a")
            try shelf.write(second, to: "/b")
            let found = try #require(try shelf.diff("/a", "/b").comparisons.first)
            #expect(found.kind == .missing)
            let forged = found.signatures.first { $0.copy == "/b" }
            #expect(forged?.holds == false)
            #expect(found.sentence.contains("signed both"), "whoever did is convicted all the same")
        }
    }
}
