// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import TestSupport

/// Ten validators, T = 7, whose first few are liars that choose what arrives where and when.
///
/// The honest keep to arXiv:1807.04938, Algorithm 1, and journal what the trace may rely on. The
/// liars withhold every precommit, so nobody stops at a decision.
struct ForkHistory {
    static let count = 10
    static let threshold = 7
    static let ledger = LedgerID(Digest(hashing: [1]))
    static let height = Height(5)
    static let signers: [SigningKey] = (0..<count).map { number in
        SigningKey(seed: Bytes32([UInt8](repeating: UInt8(number + 1), count: 32)) ?? .zero)
    }
    static let keys: [ValidatorIndex: PublicKey] = Dictionary(
        uniqueKeysWithValues: (0..<count).map {
            (ValidatorIndex(UInt16($0)), signers[$0].publicKey)
        }
    )

    /// A validator that keeps to the rules.
    struct Honest {
        let number: Int
        var lockedValue: Digest?
        var lockedRound: Int64 = -1
        var validValue: Digest?
        var validRound: Int64 = -1
        var proposal: (value: Digest, validRound: Int64)?
        /// Prevotes that arrived, by round, each voter's first two.
        var prevotes: [[ConsensusVote]] = []
        var journal: [TracedStatement] = []

        mutating func receive(_ vote: ConsensusVote) {
            let round = Int(vote.round)
            while prevotes.count <= round { prevotes.append([]) }
            guard !prevotes[round].contains(vote) else { return }
            prevotes[round].append(vote)
            journal.append(.vote(vote))
        }

        func hasPolka(_ value: Digest, _ round: Int64) -> Bool {
            guard round >= 0, round < prevotes.count else { return false }
            let voters = prevotes[Int(round)].filter { $0.value == value }.map(\.validator)
            return Set(voters).count >= ForkHistory.threshold
        }
    }

    var random: SplitMix64
    let liars: Int
    /// Whether each liar says one thing in each slot.
    let isCareful: Bool
    var honest: [Honest]
    /// Every prevote that was signed, by round.
    var prevotes: [[ConsensusVote]] = []
    /// Everything that liars signed.
    var lies: [TracedStatement] = []
    /// Every precommit of a value, by round.
    var precommits: [[ConsensusVote]] = []
    /// The round in which a value was proposed first.
    var firstRounds: [Digest: UInt32] = [:]
    var values: [Digest] = []

    init(seed: UInt64, liars: Int) {
        random = SplitMix64(seed: seed)
        self.liars = liars
        isCareful = random.next() % 2 == 0
        honest = (liars..<Self.count).map { Honest(number: $0) }
    }

    static func vote(
        _ kind: ConsensusKind, _ round: Int, _ value: Digest?, by number: Int, resting: Int64 = -1
    ) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: height, round: UInt32(round), value: value, validRound: resting,
            validator: ValidatorIndex(UInt16(number)), signature: .zero
        ).signed(by: signers[number], in: ledger)
    }

    static func proposal(
        _ round: Int, _ value: Digest, by number: Int, resting: Int64 = -1
    ) -> TracedStatement {
        let key = signers[number]
        let bytes = ConsensusStatement.signedBytes(
            .proposal(height, round: UInt32(round)), value: value, validRound: resting,
            key: key.publicKey, ledger: ledger)
        return .proposal(
            ProposedValue(
                height: height, round: UInt32(round), value: value, validRound: resting,
                signature: key.sign(bytes ?? [])),
            proposer: ValidatorIndex(UInt16(number)))
    }

    static func trace(
        _ statements: [TracedStatement], excused: [ValidatorIndex] = []
    ) -> ForkTrace {
        ForkTrace(
            of: statements, height: height, keys: keys, threshold: threshold, ledger: ledger,
            excused: excused)
    }

    /// Runs rounds until two values are decided, or twelve have passed.
    mutating func run() {
        for round in 0..<12 {
            propose(round)
            prevote(round)
            lie(round)
            deliver(round)
            precommit(round)
            if decided.count > 1 { return }
        }
    }

    /// The different values that were decided.
    var decided: [Digest] {
        var found: [Digest] = []
        for round in precommits {
            for vote in round {
                guard let value = vote.value, !found.contains(value) else { continue }
                let voters = round.filter { $0.value == value }.map(\.validator)
                if Set(voters).count >= Self.threshold { found.append(value) }
            }
        }
        return found
    }

    /// What the journals of the honest hold, and the certificates of what was decided.
    var statements: [TracedStatement] {
        let certificates = precommits.joined().filter { decided.contains($0.value ?? .zero) }
        return honest.flatMap(\.journal) + certificates.map { .vote($0) }
    }

    private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    private mutating func fresh(_ round: Int, _ variant: UInt8) -> Digest {
        let value = Digest(hashing: [UInt8(round), variant])
        firstRounds[value] = UInt32(round)
        if !values.contains(value) { values.append(value) }
        return value
    }

    private mutating func propose(_ round: Int) {
        for index in honest.indices { honest[index].proposal = nil }
        // Late prevotes of earlier rounds arrive at some.
        for old in prevotes {
            for index in honest.indices where chance(30) {
                for vote in old where chance(80) { honest[index].receive(vote) }
            }
        }
        for index in honest.indices {
            if let proposal = honest[index].validValueSeen(values) {
                (honest[index].validValue, honest[index].validRound) = proposal
            }
        }
        let leader = round * 3 % Self.count
        if let index = honest.firstIndex(where: { $0.number == leader }) {
            let node = honest[index]
            let value = node.validValue ?? fresh(round, 0)
            let ground = node.validValue == nil ? -1 : node.validRound
            honest[index].journal.append(
                Self.proposal(round, value, by: leader, resting: ground))
            for other in honest.indices where other == index || chance(85) {
                honest[other].proposal = (value, ground)
            }
        } else {
            let old = values.isEmpty ? nil : values[Int(random.next() % UInt64(values.count))]
            let ground = Int64(bitPattern: random.next() % UInt64(round + 1)) - 1
            var options: [(Digest, Int64)] = [(fresh(round, 1), -1)]
            if chance(60) { options.append((fresh(round, 2), -1)) }
            if let old, round > 0 { options.append((old, max(0, min(ground, Int64(round - 1))))) }
            for index in honest.indices where chance(95) {
                honest[index].proposal = options[Int(random.next() % UInt64(options.count))]
            }
        }
    }

    private mutating func prevote(_ round: Int) {
        prevotes.append([])
        for index in honest.indices {
            let node = honest[index]
            var choice: (Digest?, Int64) = (nil, -1)
            if let (value, ground) = node.proposal {
                let isOpen = node.lockedRound == -1 || node.lockedValue == value
                if ground == -1 {  // L22; a fresh value names this round
                    if firstRounds[value] == UInt32(round), isOpen { choice = (value, -1) }
                } else if ground < Int64(round), node.hasPolka(value, ground) {  // L28
                    if node.lockedRound <= ground || isOpen { choice = (value, ground) }
                }
            }
            let vote = Self.vote(.prevote, round, choice.0, by: node.number, resting: choice.1)
            honest[index].receive(vote)
            prevotes[round].append(vote)
        }
    }

    /// Liars prevote what helps some honest validator to T prevotes, on whatever ground.
    private mutating func lie(_ round: Int) {
        var wanted: [Digest] = []
        for vote in prevotes[round] {
            if let value = vote.value, !wanted.contains(value) { wanted.append(value) }
        }
        if isCareful, !wanted.isEmpty {
            wanted = [wanted[Int(random.next() % UInt64(wanted.count))]]
        }
        for value in wanted {
            for liar in 0..<liars {
                let ground = chance(50) ? -1 : Int64(random.next() % UInt64(round + 1)) - 1
                let vote = Self.vote(.prevote, round, value, by: liar, resting: ground)
                prevotes[round].append(vote)
                lies.append(.vote(vote))
            }
        }
    }

    private mutating func deliver(_ round: Int) {
        let reach = [40, 70, 100][Int(random.next() % 3)] as UInt64
        for index in honest.indices {
            let own = honest[index].proposal?.value
            for vote in prevotes[round] {
                let isUseful = Int(vote.validator.rawValue) < liars && vote.value == own
                if chance(isUseful ? 95 : reach) { honest[index].receive(vote) }
            }
        }
    }

    private mutating func precommit(_ round: Int) {
        precommits.append([])
        for index in honest.indices {
            guard let value = honest[index].proposal?.value,
                honest[index].hasPolka(value, Int64(round))
            else {
                let vote = Self.vote(.precommit, round, nil, by: honest[index].number)
                honest[index].journal.append(.vote(vote))
                continue
            }
            (honest[index].lockedValue, honest[index].lockedRound) = (value, Int64(round))
            (honest[index].validValue, honest[index].validRound) = (value, Int64(round))
            let vote = Self.vote(.precommit, round, value, by: honest[index].number)
            honest[index].journal.append(.vote(vote))
            precommits[round].append(vote)
        }
        var wanted: [Digest] = []
        for vote in precommits[round] {
            if let value = vote.value, !wanted.contains(value) { wanted.append(value) }
        }
        if liars >= Self.threshold, chance(20), let value = values.last { wanted.append(value) }
        if isCareful { wanted = Array(wanted.prefix(1)) }
        for value in wanted {
            for liar in 0..<liars {
                let vote = Self.vote(.precommit, round, value, by: liar)
                precommits[round].append(vote)
                lies.append(.vote(vote))
            }
        }
    }
}

extension ForkHistory.Honest {
    /// The value with the latest T prevotes that this validator has seen, and their round.
    func validValueSeen(_ values: [Digest]) -> (Digest, Int64)? {
        for round in prevotes.indices.reversed() where Int64(round) > validRound {
            if let value = values.first(where: { hasPolka($0, Int64(round)) }) {
                return (value, Int64(round))
            }
        }
        return nil
    }
}
