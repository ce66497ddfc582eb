// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import Storage
import TestSupport
import Testing

/// Copies of every form, more than two of them, and what cannot be judged.
struct DiffFormTests {
    private static func shelf(_ kind: DifferenceKind, seed: UInt64 = 3) throws -> (Shelf, Quarrel) {
        let quarrel = try Quarrel(kind, seed: seed)
        let shelf = Shelf()
        try shelf.write(quarrel.first, to: "/a")
        try shelf.write(quarrel.second, to: "/b")
        return (shelf, quarrel)
    }

    @Test func `two ledgers cannot be judged`() throws {
        let shelf = Shelf()
        try shelf.write(try LedgerScenario(.of(4, 3)).log, to: "/a")
        try shelf.write(try LedgerScenario(.of(5, 4)).log, to: "/b")
        let diff = try shelf.diff("/a", "/b")
        #expect(diff.verdict == .unjudged)
        #expect(diff.comparisons.first?.kind == .otherLedger)
    }

    @Test func `tiles lead to the same entry as a log`() throws {
        for seed in 0..<20 as Range<UInt64> {
            let (shelf, quarrel) = try Self.shelf(.missing, seed: seed)
            let tiles = try shelf.tiles(of: "/b", to: "/t")
            let found = try #require(try shelf.diff("/a", tiles).comparisons.first)
            #expect(found.kind == .missing)
            #expect(found.entry == quarrel.entry)
        }
    }

    @Test func `a long history is descended to its entry`() throws {
        // Several tiles of 256 leaves, so that trees of more than one level are descended.
        let first = try GoldenRun.play(seed: 5, batches: 60, signs: false).log
        #expect(first.count > 1_024)
        let votes = first.indices.filter { first[$0].tag == 3 }
        for place in votes.enumerated().filter({ $0.offset % 17 == 0 }).map(\.element) {
            var second = first
            guard case .voteCast(var cast) = first[place] else { continue }
            cast.timestamp = cast.timestamp.adding(milliseconds: 1)
            second[place] = .voteCast(cast)
            let shelf = Shelf()
            try shelf.write(first, to: "/a", segmentBytesMax: 30_000)
            try shelf.write(second, to: "/b", segmentBytesMax: 20_000)
            let tiles = try shelf.tiles(of: "/b", to: "/t")
            for other in ["/b", tiles] {
                let found = try #require(try shelf.diff("/a", other).comparisons.first)
                #expect(found.entry == UInt64(place))
                #expect(found.kind == .otherTime)
                #expect(found.fields == ["timestamp"])
            }
        }
    }

    @Test func `a checkpoint tells whether a ledger continues it`() throws {
        let (shelf, quarrel) = try Self.shelf(.missing)
        for size in [1, quarrel.entry, quarrel.entry + 1, UInt64(quarrel.second.count)] {
            let note = try shelf.checkpoint(of: "/b", size: size)
            shelf.disk.replace("/note", with: note.bytes)
            let found = try #require(try shelf.diff("/a", "/note").comparisons.first)
            #expect(found.kind == (size <= quarrel.entry ? .longer : .otherRoot), "\(size)")
        }
        // One beyond the ledger tells nothing of it.
        let note = try shelf.checkpoint(of: "/a", size: UInt64(quarrel.first.count))
        shelf.disk.replace("/note", with: note.bytes)
        let diff = try shelf.diff("/b", "/note")
        #expect(diff.verdict == .unjudged)
    }

    @Test func `a snapshot narrows it down and names components`() throws {
        // Of a size that is no power of two, so that it has more than one complete subtree.
        let seed = try (0..<20 as Range<UInt64>).first { seed in
            try Quarrel(.missing, seed: seed).second.count.nonzeroBitCount > 1
        }
        let (shelf, quarrel) = try Self.shelf(.missing, seed: try #require(seed))
        let store = SnapshotStore(ledgerDirectory: "/b", disk: shelf.disk)
        let log = try EventLog.open(directory: "/b", disk: shelf.disk, access: .readOnly)
        var state = LedgerState()
        for event in quarrel.second { try state.apply(Entry(event)) }
        _ = try store.write(
            state.snapshot(), height: state.height, ledger: state.ledger,
            components: state.componentRoots(), size: state.size, log: log)
        let found = try #require(
            try shelf.diff("/a", store.path(state.height)).comparisons.first)
        #expect(found.kind == .otherRoot)
        let (from, to) = (try #require(found.entry), try #require(found.before))
        #expect((from..<to).contains(quarrel.entry))
        #expect(to - from < UInt64(quarrel.second.count))
        #expect(found.components.isEmpty, "the other has no seal of that size")
    }

    @Test func `the majority among many is told`() throws {
        let (shelf, quarrel) = try Self.shelf(.reordered)
        try shelf.write(quarrel.first, to: "/c", commitEvery: 2)
        try shelf.write(Array(quarrel.first.prefix(2)), to: "/d")
        let diff = try shelf.diff("/a", "/b", "/c", "/d")
        #expect(diff.parting == quarrel.entry)
        #expect(diff.sides.map(\.copies) == [["/a", "/c"], ["/b"], ["/d"]])
        #expect(diff.sides.last?.leafHash == nil)
    }

    @Test func `signatures are checked by a snapshot too`() throws {
        let (shelf, quarrel) = try Self.shelf(.fork)
        let plain = try #require(try shelf.diff("/a", "/b").comparisons.first)
        var state = LedgerState()
        let log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        var written = 0
        for event in quarrel.first {
            try state.apply(Entry(event))
            guard case .batchSealed(let sealed) = event, sealed.size < quarrel.entry else {
                continue
            }
            written += 1
            _ = try SnapshotStore(ledgerDirectory: "/a", disk: shelf.disk).write(
                state.snapshot(), height: state.height, ledger: state.ledger,
                components: state.componentRoots(), size: state.size, log: log)
        }
        #expect(written > 0)
        let found = try #require(try shelf.diff("/a", "/b").comparisons.first)
        #expect(found.signatures == plain.signatures)
        #expect(found.kind == .fork)
    }

    @Test func `what is no copy is refused in words`() throws {
        let shelf = Shelf()
        try shelf.write(try LedgerScenario(.of(4, 3)).log, to: "/a")
        shelf.disk.replace("/junk", with: [1, 2, 3])
        for path in ["/nothing", "/junk"] {
            do {
                _ = try shelf.diff("/a", path)
                Issue.record("\(path) was taken")
            } catch {
                #expect("\(error)".contains(path))
            }
        }
    }
}
