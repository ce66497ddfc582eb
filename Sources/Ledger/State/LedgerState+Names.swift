// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What the components hold, by the names that the rules and others use: read in place, and changed
/// by `apply` alone.
extension LedgerState {
    // MARK: Identity and parameters

    /// The identity of the ledger; zero while nothing is applied.
    package var ledger: LedgerID { components.parameters.ledger }
    /// Where the ledger comes from.
    package var name: String { components.parameters.name }
    /// The bridge's key.
    package var bridge: PublicKey { components.parameters.bridge }
    /// The parameters.
    package var parameters: Parameters { components.parameters.parameters }
    /// What causes give and days take: that of every ledger, unless others are assumed.
    var scale: ReputationScale { components.parameters.scale }
    /// The running number of the next change that T validators agree on.
    package var nextChange: UInt64 { components.parameters.nextChange }

    // MARK: Parties

    /// Every key that is or was a validator, by index.
    package var validators: [Validator] { _read { yield components.validators.all } }
    /// The numbers of all keys that are or were validators.
    var validatorIndices: [PublicKey: ValidatorIndex] {
        _read { yield components.validators.indices }
    }
    /// The names of all that are or were validators.
    var validatorNames: Set<String> { _read { yield components.validators.names } }
    /// The validators now, by index.
    package var members: [ValidatorIndex] { _read { yield components.validators.members } }
    /// The last UTC day whose decay is applied.
    package var decayDay: UInt64 { components.validators.decayDay }
    /// What the batch before the last one opened sealed: who may propose the next.
    package var sealedLast: SealedMembers { _read { yield components.validators.sealedLast } }
    /// What the batch before that sealed: who ordered the last one opened.
    package var sealedBefore: SealedMembers { _read { yield components.validators.sealedBefore } }
    /// The validators whose votes would count in a round that opens now.
    var pinnedSet: PinnedSet { components.validators.pinnedSet }
    /// The submitters, by index.
    package var submitters: [Submitter] { _read { yield components.submitters.all } }
    /// The numbers of all submitters.
    var submitterIndices: [PublicKey: SubmitterIndex] {
        _read { yield components.submitters.indices }
    }
    /// The names of all submitters.
    var submitterNames: Set<String> { _read { yield components.submitters.names } }
    /// Recorded refusals of this minute by sender, in order of the key.
    var refusals: [(sender: PublicKey, count: UInt32)] {
        _read { yield components.submitters.refusals }
    }

    // MARK: Circuits, rounds, nullifiers

    /// The circuits, by index.
    package var circuits: [RegisteredCircuit] { _read { yield components.circuits.all } }
    /// The numbers of all circuits.
    var circuitIndices: [CircuitID: CircuitIndex] { _read { yield components.circuits.indices } }
    /// The names of all circuits.
    var circuitNames: Set<String> { _read { yield components.circuits.names } }
    /// The rounds that are not closed.
    var rounds: RoundTable { _read { yield components.rounds.table } }
    /// Undecided rounds by the nullifiers that they would spend.
    var undecidedByNullifier: [Bytes32: [EntryIndex]] {
        _read { yield components.rounds.undecided }
    }
    /// The entries of all requests.
    var requestEntries: KeyedTable<RequestID, EntryIndex> {
        _read { yield components.rounds.entries }
    }
    /// Where the records of the decided requests are.
    var decisions: KeyedTable<EntryIndex, DecisionPlaces> {
        _read { yield components.outcomes.places }
    }
    /// The condition of each nullifier that some request has spent.
    var nullifiers: KeyedTable<Bytes32, NullifierCondition> {
        _read { yield components.nullifiers.conditions }
    }
    /// Who led: a record for each batch and request; the records themselves are not kept.
    package var leaderHistory: History { _read { yield components.leaders.history } }

    // MARK: Jobs, evidence, outbox

    /// The jobs that are not closed, in order of their entries.
    package var openJobs: [EntryIndex] { _read { yield components.jobs.open } }
    /// The jobs that are not closed.
    var jobs: [EntryIndex: Job] { _read { yield components.jobs.jobs } }
    /// The entries of all jobs.
    var jobEntries: [JobID: EntryIndex] { _read { yield components.jobs.entries } }
    /// Who was convicted, and of what.
    var convictions: Set<Conviction> { _read { yield components.evidence.convictions } }
    /// The requests whose settlement is ordered and not reported, in order of their entries.
    package var pendingSettlements: [EntryIndex] { _read { yield components.outbox.pending } }

    // MARK: Time

    /// The number of the last batch opened.
    package var height: Height { components.time.height }
    /// The time of the last batch opened.
    package var time: Time { components.time.time }
    /// The root of the log before the last batch opened.
    package var previousRoot: Digest { components.time.previousRoot }
    /// The entry that opened the last batch.
    package var batchEntry: EntryIndex { components.time.batchEntry }
    /// The number of entries applied.
    package var size: UInt64 { components.time.size }
    /// Where the current batch stands.
    var phase: BatchPhase { components.time.phase }
}
