// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Who broke agreement at a height, by any of the statements that were signed there.
///
/// Each member that is named has signed two statements that contradict each other, and nothing
/// else convicts: no absence of a message, and nothing that another says. So statements that are
/// added, true or forged, convict none that is honest, and those that are withheld convict nobody.
///
/// A fork names at least 2T - N members, which is more than f, where fewer than T lie and the
/// statements hold the two certificates and the journal of one honest precommitter of each. Let v
/// be the value that was decided first, in round r. Where another was decided in r too, 2T - N have
/// precommitted twice. Else the honest precommitter of the second decision counted T prevotes for a
/// value other than v in a later round: let s be the first such round, and w the value. 2T - N
/// members precommitted v in r and prevoted w in s. The ground that each named is below r
/// (amnesia), or r itself (then T prevotes for w in r counted, and with the T for v on which the
/// honest precommit of v rests 2T - N have prevoted twice), for between r and s no T prevotes for w
/// counted, and a prevote counts only where those of its ground do. (Compare Sheng, Wang, Nayak,
/// Kannan and Viswanath 2021, "BFT protocol forensics": what makes a lock that was forgotten
/// visible is the round that a vote names.)
///
/// Invariants: `guilty` ascends by validator, each with at most one offence of a kind; of each
/// decision `precommits.count >= T`, ascending by validator; who precommitted two values that were
/// decided in one round is in `guilty`.
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

    /// A member that broke the rules.
    package struct Guilty: Hashable, Sendable {
        /// The member.
        package let validator: ValidatorIndex
        /// At least one, and one of each kind: proposal, prevote, precommit, amnesia.
        package let offences: [Offence]
    }

    /// Every decision that the statements show, by round and then value.
    package let decisions: [Decision]
    /// Every member that they convict, by index.
    package let guilty: [Guilty]

    /// Whether two different values were decided.
    package var isFork: Bool { decisions.contains { $0.value != decisions[0].value } }

    /// What the ledger takes of it, by validator.
    ///
    /// - Parameter keys: Of the members of that height.
    package func evidence(keys: [ValidatorIndex: PublicKey]) -> [EvidenceMessage] {
        guilty.flatMap { guilty in
            keys[guilty.validator].map { key in
                guilty.offences.map { $0.evidence(against: key) }
            } ?? []
        }
    }

    /// Traces one height.
    ///
    /// - Parameters:
    ///   - statements: Of any number of journals and certificates, in any order. Those of other
    ///     heights or of no member, and those whose signature does not hold, are passed over.
    ///   - keys: Of the members of that height, all of them and no others.
    ///   - threshold: T.
    package init(
        of statements: [TracedStatement], height: Height, keys: [ValidatorIndex: PublicKey],
        threshold: Int, ledger: LedgerID
    ) {
        self.init(of: statements, height: height, threshold: threshold) { statement in
            keys[statement.validator].map { statement.isSigned(by: $0, in: ledger) } ?? false
        }
    }

    /// The same, where the caller says which statements are of a member and signed.
    package init(
        of statements: [TracedStatement], height: Height, threshold: Int,
        where isAuthentic: (TracedStatement) -> Bool
    ) {
        var members: [Testimony] = []
        for statement in statements.sorted(by: { $0.precedes($1) }) where statement.height == height
        {
            if members.last?.statements.last?.repeats(statement) == true { continue }
            guard isAuthentic(statement) else { continue }
            if members.last?.validator == statement.validator {
                members[members.count - 1].statements.append(statement)
            } else {
                members.append(Testimony(validator: statement.validator, statements: [statement]))
            }
        }
        decisions = Self.decisions(members.flatMap { $0.votes(.precommit) }, threshold)
        guilty = members.compactMap { member in
            let offences = member.offences
            return offences.isEmpty
                ? nil : Guilty(validator: member.validator, offences: offences)
        }
        invariant(
            zip(members, members.dropFirst()).allSatisfy { $0.validator < $1.validator },
            "what one of \(members.count) members said is judged in two parts")
        check(threshold)
    }

    /// Stops the process where what was found does not hold together.
    private func check(_ threshold: Int) {
        for decision in decisions {
            invariant(
                decision.precommits.count >= threshold,
                "\(decision.precommits.count) precommits of \(threshold) are a decision")
            invariant(
                zip(decision.precommits, decision.precommits.dropFirst()).allSatisfy {
                    $0.validator < $1.validator
                }, "a precommit counts twice in round \(decision.round)")
        }
        for (one, other) in zip(decisions, decisions.dropFirst()) where one.round == other.round {
            let twice = Set(one.precommits.map(\.validator))
                .intersection(other.precommits.map(\.validator))
            invariant(
                twice.isSubset(of: guilty.map(\.validator)),
                "one of \(twice.count) that precommitted twice in round \(one.round) goes free")
        }
    }

    /// Where T voted, given precommits by validator.
    private static func decisions(_ cast: [ConsensusVote], _ threshold: Int) -> [Decision] {
        struct Position: Hashable {
            let round: UInt32
            let value: Digest
        }
        var votes: [Position: [ConsensusVote]] = [:]
        for vote in cast {
            guard let value = vote.value else { continue }
            let position = Position(round: vote.round, value: value)
            if votes[position]?.last?.validator != vote.validator {
                votes[position, default: []].append(vote)
            }
        }
        return votes.filter { $0.value.count >= threshold }.map { position, votes in
            Decision(value: position.value, round: position.round, precommits: votes)
        }.sorted { $0.round != $1.round ? $0.round < $1.round : $0.value < $1.value }
    }
}

/// All that one member said, each once, in the order of `TracedStatement.precedes`.
private struct Testimony {
    let validator: ValidatorIndex
    var statements: [TracedStatement]

    func votes(_ kind: ConsensusKind) -> [ConsensusVote] {
        statements.compactMap {
            guard case .vote(let vote) = $0, vote.kind == kind else { return nil }
            return vote
        }
    }

    /// The first offence of each kind that there is.
    var offences: [Offence] {
        var found: [Offence] = []
        for (earlier, later) in zip(statements, statements.dropFirst())
        where earlier.slot == later.slot {
            // Each says something else than the one before it, but perhaps only on another ground.
            guard let offence = Offence(earlier.slot, earlier.statement, later.statement),
                !found.contains(where: { $0.kind == offence.kind })
            else { continue }
            found.append(offence)
        }
        if let forgotten = forgottenLock { found.append(forgotten) }
        invariant(
            found.count < 2 || Set(found.map(\.kind)).count == found.count,
            "\(validator.rawValue) is convicted of one kind twice")
        return found
    }

    private var forgottenLock: Offence? {
        let prevotes = votes(.prevote)
        for precommit in votes(.precommit) where precommit.value != nil {
            for prevote in prevotes where prevote.round > precommit.round {
                if let found = Offence(precommit: precommit, prevote: prevote) { return found }
            }
        }
        return nil
    }
}
