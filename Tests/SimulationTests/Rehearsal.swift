// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Simulation

/// A Byzantine node without a world: ten validators, of which 0, 1 and 2 lie, at the first height.
struct Rehearsal: Sendable {
    private static let template = Result { try Rehearsal() }

    var context: ByzantineContext
    let scenario: LedgerScenario
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
        var setup = Setup.of(10, 7)
        setup.quota = 10
        setup.circuits = []
        let scenario = try LedgerScenario(setup)
        self.scenario = scenario
        let liars = (0..<3).map { Liar(ValidatorIndex(UInt16($0)), scenario.keys[$0]) }
        let now = scenario.start.adding(milliseconds: 5_000)
        context = .make(
            own: liars[0], fellows: Array(liars[1...]), random: SimulationRandom(seed: 0),
            now: Instant(time: now, uptime: 5_000), state: scenario.state,
            frontier: scenario.frontier, precommits: nil)
        context.accomplices = [scenario.submitter]
        context.hear(.command(.request(request())), from: ValidatorIndex(4))
        context.hear(.proposal(proposal(by: 4)), from: ValidatorIndex(4))
        context.hear(.vote(vote(.prevote, by: 4, Digest(hashing: [4]))), from: ValidatorIndex(4))
        context.hear(.batch(try decided()), from: ValidatorIndex(5))
        honestOutputs = try makeHonestOutputs()
        arriving = makeArriving()
    }

    var ledger: LedgerID { scenario.ledger }

    // MARK: What honest nodes say

    /// A change that seven validators agree on.
    func governance() -> Message {
        .governance(
            scenario.change(
                .submitterListed(
                    key: Fixture.key(9).publicKey, name: "submitter-2", quota: 3)))
    }

    /// A request of the submitter, to a circuit that nobody has registered.
    func request() -> RequestMessage {
        RequestMessage(
            circuit: CircuitID(Digest(hashing: [3])), nullifiers: [.zero], amount: Amount(1),
            recipient: .zero, proof: [], publicInputs: [.zero, .zero, .zero, .zero],
            timestamp: scenario.start, submitter: scenario.submitter.publicKey, signature: .zero
        ).signed(by: scenario.submitter, in: ledger)
    }

    func verdict(by number: Int, _ vote: Vote = .approve) -> VoteMessage {
        scenario.vote(
            number, vote, on: RequestID(Digest(hashing: [7])), reason: .proofHolds)
    }

    /// Two prevotes of a liar that contradict each other.
    func evidence() -> Message {
        scenario.evidence(1, .prevote(Height(1), round: 0), (nil, -1), (.zero, -1))
    }

    func vote(_ kind: ConsensusKind, by number: Int, _ value: Digest?) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: Height(1), round: 0, value: value, ground: -1,
            validator: ValidatorIndex(UInt16(number)), signature: .zero
        ).signed(by: Fixture.key(UInt16(number)), in: ledger)
    }

    /// The round that a validator leads first.
    func round(of number: Int) -> UInt32 {
        let ranking = scenario.state.proposerRanking(height: Height(1))
        return UInt32(ranking.firstIndex(of: ValidatorIndex(UInt16(number))) ?? 0)
    }

    func batch(by number: Int) -> ProposedBatch {
        let time = scenario.start.adding(milliseconds: 5_000)
        return ProposedBatch(
            opening: scenario.opening(at: time, round: round(of: number)).event,
            commands: [ProposedCommand(governance()), ProposedCommand(evidence())])
    }

    /// What follows from a batch, by the rules that honest nodes keep to.
    func executed(_ batch: ProposedBatch) throws(BatchFault) -> ExecutedBatch {
        try ExecutedBatch(
            executing: batch, on: scenario.state, scenario.frontier, idleMilliseconds: 30_000
        ) { _ in false }
    }

    func proposal(by number: Int) -> Proposal {
        let batch = batch(by: number)
        var value = Digest.zero
        do { value = try executed(batch).value } catch { fatalError("\(error)") }
        return Proposal(
            height: Height(1), round: batch.opening.round, value: value, validRound: -1,
            proposer: ValidatorIndex(UInt16(number)), signature: .zero, batch: batch
        ).signed(by: Fixture.key(UInt16(number)), in: ledger)
    }

    func decided() throws -> DecidedBatch {
        let executed = try executed(batch(by: 4))
        return DecidedBatch(
            precommits: Precommits(
                to: executed.value, of: Height(1), round: 1,
                by: (0..<7).map { ValidatorIndex($0) }, in: ledger, key: Fixture.key),
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
