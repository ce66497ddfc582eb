// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The nullifiers that were ever spent, and whether each still is. They only grow.
///
/// Invariants:
/// - a record for each time that one was spent or released, in the order of the log;
/// - `conditions[n]` is what the last record of n says: spent, and by which request, or released;
/// - as the rules have it, a nullifier is spent only while it is not, by an approval, and released
///   only by the report that the payment of the request that spent it has failed.
struct NullifiersComponent: RecordedComponent {
    static let kind = StateComponent.nullifiers

    /// The condition of each nullifier that some request has spent.
    private(set) var conditions = KeyedTable<Bytes32, NullifierCondition>()
    var history = RecordedHistory()

    /// None.
    init() {}

    // MARK: Its part of `apply`

    /// Takes over what an entry says, and keeps its bytes as they are.
    mutating func change(_ event: NullifierChanged, isSpent: Bool, _ taken: Entry) {
        conditions[event.nullifier] = NullifierCondition(request: event.request, isSpent: isSpent)
        history.append(taken)
        checkCounts()
    }

    private func checkCounts() {
        invariant(
            UInt64(conditions.count) <= history.count,
            "\(conditions.count) nullifiers with \(history.count) records")
    }

    // MARK: Its part of a snapshot

    /// The records without what they stand for; see `adopt`.
    init(lackingConditions records: RecordStore) {
        history = RecordedHistory(unverified: records)
    }

    /// Takes over the conditions that were made of the same records.
    ///
    /// - Precondition: the table was made of the snapshot that this was made of.
    mutating func adopt(_ table: NullifierTable) {
        invariant(conditions.count == 0, "\(conditions.count) conditions are written over")
        conditions = table.conditions
        checkCounts()
    }

    /// The newest records of those among these nullifiers that were spent, by nullifier.
    func records(of wanted: Set<Bytes32>) -> [[UInt8]] {
        wanted.sorted().compactMap { nullifier in
            conditions[nullifier].map { condition in
                let changed = NullifierChanged(request: condition.request, nullifier: nullifier)
                return
                    (condition.isSpent
                    ? Event.nullifierSpent(changed) : Event.nullifierReleased(changed)).encoded
            }
        }
    }
}

/// What the records of the nullifiers in a snapshot stand for: the largest table of a state.
package struct NullifierTable: Sendable {
    fileprivate let conditions: KeyedTable<Bytes32, NullifierCondition>

    /// Makes the table. Throws `.malformed`.
    package init(_ snapshot: StateSnapshot) throws(SnapshotError) {
        let records = snapshot.records(of: .nullifiers)
        var table = KeyedTable<Bytes32, NullifierCondition>()
        table.reserveCapacity(Int(records.count))
        var block: [(key: Bytes32, value: NullifierCondition)] = []
        try records.forEach { _, record throws(SnapshotError) in
            // Tag, request, nullifier: see `NullifierChanged`.
            guard record.count == 41, record[0] == 66 || record[0] == 67,
                let nullifier = Bytes32(record, at: 9), let request = record.word(at: 1)
            else { throw .malformed(part: "nullifiers") }
            let condition = NullifierCondition(
                request: EntryIndex(request), isSpent: record[0] == 66)
            block.append((nullifier, condition))
            if block.count == RecordStore.indexedTogether {
                try Self.add(block, to: &table)
                block.removeAll(keepingCapacity: true)
            }
        }
        try Self.add(block, to: &table)
        conditions = table
    }

    /// A nullifier is spent while it is not, and released by whoever has spent it.
    private static func add(
        _ block: [(key: Bytes32, value: NullifierCondition)],
        to table: inout KeyedTable<Bytes32, NullifierCondition>
    ) throws(SnapshotError) {
        let follow = table.update(block) { before, now in
            before.isSpent ? !now.isSpent && now.request == before.request : now.isSpent
        }
        guard follow else { throw .malformed(part: "nullifiers") }
    }
}

/// The condition of a nullifier that some request has spent.
package struct NullifierCondition: Equatable, Sendable {
    /// The last request that spent it.
    package let request: EntryIndex
    /// Whether it is spent now; false once released.
    package let isSpent: Bool
}
