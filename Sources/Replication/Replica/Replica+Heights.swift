// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Ledger

extension Replica {
    /// Begins the height after the last batch.
    mutating func enterHeight() {
        isLost = false
        lastBook = book
        lastMembers = state.sealedBefore.members
        members = state.sealedLast.members
        threshold = weakening.quorum ?? Int(state.sealedLast.parameters.threshold)
        book = VoteBook()
        proposals = []
        derivations.enterHeight()
        pacing.enterHeight()
        consensusInputs = []
        consensus = Consensus(
            height: height, members: members.map(\.index), threshold: threshold,
            leaders: state.proposerRanking(height: height), own: speaker,
            keepsLocks: weakening.keepsLocks, countsGrounds: weakening.countsGrounds)
    }

    /// Puts back what the journal holds of this height, says it again, and goes on.
    mutating func resume() {
        pacing.statusAt = now.uptime
        adoptOpenRounds()
        restoreJournal()
    }

    /// Puts back what the journal holds of this height, and keeps what it holds of later ones: a
    /// ledger that was restored from an older copy comes to those heights again.
    private mutating func restoreJournal() {
        let height = height
        let items = journal.filter { $0.height == height }
        journal.removeAll { $0.height <= height }
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
                guard let index, let batch = derivations.valid[proposed.value] else { continue }
                let proposal = Proposal(
                    height: height, round: proposed.round, value: proposed.value,
                    validRound: proposed.validRound, proposer: index,
                    signature: proposed.signature, batch: batch)
                proposals.append(proposal)
                own.append(.proposal(proposal))
            case .cast(let vote) where vote.height == height:
                hasSpoken = true
                book.add(vote)
                own.append(.vote(vote))
            case .received(let vote) where vote.height == height: book.add(vote)
            default: break
            }
        }
        consensus.restore(
            items.filter { item in
                if case .held(_, let value, _) = item { return derivations.valid[value] != nil }
                return true
            })
        effects += own.map(ReplicaEffect.broadcast)
        if hasSpoken { consensusInputs.append(.start) }
    }

    /// Takes in a decided batch: its state is the node's from here on.
    mutating func commit(_ batch: ExecutedBatch, _ precommits: Precommits) {
        invariant(
            batch.state.height == height,
            "batch \(batch.state.height.rawValue) behind batch \(state.height.rawValue)")
        invariant(
            precommits.root == batch.value, "a batch gives another root than was decided")
        invariant(
            precommits.height == batch.state.height,
            "the precommits of batch \(precommits.height.rawValue) on batch"
                + " \(batch.state.height.rawValue)")
        hear(batch.batch, precommits)
        effects.append(
            .commit(CommittedBatch(precommits: precommits, entries: batch.entries)))
        // From here on nobody else refers to the old state, so that it is changed in place.
        var old = state
        state = batch.state
        frontier = batch.frontier
        invariant(
            frontier.count == state.size,
            "a state of \(state.size) entries, a tree of \(frontier.count)")
        _ = derivations.takeSpare()
        do throws(FoldError) {
            for entry in batch.entries { try old.apply(entry) }
            invariant(
                old.size == state.size,
                "a second state of \(old.size) entries beside one of \(state.size)")
            derivations.keepSpare(old)
        } catch {
            // Memory has failed since the batch was derived: the next one is derived on a copy.
        }
        lastPrecommits = precommits
        pacing.note(state, at: now.uptime)
        pacing.noteProgress(at: now.uptime)
        reconsider(after: batch.entries.map(\.event))
        enterHeight()
        restoreJournal()
        for (peer, message) in catchingUp.popEarly() {
            switch message {
            case .proposal(let proposal): receive(proposal, from: peer, bytes: 0)
            case .vote(let vote): receive(vote, from: peer, bytes: 0)
            default: break
            }
        }
    }

    /// Puts another state in the place of the last one, as failing memory would; what a batch has
    /// come to is forgotten, that it was found valid is not.
    package mutating func putInPlace(_ state: LedgerState) {
        self.state = state
        derivations.forgetStates()
    }

    // MARK: Time

    mutating func fireTimers() {
        // A timer may start a round, whose timers are set from now on.
        let due = pacing.popTimers(at: now.uptime)
        guard !due.isEmpty else { return }
        let round = consensus.round
        invariant(
            due.allSatisfy { $0.round <= round },
            "a wait of a round beyond \(round) is over")
        consensusInputs += due.map { .timeout($0) }
        drive()
        guard consensus.round != round else { return }
        forgetRounds()
        // Nobody proposed what this node takes for a reason: it may be none any more.
        judgeReadyAgain()
    }

    /// Drops what belongs to rounds that are long over.
    private mutating func forgetRounds() {
        let consensus = self.consensus
        proposals.removeAll { !consensus.isKept($0.round) }
        book.keep { consensus.isKept($0) }
        let named = Set(proposals.map(\.value))
        derivations.keep {
            named.contains($0) || $0 == consensus.lockedValue || $0 == consensus.validValue
        }
        invariant(
            derivations.valid.count <= proposals.count + 2,
            "\(derivations.valid.count) batches are kept for \(proposals.count) proposals")
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
        pacing.reasonAt(min(pool.others.readyAt ?? .max, pool.readyFloor), now)
    }
}
