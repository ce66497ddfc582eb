// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What is kept. A message costs the same however many rounds are kept: they are looked up, and
/// gone through only where a quorum of prevotes counts, which liars alone do not make.
extension Consensus {
    /// The place of a member in `members`.
    func position(of member: ValidatorIndex) -> Int? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle] < member { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low] == member ? low : nil
    }

    /// The place of `round` in `rounds`, or where it belongs.
    func place(of round: UInt32) -> (index: Int, isKept: Bool) {
        var low = 0
        var high = rounds.count
        while low < high {
            let middle = (low + high) / 2
            if rounds[middle].round < round { low = middle + 1 } else { high = middle }
        }
        return (low, low < rounds.count && rounds[low].round == round)
    }

    /// The messages of `round`, if any are kept.
    func messages(of round: UInt32) -> RoundMessages? {
        let place = place(of: round)
        return place.isKept ? rounds[place.index] : nil
    }

    /// The place of `round` in `rounds`, made where need be; nil for a round that is not kept.
    private mutating func keptPlace(of round: UInt32) -> Int? {
        let place = place(of: round)
        if place.isKept { return place.index }
        guard isKept(round) else { return nil }
        let messages = RoundMessages(round: round, size: members.count, threshold: threshold)
        rounds.insert(messages, at: place.index)
        invariant(
            place.index == 0 || rounds[place.index - 1].round < round, "rounds do not ascend")
        invariant(
            place.index + 1 == rounds.count || rounds[place.index + 1].round > round,
            "round \(round) is kept twice, or before an earlier one")
        return place.index
    }

    /// Whether messages of `round` are kept: those around the node's own, those of its lock and
    /// its valid value, those that a proposal for it to act on rests on, and, as long as the height
    /// lasts, those with a quorum of prevotes for a value: they may be the ground of others.
    ///
    /// Liars alone make no such quorum, so that what is kept is bounded by the rounds that were.
    func isKept(_ round: UInt32) -> Bool {
        if round >= self.round { return round - self.round <= ReplicationLimits.roundsAheadMax }
        if self.round - round <= ReplicationLimits.roundsBehindMax { return true }
        if Int64(round) == lockedRound || Int64(round) == validRound { return true }
        if messages(of: round)?.prevotes.chosenValue != nil { return true }
        let first = place(of: self.round).index
        return rounds.indices[first...].contains { place in
            rounds[place].candidates.contains { $0.validRound == Int64(round) }
        }
    }

    /// Drops the messages of the rounds that are not to be kept, now that the node is where it is.
    ///
    /// Those near the node's own, nearly all, are not looked at.
    mutating func dropRounds() {
        let farthest = round - min(round, ReplicationLimits.roundsBehindMax)
        let old = rounds[..<place(of: farthest).index]
        let kept = old.filter { isKept($0.round) }
        guard kept.count < old.count else { return }
        for dropped in old where !isKept(dropped.round) {
            for candidate in dropped.candidates { count(candidate, -1) }
        }
        rounds.replaceSubrange(old.indices, with: kept)
        decidingRounds = decidingRounds.filter { place(of: $0).isKept }
    }

    /// Counts a proposal among those that rest on prevotes, or out of them.
    private mutating func count(_ candidate: Candidate, _ change: Int) {
        guard let validRound = UInt32(exactly: candidate.validRound) else { return }
        let ground = Ground(round: validRound, value: candidate.value)
        let count = (restingCounts[ground] ?? 0) + change
        invariant(count >= 0, "\(count) proposals rest on round \(validRound)")
        restingCounts[ground] = count == 0 ? nil : count
    }

    /// Whether a message of `round` would be the first that shows a member to be so far, beyond
    /// this node: it may take the node along (L55) though nothing of the round is kept.
    func isAhead(_ member: ValidatorIndex, in round: UInt32) -> Bool {
        guard round > self.round, let position = position(of: member) else { return false }
        return Int64(round) > highestRounds[position]
    }

    /// Notes that a member was heard in `round`.
    private mutating func hear(_ position: Int, in round: UInt32) {
        let before = highestRounds[position]
        guard Int64(round) > before else { return }
        highestRounds[position] = Int64(round)
        if before < 0 { heardCount += 1 }
        if before <= Int64(self.round) && round > self.round { aheadCount += 1 }
    }

    /// Keeps a proposal of the leader of `round`, unless no honest leader makes such a one.
    mutating func keep(_ candidate: Candidate, in round: UInt32) {
        guard candidate.validRound >= -1, candidate.validRound < Int64(round) else { return }
        guard let position = position(of: leader(of: round)) else { return }
        hear(position, in: round)
        guard let place = keptPlace(of: round) else { return }
        if rounds[place].insert(candidate) { count(candidate, 1) }
    }

    /// Keeps a member's vote: one that counts, or a prevote that may once its ground is held.
    mutating func keep(
        _ kind: ConsensusKind, of value: Digest?, in round: UInt32, on ground: Int64,
        from sender: ValidatorIndex
    ) {
        guard let position = position(of: sender) else { return }
        hear(position, in: round)
        guard ground < Int64(round), let place = keptPlace(of: round) else { return }
        let isNamed = isNamed(value, in: round)
        switch (kind, pending(value, on: ground, from: position)) {
        case (.precommit, _):
            rounds[place].precommits.insert(value, from: position, isNamed: isNamed)
            noteDeciding(place)
        case (.prevote, let prevote?): rounds[place].await(prevote)
        case (.prevote, nil):
            rounds[place].prevotes.insert(value, from: position, isNamed: isNamed)
            if let value, rounds[place].prevotes.isChosen(value) {
                countGrounded(value, from: place)
            }
        }
    }

    /// Notes whether a quorum precommits a value in the round at `place`.
    private mutating func noteDeciding(_ place: Int) {
        let round = rounds[place].round
        guard rounds[place].precommits.chosenValue != nil, !decidingRounds.contains(round) else {
            return
        }
        decidingRounds.insert(
            round, at: decidingRounds.firstIndex { $0 > round } ?? decidingRounds.count)
        invariant(
            zip(decidingRounds, decidingRounds.dropFirst()).allSatisfy { $0 < $1 },
            "the \(decidingRounds.count) rounds that decide do not ascend")
    }

    /// Whether `keep` would keep this vote, or count it where it waits so far.
    ///
    /// What it would not is neither journaled nor passed on.
    package func takes(
        _ kind: ConsensusKind, of value: Digest?, in round: UInt32, on ground: Int64,
        from sender: ValidatorIndex
    ) -> Bool {
        guard let position = position(of: sender), ground < Int64(round), isKept(round) else {
            return false
        }
        guard let kept = messages(of: round) else { return true }
        let isNamed = isNamed(value, in: round)
        switch (kind, pending(value, on: ground, from: position)) {
        case (.precommit, _):
            return kept.precommits.takes(value, from: position, isNamed: isNamed)
        case (.prevote, let prevote?): return kept.takes(prevote)
        case (.prevote, nil):
            return kept.prevotes.takes(value, from: position, isNamed: isNamed)
        }
    }

    /// Whether a quorum of prevotes for `value` in `round` counts here.
    func hasQuorum(of value: Digest, in round: UInt32) -> Bool {
        messages(of: round)?.prevotes.isChosen(value) == true
    }

    /// A prevote as one that has to wait; nil where it rests on nothing that is lacking.
    private func pending(
        _ value: Digest?, on ground: Int64, from position: Int
    ) -> PendingPrevote? {
        guard countsGrounds, let value, let ground = UInt32(exactly: ground),
            !hasQuorum(of: value, in: ground)
        else { return nil }
        return PendingPrevote(position: position, value: value, ground: ground)
    }

    /// Counts the prevotes for `value` that waited for a quorum which now counts, in the round at
    /// `first`; and those for which these make one, which are of later rounds.
    private mutating func countGrounded(_ value: Digest, from first: Int) {
        var grounds: Set<UInt32> = [rounds[first].round]
        for place in rounds.indices[(first + 1)...] where !rounds[place].pending.isEmpty {
            let round = rounds[place].round
            let isNamed = isNamed(value, in: round)
            let grounded = rounds[place].release {
                $0.value == value && grounds.contains($0.ground)
            }
            for prevote in grounded {
                rounds[place].prevotes.insert(value, from: prevote.position, isNamed: isNamed)
            }
            if rounds[place].prevotes.isChosen(value) { grounds.insert(round) }
        }
    }

    /// Whether `value` is one to keep votes for in `round`, however many others a member voted for:
    /// a proposal that is kept is of it there, or rests on its prevotes there, or the node does.
    ///
    /// Else a member that votes for many values could keep from this node the quorum of prevotes
    /// that another has seen, and that L28 asks for.
    private func isNamed(_ value: Digest?, in round: UInt32) -> Bool {
        guard let value else { return false }
        if value == validValue && Int64(round) == validRound { return true }
        if restingCounts[Ground(round: round, value: value)] != nil { return true }
        let place = place(of: round)
        return place.isKept && rounds[place.index].candidates.contains { $0.value == value }
    }
}
