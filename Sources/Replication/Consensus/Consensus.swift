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
///
/// Invariants: `round`, in it `step`, `lockedRound` and `validRound` never fall, and the last two
/// are at most `round`; `rounds` ascends, and so does `decidingRounds`, whose rounds are kept;
/// `aheadCount <= heardCount <= members.count`; `leaders` has each of `members` once.
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

        /// The round counts from 0.
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

        /// A valid round of -1 is none.
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

        fileprivate var isDecision: Bool { if case .decide = self { true } else { false } }
    }

    /// What was decided, and where.
    package struct Decision: Hashable, Sendable {
        /// The value.
        package var value: Digest
        /// The round of the precommits that decided it.
        package var round: UInt32

        /// The round in which T precommitted, from 0.
        package init(value: Digest, round: UInt32) {
            self.value = value
            self.round = round
        }
    }

    /// Prevotes of a round for a value, on which later ones rest.
    struct Ground: Hashable, Sendable {
        let round: UInt32
        let value: Digest
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
    /// The rounds of them in which a quorum precommits a value, ascending. Liars make none.
    var decidingRounds: [UInt32] = []
    /// How many of the proposals in them rest on the prevotes of a round for a value; it is looked
    /// up, and never iterated.
    var restingCounts: [Ground: Int] = [:]
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
    /// - Precondition: `members` is ascending, `leaders` has the same in another order, and
    ///   `1 <= threshold <= members.count`.
    package init(
        height: Height, members: [ValidatorIndex], threshold: Int, leaders: [ValidatorIndex],
        own: ValidatorIndex?, keepsLocks: Bool = true, countsGrounds: Bool = true
    ) {
        invariant(
            zip(members, members.dropFirst()).allSatisfy { $0 < $1 }, "members out of order")
        invariant(leaders.count == members.count, "\(leaders.count) leaders of \(members.count)")
        invariant(leaders.sorted() == members, "a member leads twice, or none that is one does")
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
        let before = Place(self)
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
        check(since: before)
        invariant(
            (decided != nil) == (effects.last?.isDecision == true),
            "a decision of height \(height.rawValue) is not the last word on it")
        return effects
    }
}
