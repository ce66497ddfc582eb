// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The whole state between two batches, as it is kept.
///
/// `fixed` is the Borsh of everything but the records of the components that only grow; those are
/// in `records`, in the order of `StateSnapshot.grown`. Taking one copies no table of the state.
package struct StateSnapshot: Sendable {
    /// The components whose records are kept, in order.
    package static let grown: [StateComponent] = [
        .roots, .outcomes, .nullifiers, .jobs, .evidence, .outbox,
    ]

    /// The Borsh of all but the records.
    package let fixed: [UInt8]
    /// The records of each component in `grown`.
    package let records: [RecordStore]

    /// The stores stand in the order of `grown`.
    ///
    /// - Precondition: there are as many stores as components that grow.
    package init(fixed: [UInt8], records: [RecordStore]) {
        invariant(records.count == Self.grown.count, "\(records.count) stores of records")
        self.fixed = fixed
        self.records = records
    }

    /// The records of a component that grows.
    func records(of component: StateComponent) -> RecordStore {
        guard let place = Self.grown.firstIndex(of: component) else {
            fatalError("no records are kept of \(component.label)")
        }
        return records[place]
    }
}

extension LedgerState {
    /// The state as it is kept.
    ///
    /// - Precondition: a batch was sealed, and none is open.
    package func snapshot() -> StateSnapshot {
        StateSnapshot(fixed: fixedPart, records: histories.map(\.records))
    }

    /// The histories of the components that grow, in the order of `StateSnapshot.grown`.
    var histories: [RecordedHistory] { Components.recorded.map { components[keyPath: $0] } }

    /// The Borsh of all but the records of the components that only grow.
    ///
    /// - Precondition: a batch was sealed, and none is open.
    var fixedPart: [UInt8] {
        invariant(phase == .sealed, "a snapshot within a batch")
        var writer = BorshWriter()
        for component in components.all { component.encodeFixed(to: &writer) }
        return writer.bytes
    }
}
