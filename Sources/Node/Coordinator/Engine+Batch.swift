// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Hosting
internal import Ledger
internal import Projections

extension Engine {
    /// Returns the time for a batch where there is reason for one.
    ///
    /// Reasons: a command, a job to be assigned, a deadline, an order whose proof needs a later
    /// root, the end of a day.
    mutating func workDue() throws(NodeError) -> Time? {
        let now = ledgerNow()
        let isRoundDue = state.nextDue.map { $0 <= now } ?? false
        // While other work is out, its results bring a batch whose opening serves as well; those
        // of jobs may be long in coming.
        let isRootNeeded =
            !isBridgeBusy && tasksOut == desk.runsOut
            && orders.contains { entry, order in
                !order.isOut && !stuckOrders.contains(entry) && order.turn <= now
                    && order.ordered >= state.batchEntry
            }
        let hasCommands =
            !votes.isEmpty || !reports.isEmpty || !desk.results.isEmpty
            || (requests.first.map(isAdmissible) ?? false)
            || desk.jobs.contains(where: isAdmissible)
        guard
            hasCommands || isAssignmentDue || isRoundDue || isRootNeeded || isSilenceOver
                || now.day > state.decayDay
        else {
            return nil
        }
        let (batch, known, uptime) = try batchTime()
        (knownTime, knownUptime) = (known, uptime)
        if batch >= clock.now() { isJumpAccepted = false }
        return batch
    }

    /// Whether a request may go into the next batch, or has to wait for a round to close.
    ///
    /// What the ledger would refuse for ever is let through, so that it does.
    private func isAdmissible(_ waiting: Waiting) -> Bool {
        guard willMove else { return true }
        return state.openRounds.count < options.openRoundsMax
            && hasRoom(for: waiting.request.message.submitter)
    }

    /// Whether anything is unfinished that will end.
    var willMove: Bool {
        !state.openRounds.isEmpty || !state.openJobs.isEmpty || orders.count > stuckOrders.count
    }

    /// Whether one more round or job of a submitter may be open.
    func hasRoom(for key: PublicKey) -> Bool {
        guard state.unfinishedCount < Int(state.parameters.unclosedMax) else { return false }
        guard let index = state.submitterIndex(of: key) else { return true }
        let submitter = state.submitters[Int(index.rawValue)]
        return submitter.quota == 0 || submitter.unclosed < submitter.quota
    }

    // MARK: A batch

    /// Makes one batch: opens, decides on what waits, closes what is due, seals, commits; then
    /// tells what happened.
    mutating func makeBatch(_ time: Time) throws(NodeError) {
        let first = state.size
        batchEvents = []
        do throws(AppendError) {
            try openBatch(time)
        } catch {
            throw self.error(error)
        }
        var answered: [Waiting] = []
        var refused: [(Waiting, Refusal)] = []
        var refusedJobs: [(JobDesk.Waiting, Refusal)] = []
        var doneJobs: [String] = []
        do throws(AppendError) {
            try appendReports()
            try appendVotes()
            try appendResults()
            try appendRequests(&answered, &refused)
            try appendJobs(&refusedJobs, &doneJobs)
            try append(.closeDue)
            try append(.seal(size: log.stagedSize, root: log.stagedRoot))
        } catch {
            throw self.error(error)
        }
        do throws(LogError) { try log.commit() } catch { throw self.error(.log(error)) }
        follower?.wake()
        summary.batches += 1
        tell(from: first)
        endSilence()
        keep()
        for (waiting, refusal) in refused {
            summary.refused += 1
            onEvent(
                .refused(
                    line: waiting.line, request: waiting.request.id, reason: refusal.jsonName,
                    detail: waiting.request.proofProblem.map { "\(refusal): \($0)" }
                        ?? "\(refusal)"))
        }
        for waiting in answered { answer(waiting) }
        endJobs(refusedJobs, doneJobs)
    }

    mutating func append(_ command: Command) throws(AppendError) {
        batchEvents += try state.append(command, to: log)
    }

    private func error(_ error: AppendError) -> NodeError {
        switch error {
        case .log(let error): return .log(of: "the ledger", path: home.ledgerDirectory, error)
        case .refused(.wrongProposer): return .noProposer
        case .refused(let refusal):
            fatalError("the ledger refuses a batch of our own making: \(refusal)")
        }
    }

    private mutating func openBatch(_ time: Time) throws(AppendError) {
        let height = Height(state.height.rawValue + 1)
        let ranking = state.proposerRanking(height: height)
        guard let round = ranking.firstIndex(where: { isUp($0) }) else {
            throw .refused(.wrongProposer)
        }
        let proposer = validators[Int(ranking[round].rawValue)]
        let root = log.stagedRoot
        let event = proposer.signOpening(
            height: height, time: time, round: UInt32(round), previousRoot: root)
        let opening = BatchOpening(
            event: event, proposer: proposer.publicKey, precommitKeys: [])
        try append(.openBatch(Checked(unchecked: opening), root: root))
        lastOpening = event
    }

    private mutating func appendReports() throws(AppendError) {
        var rest: [SettlementMessage] = []
        for report in reports {
            do throws(AppendError) {
                try append(
                    .message(Checked(unchecked: .settlement(report))))
            } catch .refused(.batchFull) {
                rest.append(report)
            } catch .refused(let refusal) {
                onEvent(.warning("the report on \(report.request.hex) is refused: \(refusal)"))
                if let entry = state.entry(of: report.request) { orders[entry] = nil }
            }
        }
        reports = rest
    }

    private mutating func appendVotes() throws(AppendError) {
        var rest: [Checked<Message>] = []
        for checked in votes {
            guard case .vote(let vote) = checked.content else { continue }
            do throws(AppendError) {
                try append(.message(checked))
            } catch .refused(.batchFull) {
                rest.append(checked)
            } catch .refused(.voteContradicts) {
                if try !submitEvidence(vote) { rest.append(checked) }
            } catch .refused(.timestampOutOfRange) {
                signAgain(vote)
            } catch .refused(let refusal) where refusal.isAnswer || refusal == .roundClosed {
                // The ledger holds it already, or has closed the round over it: nobody's fault.
            } catch .refused {
                try record(checked)
            }
        }
        votes = rest
    }

    /// Has a vote that grew too old signed again: the same verdict, from the journal.
    private mutating func signAgain(_ vote: VoteMessage) {
        guard let index = state.validatorIndex(of: vote.validator), isUp(index) else { return }
        verdicts[Int(index.rawValue)].append((vote.request, Verdict(vote.vote, vote.reason)))
        journal(index)
    }

    /// Shows the ledger two votes that contradict each other; false where the batch is full.
    private mutating func submitEvidence(_ second: VoteMessage) throws(AppendError) -> Bool {
        guard let first = recordedVote(before: second) else { return true }
        func statement(_ vote: VoteMessage) -> Statement {
            .vote(vote.vote, vote.reason, vote.timestamp, vote.signature)
        }
        let evidence = EvidenceMessage(
            validator: second.validator, slot: .vote(second.request), first: statement(first),
            second: statement(second))
        guard let checked = Checked(Message.evidence(evidence), in: home.ledger) else {
            return true
        }
        do throws(AppendError) {
            try append(.message(checked))
        } catch .refused(.batchFull) {
            return false
        } catch .refused {
            // Convicted of it already.
        }
        return true
    }

    /// The vote that the ledger holds of a validator, committed or not, and that `second`
    /// contradicts.
    private func recordedVote(before second: VoteMessage) -> VoteMessage? {
        guard let entry = state.entry(of: second.request),
            let index = state.validatorIndex(of: second.validator)
        else { return nil }
        if let round = state.openRound(at: entry), let place = round.pinned.position(of: index) {
            return round.votes[place].flatMap { state.voteMessage(of: $0.event) }
        }
        // The round is closed: the vote is in this very batch, or in the log.
        let fresh = votes.lazy.compactMap { checked -> VoteMessage? in
            guard case .vote(let vote) = checked.content else { return nil }
            return vote.validator == second.validator && vote.request == second.request
                && vote.vote != second.vote ? vote : nil
        }
        if let vote = fresh.first { return vote }
        do throws(NodeError) {
            return try votes(on: entry).first { $0.validator == second.validator }
        } catch {
            onEvent(.warning("the votes on \(second.request.hex) cannot be read: \(error)"))
            return nil
        }
    }

    /// Records a refusal within the limits of the ledger.
    mutating func record(_ message: Checked<Message>) throws(AppendError) {
        do throws(AppendError) {
            try append(.recordRefusal(message))
            summary.refusalsRecorded += 1
        } catch .refused {
            summary.refusalsDropped += 1
        }
    }

    private mutating func appendRequests(
        _ answered: inout [Waiting], _ refused: inout [(Waiting, Refusal)]
    ) throws(AppendError) {
        var taken = 0
        for waiting in requests {
            guard state.entry(of: waiting.request.id) == nil else {
                answered.append(waiting)
                taken += 1
                continue
            }
            guard isAdmissible(waiting) else { break }
            do throws(AppendError) {
                try append(.message(waiting.request.checked))
                lines[waiting.request.id] = waiting.line
            } catch .refused(.batchFull) {
                break
            } catch .refused(let refusal) {
                refused.append((waiting, refusal))
                try record(waiting.request.checked)
            }
            taken += 1
        }
        requests.removeFirst(taken)
    }
}
