// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension RoundsComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness(in state: Components) throws(Unsoundness) {
        try Self.believe(table.fault == nil, table.fault ?? "")
        try Self.believe(pending == nil, "no request waits for its round")
        var (open, waiting, named) = (0, 0, Set<Bytes32>())
        for case let round? in table.entries.map({ table[$0] }) {
            try check(round, in: state)
            if let decided = round.decided {
                try Self.check(decided, of: round, before: state.time.size)
                try Self.believe(
                    decided.time <= state.time.time,
                    "round \(round.entry.rawValue) was decided by now")
                continue
            }
            open += 1
            waiting += round.request.nullifiers.count
            named.formUnion(round.request.nullifiers)
            for nullifier in round.request.nullifiers {
                try checkUndecided(nullifier, of: round, in: state)
            }
        }
        try Self.believe(undecided.count == named.count, "only named nullifiers are kept")
        try Self.believe(
            named.reduce(0) { $0 + (undecided[$1]?.count ?? 0) } == waiting,
            "only undecided rounds are kept under what they would spend")
        try Self.believe(
            entries.count == state.outcomes.places.count + open,
            "\(entries.count) requests are \(open) open and \(state.outcomes.places.count) decided")
    }

    private func check(_ round: Round, in state: Components) throws(Unsoundness) {
        let entry = round.entry
        let name = "round \(entry.rawValue)"
        try Self.believe(entries[round.id] == entry, "\(name) is found by its identity")
        try Self.believe(round.opened.request == entry, "\(name) opens for its request")
        try Self.believe(
            entry.rawValue + 1 < state.time.size, "\(name) has a request and an opening")
        try Self.believe(
            state.submitters.holds(round.request.submitter), "\(name) has a submitter")
        try Self.believe(state.circuits[round.request.circuit] != nil, "\(name) has a circuit")
        try Self.believe(
            Set(round.request.nullifiers).count == round.request.nullifiers.count,
            "\(name) names no nullifier twice")
        let pinned = round.pinned.members
        try Self.believe(round.votes.count == pinned.count, "\(name) has a place for each vote")
        try Self.believe(
            round.pinned.position(of: round.opened.leader) != nil, "\(name) is led by a voter")
        try Self.believe(round.tally.votes <= pinned.count, "\(name) has no more votes than voters")
        for (member, vote) in zip(pinned, round.votes) {
            guard let vote else { continue }
            try Self.believe(vote.event.request == entry, "a vote in \(name) is about it")
            try Self.believe(
                vote.event.validator == member.index, "a vote in \(name) is in its voter's place")
            try Self.believe(vote.entry.rawValue > entry.rawValue + 1, "votes come after \(name)")
            try Self.believe(vote.entry.rawValue < state.time.size, "votes in \(name) were cast")
        }
    }

    private static func check(
        _ decided: OutcomeDecided, of round: Round, before size: UInt64
    ) throws(Unsoundness) {
        let name = "the decision of round \(round.entry.rawValue)"
        try believe(decided.request == round.entry, "\(name) is about it")
        try believe(
            decided.deciding > round.entry && decided.deciding.rawValue < size,
            "\(name) was made after it opened")
        try decided.checkTally(voters: round.pinned.members.count, of: kind)
        try believe(
            Int(decided.margin) == Int(decided.approvals) - round.threshold,
            "\(name) has the margin of its approvals")
        try believe(
            decided.outcome != .approved || decided.approvals >= round.threshold,
            "\(name) approves with T approvals")
        let tally = round.tally
        try believe(
            tally.approvals >= decided.approvals && tally.rejections >= decided.rejections
                && tally.abstentions >= decided.abstentions,
            "\(name) counts votes that were cast")
    }

    private func checkUndecided(
        _ nullifier: Bytes32, of round: Round, in state: Components
    ) throws(Unsoundness) {
        let kept = undecided[nullifier] ?? []
        let name = "round \(round.entry.rawValue)"
        try Self.believe(kept.contains(round.entry), "\(name) is kept under what it would spend")
        try Self.believe(rising: kept, "rounds under one nullifier")
        // An approval ends all that would spend the same.
        try Self.believe(
            state.nullifiers.conditions[nullifier]?.isSpent != true,
            "\(name) would spend what is not spent")
    }
}

extension OutcomeDecided {
    /// Throws where more have voted than might, or an outcome has a reason of another.
    func checkTally(voters: Int, of component: StateComponent) throws(Unsoundness) {
        guard Int(approvals) + Int(rejections) + Int(abstentions) <= voters else {
            throw Unsoundness(
                component: component,
                belief: "request \(request.rawValue) has no more votes than voters")
        }
        let isApproval = reason == .quorumApproved
        guard isApproval == (outcome == .approved) else {
            throw Unsoundness(
                component: component,
                belief: "request \(request.rawValue) is approved by a quorum and nothing else")
        }
    }
}
