// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Replication

extension ReplicaHost {
    /// Changes a bit of the state that the node holds in memory, as failing memory would; false
    /// where none of those tried gives a state.
    ///
    /// For those who try what a node does then: nothing in one that runs calls it.
    package func flipMemory(seed: UInt64) -> Bool {
        let snapshot = state.snapshot()
        var mixed = seed
        for _ in 0..<1_000 {
            mixed = mixed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var fixed = snapshot.fixed
            let bit = Int((mixed >> 11) % UInt64(fixed.count * 8))
            fixed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let flipped = Self.state(fixed, like: snapshot), flipped.ledger == state.ledger,
                flipped.height == state.height, flipped.size == state.size,
                flipped.time == state.time
            else { continue }
            replica.putInPlace(flipped)
            return true
        }
        return false
    }

    /// The state of a snapshot, whatever its roots are; nil where it is none.
    private static func state(_ fixed: [UInt8], like snapshot: StateSnapshot) -> LedgerState? {
        let changed = StateSnapshot(fixed: fixed, records: snapshot.records)
        do throws(SnapshotError) {
            var state = try LedgerState(unverified: changed)
            let trees = changed.records.map { $0.frontier() }
            do throws(SnapshotError) {
                try state.verify(trees: trees, components: state.componentRoots())
            } catch {
                // The trees are taken over all the same; the roots were those of none.
            }
            return state
        } catch { return nil }
    }
}
