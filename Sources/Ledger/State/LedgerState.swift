// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Everything that the rules know: a pure fold over the entries of the log.
///
/// `decide` says which events a command gives, `apply` takes the next event in. Neither reads
/// anything but the state and its argument.
package struct LedgerState: Sendable {
    /// Where the current batch stands.
    enum Phase: Equatable, Sendable {
        /// Nothing is applied.
        case empty
        /// Batch 0 has its first entry.
        case opening
        /// A batch is open.
        case open(OpenBatch)
        /// The last batch is sealed.
        case sealed
    }

    /// What the open batch holds so far, for the bounds on it.
    struct OpenBatch: Equatable, Sendable {
        /// The commands.
        var commands = 0
        /// Their bytes.
        var bytes = 0
        /// What its closes may have written, by `Limits.closeBytes`.
        var closeBytes = 0
        /// What its decisions may have written, by `Limits.decisionBytes`.
        var decisionBytes = 0
        /// Whether a deadline has closed something: no command follows.
        var isClosing = false
    }

    // MARK: Identity and parameters

    /// The identity of the ledger; zero while nothing is applied.
    package internal(set) var ledger = LedgerID(.zero)
    /// Where the ledger comes from.
    package internal(set) var name = ""
    /// The bridge's key.
    package internal(set) var bridge = PublicKey(.zero)
    /// The parameters.
    package internal(set) var parameters = Parameters.standard
    /// What causes give and days take: that of every ledger, unless others are assumed.
    var scale = ReputationScale.standard
    /// The running number of the next change that T validators agree on.
    package internal(set) var nextChange: UInt64 = 0

    // MARK: Parties

    /// Every key that is or was a validator, by index.
    package internal(set) var validators: [Validator] = []
    var validatorIndices: [PublicKey: ValidatorIndex] = [:]
    /// The names of all that are or were validators.
    var validatorNames: Set<String> = []
    /// The validators now, by index.
    package internal(set) var members: [ValidatorIndex] = []
    /// The last UTC day whose decay is applied.
    package internal(set) var decayDay: UInt64 = 0
    /// What the batch before the last one opened sealed: who may propose the next.
    package internal(set) var sealedLast = SealedMembers(members: [], parameters: .standard)
    /// What the batch before that sealed: who ordered the last one opened.
    package internal(set) var sealedBefore = SealedMembers(members: [], parameters: .standard)
    /// The submitters, by index.
    package internal(set) var submitters: [Submitter] = []
    var submitterIndices: [PublicKey: SubmitterIndex] = [:]
    var submitterNames: Set<String> = []
    /// The minute of batch time that `refusals` counts.
    var refusalMinute: UInt64 = 0
    /// Recorded refusals of this minute by sender, in order of the key.
    var refusals: [(sender: PublicKey, count: UInt32)] = []

    // MARK: Circuits and roots

    /// The circuits, by index.
    package internal(set) var circuits: [RegisteredCircuit] = []
    var circuitIndices: [CircuitID: CircuitIndex] = [:]
    var circuitNames: Set<String> = []
    var circuitHistory = History()
    /// The roots of each circuit.
    var roots: [Set<Bytes32>] = []
    var rootHistory = RecordedHistory()

    // MARK: Rounds, outcomes, nullifiers

    /// The rounds that are not closed.
    var rounds = RoundTable()
    /// Undecided rounds by the nullifiers that they would spend.
    var undecidedByNullifier: [Bytes32: [EntryIndex]] = [:]
    var requestEntries = KeyedTable<RequestID, EntryIndex>()
    /// Where the records of the decided requests are.
    var decisions = KeyedTable<EntryIndex, DecisionPlaces>()
    var outcomeHistory = RecordedHistory()
    var nullifiers = KeyedTable<Bytes32, NullifierCondition>()
    var nullifierHistory = RecordedHistory()
    /// Who led: a record for each batch and request; the records themselves are not kept.
    package internal(set) var leaderHistory = History()

    // MARK: Jobs, evidence, outbox

    /// The jobs that are not closed, in order of their entries.
    package internal(set) var openJobs: [EntryIndex] = []
    var jobs: [EntryIndex: Job] = [:]
    var jobEntries: [JobID: EntryIndex] = [:]
    /// Where the records of the decided jobs are.
    var decidedJobs: [EntryIndex: JobPlaces] = [:]
    var jobHistory = RecordedHistory()
    var convictions: Set<Conviction> = []
    var evidenceHistory = RecordedHistory()
    /// The requests whose settlement is ordered and not reported, in order of their entries.
    package internal(set) var pendingSettlements: [EntryIndex] = []
    var outboxHistory = RecordedHistory()

    // MARK: Time

    /// The number of the last batch opened.
    package internal(set) var height = Height(0)
    /// The time of the last batch opened.
    package internal(set) var time = Time(0)
    /// The root of the log before the last batch opened.
    package internal(set) var previousRoot = Digest.zero
    /// The entry that opened the last batch.
    package internal(set) var batchEntry = EntryIndex(0)
    /// The number of entries applied.
    package internal(set) var size: UInt64 = 0
    var phase = Phase.empty
    /// The input whose derived events are being applied.
    var pendingRequest: (entry: EntryIndex, request: RequestSubmitted)?

    /// Nothing applied.
    package init() {}
}

/// A validator's contradiction of a kind on a height, request or job, so that it convicts once.
struct Conviction: Hashable, Sendable {
    let validator: ValidatorIndex
    /// The tag of the slot.
    let kind: UInt8
    /// The height, or the entry of the request or job; 0 for checkpoints.
    let about: UInt64
}

// MARK: - What others ask

extension LedgerState {
    /// Whether a batch is open.
    package var isBatchOpen: Bool {
        switch phase {
        case .open, .opening: true
        case .empty, .sealed: false
        }
    }

    /// Returns the number of a key that is or was a validator.
    package func validatorIndex(of key: PublicKey) -> ValidatorIndex? { validatorIndices[key] }

    /// Returns a validator by its number.
    package func validator(_ index: ValidatorIndex) -> Validator? {
        validators.indices.contains(Int(index.rawValue)) ? validators[Int(index.rawValue)] : nil
    }

    /// Returns the name of a validator, or its number where there is none of this number.
    package func name(of index: ValidatorIndex) -> String {
        validator(index)?.name ?? "validator \(index.rawValue)"
    }

    /// Returns the number of a submitter.
    package func submitterIndex(of key: PublicKey) -> SubmitterIndex? { submitterIndices[key] }

    /// Returns the number of a circuit.
    package func circuitIndex(of id: CircuitID) -> CircuitIndex? { circuitIndices[id] }

    /// Returns a circuit by its number.
    package func circuit(_ index: CircuitIndex) -> RegisteredCircuit? {
        circuits.indices.contains(Int(index.rawValue)) ? circuits[Int(index.rawValue)] : nil
    }

    /// How many messages of a sender were refused and recorded in this minute of batch time.
    package func refusals(of sender: PublicKey) -> UInt32 {
        refusals.first { $0.sender == sender }?.count ?? 0
    }

    /// Returns whether a root is published for a circuit.
    package func isPublished(_ root: Bytes32, for circuit: CircuitIndex) -> Bool {
        roots.indices.contains(Int(circuit.rawValue)) && roots[Int(circuit.rawValue)].contains(root)
    }

    /// Returns the entry that introduced a request.
    package func entry(of request: RequestID) -> EntryIndex? { requestEntries[request] }

    /// Returns the entry that introduced a job.
    package func entry(of job: JobID) -> EntryIndex? { jobEntries[job] }

    /// The requests whose rounds are not closed, in order of their entries.
    package var openRounds: [EntryIndex] { rounds.entries }

    /// Returns the round of a request while it is not closed.
    package func openRound(at entry: EntryIndex) -> Round? { rounds[entry] }

    /// Returns the identity of a request.
    package func requestID(at entry: EntryIndex) -> RequestID? {
        rounds.id(of: entry) ?? decided(at: entry)?.id
    }

    /// Returns a job while it is not closed.
    package func job(at entry: EntryIndex) -> Job? { jobs[entry] }

    /// Returns the identity of a job.
    package func jobID(at entry: EntryIndex) -> JobID? {
        jobs[entry]?.id ?? closedJob(at: entry)?.id
    }

    /// Returns the condition of a nullifier that some request has spent.
    package func condition(of nullifier: Bytes32) -> NullifierCondition? { nullifiers[nullifier] }

    /// The number of requests decided so far.
    package var decidedCount: Int { decisions.count }

    /// The number of nullifiers ever spent.
    package var nullifierCount: Int { nullifiers.count }

    /// The number of contradictions that convicted.
    package var convictionCount: Int { convictions.count }

    /// The number of unfinished rounds, jobs and settlements.
    package var unfinishedCount: Int {
        openRounds.count + openJobs.count + pendingSettlements.count
    }

    /// The earliest deadline of an open round or an assigned job.
    package var nextDue: Time? {
        let rounds = openRounds.compactMap { self.rounds[$0]?.opened.deadline }
        let jobs = openJobs.compactMap { self.jobs[$0]?.assigned?.deadline }
        return (rounds + jobs).min()
    }
}

extension [EntryIndex] {
    /// Removes an entry from a list in order; nothing where it is absent.
    mutating func removeOrdered(_ entry: EntryIndex) {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < entry { low = middle + 1 } else { high = middle }
        }
        if low < count, self[low] == entry { remove(at: low) }
    }
}
