// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Who broke agreement at a height, by what the journals of its validators hold.
///
/// A validator that keeps to arXiv:1807.04938, Algorithm 1, has journalled, before a message of
/// its own leaves, that message and the prevotes on which it rests: those of L28 before the
/// prevote, those of L36 before the precommit. So where the journals of all honest members are
/// given (those of others may be missing, or lie), what rests on nothing in their union was said
/// by no honest member. Statements that are added, true or forged, convict none that is honest.
///
/// A fork names at least 2T - N members, which is more than f. Let v be the value that was decided
/// first, in round r, and w the first other value with T prevotes after r, in round s: an honest
/// precommit of the second decision needs them, and T precommits without them convict themselves.
/// 2T - N members precommitted v in r and prevoted w in s. None can have seen T prevotes for w
/// between r and s, there are none: what each names as its ground is missing, or older than its
/// lock. Where T prevoted for w in r itself, 2T - N have prevoted twice in r, or the precommits
/// of v have no ground. (Compare Sheng, Wang, Nayak, Kannan and Viswanath 2021, "BFT protocol
/// forensics": what makes a lock that was forgotten visible is the round that a vote names.)
package struct ForkTrace: Hashable, Sendable {
    /// T precommits of one round on one value.
    package struct Decision: Hashable, Sendable {
        /// The root of the log after the batch.
        package let value: Digest
        /// The round of the precommits.
        package let round: UInt32
        /// At least T, by validator.
        package let precommits: [ConsensusVote]
    }

    /// What convicts a member, with the statements that show it.
    package enum Offence: Hashable, Sendable {
        /// Two statements in one slot that contradict each other; they convict by themselves.
        case contradiction(TracedStatement, TracedStatement)
        /// A prevote against the lock that a precommit took, resting on an older round or none,
        /// where no T prevotes for its value lie between the two.
        case brokenLock(precommit: ConsensusVote, prevote: ConsensusVote)
        /// A prevote that names a round in which there are no T prevotes for its value.
        case groundlessPrevote(ConsensusVote)
        /// A precommit of a value for which there are no T prevotes in its round.
        case groundlessPrecommit(ConsensusVote)
    }

    /// A member that broke the rules.
    package struct Guilty: Hashable, Sendable {
        /// The member.
        package let validator: ValidatorIndex
        /// At least one: contradictions first, then by round.
        package let offences: [Offence]
    }

    /// Every decision that the statements show, by round and then value.
    package let decisions: [Decision]
    /// Every member that they convict, by index.
    package let guilty: [Guilty]

    /// Whether two different values were decided.
    package var isFork: Bool { decisions.contains { $0.value != decisions[0].value } }

    /// Traces one height.
    ///
    /// Contradictions convict always. What rests on the absence of prevotes convicts only where
    /// there is a fork, and only by statements from the round of its first decision on.
    /// - Parameters:
    ///   - statements: Of any number of journals and certificates, in any order. Those of other
    ///     heights or of no member, and those whose signature does not hold, are passed over.
    ///   - keys: Of the members of that height, all of them and no others.
    ///   - threshold: T.
    ///   - excused: Members that are known to have lost their journal. Only contradictions
    ///     convict them.
    package init(
        of statements: [TracedStatement], height: Height, keys: [ValidatorIndex: PublicKey],
        threshold: Int, ledger: LedgerID, excused: [ValidatorIndex] = []
    ) {
        let members = Self.authentic(statements, height: height, keys: keys, ledger: ledger)
        let prevotes = Tally(members.flatMap(\.prevotes), threshold: threshold)
        let precommits = Tally(members.flatMap(\.precommits), threshold: threshold)
        let decisions = precommits.reached
        self.decisions = decisions
        let isFork = decisions.contains { $0.value != decisions[0].value }
        guilty = members.compactMap { member in
            var offences = member.contradictions
            if isFork, !excused.contains(member.validator) {
                offences += member.groundless(from: decisions[0].round, on: prevotes)
            }
            return offences.isEmpty
                ? nil : Guilty(validator: member.validator, offences: offences)
        }
    }

    /// The statements that count, sorted, each once, one group per member.
    private static func authentic(
        _ statements: [TracedStatement], height: Height, keys: [ValidatorIndex: PublicKey],
        ledger: LedgerID
    ) -> [Testimony] {
        var members: [Testimony] = []
        for statement in statements.sorted(by: { $0.precedes($1) }) where statement.height == height
        {
            if members.last?.statements.last?.repeats(statement) == true { continue }
            guard let key = keys[statement.validator], statement.isSigned(by: key, in: ledger)
            else { continue }
            if members.last?.validator == statement.validator {
                members[members.count - 1].statements.append(statement)
            } else {
                members.append(Testimony(validator: statement.validator, statements: [statement]))
            }
        }
        return members
    }
}

extension ForkTrace.Offence {
    /// What the ledger takes as evidence of it; nil where two statements alone do not convict.
    package func evidence(against key: PublicKey) -> EvidenceMessage? {
        guard case .contradiction(let first, let second) = self else { return nil }
        return EvidenceMessage(
            validator: key, slot: .consensus(first.slot), first: first.statement,
            second: second.statement)
    }
}

/// Who voted for which value in which round.
private struct Tally {
    struct Position: Hashable {
        let round: UInt32
        let value: Digest
    }

    /// The votes of distinct members on each position, by validator.
    private var votes: [Position: [ConsensusVote]] = [:]
    /// The positions on which there are votes, by round and then value.
    private var positions: [Position] = []
    /// The rounds in which T voted for a value.
    private var reachedRounds: [Digest: [UInt32]] = [:]
    private let threshold: Int

    /// Takes votes of one kind, by validator.
    init(_ cast: [ConsensusVote], threshold: Int) {
        self.threshold = threshold
        for vote in cast {
            guard let value = vote.value else { continue }
            let position = Position(round: vote.round, value: value)
            guard let last = votes[position]?.last else {
                positions.append(position)
                votes[position] = [vote]
                continue
            }
            if last.validator != vote.validator { votes[position]?.append(vote) }
        }
        positions.sort { $0.round != $1.round ? $0.round < $1.round : $0.value < $1.value }
        for position in positions where isReached(position.value, in: position.round) {
            reachedRounds[position.value, default: []].append(position.round)
        }
    }

    /// Whether T voted for the value in the round.
    func isReached(_ value: Digest, in round: UInt32) -> Bool {
        (votes[Position(round: round, value: value)]?.count ?? 0) >= threshold
    }

    /// Whether T voted for the value in some round of a range.
    func isReached(_ value: Digest, in rounds: Range<UInt32>) -> Bool {
        reachedRounds[value]?.contains { rounds.contains($0) } ?? false
    }

    /// Where T voted.
    var reached: [ForkTrace.Decision] {
        positions.filter { isReached($0.value, in: $0.round) }.map {
            ForkTrace.Decision(value: $0.value, round: $0.round, precommits: votes[$0] ?? [])
        }
    }
}

/// All that one member said, each once, in the order of `TracedStatement.precedes`.
private struct Testimony {
    let validator: ValidatorIndex
    var statements: [TracedStatement]

    var prevotes: [ConsensusVote] { votes(.prevote) }
    var precommits: [ConsensusVote] { votes(.precommit) }

    private func votes(_ kind: ConsensusKind) -> [ConsensusVote] {
        statements.compactMap {
            guard case .vote(let vote) = $0, vote.kind == kind else { return nil }
            return vote
        }
    }

    /// One contradiction for each slot that has one.
    var contradictions: [ForkTrace.Offence] {
        var found: [ForkTrace.Offence] = []
        var start = 0
        while start < statements.count {
            let first = statements[start]
            let end = statements[start...].firstIndex { $0.slot != first.slot } ?? statements.count
            let other = statements[start..<end].first {
                first.slot.isContradicted(by: first.statement, $0.statement)
            }
            if let other { found.append(.contradiction(first, other)) }
            start = end
        }
        return found
    }

    /// What this member said from a round on that rests on nothing in `prevotes`.
    func groundless(from start: UInt32, on prevotes: Tally) -> [ForkTrace.Offence] {
        let locks = precommits.filter { $0.value != nil && $0.round >= start }
        var found: [(round: UInt32, offence: ForkTrace.Offence)] = []
        for lock in locks {
            guard let value = lock.value, !prevotes.isReached(value, in: lock.round) else {
                continue
            }
            found.append((lock.round, .groundlessPrecommit(lock)))
        }
        for prevote in self.prevotes where prevote.round > start {
            guard let value = prevote.value else { continue }
            if prevote.validRound != -1 {
                let ground = UInt32(exactly: prevote.validRound).map {
                    $0 < prevote.round && prevotes.isReached(value, in: $0)
                }
                if ground != true { found.append((prevote.round, .groundlessPrevote(prevote))) }
            }
            // L29 lets a validator prevote the value of its own lock whatever round the proposal
            // names, so T prevotes for it since the older lock clear it.
            let broken = locks.last {
                $0.value != value && $0.round < prevote.round
                    && prevote.validRound < Int64($0.round)
                    && !prevotes.isReached(value, in: $0.round..<prevote.round)
            }
            if let broken {
                found.append((prevote.round, .brokenLock(precommit: broken, prevote: prevote)))
            }
        }
        return found.enumerated().sorted {
            ($0.element.round, $0.offset) < ($1.element.round, $1.offset)
        }.map(\.element.offence)
    }
}
