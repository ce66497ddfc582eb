// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// A component of the state: what the seal of a batch names a root of.
///
/// Each holds its fields, its part of `apply`, what it encodes for its root and for a snapshot, how
/// it is made again of that, and what holds of it in every state that the rules give.
protocol Component: Sendable {
    /// Which one it is.
    static var kind: StateComponent { get }

    /// Appends what its root is the hash of, behind the label.
    ///
    /// Costs in proportion to parties and unfinished work, not to the history.
    func encodeRoot(to writer: inout BorshWriter)

    /// Appends its part of the fixed part of a snapshot.
    func encodeFixed(to writer: inout BorshWriter)
}

extension Component {
    /// SHA-256 of Borsh of `recount/component/v1`, the label, and what it encodes.
    var root: Digest {
        var writer = BorshWriter(domain: "recount/component/v1")
        writer.write(Self.kind.label)
        encodeRoot(to: &writer)
        return Digest(hashing: writer.bytes)
    }
}

/// A component that only grows, whose records a snapshot keeps.
protocol RecordedComponent: Component {
    /// Its records and their tree.
    var history: RecordedHistory { get set }
}

extension RecordedComponent {
    /// The number of records, and the root of their tree.
    func encodeRoot(to writer: inout BorshWriter) { writer.write(history.history) }

    /// Nothing: all is in the records.
    func encodeFixed(to writer: inout BorshWriter) {}
}

/// The components of the state, in the order of `StateComponent`.
struct Components: Sendable {
    var parameters = ParametersComponent()
    var validators = ValidatorsComponent()
    var submitters = SubmittersComponent()
    var circuits = CircuitsComponent()
    var roots = RootsComponent()
    var rounds = RoundsComponent()
    var outcomes = OutcomesComponent()
    var nullifiers = NullifiersComponent()
    var leaders = LeadersComponent()
    var jobs = JobsComponent()
    var evidence = EvidenceComponent()
    var outbox = OutboxComponent()
    var time = TimeComponent()

    /// All of them, in order. None is changed through this.
    var all: [any Component] {
        [
            parameters, validators, submitters, circuits, roots, rounds, outcomes, nullifiers,
            leaders, jobs, evidence, outbox, time,
        ]
    }

    /// The histories of those whose records a snapshot keeps, in the order of
    /// `StateSnapshot.grown`.
    static var recorded: [WritableKeyPath<Components, RecordedHistory>] {
        [
            \.roots.history, \.outcomes.history, \.nullifiers.history, \.jobs.history,
            \.evidence.history, \.outbox.history,
        ]
    }
}

/// Bounds within which the rules may be run on a state that somebody outside has made.
enum StateBounds {
    /// Sizes, heights, times and running numbers are below it, so that no sum over them overflows.
    static let numbers: UInt64 = 1 << 62

    /// Whether the rules admit validators with these stakes.
    static func admit(_ stakes: [Stake]) -> Bool {
        do throws(Refusal) {
            try LedgerState.checkStakes(stakes)
            return true
        } catch {
            return false
        }
    }
}
