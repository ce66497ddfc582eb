// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What a decision rests on, as far as the certificate shows it.
enum DecisionGround {
    /// On votes that are there: the last of them decided.
    case votes
    /// On votes that are not there: the deadline passed.
    case deadline
    /// On the approval of another request, by this vote.
    case conflict(vote: UInt64)
}

// MARK: - What the decision must say

extension CertifiedEntries {
    /// Compares `OutcomeDecided` with the votes counted, field by field.
    func checkDecision(
        _ round: CertifiedRound, _ ground: DecisionGround
    ) throws(CertificateFlaw) {
        let said = round.decided
        let tally = round.tally
        try compare(round, "approvals", tally.approvals, Int(said.approvals))
        try compare(round, "rejections", tally.rejections, Int(said.rejections))
        try compare(round, "abstentions", tally.abstentions, Int(said.abstentions))
        let outcome: Outcome
        let reason: OutcomeReason
        let deciding: UInt64
        let batch: (index: UInt64, opened: BatchOpened)
        switch (ground, round.decidedByVotes) {
        case (.votes, let byVotes?):
            (outcome, reason, deciding) = byVotes
            batch = try decidingBatch(before: deciding, of: round)
            // Behind a list come the decisions of all its votes, each of which names the list.
            if isList(at: deciding), round.decisionEntry > deciding { break }
            try compare(round, "place", deciding + 1, round.decisionEntry)
        case (.conflict(let vote), let byVotes)
        where byVotes == nil || byVotes?.entry == vote && isList(at: vote):
            // In the list that approved the other there may be the votes that would approve this.
            (outcome, reason, deciding) = (.rejected, .nullifierSpent, vote)
            batch = try decidingBatch(before: deciding, of: round)
        case (.deadline, nil):
            guard said.reason == .deadlineWithQuorum || said.reason == .deadlineWithoutQuorum else {
                throw flaw(
                    round, "reason",
                    "the deadline: \(tally.votes) votes decide nothing, and no"
                        + " conflicting request is there", "\(said.reason)")
            }
            batch = try dueBatch(of: round)
            let isQuorum = tally.votes >= round.threshold
            outcome = isQuorum ? .rejected : .timedOut
            reason = isQuorum ? .deadlineWithQuorum : .deadlineWithoutQuorum
            deciding = batch.index
        default:
            throw flaw(round, "reason", "what the votes decide", "\(said.reason)")
        }
        try compare(round, "outcome", outcome, said.outcome)
        try compare(round, "reason", reason, said.reason)
        try compare(round, "deciding", deciding, said.deciding.rawValue)
        try compare(round, "margin", tally.approvals - round.threshold, Int(said.margin))
        try compare(round, "time", batch.opened.time.rawValue, said.time.rawValue)
    }

    private func isList(at entry: UInt64) -> Bool {
        if case .votesCast? = event(entry) { true } else { false }
    }

    /// Whether the vote on a request stands behind that on another in one list.
    private func isBehind(
        _ round: CertifiedRound, _ other: CertifiedRound, _ entry: UInt64
    ) -> Bool {
        guard case .votesCast(let list)? = event(entry),
            let place = list.index(of: round.part.request),
            let before = list.index(of: other.part.request)
        else { return false }
        return before < place
    }

    private func compare<Value: Equatable>(
        _ round: CertifiedRound, _ field: String, _ expected: Value, _ found: Value
    ) throws(CertificateFlaw) {
        guard expected == found else { throw flaw(round, field, "\(expected)", "\(found)") }
    }

    private func flaw(
        _ round: CertifiedRound, _ field: String, _ expected: String, _ found: String
    ) -> CertificateFlaw {
        CertificateFlaw(
            check: .decision, entry: round.decisionEntry, field: field, expected: expected,
            found: found)
    }

    /// The one opening that a decision by a vote brings along.
    private func decidingBatch(
        before deciding: UInt64, of round: CertifiedRound
    ) throws(CertificateFlaw) -> (index: UInt64, opened: BatchOpened) {
        guard let batch = batches.first, batches.count == 1, batch.index < deciding else {
            throw flaw(
                round, "batch", "one batchOpened before entry \(deciding)", "\(batches.count)")
        }
        return batch
    }

    /// The opening of the batch at which the deadline had passed: the first such one.
    private func dueBatch(
        of round: CertifiedRound
    ) throws(CertificateFlaw) -> (index: UInt64, opened: BatchOpened) {
        let deadline = round.opened.deadline
        let before = batches.filter { $0.index < round.decisionEntry }
        guard let batch = before.last else {
            throw flaw(round, "batch", "a batchOpened at the deadline", "none")
        }
        guard batch.opened.time >= deadline else {
            throw flaw(
                round, "time", "the deadline \(deadline.rawValue) or later",
                "\(batch.opened.time.rawValue) at entry \(batch.index)")
        }
        for (one, next) in zip(before, before.dropFirst()) {
            guard one.opened.time < next.opened.time,
                one.opened.height < next.opened.height,
                next.opened.height.rawValue - one.opened.height.rawValue == 1
            else {
                throw flaw(
                    round, "batch", "batches in order",
                    "height \(next.opened.height.rawValue) at entry \(next.index) after"
                        + " \(one.opened.height.rawValue)")
            }
            guard one.opened.time < deadline else {
                throw flaw(
                    round, "batch", "the first one at the deadline \(deadline.rawValue)",
                    "an earlier one at entry \(one.index)")
            }
        }
        return batch
    }
}

// MARK: - Which entries there must be

extension CertifiedEntries {
    /// Checks that no entry is missing from the opening of the round to its close, and that the
    /// close is where the entries end.
    func checkAbsence(_ round: CertifiedRound) throws(CertificateFlaw) {
        func flaw(_ entry: UInt64?, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .absence, entry: entry, field: "place", expected: expected, found: found)
        }
        var next = round.entry
        for (index, _) in events.dropFirst() {
            guard index == next else {
                throw flaw(
                    next, "every entry from \(round.entry) to the close of the round",
                    "entry \(index) after entry \(next - 1)")
            }
            next += 1
        }
        guard case .roundClosed(let closed)? = events.last?.event,
            closed.about == round.part.request
        else {
            throw flaw(
                events.last?.index, "roundClosed about entry \(round.entry)",
                events.last?.event.kind ?? "nothing")
        }
        guard closed.cause == .deadline else {
            throw flaw(events.last?.index, "a close at the deadline", "\(closed.cause)")
        }
        for (index, event) in events.dropLast() where index > round.decisionEntry {
            guard event.isClosing, event.request == round.part.request else {
                throw flaw(index, "disagreement and reputations of the close", event.kind)
            }
        }
    }

    /// Checks that no entry stands in the certificate that the decision does not need.
    func checkNoOther(_ rounds: [CertifiedRound]) throws(CertificateFlaw) {
        var wanted: Set<UInt64> = [0]
        wanted.formUnion(batches.map(\.index))
        for round in rounds {
            wanted.formUnion([round.entry, round.entry + 1, round.decisionEntry])
            wanted.formUnion(round.votes.map(\.entry))
        }
        for (index, event) in events where !wanted.contains(index) {
            throw CertificateFlaw(
                check: .entries, entry: index, field: "kind",
                expected: "only entries on which the decision rests", found: event.kind)
        }
    }

    /// Checks that another request with a nullifier of this one was approved first.
    func checkConflict(
        _ round: CertifiedRound, _ other: CertifiedRound
    ) throws(CertificateFlaw) {
        func flaw(_ field: String, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .conflict, entry: other.entry, field: field, expected: expected,
                found: found)
        }
        guard other.entry != round.entry else {
            throw flaw("request", "another than the subject", "the same")
        }
        guard other.decided.outcome == .approved else {
            throw flaw("outcome", "approved", "\(other.decided.outcome)")
        }
        let shared = Set(round.request.nullifiers).intersection(other.request.nullifiers)
        guard !shared.isEmpty else {
            throw flaw("nullifiers", "one of entry \(round.entry)", "none of them")
        }
        let deciding = other.decided.deciding.rawValue
        // The votes of one list are recorded together, and counted in their order.
        guard round.entry + 1 < deciding,
            round.votes.allSatisfy({ vote in
                vote.entry < deciding || vote.entry == deciding && isBehind(round, other, deciding)
            })
        else {
            throw flaw("deciding", "after the round of entry \(round.entry) opened", "\(deciding)")
        }
        guard other.decisionEntry < round.decisionEntry else {
            throw flaw(
                "place", "decided before entry \(round.decisionEntry)", "\(other.decisionEntry)")
        }
    }
}

extension Event {
    /// Whether the event is part of the close of a round, before its end.
    fileprivate var isClosing: Bool {
        switch self {
        case .disagreementRecorded, .reputationChanged: true
        default: false
        }
    }
}
