// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    /// Notes when a request, or the votes on it, should be in a batch.
    mutating func touch(_ id: RequestID) {
        guard let request = pool.requests[id] else { return }
        pool.setReady(id, readyAt(request))
    }

    /// When a request, or the votes on it, should be in a batch.
    ///
    /// A request waits for the votes that decide it, so that one batch holds both.
    private func readyAt(_ request: PendingRequest) -> UInt64? {
        if let entry = request.entry {
            guard !request.votes.isEmpty, let round = state.openRound(at: entry) else { return nil }
            let isDecided = round.decided != nil
            let isLast = request.votes.count == round.votes.count { $0 == nil }
            let wait =
                isDecided
                ? isLast
                    ? ReplicationLimits.reportMilliseconds : ReplicationLimits.lateVoteMilliseconds
                : isLast ? 0 : ReplicationLimits.lingerMilliseconds
            return request.votesSince + wait
        }
        guard request.message != nil, request.refusal == nil else { return nil }
        if request.votes.count >= state.members.count { return request.votesSince }
        if let decidable = request.decidableSince {
            return decidable + ReplicationLimits.lingerMilliseconds
        }
        return request.since + settings.gatherMilliseconds
    }

    /// Proposes in the round that this node leads, once there is a reason.
    mutating func tryPropose() {
        guard let round = pacing.proposing else { return }
        guard round == consensus.round, consensus.step == .propose, speaker != nil else {
            pacing.proposing = nil
            return
        }
        guard isWorthStarting, let batch = makeBatch() else { return }
        pacing.proposing = nil
        derivations.note(batch)
        propose(batch.value, -1)
    }

    /// Makes a batch of what waits, in order: what validators agreed on, evidence, reports, jobs,
    /// results; requests with the votes on them and votes on rounds that are open, by the time at
    /// which they became ready.
    ///
    /// Nil where those who receive it would refuse it: nothing is in it, and nothing is due.
    private mutating func makeBatch() -> ExecutedBatch? {
        guard let index = speaker, let opening = makeOpening(index) else { return nil }
        var making = BatchMaking(
            BatchRun(state: derivations.takeSpare() ?? state, frontier: frontier))
        guard making.open(opening, frontier.root) else { return nil }
        takeOthers(into: &making)
        takeRequests(into: &making)
        invariant(
            making.commands.count <= Limits.commandsPerBatchMax,
            "a batch of \(making.commands.count) commands is made")
        let idleTime = state.time.adding(milliseconds: settings.idleMilliseconds)
        let hasReason = making.seal()
        invariant(
            making.run.state.height == height,
            "batch \(making.run.state.height.rawValue) is made at height \(height.rawValue)")
        guard hasReason || opening.event.time >= idleTime else { return nil }
        return ExecutedBatch(
            ProposedBatch(opening: opening.event, commands: making.commands), making.run)
    }

    private mutating func takeOthers(into making: inout BatchMaking) {
        for (digest, message) in pool.others.changes where !making.isFull {
            // One change makes the number of the next right, within a batch too.
            if !making.take(message) { making.refused.remove(digest) }
        }
        for kind in OtherMessages.Kind.allCases where kind != .governance {
            var seen: [Digest] = []
            while !making.isFull, seen.count < Limits.commandsPerBatchMax,
                let (digest, message) = pool.others.popReady(kind)
            {
                seen.append(digest)
                _ = making.take(message)
            }
            for digest in seen { pool.others.putBack(digest) }
            for digest in seen where making.isRefused(digest) { judgeAgain(digest) }
        }
    }

    private mutating func takeRequests(into making: inout BatchMaking) {
        var seen: [RequestID] = []
        while !making.isFull, seen.count < 2 * Limits.commandsPerBatchMax,
            let id = pool.popReady(at: now.uptime), let request = pool.requests[id]
        {
            seen.append(id)
            var isThere = request.entry != nil
            if !isThere, let message = request.message {
                isThere = making.take(.request(message), request.isProofWellFormed)
                if !isThere, !making.isFull { making.refused.insert(id.digest) }
            }
            guard isThere else { continue }
            for signed in request.orderedVotes where !making.isFull {
                let isTaken =
                    signed.listing.map { making.gather(signed.vote, $0) }
                    ?? making.take(.vote(signed.vote))
                guard !isTaken, !making.isFull,
                    let validator = state.validatorIndex(of: signed.vote.validator)
                else { continue }
                making.refusedVotes.append((id, validator))
            }
        }
        making.takeLists()
        for (id, validator) in making.refusedVotes where request(id, refuses: validator) {
            pool.drop(voteOf: validator, on: id)
        }
        for id in seen {
            touch(id)
            if making.refused.contains(id.digest) { judgeAgain(id) }
        }
    }

    /// Whether the ledger would not take the vote of a validator on a request, as it stands.
    private func request(_ id: RequestID, refuses validator: ValidatorIndex) -> Bool {
        guard let vote = pool.requests[id]?.votes[validator], state.entry(of: id) != nil else {
            return true
        }
        return judge(.vote(vote.vote)) != .ready
    }

    private func makeOpening(_ index: ValidatorIndex) -> BatchOpening? {
        let precommits: Precommits?
        if height.rawValue >= 2 {
            guard let last = lastPrecommits, last.signatures.count == requiredPrecommits else {
                return nil
            }
            invariant(
                last.root == frontier.root,
                "the precommits of another log than that of \(frontier.count) entries are shown")
            precommits = last
        } else {
            precommits = nil
        }
        let time = max(now.time, state.time.adding(milliseconds: 1))
        let signed = BatchOpening.signedBytes(
            height: height, time: time, round: consensus.round, previousRoot: frontier.root,
            proposer: key.publicKey, in: state.ledger)
        return state.opening(
            of: BatchOpened(
                height: height, time: time, proposer: index, round: consensus.round,
                previousRoot: frontier.root, precommitRound: precommits?.round ?? 0,
                precommits: precommits?.signatures ?? [], signature: key.sign(signed)))
    }

}

/// What a batch shows of a list of votes.
private struct ListInMaking {
    let list: SignedList
    /// Places in the list.
    var shown: Set<Int>
}

/// A batch that a leader makes of what waits.
///
/// Invariants: `opened >= 1` once it is open; each list has a vote to show;
/// `placeOfList.count <= lists.count`.
private struct BatchMaking {
    private(set) var run: BatchRun
    private(set) var commands: [ProposedCommand] = []
    private(set) var isFull = false
    /// What the rules refused, by its digest, so that they are asked again outside of the batch.
    var refused: Set<Digest> = []
    var refusedVotes: [(RequestID, ValidatorIndex)] = []
    private var opened = 0
    /// Lists of votes in the order in which one of them was seen first.
    private var lists: [ListInMaking] = []
    private var placeOfList: [Signature: Int] = [:]

    init(_ run: BatchRun) { self.run = run }

    /// Takes in that a vote of a list is to be shown; false where the rules would not take it.
    mutating func gather(_ vote: VoteMessage, _ listing: SignedVote.Listing) -> Bool {
        guard run.state.refusal(of: vote.vote, on: vote.request, by: vote.validator) == nil else {
            return false
        }
        if let known = placeOfList[vote.signature], lists[known].list === listing.list {
            lists[known].shown.insert(listing.place)
        } else {
            placeOfList[vote.signature] = lists.count
            lists.append(ListInMaking(list: listing.list, shown: [listing.place]))
        }
        invariant(
            placeOfList.count <= lists.count,
            "\(placeOfList.count) lists are found among \(lists.count)")
        return true
    }

    /// Takes the lists in, of each what is to be shown and the batch has room for.
    mutating func takeLists() {
        for list in lists where !isFull { take(list) }
        lists = []
    }

    private mutating func take(_ making: ListInMaking) {
        let list = making.list.message
        invariant(!making.shown.isEmpty, "a list of \(list.votes.count) votes that shows none")
        // What came before may have ended a round.
        var places = making.shown.sorted().filter { place in
            guard case .shown(let request, let vote, _) = list.votes[place] else { return false }
            return run.state.refusal(of: vote, on: request, by: list.validator) == nil
        }
        while !places.isEmpty {
            let shown = Set(places)
            let message = Message.votes(list.hiding { !shown.contains($0) })
            do throws(Refusal) {
                try run.take(.message(Checked(unchecked: message)))
                commands.append(ProposedCommand(message))
                return
            } catch .batchFull where places.count > 1 {
                places.removeLast((places.count + 1) / 2)
                invariant(!places.isEmpty, "nothing is left of a list that was too long")
            } catch {
                isFull = error == .batchFull
                return
            }
        }
    }

    /// Opens the batch; false where the rules refuse it.
    mutating func open(_ opening: BatchOpening, _ root: Digest) -> Bool {
        do throws(Refusal) {
            try run.take(.openBatch(Checked(unchecked: opening), root: root))
        } catch { return false }
        opened = run.entries.count
        invariant(opened >= 1 && run.state.isBatchOpen, "\(opened) entries open no batch")
        return true
    }

    func isRefused(_ digest: Digest) -> Bool { refused.contains(digest) }

    /// Takes a message in, or that it is refused; false where neither is possible.
    mutating func take(_ message: Message, _ isProofWellFormed: Bool? = nil) -> Bool {
        let checked = Checked(unchecked: message, isProofWellFormed: isProofWellFormed)
        do throws(Refusal) {
            try run.take(.message(checked))
            commands.append(ProposedCommand(message))
            return true
        } catch .batchFull {
            isFull = true
            return false
        } catch let refusal where refusal.isWorthRecording {
            do throws(Refusal) {
                try run.take(.recordRefusal(checked))
                commands.append(ProposedCommand(message, isRefused: true))
                return false
            } catch {
                // Over the sender's share of refusals, which nobody counts in the state.
            }
        } catch {
            // It waits, or the ledger holds it already.
        }
        if OtherMessages.place(of: message) != nil {
            refused.insert(OtherMessages.digest(of: message))
        }
        return false
    }

    /// Closes what is due and seals the batch; false where there was no reason for one.
    mutating func seal() -> Bool {
        let before = run.entries.count
        do throws(Refusal) { try run.seal() } catch {
            fatalError("the ledger refuses the seal of a batch of our own making: \(error)")
        }
        return !commands.isEmpty || opened > 1 || run.entries.count > before + 1
    }
}

extension Refusal {
    /// Whether a message may be taken later, when the ledger has gone on.
    var isPassing: Bool {
        switch self {
        case .quotaExceeded, .tooManyUnclosed, .unknownCircuit, .unknownRoot, .tooFewValidators,
            .unknownRequest, .timestampOutOfRange, .unknownJob, .notAssigned, .notOrdered,
            .wrongNumber, .batchFull, .announcedOften:
            true
        default: false
        }
    }

    /// Whether the log should show that a message was refused, and to whom.
    ///
    /// Not where its sender could not know better: it waits, it came twice, or its round was
    /// faster. A vote that contradicts another goes into the log as evidence.
    var isWorthRecording: Bool {
        !isPassing && !isAnswer && self != .roundClosed && self != .voteContradicts
            && self != .notPinned && self != .nullifierSpent && self != .alreadyConvicted
            && self != .unknownSubmitter && self != .unknownValidator && self != .signerNotMember
    }
}
