// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Algorithm 1 of Buchman, Kwon and Milosevic, "The latest gossip on BFT consensus"
/// (arXiv:1807.04938), for one height, as a pure state machine.
///
/// Comments `L22` and the like name the lines of the paper. A quorum, there 2f + 1 of 3f + 1, is
/// `threshold` members here, and f is what is left: N - `threshold`. Every message given to it is
/// authenticated: the machine knows no signatures, no clock and no batches. What it wants sent
/// comes back to it as an input like any other's message, once it is journaled.
///
/// Departures from the paper, none of which touches what may be voted for:
/// - a message of a round that is too far ahead is forgotten but for its sender and round, and the
///   move to a later round (L55) goes by the highest round that each member was heard in;
/// - a prevote names its ground (`Effect.vote`), and counts only once the quorum of prevotes there
///   counts here: so a fork shows who forgot a lock, by two of its signatures (`ForkTrace`);
/// - a leader too sets the timeout for proposals, since it may find nothing to propose;
/// - votes and proposals are bounded, by `ReplicationLimits`.
package struct Consensus: Hashable, Sendable {
    /// How far a node is in its round.
    package enum Step: UInt8, Hashable, Sendable {
        /// It awaits a proposal, or makes one.
        case propose
        /// It has prevoted.
        case prevote
        /// It has precommitted.
        case precommit
    }

    /// A wait that a node sets itself; it ends by `Input.timeout`.
    package struct Timeout: Hashable, Sendable {
        /// What is waited for.
        package enum Kind: UInt8, Hashable, Sendable {
            /// A proposal (L57).
            case propose
            /// A quorum of prevotes that agree (L61).
            case prevote
            /// A quorum of precommits that agree (L65).
            case precommit
        }

        /// What is waited for.
        package var kind: Kind
        /// In which round.
        package var round: UInt32

        /// Takes the fields in order.
        package init(_ kind: Kind, round: UInt32) {
            self.kind = kind
            self.round = round
        }
    }

    /// What the rules of the ledger say of a proposed value.
    package enum Validity: UInt8, Hashable, Sendable {
        /// It does not follow from the batch, or the batch breaks a rule.
        case invalid
        /// It is valid, but its time is too far from the node's own clock: only L22 cares.
        case untimely
        /// It is valid.
        case valid
    }

    /// A proposal that is kept.
    package struct Candidate: Hashable, Sendable {
        /// What is proposed.
        package var value: Digest
        /// The round of the prevotes on which the proposal rests; -1 for none.
        package var validRound: Int64
        /// What the rules of the ledger say of it.
        package var validity: Validity

        /// Takes the fields in order.
        package init(value: Digest, validRound: Int64, validity: Validity) {
            self.value = value
            self.validRound = validRound
            self.validity = validity
        }
    }

    /// What a node takes in.
    package enum Input: Hashable, Sendable {
        /// Takes part from now on (L10); after `restore`, goes on where the journal ends.
        case start
        /// A proposal from the leader of its round.
        case proposal(round: UInt32, value: Digest, validRound: Int64, Validity)
        /// A prevote, with its ground, or a precommit of a member; a stranger's is ignored.
        case vote(
            ConsensusKind, round: UInt32, value: Digest?, ground: Int64 = -1,
            from: ValidatorIndex)
        /// A wait is over. One of a round or step that has passed is ignored.
        case timeout(Timeout)
    }

    /// What a node is to do, in order.
    package enum Effect: Hashable, Sendable {
        /// Proposes `value`, or a new one where it is nil (`getValue`, L18).
        case propose(round: UInt32, value: Digest?, validRound: Int64)
        /// Votes. `ground` is, of a prevote for a value, the last round for which the node holds a
        /// quorum of prevotes for it: that of its lock on it or of the proposal; otherwise -1.
        case vote(ConsensusKind, round: UInt32, value: Digest?, ground: Int64)
        /// Sets a wait.
        case schedule(Timeout)
        /// The value is decided, by the precommits of this round. It comes once, and last.
        case decide(value: Digest, round: UInt32)
    }

    /// What was decided, and where.
    package struct Decision: Hashable, Sendable {
        /// The value.
        package var value: Digest
        /// The round of the precommits that decided it.
        package var round: UInt32

        /// Takes the fields in order.
        package init(value: Digest, round: UInt32) {
            self.value = value
            self.round = round
        }
    }

    /// The batch that is being agreed on.
    package let height: Height
    /// Who has a voice, ascending.
    package let members: [ValidatorIndex]
    /// How many members make a quorum.
    package let threshold: Int
    /// The members ranked: the round r is led by the one at r mod N.
    package let leaders: [ValidatorIndex]
    /// Whose machine this is; nil if it only watches.
    package let own: ValidatorIndex?
    /// Whether L23 and L29 ask for the lock, as they must.
    package let keepsLocks: Bool
    /// Whether a prevote counts only where those of its ground do, as it must.
    package let countsGrounds: Bool

    /// The attempt that the node is at.
    package internal(set) var round: UInt32 = 0
    /// How far it is in it.
    package internal(set) var step = Step.propose
    /// Whether it takes part.
    package internal(set) var isStarted = false
    /// What was decided; nothing is taken in afterwards.
    package internal(set) var decided: Decision?
    /// What the node last precommitted, other than nil (L38).
    package internal(set) var lockedValue: Digest?
    /// In which round; -1 for none (L39).
    package internal(set) var lockedRound: Int64 = -1
    /// What it proposes when it leads: the last value seen with a quorum of prevotes (L42).
    package internal(set) var validValue: Digest?
    /// In which round; -1 for none (L43).
    package internal(set) var validRound: Int64 = -1

    /// Ascending by round.
    var rounds: [RoundMessages] = []
    /// By position, the highest round in which a member was heard; -1 for none.
    var highestRounds: [Int64]
    /// How many members were heard at all.
    var heardCount = 0
    /// How many members were heard in a later round than `round`.
    var aheadCount = 0
    /// Whether `start` resumes in a step that the journal gave, rather than beginning a round.
    var isResuming = false

    /// A machine that has heard nothing and waits for `Input.start`.
    ///
    /// - Parameter keepsLocks: false only in tests, to show that checkers find what goes wrong
    ///   without the locking conditions of L23 and L29; so `countsGrounds`, for measurements.
    /// - Precondition: `members` is ascending, `leaders` has as many, and
    ///   `1 <= threshold <= members.count`.
    package init(
        height: Height, members: [ValidatorIndex], threshold: Int, leaders: [ValidatorIndex],
        own: ValidatorIndex?, keepsLocks: Bool = true, countsGrounds: Bool = true
    ) {
        invariant(
            zip(members, members.dropFirst()).allSatisfy { $0 < $1 }, "members out of order")
        invariant(leaders.count == members.count, "\(leaders.count) leaders of \(members.count)")
        invariant(
            threshold >= 1 && threshold <= members.count,
            "a threshold of \(threshold) of \(members.count)")
        self.height = height
        self.members = members
        self.threshold = threshold
        self.leaders = leaders
        self.own = own.flatMap { members.contains($0) ? $0 : nil }
        self.keepsLocks = keepsLocks
        self.countsGrounds = countsGrounds
        highestRounds = [Int64](repeating: -1, count: members.count)
    }

    /// How many members may fail: f.
    package var failuresMax: Int { members.count - threshold }

    /// Who leads `round` (`proposer(h, round)` of the paper).
    package func leader(of round: UInt32) -> ValidatorIndex {
        leaders[Int(round) % leaders.count]
    }

    /// Takes one input and returns what is to be done about it, in order.
    ///
    /// The rules are tried again until none acts. Before `start` messages are kept and only a
    /// decision comes out; after a decision nothing does.
    package mutating func step(_ input: Input) -> [Effect] {
        guard decided == nil else { return [] }
        var effects: [Effect] = []
        switch input {
        case .start:
            start(&effects)
        case .proposal(let round, let value, let validRound, let validity):
            let candidate = Candidate(value: value, validRound: validRound, validity: validity)
            keep(candidate, in: round)
        case .vote(let kind, let round, let value, let ground, let sender):
            keep(kind, of: value, in: round, on: ground, from: sender)
        case .timeout(let timeout):
            expire(timeout, &effects)
        }
        applyRules(&effects)
        return effects
    }
}

// MARK: - What is kept

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
        return rounds[first...].contains { kept in
            kept.candidates.contains { $0.validRound == Int64(round) }
        }
    }

    /// The messages of the rounds that are to be kept, now that the node is where it is.
    func keptRounds() -> [RoundMessages] { rounds.filter { isKept($0.round) } }

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
        rounds[place].insert(candidate)
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
        case (.prevote, let prevote?): rounds[place].await(prevote)
        case (.prevote, nil):
            rounds[place].prevotes.insert(value, from: position, isNamed: isNamed)
            if let value, rounds[place].prevotes.isChosen(value) {
                countGrounded(value, from: place)
            }
        }
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
        if value == validValue && Int64(round) == validRound { return true }
        return rounds.contains { kept in
            kept.round >= round
                && kept.candidates.contains {
                    $0.value == value
                        && (kept.round == round || $0.validRound == Int64(round))
                }
        }
    }
}
