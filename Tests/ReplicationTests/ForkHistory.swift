// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import TestSupport

/// Ten validators, T = 7, whose first few are liars that choose what arrives where and when.
///
/// The honest are machines as nodes run them, and journal what nodes journal. The liars withhold
/// every precommit, so nobody stops at a decision.
struct ForkHistory {
    static let count = 10
    static let threshold = 7
    static let ledger = ForkParties.ledger
    static let height = ForkParties.height
    static let signers = ForkParties.signers
    static let keys: [ValidatorIndex: PublicKey] = Dictionary(
        uniqueKeysWithValues: (0..<count).map {
            (ValidatorIndex(UInt16($0)), signers[$0].publicKey)
        }
    )

    /// A validator that keeps to the rules.
    struct Honest {
        let number: Int
        var machine: Consensus
        /// What its journal holds.
        var journal: [TracedStatement] = []
        /// What it said and the caller has not seen yet.
        var said: [Consensus.Effect] = []

        init(number: Int) {
            self.number = number
            let members = (0..<ForkHistory.count).map { ValidatorIndex(UInt16($0)) }
            machine = Consensus(
                height: ForkHistory.height, members: members, threshold: ForkHistory.threshold,
                leaders: members, own: ValidatorIndex(UInt16(number)))
            step(.start)
        }

        mutating func step(_ input: Consensus.Input) {
            var inputs = [input]
            while let next = inputs.popLast() {
                for effect in machine.step(next) {
                    said.append(effect)
                    guard case .vote(let kind, let round, let value, let ground) = effect else {
                        continue
                    }
                    inputs.append(
                        .vote(
                            kind, round: round, value: value, ground: ground,
                            from: ValidatorIndex(UInt16(number))))
                }
            }
        }

        mutating func receive(_ vote: ConsensusVote) {
            guard Int(vote.validator.rawValue) != number,
                machine.takes(
                    vote.kind, of: vote.value, in: vote.round, on: vote.ground,
                    from: vote.validator)
            else { return }
            journal.append(.vote(vote))
            step(
                .vote(
                    vote.kind, round: vote.round, value: vote.value, ground: vote.ground,
                    from: vote.validator))
        }
    }

    var random: SplitMix64
    let liars: Int
    /// Whether what is said is signed: else the caller vouches for it.
    let isSigned: Bool
    /// The liars that never say what convicts them, as far as they can help it.
    let careful: Set<Int>
    var honest: [Honest]
    /// Every prevote that was said, by round.
    var prevotes: [[ConsensusVote]] = []
    /// Everything that liars said.
    var lies: [TracedStatement] = []
    /// Every precommit of a value, by round.
    var precommits: [[ConsensusVote]] = []
    var values: [Digest] = []
    /// The certificates of the different values that were decided, by round.
    private(set) var decided: [[ConsensusVote]] = []

    init(seed: UInt64, liars: Int, isSigned: Bool = true) {
        random = SplitMix64(seed: seed)
        self.liars = liars
        self.isSigned = isSigned
        let share = random.next() % 2
        var careful: Set<Int> = []
        for liar in 0..<liars where random.next() % 8 < share { careful.insert(liar) }
        self.careful = careful
        honest = (liars..<Self.count).map { Honest(number: $0) }
    }

    static func vote(
        _ kind: ConsensusKind, _ round: Int, _ value: Digest?, by number: Int, resting: Int64 = -1,
        isSigned: Bool = true
    ) -> ConsensusVote {
        let vote = ConsensusVote(
            kind: kind, height: height, round: UInt32(round), value: value, ground: resting,
            validator: ValidatorIndex(UInt16(number)), signature: .zero)
        return isSigned ? vote.signed(by: signers[number], in: ledger) : vote
    }

    static func proposal(
        _ round: Int, _ value: Digest, by number: Int, resting: Int64 = -1, isSigned: Bool = true
    ) -> TracedStatement {
        guard isSigned else {
            return .proposal(
                ProposedValue(
                    height: height, round: UInt32(round), value: value, validRound: resting,
                    signature: .zero),
                proposer: ValidatorIndex(UInt16(number)))
        }
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

    static func trace(_ statements: [TracedStatement]) -> ForkTrace {
        ForkTrace(
            of: statements, height: height, keys: keys, threshold: threshold, ledger: ledger)
    }

    /// Traces statements of this history; signatures are looked at where there are any.
    func trace(_ statements: [TracedStatement]) -> ForkTrace {
        isSigned
            ? Self.trace(statements)
            : ForkTrace(of: statements, height: Self.height, threshold: Self.threshold) { _ in true
            }
    }

    /// Runs rounds until two values are decided, or eight have passed.
    mutating func run() {
        for round in 0..<8 {
            propose(round)
            prevote(round)
            precommit(round)
            certify(round)
            if decided.count > 1 { return }
        }
    }

    /// Notes the certificates of this round for values that none was found for yet.
    private mutating func certify(_ round: Int) {
        var seen = decided.map { $0[0].value }
        for vote in precommits[round] where !seen.contains(vote.value) {
            seen.append(vote.value)
            let certificate = precommits[round].filter { $0.value == vote.value }
            if Set(certificate.map(\.validator)).count >= Self.threshold {
                decided.append(certificate)
            }
        }
    }

    /// The certificates of what was decided, and the journal of one honest validator that has
    /// precommitted each, where there is one.
    var statements: [TracedStatement] {
        decided.flatMap { certificate in
            let signers = certificate.map { Int($0.validator.rawValue) }
            let witness = honest.first { signers.contains($0.number) }
            return certificate.map(TracedStatement.vote) + (witness?.journal ?? [])
        }
    }

    private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    private mutating func fresh(_ round: Int, _ variant: UInt8) -> Digest {
        let value = Digest(hashing: [UInt8(round), variant])
        if !values.contains(value) { values.append(value) }
        return value
    }

    /// The value of each of the two camps into which the liars divide the honest.
    private mutating func propose(_ round: Int) {
        // Late prevotes of earlier rounds arrive at some, in the order in which they count.
        for index in honest.indices where round > 0 && chance(20) {
            for old in prevotes {
                for vote in old where chance(85) { honest[index].receive(vote) }
            }
        }
        var offer: (value: Digest, validRound: Int64)?
        for index in honest.indices {
            for case .propose(let its, let value, let validRound) in honest[index].said
            where its == UInt32(round) {
                let value = value ?? fresh(round, 0)
                offer = (value, validRound)
                honest[index].journal.append(
                    Self.proposal(
                        round, value, by: honest[index].number, resting: validRound,
                        isSigned: isSigned))
            }
            honest[index].said = []
        }
        var options: [(value: Digest, validRound: Int64)] = []
        for camp in 0..<2 {
            let old = values.isEmpty ? fresh(round, 1) : values[below(values.count)]
            let known = honest.first { $0.number % 2 == camp }?.machine
                .quorums(of: old, through: UInt32(max(0, round - 1))).last
            options.append(
                chance(40)
                    ? (fresh(round, UInt8(1 + camp)), -1) : (old, known.map(Int64.init) ?? -1))
        }
        let isUnited = chance(25)
        for index in honest.indices where chance(97) {
            let camp = isUnited ? 0 : honest[index].number % 2
            let (value, validRound) = offer ?? options[camp]
            honest[index].step(
                .proposal(
                    round: UInt32(round), value: value, validRound: validRound, .valid))
        }
    }

    private mutating func prevote(_ round: Int) {
        prevotes.append([])
        var wanted: [Digest] = []
        for index in honest.indices {
            honest[index].step(.timeout(Consensus.Timeout(.propose, round: UInt32(round))))
            collect(from: index, round)
        }
        for vote in prevotes[round] {
            if let value = vote.value, !wanted.contains(value) { wanted.append(value) }
        }
        // Liars prevote what helps some honest validator to T prevotes, on whatever ground.
        for value in wanted where chance(90) {
            let supporters = honest.filter { node in
                prevotes[round].contains {
                    Int($0.validator.rawValue) == node.number && $0.value == value
                }
            }
            let known =
                supporters.first?.machine.quorums(of: value, through: UInt32(max(0, round - 1)))
                ?? []
            for liar in 0..<liars {
                let isFalse = round > 0 && chance(5)
                let ground =
                    isFalse
                    ? Int64(below(round + 1)) - 1
                    : chance(60) ? known.last.map { Int64($0) } ?? -1 : -1
                say(
                    Self.vote(
                        .prevote, round, value, by: liar, resting: ground, isSigned: isSigned))
            }
        }
        let reach = [0, 40, 100][below(3)] as UInt64
        for index in honest.indices {
            let own = prevotes[round].first {
                Int($0.validator.rawValue) == honest[index].number
            }?.value
            for vote in prevotes[round] {
                let isUseful = vote.value == own && own != nil
                if chance(isUseful ? 98 : reach) { honest[index].receive(vote) }
            }
        }
    }

    private mutating func precommit(_ round: Int) {
        precommits.append([])
        for index in honest.indices {
            honest[index].step(.timeout(Consensus.Timeout(.prevote, round: UInt32(round))))
            collect(from: index, round)
        }
        var wanted: [Digest] = []
        for vote in precommits[round] {
            if let value = vote.value, !wanted.contains(value) { wanted.append(value) }
        }
        if liars >= Self.threshold, chance(20), let value = values.last { wanted.append(value) }
        for value in wanted {
            for liar in 0..<liars {
                say(Self.vote(.precommit, round, value, by: liar, isSigned: isSigned))
            }
        }
        for index in honest.indices {
            honest[index].step(.timeout(Consensus.Timeout(.precommit, round: UInt32(round))))
        }
    }

    /// Takes up what an honest validator has voted, as its journal does.
    private mutating func collect(from index: Int, _ round: Int) {
        for case .vote(let kind, let its, let value, let ground) in honest[index].said {
            let vote = Self.vote(
                kind, Int(its), value, by: honest[index].number, resting: ground,
                isSigned: isSigned)
            honest[index].journal.append(.vote(vote))
            if kind == .prevote {
                while prevotes.count <= Int(its) { prevotes.append([]) }
                prevotes[Int(its)].append(vote)
            }
            if kind == .precommit, value != nil {
                while precommits.count <= Int(its) { precommits.append([]) }
                precommits[Int(its)].append(vote)
            }
        }
        honest[index].said.removeAll { if case .vote = $0 { true } else { false } }
    }

    /// Has a liar say something, unless it is careful and convicts itself by it.
    private mutating func say(_ vote: ConsensusVote) {
        if careful.contains(Int(vote.validator.rawValue)),
            lies.contains(where: { convict($0, vote) })
        {
            return
        }
        lies.append(.vote(vote))
        if vote.kind == .prevote { prevotes[Int(vote.round)].append(vote) }
        if vote.kind == .precommit { precommits[Int(vote.round)].append(vote) }
    }

    private func convict(_ earlier: TracedStatement, _ vote: ConsensusVote) -> Bool {
        guard case .vote(let earlier) = earlier, earlier.validator == vote.validator else {
            return false
        }
        return Offence(precommit: earlier, prevote: vote) != nil
            || Offence(precommit: vote, prevote: earlier) != nil
            || earlier.slot == vote.slot
                && Offence(vote.slot, earlier.statement, vote.statement) != nil
    }
}
