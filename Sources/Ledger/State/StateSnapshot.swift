// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Why bytes are not the state of a ledger.
package enum SnapshotError: Error, Equatable, Sendable {
    /// Lengths, counts or order within a part are wrong.
    case malformed(part: String)
    /// A value cannot be decoded.
    case undecodable(part: String, DecodingError)
    /// A component has another root than the seal of the batch names.
    case root(component: String, stored: Digest, computed: Digest)
}

extension SnapshotError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .malformed(let part): "the part \(part) is malformed"
        case .undecodable(let part, let error): "the part \(part) cannot be decoded: \(error)"
        case .root(let component, let stored, let computed):
            "the component \(component) has the root \(computed.hex), and the seal names"
                + " \(stored.hex)"
        }
    }
}

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

    /// Joins both.
    ///
    /// - Precondition: there are as many stores as components that grow.
    package init(fixed: [UInt8], records: [RecordStore]) {
        invariant(records.count == Self.grown.count, "\(records.count) stores of records")
        self.fixed = fixed
        self.records = records
    }
}

/// What the records of the nullifiers in a snapshot stand for: the largest table of a state.
package struct NullifierTable: Sendable {
    let table: KeyedTable<Bytes32, NullifierCondition>

    /// Makes the table. Throws `.malformed`.
    package init(_ snapshot: StateSnapshot) throws(SnapshotError) {
        table = try LedgerState.nullifierTable(of: snapshot.records[2])
    }
}

extension LedgerState {
    /// The state as it is kept.
    ///
    /// - Precondition: a batch was sealed, and none is open.
    package func snapshot() -> StateSnapshot {
        StateSnapshot(
            fixed: fixedPart,
            records: [
                rootHistory.records, outcomeHistory.records, nullifierHistory.records,
                jobHistory.records, evidenceHistory.records, outboxHistory.records,
            ])
    }

    /// The Borsh of all but the records of the components that only grow.
    ///
    /// - Precondition: a batch was sealed, and none is open.
    var fixedPart: [UInt8] {
        invariant(phase == .sealed, "a snapshot within a batch")
        var writer = BorshWriter()
        writer.write(ledger)
        writer.write(name)
        writer.write(bridge)
        writer.write(parameters)
        writer.write(nextChange)
        encodeValidators(to: &writer)
        encodeSubmitters(to: &writer)
        writer.write(circuits.map(\.circuit))
        writer.write(UInt32(openRounds.count))
        for case let round? in openRounds.map({ rounds[$0] }) { write(round, to: &writer) }
        writer.write(leaderHistory.count)
        writer.write(leaderHistory.frontier.subtrees.map(\.value))
        writer.write(UInt32(openJobs.count))
        for case let job? in openJobs.map({ jobs[$0] }) {
            writer.write(job.entry)
            writer.write(job.submitted)
            writer.write(optional: job.assigned)
            writer.write(job.results)
            writer.write(optional: job.decided)
        }
        writer.write(pendingSettlements)
        writer.write(height)
        writer.write(time)
        writer.write(previousRoot)
        writer.write(batchEntry)
        writer.write(size)
        return writer.bytes
    }

    private func write(_ round: Round, to writer: inout BorshWriter) {
        writer.write(round.entry)
        writer.write(round.request)
        writer.write(UInt32(round.pinned.members.count))
        for member in round.pinned.members {
            writer.write(member.index)
            writer.write(member.key)
            writer.write(member.stake)
            writer.write(member.reputation)
        }
        writer.write(round.opened)
        writer.write(round.settlementMilliseconds)
        writer.write(round.votes)
        writer.write(optional: round.decided)
    }
}
