// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// A request that a client has made, and what became of it.
struct Submission {
    let id: RequestID
    let message: RequestMessage
    /// Whether the rules would take it, as far as the client knows.
    let isAdmissible: Bool
    /// When a node was given it first.
    let moment: Moment
    /// When a node on which progress may rest got it first.
    var handed: Moment?
    /// When the first honest node had its decision.
    var decided: Moment?
    /// That decision.
    var outcome: Outcome?
    /// And why it was so decided.
    var outcomeReason: OutcomeReason?
    /// Whether the ledger holds that it is refused.
    var isRefused = false
}

/// What the outside wants of the nodes, over and over until the ledger has it.
struct Errand {
    /// What it is about, and so when it is done.
    enum Aim {
        case request(RequestID)
        case settlement(EntryIndex)
        case change(UInt64)
        case job(JobID)
        case result(EntryIndex, ValidatorIndex)
    }

    let aim: Aim
    let message: Message
    var attempts = 0
}

/// The clients, the bridge and the operators: everybody who is no validator's node.
struct Workload {
    /// Time between two attempts of an errand.
    static let patienceMilliseconds: UInt64 = 3_000
    /// Of 1,000 pauses between requests, how many are long.
    static let idlePerMille = 8
    /// Attempts after which it is given up.
    static let attemptsMax = 60

    let proofs: ProofMaker
    let bridge: SigningKey
    private let submitters: [SigningKey]
    /// A listed submitter that lies with the liars; no client uses its key.
    let accomplice: SigningKey
    private let ledgerStart: UInt64
    private var random: SimulationRandom
    private var idling: SimulationRandom
    private var amount: UInt64 = 0
    private var jobCount = 0
    private(set) var submissions: [Submission] = []
    private var places: [RequestID: Int] = [:]
    var errands: [Errand] = []

    init(_ options: SimulationOptions, ledgerStart: UInt64) {
        self.ledgerStart = ledgerStart
        proofs = ProofMaker(seed: options.seed)
        random = SimulationRandom(seed: options.seed, "workload")
        var keys = SimulationRandom(seed: options.seed, "parties")
        bridge = SigningKey(seed: keys.bytes32())
        submitters = (0..<3).map { _ in SigningKey(seed: keys.bytes32()) }
        accomplice = SigningKey(seed: keys.bytes32())
        idling = SimulationRandom(seed: options.seed, "idle")
    }

    /// The submitters of the first entry.
    var listed: [GenesisSubmitter] {
        submitters.enumerated().map { place, key in
            GenesisSubmitter(key: key.publicKey, name: "submitter-\(place + 1)", quota: 2_000)
        } + [GenesisSubmitter(key: accomplice.publicKey, name: "accomplice", quota: 40)]
    }

    func submission(_ id: RequestID) -> Submission? { places[id].map { submissions[$0] } }

    mutating func update(_ id: RequestID, _ change: (inout Submission) -> Void) {
        if let place = places[id] { change(&submissions[place]) }
    }

    /// The time until the next request: half to one and a half times the average.
    mutating func pause(requestsPerMinute: UInt64) -> UInt64 {
        let average = 60_000_000 / max(1, requestsPerMinute)
        let pause = average / 2 + random.below(average + 1)
        // Now and then nobody wants anything for longer than a round stays open.
        guard idling.happens(perMille: Self.idlePerMille) else { return pause }
        return pause + idling.number(in: 10_000_000...40_000_000)
    }

    /// Makes a request: most are right, some have a false proof, an old nullifier or an unknown
    /// root.
    mutating func makeRequest(in ledger: LedgerID, at moment: Moment) -> Errand {
        let submitter = submitters[random.below(submitters.count)]
        let kind = random.below(100)
        var nullifier = ProofMaker.element(&random)
        if kind < 5, let earlier = random.pick(submissions) {
            nullifier = earlier.message.nullifiers.first ?? nullifier
        }
        let isUnknownRoot = kind >= 97
        let root = isUnknownRoot ? ProofMaker.element(&random) : proofs.roots[0]
        let recipient = ProofMaker.element(&random)
        amount += 1 + random.below(1_000)
        let inputs = [root, nullifier, recipient, ProofMaker.element(Amount(amount))]
        let holds = !(5..<18).contains(kind)
        let message = RequestMessage(
            circuit: proofs.circuit.id, nullifiers: [nullifier], amount: Amount(amount),
            recipient: recipient, proof: proofs.proof(inputs, holds: holds, random: &random),
            publicInputs: inputs, timestamp: Time(ledgerStart + moment.milliseconds),
            submitter: submitter.publicKey, signature: .zero
        ).signed(by: submitter, in: ledger)
        let id = message.id(in: ledger)
        places[id] = submissions.count
        submissions.append(
            Submission(
                id: id, message: message, isAdmissible: !isUnknownRoot, moment: moment))
        return Errand(aim: .request(id), message: .request(message))
    }

    /// Makes a job.
    mutating func makeJob(in ledger: LedgerID, at moment: Moment) -> Errand {
        let submitter = submitters[random.below(submitters.count)]
        jobCount += 1
        // Every other one has the least time that the ledger admits.
        let milliseconds = jobCount % 2 == 0 ? Parameters.standard.jobMillisecondsMin : 0
        let message = JobMessage(
            module: Digest(random.bytes32()), input: Digest(random.bytes32()), moduleBytes: 1_000,
            inputBytes: 1_000, fuel: 1_000_000, memoryBytes: 1 << 20, milliseconds: milliseconds,
            engine: "simulated", engineVersion: "1",
            timestamp: Time(ledgerStart + moment.milliseconds), submitter: submitter.publicKey,
            signature: .zero
        ).signed(by: submitter, in: ledger)
        return Errand(aim: .job(message.id(in: ledger)), message: .job(message))
    }

    /// What a validator's operator reports of a job: what all honest ones find, or nonsense.
    mutating func makeResult(
        of job: JobID, at entry: EntryIndex, by key: SigningKey, _ index: ValidatorIndex,
        isRight: Bool, in ledger: LedgerID
    ) -> Errand {
        let output =
            isRight ? Digest(hashing: job.digest.bytes) : Digest(random.bytes32())
        let message = ResultMessage(
            job: job, validator: key.publicKey, status: JobStatus(.success), output: output,
            fuel: 1_000, signature: .zero
        ).signed(by: key, in: ledger)
        return Errand(aim: .result(entry, index), message: .result(message))
    }

    /// What the bridge reports of a payment: most are made, some fail for good.
    mutating func makeSettlement(
        of request: RequestID, at entry: EntryIndex, in ledger: LedgerID
    ) -> Errand {
        let message = SettlementMessage(
            request: request, bridge: bridge.publicKey, reference: random.bytes(8),
            result: random.below(10) == 0 ? .failed : .settled, signature: .zero
        ).signed(by: bridge, in: ledger)
        return Errand(aim: .settlement(entry), message: .settlement(message))
    }

    /// A change with the signatures of the operators given.
    func makeChange(
        _ change: Change, number: UInt64, by keys: [SigningKey], in ledger: LedgerID
    ) -> Errand {
        var message = GovernanceMessage(number: number, change: change, endorsements: [])
        let bytes = message.signedBytes(in: ledger)
        message.endorsements = keys.map {
            Endorsement(validator: $0.publicKey, signature: $0.sign(bytes))
        }
        return Errand(aim: .change(number), message: .governance(message))
    }

    /// Time after which the bridge reports.
    mutating func settlementPause() -> UInt64 { random.number(in: 100_000...2_000_000) }

    /// Which of so many nodes an errand goes to this time: all, or a few. Every other client of
    /// those that tell a few knows whom to tell first: those of an errand whose first is even.
    mutating func targets(nodes: Int, ranked: [Int]) -> [Int] {
        guard random.below(4) > 0 else { return Array(0..<nodes) }
        let few = 1 + random.below(max(1, nodes / 3))
        let shuffled = random.shuffled(Array(0..<nodes))
        let isKnowing = (ranked.first ?? 1).isMultiple(of: 2)
        return Array((isKnowing ? ranked : shuffled).prefix(few))
    }

    /// A draw for a choice that the simulator makes for the outside.
    mutating func below(_ bound: Int) -> Int { random.below(bound) }

    /// Some of the validators given, by index.
    mutating func draw(_ count: Int, of members: [ValidatorIndex]) -> [ValidatorIndex] {
        random.shuffled(members).prefix(count).sorted()
    }

    /// A new root.
    mutating func makeRoot() -> Bytes32 { ProofMaker.element(&random) }
}
