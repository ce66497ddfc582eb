// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// One node's part in ordering batches: Tendermint consensus (Buchman, Kwon and Milosevic 2018,
/// arXiv:1807.04938, Algorithm 1) around the rules of the ledger.
///
/// Pure: all that it knows came through `step`, and all that it wants done is in the effects. The
/// host does them in order, so that what a message rests on is durable before the message leaves.
package struct Replica: Sendable {
    /// The node's identity.
    package let key: SigningKey
    /// How it times its rounds.
    package let settings: ReplicationSettings
    let weakening: Weakening

    // MARK: What is decided

    /// The state after the last batch.
    package internal(set) var state: LedgerState
    /// The tree of the log after the last batch.
    package internal(set) var frontier: MerkleFrontier
    /// The precommits of the last batch; nil for batch 0, and where they are still to be had.
    package internal(set) var lastPrecommits: Precommits?
    /// When the last batch came, by the uptime clock, and its time: what the wall clock should say.
    var knownTime: Time
    var knownUptime: UInt64
    /// Whether the operator has said that a jump of the clock is right.
    package var isJumpAccepted = false
    var isJumpTold = false

    // MARK: The height in progress

    /// Those who order it, by index.
    var members: [RankedMember]
    /// T of this height.
    var threshold: Int
    var consensus: Consensus
    /// Proposals of this height as they came, each once by round, value and valid round.
    var proposals: [Proposal] = []
    /// Valid batches by their value.
    var valid: [Digest: ProposedBatch] = [:]
    /// What the last of them that was derived has come to.
    var derived: ExecutedBatch?
    /// A second state equal to `state`, for the next batch to be derived on: what nobody else
    /// holds is changed in place, and a batch costs what it changes and not what there is.
    var spare: LedgerState?
    var book = VoteBook()
    var timers: [(at: UInt64, timeout: Consensus.Timeout)] = []
    /// The round that this node leads and has not proposed in, for want of a reason.
    var proposing: UInt32?
    /// What is to be taken into `consensus` next.
    var consensusInputs: [Consensus.Input] = []

    // MARK: The heights beside it

    /// The votes of the last height, and who ordered it: what comes late may be evidence.
    var lastBook = VoteBook()
    var lastMembers: [RankedMember]
    /// Messages for the next height, by peer.
    var early: [ValidatorIndex: [PeerMessage]] = [:]
    /// What the journal holds of the height in progress, until the node starts.
    var journal: [JournalItem]

    // MARK: Everything else

    var pool = CommandPool()
    /// The commands that wait want no batch before this, by the uptime clock.
    var readyFloor: UInt64 = 0
    var budget = PeerBudget()
    /// Until when the node says nothing, for its journal was lost; nil where it may speak.
    let silentUntil: Time?
    /// The height through which it says nothing then.
    let silentThrough: Height
    /// The first height at which it may speak: it has spoken there, and not before it again.
    let firstHeight: Height
    var verificationsOut = 0
    var statusAt: UInt64 = 0
    var answeredAt: [ValidatorIndex: UInt64] = [:]
    /// The last height of which each peer was sent the batch.
    var servedHeights: [ValidatorIndex: Height] = [:]
    /// When this node spreads again what no batch holds.
    var spreadAt: UInt64 = 0
    /// Votes that contradict each other on requests that the ledger does not hold yet.
    var contradictions: [Contradiction] = []
    var isStopped = false
    var now: Instant
    var effects: [ReplicaEffect] = []

    /// Takes up where the log and the journal end.
    ///
    /// - Parameters:
    ///   - state: The state after the last batch of the log; no batch is open.
    ///   - frontier: The tree of the log.
    ///   - lastPrecommits: Those of the last batch, where the host has them.
    ///   - journal: What the journal holds of the height in progress, in order.
    ///   - silentUntil: Where the journal was begun anew: until when nothing is said.
    ///   - silentThrough: And the height that was being decided then.
    ///   - firstHeight: The newest height at which the journal has the node speak; a log that was
    ///     recovered from an older copy may be behind it.
    package init(
        key: SigningKey, settings: ReplicationSettings, state: LedgerState,
        frontier: MerkleFrontier, lastPrecommits: Precommits?, journal: [JournalItem],
        silentUntil: Time? = nil, silentThrough: Height = Height(0),
        firstHeight: Height = Height(0), weakening: Weakening = Weakening(), at now: Instant
    ) {
        invariant(frontier.count == state.size, "the state and the tree are of different logs")
        self.key = key
        self.settings = settings
        self.weakening = weakening
        self.state = state
        self.frontier = frontier
        self.lastPrecommits = lastPrecommits
        self.journal = journal
        self.silentUntil = silentUntil
        self.silentThrough = silentThrough
        self.firstHeight = firstHeight
        self.now = now
        knownTime = state.time
        knownUptime = now.uptime
        members = state.sealedLast.members
        threshold = weakening.quorum ?? Int(state.sealedLast.parameters.threshold)
        lastMembers = state.sealedBefore.members
        consensus = Consensus(
            height: Replication.height(after: state), members: members.map(\.index),
            threshold: threshold,
            leaders: state.proposerRanking(height: Replication.height(after: state)), own: nil)
        enterHeight()
    }

    /// The height that is being decided.
    package var height: Height { Replication.height(after: state) }

    /// The node's number, where it is or was a validator.
    package var index: ValidatorIndex? { state.validatorIndex(of: key.publicKey) }

    /// The node's number, where it is one of those who order this height and may speak.
    var speaker: ValidatorIndex? {
        guard let index, members.contains(where: { $0.index == index }), !isSilent else {
            return nil
        }
        return index
    }

    /// Whether the node says nothing, for its journal was lost and old words may still count.
    package var isSilent: Bool {
        guard height >= firstHeight else { return true }
        guard let silentUntil else { return false }
        return state.time <= silentUntil || state.height <= silentThrough
    }

    /// Takes in what happened and returns what is to be done, in order.
    package mutating func step(_ input: ReplicaInput, at instant: Instant) -> [ReplicaEffect] {
        guard !isStopped else { return [] }
        now = Instant(time: instant.time, uptime: max(now.uptime, instant.uptime))
        switch input {
        case .start: resume()
        case .message(let message, let peer, let bytes):
            guard
                budget.takes(
                    bytes: bytes, isBatch: message.isBatch, from: peer, at: now.uptime)
            else { return [] }
            receive(message, from: peer)
        case .wake: break
        case .verified(let request, let vote, let reason): take(request, vote, reason)
        case .signed(let vote): takeOwn(vote)
        }
        attend()
        let result = effects
        effects = []
        return result
    }

    /// What is due by the clocks, and what follows from what came in.
    mutating func attend() {
        guard !isStopped else { return }
        drive()
        fireTimers()
        refreshReadiness()
        if !consensus.isStarted, consensus.isCalledFor || isWorthStarting {
            consensusInputs.append(.start)
            drive()
        }
        tryPropose()
        drive()
        startVerifications()
        spreadOwn()
        sendStatus()
        tellJump()
    }

    private mutating func receive(_ message: PeerMessage, from peer: ValidatorIndex?) {
        switch message {
        case .proposal(let proposal): receive(proposal, from: peer)
        case .vote(let vote): receive(vote, from: peer)
        case .command(let message): receive(message, from: peer)
        case .status(let status): if let peer { answer(status, from: peer) }
        case .want(let requests): if let peer { answer(requests, from: peer) }
        case .batch(let batch): receive(batch, from: peer)
        // The host's own.
        case .wantSnapshot, .snapshotPart: break
        }
    }
}

extension PeerMessage {
    /// Whether a whole batch is in it.
    fileprivate var isBatch: Bool {
        switch self {
        case .proposal, .batch: true
        case .vote, .command, .status, .want, .wantSnapshot, .snapshotPart: false
        }
    }
}

/// Two votes of one validator on a request that contradict each other.
struct Contradiction: Sendable {
    let request: RequestID
    let validator: ValidatorIndex
    let first: VoteMessage
    let second: VoteMessage
}

/// The height that follows the last batch of a state.
func height(after state: LedgerState) -> Height { Height(state.height.rawValue + 1) }
