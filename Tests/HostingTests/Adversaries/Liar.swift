// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import Testing

/// A cluster in which one validator says what a test has it say.
final class LiarCase {
    let cluster: Cluster
    let liar: Int
    /// The kinds of the messages between hosts, by their first two bytes.
    var counts: [[UInt8]: Int] = [:]
    /// Bytes that each host has sent.
    var bytesSent: [Int]
    var scenario: LedgerScenario

    /// - Parameter liar: Its number; the leader of the first height where nil.
    init(
        _ validators: Int = 10, _ threshold: UInt32 = 7, liar: Int? = 9, quota: UInt32 = 2_000,
        deadline: UInt64? = nil
    ) throws {
        var setup = Setup.of(validators, threshold)
        setup.quota = quota
        if let deadline { setup.parameters.verificationMilliseconds = deadline }
        cluster = try Cluster(setup)
        scenario = try LedgerScenario(setup)
        let ranking = scenario.state.proposerRanking(height: Height(1))
        self.liar = liar ?? Int(ranking[0].rawValue)
        bytesSent = Array(repeating: 0, count: validators)
        cluster.hosts[self.liar] = nil
        cluster.change = { [weak self] from, _, bytes in
            self?.counts[Array(bytes.prefix(2)), default: 0] += 1
            self?.bytesSent[from] += bytes.count
            return bytes
        }
    }

    var ledger: LedgerID { scenario.ledger }
    var honest: [Int] { cluster.hosts.indices.filter { $0 != liar } }
    var key: SigningKey { Fixture.key(UInt16(liar)) }

    /// The host that a test looks at first.
    var host: ReplicaHost {
        guard let host = cluster.hosts[honest[0]] else { fatalError("no host is up") }
        return host
    }

    /// Prevotes and precommits sent so far.
    var consensusVotes: Int { (counts[[1, 0]] ?? 0) + (counts[[1, 1]] ?? 0) }

    /// Has the liar say something to some.
    func say(_ message: PeerMessage, to places: [Int]? = nil) {
        say(message.encoded, to: places)
    }

    /// Has the liar send bytes to some.
    func say(_ bytes: [UInt8], to places: [Int]? = nil) {
        for place in places ?? honest {
            cluster.deliveries.append(
                Cluster.Delivery(
                    at: cluster.now + cluster.delay, from: ValidatorIndex(UInt16(liar)), to: place,
                    bytes: bytes))
        }
    }

    /// A vote of the liar's on a request.
    func verdict(_ vote: Vote, on request: RequestID, at time: Time) -> PeerMessage {
        .command(
            .vote(
                VoteMessage(
                    request: request, validator: key.publicKey, vote: vote, reason: .unspecified,
                    timestamp: time, signature: .zero
                ).signed(by: key, in: ledger)))
    }

    /// A prevote of the liar's at the first height.
    func prevote(_ value: Digest?, height: UInt64 = 1, round: UInt32 = 0) -> PeerMessage {
        .vote(
            ConsensusVote(
                kind: .prevote, height: Height(height), round: round, value: value, ground: -1,
                validator: ValidatorIndex(UInt16(liar)), signature: .zero
            ).signed(by: key, in: ledger))
    }

    /// A first proposal of the liar's at the first height, whatever the rules say of it.
    func proposal(
        at time: Time, round: UInt32 = 0, _ commands: [Message], value: Digest? = nil
    ) throws -> Proposal {
        try proposal(
            on: scenario.state, scenario.frontier, nil, at: time, round: round, commands,
            value: value)
    }

    /// The same at the height that follows the last of a host.
    func proposal(
        after host: ReplicaHost, at time: Time, round: UInt32, _ commands: [Message]
    ) throws -> Proposal {
        let frontier = try #require(
            MerkleFrontier(
                count: host.log.size, subtrees: try host.log.subtrees(at: host.log.size)))
        return try proposal(
            on: host.state, frontier, host.proof, at: time, round: round, commands, value: nil)
    }

    private func proposal(
        on state: LedgerState, _ frontier: MerkleFrontier, _ precommits: Precommits?,
        at time: Time, round: UInt32, _ commands: [Message], value: Digest?
    ) throws -> Proposal {
        let shown = state.height.rawValue < 1 ? nil : precommits
        let count = Int(state.sealedBefore.parameters.threshold)
        let opening = state.nextOpening(
            at: time, round: round, root: frontier.root,
            precommits: Array((shown?.signatures ?? []).prefix(count)), key: Fixture.key
        ) { event in
            event.proposer = ValidatorIndex(UInt16(liar))
            event.precommitRound = shown?.round ?? 0
        }
        var run = BatchRun(state: state, frontier: frontier)
        try run.take(.openBatch(Checked(unchecked: opening), root: frontier.root))
        for command in commands where value == nil {
            try run.take(.message(Checked(unchecked: command)))
        }
        try run.seal()
        return Proposal(
            height: opening.event.height, round: round, value: value ?? run.frontier.root,
            validRound: -1,
            proposer: ValidatorIndex(UInt16(liar)), signature: .zero,
            batch: ProposedBatch(
                opening: opening.event, commands: commands.map { ProposedCommand($0) })
        ).signed(by: key, in: ledger)
    }

    /// Entries in which a validator votes, as one host has committed them.
    func votes(of validator: Int) -> Int {
        cluster.commits.filter { $0.host == honest[1] }.flatMap(\.events).count { event in
            guard case .voteCast(let cast) = event else { return false }
            return Int(cast.validator.rawValue) == validator
        }
    }

    /// Validators that the ledger found missing, once for each time.
    var missed: [Int] {
        cluster.commits.filter { $0.host == honest[0] }.flatMap(\.events).compactMap { event in
            guard case .reputationChanged(let change) = event, change.cause == .missed else {
                return nil
            }
            return Int(change.validator.rawValue)
        }
    }
}
