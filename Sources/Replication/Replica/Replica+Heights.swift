// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    /// Begins the height after the last batch.
    mutating func enterHeight() {
        lastBook = book
        lastMembers = state.sealedBefore.members
        members = state.sealedLast.members
        threshold = weakening.quorum ?? Int(state.sealedLast.parameters.threshold)
        book = VoteBook()
        proposals = []
        valid = [:]
        derived = nil
        timers = []
        proposing = nil
        consensusInputs = []
        consensus = Consensus(
            height: height, members: members.map(\.index), threshold: threshold,
            leaders: state.proposerRanking(height: height), own: speaker,
            keepsLocks: weakening.keepsLocks)
    }

    /// Puts back what the journal holds of this height, says it again, and goes on.
    mutating func resume() {
        statusAt = now.uptime
        let items = journal
        journal = []
        adoptOpenRounds()
        guard !items.isEmpty else { return }
        for case .held(height, let value, let batch) in items {
            _ = derive(batch, for: value)
        }
        var own: [PeerMessage] = []
        var hasSpoken = false
        for item in items {
            switch item {
            case .proposed(let proposed) where proposed.height == height:
                hasSpoken = true
                guard let index, let batch = valid[proposed.value] else { continue }
                let proposal = Proposal(
                    height: height, round: proposed.round, value: proposed.value,
                    validRound: proposed.validRound, proposer: index,
                    signature: proposed.signature, batch: batch)
                proposals.append(proposal)
                own.append(.proposal(proposal))
            case .cast(let vote) where vote.height == height:
                hasSpoken = true
                _ = book.add(vote)
                own.append(.vote(vote))
            case .received(let vote) where vote.height == height: _ = book.add(vote)
            default: break
            }
        }
        consensus.restore(
            items.filter { item in
                if case .held(_, let value, _) = item { return valid[value] != nil }
                return true
            })
        effects += own.map(ReplicaEffect.broadcast)
        if hasSpoken { consensusInputs.append(.start) }
    }

    /// Takes in a decided batch: its state is the node's from here on.
    mutating func commit(_ batch: ExecutedBatch, _ precommits: Precommits) {
        effects.append(
            .commit(CommittedBatch(precommits: precommits, entries: batch.entries)))
        var old = state
        state = batch.state
        frontier = batch.frontier
        derived = nil
        spare = nil
        for entry in batch.entries {
            do throws(FoldError) { try old.apply(entry) } catch {
                fatalError("an event that was folded once does not fold again: \(error)")
            }
        }
        spare = old
        lastPrecommits = precommits
        knownTime = state.time
        knownUptime = now.uptime
        isJumpAccepted = false
        isJumpTold = false
        settle(batch.entries.map(\.event))
        enterHeight()
        let messages = early.sorted { $0.key < $1.key }.flatMap { peer, messages in
            messages.map { (peer, $0) }
        }
        early = [:]
        for (peer, message) in messages {
            switch message {
            case .proposal(let proposal): receive(proposal, from: peer)
            case .vote(let vote): receive(vote, from: peer)
            default: break
            }
        }
    }

    /// Keeps a message for the next height, where its peer has room.
    mutating func keepEarly(_ message: PeerMessage, of peer: ValidatorIndex?) {
        guard let peer, early[peer, default: []].count < ReplicationLimits.earlyPerPeerMax,
            state.validator(peer) != nil
        else { return }
        early[peer, default: []].append(message)
    }

    // MARK: Time

    /// Whether a time is so far beyond what is known that the operator has to say that it is right.
    func isJump(_ time: Time) -> Bool {
        let elapsed = now.uptime - knownUptime
        let known = knownTime.adding(milliseconds: elapsed)
        return !isJumpAccepted
            && time > known.adding(milliseconds: settings.clockJumpMilliseconds)
    }

    /// Whether the time of a batch proposed first in a round fits the clock here.
    func isTimely(_ time: Time, round: UInt32) -> Bool {
        let delay = settings.delayMilliseconds * (8 + UInt64(min(round, 64))) / 8
        let latest = now.time.adding(milliseconds: settings.precisionMilliseconds)
        let oldest = time.adding(milliseconds: settings.precisionMilliseconds + delay)
        // The time that must follow the last batch is right whatever the clock says of it.
        let isForced = time == state.time.adding(milliseconds: 1)
        return time <= latest && (now.time <= oldest || isForced) && !isJump(time)
    }

    /// Says once that the clock has jumped.
    mutating func tellJump() {
        guard !isJumpTold, isJump(now.time) else { return }
        isJumpTold = true
        effects.append(
            .notice(
                "the clock is more than an hour ahead of the ledger (\(now.time.rawValue) against"
                    + " \(knownTime.rawValue) ms): nothing is proposed, and prevoted for, until the"
                    + " operator says that it is right or the others go on"))
    }

    /// The wait of a round's timer.
    func wait(_ timeout: Consensus.Timeout) -> UInt64 {
        let first =
            timeout.kind == .propose ? settings.proposeMilliseconds : settings.voteMilliseconds
        let more = settings.roundMilliseconds * UInt64(min(timeout.round, 100_000))
        return min(first + more, max(first, settings.waitMillisecondsMax))
    }

    mutating func fireTimers() {
        // A timer may start a round, whose timers are set from now on.
        let due = timers.filter { $0.at <= now.uptime }
        guard !due.isEmpty else { return }
        timers.removeAll { $0.at <= now.uptime }
        let round = consensus.round
        consensusInputs += due.sorted { $0.at < $1.at }.map { .timeout($0.timeout) }
        drive()
        if consensus.round != round { forgetRounds() }
    }

    /// Drops what belongs to rounds that are long over.
    private mutating func forgetRounds() {
        let consensus = self.consensus
        proposals.removeAll { !consensus.isKept($0.round) }
        book.keep { consensus.isKept($0) }
        let named = Set(proposals.map(\.value))
        valid = valid.filter {
            named.contains($0.key) || $0.key == consensus.lockedValue
                || $0.key == consensus.validValue
        }
    }

    // MARK: Reasons

    /// Whether a batch has something to do now, by this node's clock.
    var isWorthStarting: Bool {
        if let due = reasonAt { return due <= now.uptime }
        return false
    }

    /// When there is a reason for a batch, by the uptime clock, as far as can be told; nil where
    /// the clock has jumped.
    var reasonAt: UInt64? {
        guard !isJump(now.time) else { return nil }
        var first = uptime(of: state.time.adding(milliseconds: settings.idleMilliseconds))
        first = min(first, uptime(of: Time((state.decayDay + 1) * 86_400_000)))
        if let due = state.nextDue { first = min(first, uptime(of: due)) }
        if state.openJobs.contains(where: { state.job(at: $0)?.assigned == nil }) {
            first = now.uptime
        }
        return min(first, readyFloor)
    }

    /// When the wall clock will say a time, as far as can be told.
    private func uptime(of time: Time) -> UInt64 {
        time <= now.time ? now.uptime : now.uptime + (time.rawValue - now.time.rawValue)
    }

    /// The uptime at which `step(.wake)` is wanted.
    package var nextWake: UInt64 {
        var next = statusAt
        for timer in timers { next = min(next, timer.at) }
        if !consensus.isStarted || proposing != nil { next = min(next, reasonAt ?? .max) }
        return max(next, now.uptime + 1)
    }
}
