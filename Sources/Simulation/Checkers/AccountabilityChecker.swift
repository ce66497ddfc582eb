// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger
package import Replication

/// Whether evidence names only the guilty, and all of them that honest nodes have seen.
///
/// A contradiction counts as seen when one honest node got both messages while it worked on their
/// height, or while the request was in the ledger, and stayed up for a while: it must be in the
/// ledger at the end. What others could know only by comparing notes is not asked for.
package struct AccountabilityChecker {
    private struct Matter: Hashable {
        let validator: ValidatorIndex
        let slot: EvidenceSlot

        /// What the ledger convicts of once.
        var charge: Matter {
            guard case .consensus(let slot) = slot else { return self }
            let first: Slot
            switch slot {
            case .proposal(let height, _): first = .proposal(height, round: 0)
            case .prevote(let height, _): first = .prevote(height, round: 0)
            case .precommit(let height, _): first = .precommit(height, round: 0)
            case .amnesia(let height, _, _): first = .amnesia(height, precommit: 0, prevote: 0)
            case .checkpoint: first = .checkpoint(size: 0)
            case .vote, .result, .settlement: first = slot
            }
            return Matter(validator: validator, slot: .consensus(first))
        }
    }

    private struct Heard: Hashable {
        let node: Int
        let life: Int
        let matter: Matter
    }

    /// What a node heard first of a liar on a matter.
    private var first: [Heard: Statement] = [:]
    /// Contradictions that a node has seen, in that order.
    private var seen: [(heard: Heard, moment: Moment)] = []
    private var isSeen: Set<Heard> = []
    /// Without rounds: a height convicts once of each kind.
    private var convicted: Set<Matter> = []
    /// Convictions so far, by validator index, in the order of the log.
    private(set) var convictions: [(validator: ValidatorIndex, slot: Slot)] = []

    /// Nothing was heard yet.
    package init() {}

    /// How long a node must stay up after it saw a contradiction.
    static let patienceMilliseconds: UInt64 = 5_000
    /// Rounds from which on messages may be dropped.
    private static let roundsMax: UInt32 = 4

    /// Looks at evidence in the ledger; `isGuilty` says who lies.
    package mutating func look(
        at events: [Event], after state: LedgerState, isGuilty: (ValidatorIndex) -> Bool
    ) -> [Violation] {
        var found: [Violation] = []
        for event in events {
            let named: (validator: ValidatorIndex, slot: Slot)
            switch event {
            case .evidenceSubmitted(let evidence): named = (evidence.validator, evidence.slot)
            case .equivocationFound(let found): named = (found.validator, found.slot)
            default: continue
            }
            if !isGuilty(named.validator) {
                found.append(
                    Violation(
                        .accountability, node: Int(named.validator.rawValue),
                        height: state.height.rawValue,
                        "evidence on \(named.slot) names an honest validator"))
            }
            guard case .equivocationFound = event else { continue }
            convictions.append(named)
            let slot: EvidenceSlot
            switch named.slot {
            case .vote(let entry), .settlement(let entry):
                guard let request = state.requestID(at: entry) else { continue }
                slot = .vote(request)
            case .result(let entry):
                guard let job = state.jobID(at: entry) else { continue }
                slot = .result(job)
            case .proposal, .prevote, .precommit, .amnesia, .checkpoint:
                slot = .consensus(named.slot)
            }
            convicted.insert(Matter(validator: named.validator, slot: slot).charge)
        }
        return found
    }

    /// Looks at a message that an honest node has taken in, in the state before it.
    package mutating func hear(
        _ message: PeerMessage?, node: Int, life: Int, state: LedgerState, at moment: Moment
    ) {
        let current = state.height.rawValue + 1
        switch message {
        case .proposal(let proposal)
        where proposal.height.rawValue == current && proposal.round < Self.roundsMax:
            // Whether it leads that round decides if a node looks at it at all.
            let ranking = state.proposerRanking(height: proposal.height)
            guard !ranking.isEmpty,
                ranking[Int(proposal.round) % ranking.count] == proposal.proposer
            else { return }
            note(
                Matter(validator: proposal.proposer, slot: .consensus(proposal.slot)),
                proposal.statement, node, life, state, moment)
        case .vote(let vote)
        where vote.height.rawValue == current && vote.round < Self.roundsMax
            && Self.isWellFormed(vote):
            note(
                Matter(validator: vote.validator, slot: .consensus(vote.slot)), vote.statement,
                node, life, state, moment)
            compareRounds(vote, node, life, state, moment)
        case .command(let message):
            for signed in message.signedVotes {
                let request = signed.vote.request
                guard let entry = state.entry(of: request), state.openRound(at: entry) != nil,
                    let validator = state.validatorIndex(of: signed.vote.validator)
                else { continue }
                note(
                    Matter(validator: validator, slot: .vote(request)), signed.statement, node,
                    life, state, moment)
            }
        default: return
        }
    }

    private mutating func note(
        _ matter: Matter, _ statement: Statement, _ node: Int, _ life: Int, _ state: LedgerState,
        _ moment: Moment
    ) {
        guard state.members.contains(matter.validator),
            let key = state.validator(matter.validator)?.key
        else { return }
        let heard = Heard(node: node, life: life, matter: matter)
        guard let earlier = first[heard] else {
            if isSigned(statement, matter, key, state.ledger) { first[heard] = statement }
            return
        }
        guard earlier != statement, !isSeen.contains(heard) else { return }
        let evidence = EvidenceMessage(
            validator: key, slot: matter.slot, first: earlier, second: statement)
        guard contradicts(matter.slot, earlier, statement),
            evidence.isSigned(in: state.ledger)
        else { return }
        isSeen.insert(heard)
        seen.append((heard, moment))
    }

    /// Looks whether a vote, if it is the first of its slot, and the first of other rounds show
    /// that a lock was forgotten.
    private mutating func compareRounds(
        _ vote: ConsensusVote, _ node: Int, _ life: Int, _ state: LedgerState, _ moment: Moment
    ) {
        func heard(_ slot: Slot) -> Heard {
            Heard(
                node: node, life: life,
                matter: Matter(validator: vote.validator, slot: .consensus(slot)))
        }
        guard first[heard(vote.slot)] == vote.statement,
            let key = state.validator(vote.validator)?.key
        else { return }
        for round in 0..<Self.roundsMax where round != vote.round {
            let isPrecommit = vote.kind == .precommit
            guard isPrecommit == (vote.round < round) else { continue }
            let other =
                isPrecommit
                ? Slot.prevote(vote.height, round: round)
                : .precommit(vote.height, round: round)
            guard let earlier = first[heard(other)] else { continue }
            let slot = Slot.amnesia(
                vote.height, precommit: min(round, vote.round), prevote: max(round, vote.round))
            let (lock, prevote) =
                isPrecommit ? (vote.statement, earlier) : (earlier, vote.statement)
            guard !isSeen.contains(heard(slot)), slot.isContradicted(by: lock, prevote),
                EvidenceMessage(
                    validator: key, slot: .consensus(slot), first: lock, second: prevote
                ).isSigned(in: state.ledger)
            else { continue }
            isSeen.insert(heard(slot))
            seen.append((heard(slot), moment))
        }
    }

    /// What is malformed no node keeps, so that what comes after it may convict nobody.
    private static func isWellFormed(_ vote: ConsensusVote) -> Bool {
        vote.ground == -1
            || vote.kind == .prevote && vote.value != nil
                && (0..<Int64(vote.round)).contains(vote.ground)
    }

    private func isSigned(
        _ statement: Statement, _ matter: Matter, _ key: PublicKey, _ ledger: LedgerID
    ) -> Bool {
        EvidenceMessage(validator: key, slot: matter.slot, first: statement, second: statement)
            .isSigned(in: ledger)
    }

    private func contradicts(
        _ slot: EvidenceSlot, _ first: Statement, _ second: Statement
    ) -> Bool {
        switch slot {
        case .vote: Slot.vote(EntryIndex(0)).isContradicted(by: first, second)
        case .result: Slot.result(EntryIndex(0)).isContradicted(by: first, second)
        case .settlement: Slot.settlement(EntryIndex(0)).isContradicted(by: first, second)
        case .consensus(let slot): slot.isContradicted(by: first, second)
        }
    }

    /// Returns what is not in the ledger at the end though it was seen.
    ///
    /// `stayedUp` says whether a node lived on in that life until a moment.
    package func finish(stayedUp: (_ node: Int, _ life: Int, _ until: Moment) -> Bool)
        -> [Violation]
    {
        var reported: Set<Matter> = []
        var found: [Violation] = []
        for (heard, moment) in seen {
            let until = moment.adding(milliseconds: Self.patienceMilliseconds)
            guard !convicted.contains(heard.matter.charge), stayedUp(heard.node, heard.life, until),
                reported.insert(heard.matter.charge).inserted
            else { continue }
            found.append(
                Violation(
                    .accountability, node: heard.node,
                    "saw validator \(heard.matter.validator.rawValue) contradict itself on"
                        + " \(heard.matter.slot), and the ledger does not say so"))
        }
        return found
    }

    /// The contradictions that were seen, and those that the ledger holds.
    var counts: (seen: Int, convicted: Int) { (isSeenMatters, convictions.count) }

    private var isSeenMatters: Int { Set(seen.map(\.heard.matter.charge)).count }
}
