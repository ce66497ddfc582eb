// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// One node's part in ordering batches: Tendermint consensus (Buchman, Kwon and Milosevic 2018,
/// arXiv:1807.04938, Algorithm 1) around the rules of the ledger.
///
/// Pure: all that it knows came through `step`, and all that it wants done is in the effects. The
/// host does them in order, so that what a message rests on is durable before the message leaves.
///
/// Invariants, between two steps: `frontier.count == state.size`; `consensus.height` is one above
/// `state.height`, which is that of `lastPrecommits`; `isLost` exactly where `consensus.decided` is
/// there; `pacing.proposing <= consensus.round`; `verificationsOut <= verificationsMax`;
/// `jobOwners.count <= state.openJobs.count`.
package struct Replica: Sendable {
    /// The node's identity.
    package let key: SigningKey
    /// How it times its rounds.
    package let settings: ReplicationSettings
    let weakening: Weakening
    /// Checks the signatures that are not checked before: those within batches.
    let checker: SignatureChecker

    // MARK: What is decided

    /// The state after the last batch.
    package internal(set) var state: LedgerState
    /// The tree of the log after the last batch.
    package internal(set) var frontier: MerkleFrontier
    /// The precommits of the last batch; nil for batch 0, and where they are still to be had.
    package internal(set) var lastPrecommits: Precommits?

    // MARK: The height in progress

    /// Those who order it, by index.
    var members: [RankedMember]
    /// T of this height.
    var threshold: Int
    var consensus: Consensus
    /// Proposals of this height as they came, each once by round, value and valid round.
    var proposals: [Proposal] = []
    /// The batches behind them, derived once each.
    var derivations = Derivations()
    var book = VoteBook()
    /// What is to be taken into `consensus` next.
    var consensusInputs: [Consensus.Input] = []

    // MARK: The heights beside it

    /// The votes of the last height, and who ordered it: what comes late may be evidence.
    var lastBook = VoteBook()
    var lastMembers: [RankedMember]
    /// What the journal holds of the height in progress, until the node starts.
    var journal: [JournalItem]

    // MARK: Everything else

    /// What waits for a batch.
    var pool = CommandPool()
    /// When something is done.
    var pacing: Pacing
    /// What peers lack, and what they are answered.
    var catchingUp = CatchingUp()
    /// Until when the node says nothing, for its journal was lost; nil where it may speak.
    let silentUntil: Time?
    /// The height through which it says nothing then.
    let silentThrough: Height
    /// The first height at which it may speak: it has spoken there, and not before it again.
    let firstHeight: Height
    var verificationsOut = 0
    /// Votes that contradict each other on requests that the ledger does not hold yet.
    var contradictions = Contradictions()
    /// Who submitted the jobs that are assigned and not closed.
    var jobOwners: [EntryIndex: PublicKey] = [:]
    var isStopped = false
    /// Whether a quorum agreed in this height on what does not follow here any more.
    var isLost = false
    var now: Instant
    var effects: [ReplicaEffect] = []

    /// Takes up where the log and the journal end.
    ///
    /// - Parameters:
    ///   - state: The state after the last batch of the log; no batch is open.
    ///   - frontier: The tree of the log.
    ///   - lastPrecommits: Those of the last batch, of its height and root, where the host has
    ///     them.
    ///   - journal: What the journal holds of the height in progress, in order.
    ///   - silentUntil: Where the journal was begun anew: until when nothing is said.
    ///   - silentThrough: And the height that was being decided then.
    ///   - firstHeight: The newest height at which the journal has the node speak; a log that was
    ///     recovered from an older copy may be behind it.
    package init(
        key: SigningKey, settings: ReplicationSettings, state: LedgerState,
        frontier: MerkleFrontier, lastPrecommits: Precommits?, journal: [JournalItem],
        silentUntil: Time? = nil, silentThrough: Height = Height(0),
        firstHeight: Height = Height(0), weakening: Weakening = Weakening(),
        checker: SignatureChecker = SignatureChecker(), at now: Instant
    ) {
        ReplicationLimits.check()
        invariant(
            frontier.count == state.size,
            "a state of \(state.size) entries, a tree of \(frontier.count)")
        invariant(!state.isBatchOpen, "a replica begins within batch \(state.height.rawValue)")
        self.key = key
        self.settings = settings
        self.weakening = weakening
        self.checker = checker
        self.state = state
        self.frontier = frontier
        self.lastPrecommits = lastPrecommits
        self.journal = journal
        self.silentUntil = silentUntil
        self.silentThrough = silentThrough
        self.firstHeight = firstHeight
        self.now = now
        pacing = Pacing(settings, state, at: now.uptime)
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
        guard let index, members.contains(where: { $0.index == index }),
            !isSilent, !isLost
        else {
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
        invariant(effects.isEmpty, "\(effects.count) effects of an earlier step were not done")
        now = Instant(time: instant.time, uptime: max(now.uptime, instant.uptime))
        switch input {
        case .start: resume()
        case .message(let message, let peer, let bytes):
            receive(message, from: peer, bytes: bytes)
        case .wake: break
        case .verified(let request, let vote, let reason): receiveVerdict(on: request, vote, reason)
        case .signed(let vote): hearOwn(vote)
        }
        attend()
        invariant(
            verificationsOut <= ReplicationLimits.verificationsMax,
            "\(verificationsOut) proofs are verified at once")
        check()
        let result = effects
        effects = []
        return result
    }

    /// Stops the process where the parts of the replica are not those of one height.
    private func check() {
        invariant(
            frontier.count == state.size,
            "a tree of \(frontier.count) for a state of \(state.size) entries")
        invariant(
            consensus.height == height,
            "height \(consensus.height.rawValue) is agreed on behind batch"
                + " \(state.height.rawValue)")
        invariant(
            lastPrecommits.map { $0.height == state.height } ?? true,
            "the precommits of another batch than \(state.height.rawValue) are its proof")
        invariant(
            isLost == (consensus.decided != nil),
            "what is decided at height \(height.rawValue) is neither taken in nor lost")
        invariant(
            pacing.proposing.map { $0 <= consensus.round } ?? true,
            "a proposal for round \(pacing.proposing ?? 0) is due in round \(consensus.round)")
        invariant(
            !isStopped || effects.last?.isStop == true,
            "\(effects.count) effects of a replica that stops, and its end is not the last")
    }

    /// What is due by the clocks, and what follows from what came in.
    mutating func attend() {
        guard !isStopped else { return }
        drive()
        fireTimers()
        if !consensus.isStarted, consensus.isCalledFor || isWorthStarting {
            consensusInputs.append(.start)
            drive()
        }
        tryPropose()
        drive()
        startVerifications()
        spreadOwn()
        sendStatus()
        if let text = pacing.tellJump(at: now) { effects.append(.notice(text)) }
    }

    private mutating func receive(
        _ checked: CheckedPeerMessage, from peer: ValidatorIndex?, bytes: Int
    ) {
        switch checked.message {
        case .proposal(let proposal): receive(proposal, from: peer, bytes: bytes)
        case .vote(let vote): receive(vote, from: peer, bytes: bytes)
        case .command(let message):
            receive(message, checked.isProofWellFormed, from: peer)
        case .status(let status): if let peer { answer(status, from: peer) }
        case .want(let requests): if let peer { answer(requests, from: peer) }
        case .batch(let batch): receive(batch, from: peer)
        // The host's own.
        case .wantSnapshot, .snapshotPart: break
        }
    }

    /// Takes the bytes that `sendBatches` has sent from what the peer may still ask for.
    package mutating func pay(_ bytes: Int, from peer: ValidatorIndex) {
        catchingUp.pay(bytes, from: peer)
    }

    /// The operator says that the clock is right, however far it has jumped; until the next batch.
    package mutating func acceptClockJump() { pacing.isJumpAccepted = true }

    /// The uptime at which `step(.wake)` is wanted.
    package var nextWake: UInt64 {
        var next = pacing.nextTimer
        if !consensus.isStarted || pacing.proposing != nil { next = min(next, reasonAt ?? .max) }
        return max(next, now.uptime + 1)
    }
}

/// The height that follows the last batch of a state.
func height(after state: LedgerState) -> Height { Height(state.height.rawValue + 1) }
