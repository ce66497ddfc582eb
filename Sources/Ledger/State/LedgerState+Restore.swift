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
    /// The roots are right, and the state breaks an invariant: no rules gave it.
    case unsound(Unsoundness)
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
        case .unsound(let unsoundness): "no rules give this state \(unsoundness)"
        }
    }
}

/// How a state is rebuilt from a snapshot, and what is checked of it: order and bounds of each part
/// as it is read, then every reference (`checkReferences`), then the root of each component against
/// the seal of its batch, and last all that the rules never break (`checkSoundness`).
extension LedgerState {
    /// Rebuilds a state from what was kept of it. Nothing may rest on it before `verify`.
    ///
    /// Any bytes are answered with a state or an error.
    package init(unverified snapshot: StateSnapshot) throws(SnapshotError) {
        try self.init(lackingNullifiers: snapshot)
        adopt(try NullifierTable(snapshot))
    }

    /// The same, whose table of nullifiers another core makes: see `adopt`.
    package init(lackingNullifiers snapshot: StateSnapshot) throws(SnapshotError) {
        do throws(DecodingError) {
            var reader = BorshReader(snapshot.fixed)
            try self.init(fixed: &reader)
            try reader.end()
        } catch {
            throw .undecodable(part: "fixed", error)
        }
        components.roots = try RootsComponent(
            records: snapshot.records(of: .roots), circuits: circuits.count)
        components.outcomes = try OutcomesComponent(
            records: snapshot.records(of: .outcomes), requests: &components.rounds.entries)
        components.nullifiers = NullifiersComponent(
            lackingConditions: snapshot.records(of: .nullifiers))
        try components.jobs.restore(snapshot.records(of: .jobs))
        components.evidence = try EvidenceComponent(records: snapshot.records(of: .evidence))
        try components.outbox.restore(snapshot.records(of: .outbox), &components.outcomes)
        try checkReferences()
        guard isWithinBounds else { throw .malformed(part: "numbers") }
    }

    /// Reads the fixed part, in which each component stands behind those that it names.
    init(fixed reader: inout BorshReader) throws(DecodingError) {
        self.init()
        components.parameters = try ParametersComponent(fixed: &reader)
        components.validators = try ValidatorsComponent(fixed: &reader)
        components.submitters = try SubmittersComponent(fixed: &reader)
        components.circuits = try CircuitsComponent(fixed: &reader)
        components.roots = RootsComponent(circuits: circuits.count)
        components.rounds = try RoundsComponent(fixed: &reader) { request in
            requestMessage(of: request)?.id(in: ledger)
        }
        components.leaders = try LeadersComponent(fixed: &reader)
        components.jobs = try JobsComponent(fixed: &reader) { job in
            components.submitters.holds(job.submitter) ? jobMessage(of: job).id(in: ledger) : nil
        }
        components.outbox = try OutboxComponent(fixed: &reader)
        components.time = try TimeComponent(fixed: &reader)
    }

    /// Takes over the table that was made of the same snapshot.
    package mutating func adopt(_ table: NullifierTable) { components.nullifiers.adopt(table) }

    /// Takes over the trees that were computed from the records, compares every component, and
    /// checks what holds of all that the rules give: see `checkSoundness`.
    ///
    /// - Parameters:
    ///   - trees: What `RecordStore.frontier` gives for each store of the snapshot.
    ///   - components: The roots that the seal of the batch names.
    package mutating func verify(
        trees: [MerkleFrontier], components stored: [Digest]
    ) throws(SnapshotError) {
        invariant(trees.count == StateSnapshot.grown.count, "\(trees.count) trees of records")
        for (history, tree) in zip(Components.recorded, trees) {
            components[keyPath: history].adopt(tree)
        }
        guard stored.count == StateComponent.allCases.count else {
            throw .malformed(part: "components")
        }
        for (component, (stored, computed)) in zip(
            StateComponent.allCases, zip(stored, componentRoots()))
        where stored != computed {
            throw .root(component: component.label, stored: stored, computed: computed)
        }
        do throws(Unsoundness) { try checkSoundness() } catch { throw .unsound(error) }
    }
}
