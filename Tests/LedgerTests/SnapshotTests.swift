// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport
import Testing

@Suite("snapshots of the state")
struct SnapshotTests {
    /// Restores a snapshot and compares every component with a seal.
    private static func restore(
        _ snapshot: StateSnapshot, _ components: [Digest]
    ) throws(SnapshotError) -> LedgerState {
        var state = try LedgerState(unverified: snapshot)
        try state.verify(trees: snapshot.records.map { $0.frontier() }, components: components)
        return state
    }

    private static func bytes(_ snapshot: StateSnapshot) -> [[UInt8]] {
        [snapshot.fixed] + snapshot.records.flatMap(\.chunks)
    }

    @Test("a state restored at any seal is the state, byte for byte, and goes on like it")
    func roundTrip() throws {
        let log = try GoldenRun.play(seed: 7).log
        var live = LedgerState()
        var restored: LedgerState?
        for event in log {
            try live.apply(Entry(event))
            try restored?.apply(Entry(event))
            guard case .batchSealed(let seal) = event else { continue }
            let snapshot = live.snapshot()
            if let restored { #expect(Self.bytes(restored.snapshot()) == Self.bytes(snapshot)) }
            #expect(live.componentRoots() == seal.components)
            restored = try Self.restore(snapshot, seal.components)
        }
        #expect(restored?.size == UInt64(log.count))
    }

    @Test("a restored state derives what the state derives")
    func derives() throws {
        let log = try GoldenRun.play(seed: 8, batches: 20).log
        var state = LedgerState()
        var frontier = MerkleFrontier()
        for (place, event) in log.enumerated() {
            try state.apply(Entry(event))
            frontier.append(leaf: event.encoded)
            guard case .batchSealed(let seal) = event, place > log.count / 2 else { continue }
            let restored = try Self.restore(state.snapshot(), seal.components)
            let rest = Array(log[(place + 1)...])
            #expect(
                Refold.firstDifference(
                    in: rest, after: restored, frontier: frontier, checkingSignatures: false)
                    == nil)
            // And what is missing after it is still found.
            #expect(
                Refold.firstDifference(
                    in: Array(rest.dropFirst(2)), after: restored, frontier: frontier,
                    checkingSignatures: false) != nil)
            break
        }
    }

    @Test(
        """
        a file of scores overwritten in place; a parse error resets everyone: every changed byte \
        is an error that names a part, or a root that differs
        """)
    func everyByte() throws {
        let scenario = try GoldenRun.play(seed: 9, batches: 5, signs: false)
        let components = try #require(scenario.seals.last).components
        let snapshot = scenario.state.snapshot()
        var random = SplitMix64(seed: 9)
        for place in snapshot.fixed.indices {
            var fixed = snapshot.fixed
            fixed[place] ^= UInt8(truncatingIfNeeded: random.next()) | 1
            #expect(throws: SnapshotError.self, "byte \(place)") {
                _ = try Self.restore(
                    StateSnapshot(fixed: fixed, records: snapshot.records), components)
            }
        }
        for (number, store) in snapshot.records.enumerated() {
            for (chunk, bytes) in store.chunks.enumerated() {
                for place in bytes.indices {
                    var chunks = store.chunks
                    chunks[chunk][place] ^= UInt8(truncatingIfNeeded: random.next()) | 1
                    #expect(throws: SnapshotError.self, "store \(number), byte \(place)") {
                        var records = snapshot.records
                        records[number] = try RecordStore(
                            count: store.count, chunks: chunks, of: "records")
                        _ = try Self.restore(
                            StateSnapshot(fixed: snapshot.fixed, records: records), components)
                    }
                }
            }
        }
    }

    @Test("what is restored of changed records can be read, whatever they say")
    func changedRecords() throws {
        let scenario = try GoldenRun.play(seed: 9, batches: 5, signs: false)
        let decided = scenario.log.compactMap { event -> EntryIndex? in
            if case .outcomeDecided(let decision) = event { decision.request } else { nil }
        }
        try #require(!decided.isEmpty)
        let snapshot = scenario.state.snapshot()
        var random = SplitMix64(seed: 10)
        var restored = 0
        for (number, store) in snapshot.records.enumerated() {
            for (chunk, bytes) in store.chunks.enumerated() {
                for place in bytes.indices {
                    var chunks = store.chunks
                    chunks[chunk][place] ^= UInt8(truncatingIfNeeded: random.next()) | 1
                    var records = snapshot.records
                    guard
                        let changed = try? RecordStore(
                            count: store.count, chunks: chunks, of: "records")
                    else { continue }
                    records[number] = changed
                    guard
                        let state = try? LedgerState(
                            unverified: StateSnapshot(fixed: snapshot.fixed, records: records))
                    else { continue }
                    restored += 1
                    // A record that cannot be decoded would stop the process here.
                    for entry in decided { _ = state.decided(at: entry) }
                }
            }
        }
        #expect(restored > 100)
    }

    @Test("a snapshot cut short, or with bytes behind it, is refused")
    func lengths() throws {
        let snapshot = try GoldenRun.play(seed: 9, batches: 3, signs: false).state.snapshot()
        for count in 0..<snapshot.fixed.count {
            #expect(throws: SnapshotError.self) {
                _ = try LedgerState(
                    unverified: StateSnapshot(
                        fixed: Array(snapshot.fixed[..<count]), records: snapshot.records))
            }
        }
        #expect(throws: SnapshotError.self) {
            _ = try LedgerState(
                unverified: StateSnapshot(
                    fixed: snapshot.fixed + [0], records: snapshot.records))
        }
    }
}
