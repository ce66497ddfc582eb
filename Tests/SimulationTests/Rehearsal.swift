// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Simulation

/// A Byzantine node without a world: ten validators, of which 0, 1 and 2 lie, at the first height.
struct Rehearsal: Sendable {
    static let keys = (0..<10).map { number in
        SigningKey(seed: Bytes32([UInt8](repeating: UInt8(number + 1), count: 32)) ?? .zero)
    }
    static let submitter = SigningKey(
        seed: Bytes32([UInt8](repeating: 99, count: 32)) ?? .zero)
    static let start = Time(1_780_000_000_000)

    private static let template = Result { try Rehearsal() }

    var context: ByzantineContext
    let run: BatchRun
    /// What the host of the liar would do.
    private(set) var honestOutputs: [HostOutput] = []
    /// What arrives at the liar.
    private(set) var arriving: [(PeerMessage, ValidatorIndex?)] = []

    /// Begins where every rehearsal does, with other luck.
    init(seed: UInt64) throws {
        self = try Self.template.get()
        context.random = SimulationRandom(seed: seed)
    }

    private init() throws {
        run = try BatchRun(
            opening: LedgerOpened(
                name: "rehearsal", parameters: .standard,
                validators: Self.keys.enumerated().map { place, key in
                    GenesisValidator(
                        key: key.publicKey, name: "validator-\(place + 1)", stake: Stake(100))
                },
                submitters: [
                    GenesisSubmitter(
                        key: Self.submitter.publicKey, name: "submitter", quota: 10)
                ],
                bridge: Self.submitter.publicKey, circuits: [], time: Self.start))
        let liars = (0..<3).map { Liar(ValidatorIndex(UInt16($0)), Self.keys[$0]) }
        context = .make(
            own: liars[0], fellows: Array(liars[1...]), random: SimulationRandom(seed: 0),
            now: Instant(time: Self.start.adding(milliseconds: 5_000), uptime: 5_000),
            state: run.state, frontier: run.frontier, precommits: nil)
        context.accomplices = [Self.submitter]
        context.hear(.command(.request(request())), from: ValidatorIndex(4))
        context.hear(.proposal(proposal(by: 4)), from: ValidatorIndex(4))
        context.hear(.vote(vote(.prevote, by: 4, Digest(hashing: [4]))), from: ValidatorIndex(4))
        context.hear(.batch(try decided()), from: ValidatorIndex(5))
        honestOutputs = try makeHonestOutputs()
        arriving = makeArriving()
    }

    var ledger: LedgerID { run.state.ledger }

    // MARK: What honest nodes say

    /// A change that seven validators agree on.
    func governance() -> Message {
        var message = GovernanceMessage(
            number: 0,
            change: .submitterListed(
                key: Self.keys[9].publicKey, name: "submitter-2", quota: 3), endorsements: [])
        let bytes = message.signedBytes(in: ledger)
        message.endorsements = Self.keys.prefix(7).map {
            Endorsement(validator: $0.publicKey, signature: $0.sign(bytes))
        }
        return .governance(message)
    }

    /// A request of the submitter, to a circuit that nobody has registered.
    func request() -> RequestMessage {
        RequestMessage(
            circuit: CircuitID(Digest(hashing: [3])), nullifiers: [.zero], amount: Amount(1),
            recipient: .zero, proof: [], publicInputs: [.zero, .zero, .zero, .zero],
            timestamp: Self.start, submitter: Self.submitter.publicKey, signature: .zero
        ).signed(by: Self.submitter, in: ledger)
    }

    func verdict(by number: Int, _ vote: Vote = .approve) -> VoteMessage {
        VoteMessage(
            request: RequestID(Digest(hashing: [7])), validator: Self.keys[number].publicKey,
            vote: vote, reason: .proofHolds, timestamp: Self.start, signature: .zero
        ).signed(by: Self.keys[number], in: ledger)
    }

    /// Two prevotes of a liar that contradict each other.
    func evidence() -> Message {
        let votes = [nil, Digest.zero].map { vote(.prevote, by: 1, $0) }
        return .evidence(
            EvidenceMessage(
                validator: Self.keys[1].publicKey, slot: .consensus(votes[0].slot),
                first: votes[0].statement, second: votes[1].statement))
    }

    func vote(_ kind: ConsensusKind, by number: Int, _ value: Digest?) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: Height(1), round: 0, value: value, ground: -1,
            validator: ValidatorIndex(UInt16(number)), signature: .zero
        ).signed(by: Self.keys[number], in: ledger)
    }

    /// The round that a validator leads first.
    func round(of number: Int) -> UInt32 {
        let ranking = run.state.proposerRanking(height: Height(1))
        return UInt32(ranking.firstIndex(of: ValidatorIndex(UInt16(number))) ?? 0)
    }

    func batch(by number: Int) -> ProposedBatch {
        let time = Self.start.adding(milliseconds: 5_000)
        let round = round(of: number)
        var opening = BatchOpened(
            height: Height(1), time: time, proposer: ValidatorIndex(UInt16(number)), round: round,
            previousRoot: run.frontier.root, precommitRound: 0, precommits: [], signature: .zero)
        opening.signature = Self.keys[number].sign(
            BatchOpening.signedBytes(
                height: Height(1), time: time, round: round, previousRoot: run.frontier.root,
                proposer: Self.keys[number].publicKey, in: ledger))
        return ProposedBatch(
            opening: opening,
            commands: [ProposedCommand(governance()), ProposedCommand(evidence())])
    }

    /// What follows from a batch, by the rules that honest nodes keep to.
    func executed(_ batch: ProposedBatch) throws(BatchFault) -> ExecutedBatch {
        try ExecutedBatch(
            executing: batch, on: run.state, run.frontier, idleMilliseconds: 30_000
        ) { _ in false }
    }

    func proposal(by number: Int) -> Proposal {
        let batch = batch(by: number)
        var value = Digest.zero
        do { value = try executed(batch).value } catch { fatalError("\(error)") }
        return Proposal(
            height: Height(1), round: batch.opening.round, value: value, validRound: -1,
            proposer: ValidatorIndex(UInt16(number)), signature: .zero, batch: batch
        ).signed(by: Self.keys[number], in: ledger)
    }

    func decided() throws -> DecidedBatch {
        let executed = try executed(batch(by: 4))
        return DecidedBatch(
            precommits: Precommits(
                height: Height(1), round: 1, root: executed.value,
                signatures: (0..<7).map { number in
                    IndexedSignature(
                        precommitting: executed.value, of: Height(1), round: 1,
                        by: ValidatorIndex(UInt16(number)), with: Self.keys[number], in: ledger)
                }),
            entries: executed.entries.map { EntryBytes($0.bytes) })
    }

    // MARK: One performance

    private func makeHonestOutputs() throws -> [HostOutput] {
        let own = proposal(by: 0)
        let status = Status(
            height: Height(1), round: 0, hasProposal: true, prevotes: [], precommits: [],
            wanted: [])
        let said: [PeerMessage] = [
            .proposal(own), .vote(vote(.prevote, by: 0, own.value)),
            .vote(vote(.precommit, by: 0, own.value)), .command(.vote(verdict(by: 0))),
            .status(status),
        ]
        return said.map { .broadcast($0.encoded) } + [
            .send(PeerMessage.batch(try decided()).encoded, to: ValidatorIndex(6)),
            .committed(Height(0), root: .zero, []), .notice("words"),
        ]
    }

    private func makeArriving() -> [(PeerMessage, ValidatorIndex?)] {
        let status = Status(
            height: Height(1), round: 0, hasProposal: false, prevotes: [], precommits: [],
            wanted: [])
        let value = proposal(by: 4).value
        return [
            (.proposal(proposal(by: 4)), ValidatorIndex(4)),
            (.vote(vote(.prevote, by: 4, value)), ValidatorIndex(4)),
            (.vote(vote(.precommit, by: 5, value)), ValidatorIndex(5)),
            (.command(.vote(verdict(by: 6))), ValidatorIndex(6)),
            (.status(status), ValidatorIndex(7)),
        ]
    }

    /// Lets a strategy answer to all of it.
    mutating func perform(_ kind: any Strategy.Type, rounds: Int = 3) throws -> [HostOutput] {
        var strategy = kind.init(random: &context.random)
        var outputs: [HostOutput] = []
        for _ in 0..<rounds {
            for (message, sender) in arriving {
                outputs += strategy.incoming(message.encoded, from: sender, context: &context)
            }
            outputs += strategy.outgoing(honestOutputs, context: &context)
            for _ in 0..<8 { outputs += strategy.idle(context: &context) }
        }
        return outputs
    }
}

extension [HostOutput] {
    /// Every message that leaves and can be read, with its receiver.
    var messages: [(PeerMessage, to: ValidatorIndex?)] { compactMap(\.message) }

    var proposals: [Proposal] {
        messages.compactMap { if case .proposal(let proposal) = $0.0 { proposal } else { nil } }
    }

    var votes: [ConsensusVote] {
        messages.compactMap { if case .vote(let vote) = $0.0 { vote } else { nil } }
    }

    var commands: [Message] {
        messages.compactMap { if case .command(let message) = $0.0 { message } else { nil } }
    }
}
