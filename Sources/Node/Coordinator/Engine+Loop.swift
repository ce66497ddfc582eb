// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger

extension Engine {
    /// Runs to the end and closes everything; the result of the coordinator's thread.
    mutating func run(
        _ source: any LineSource, _ onEvent: @escaping @Sendable (CoordinatorEvent) -> Void
    ) -> Result<RunSummary, NodeError> {
        self.onEvent = onEvent
        let started = Date()
        let before = validators.indices.map { state.validators[$0].reputation }
        startReading(source)
        startFollowing()
        var failure: NodeError?
        do throws(NodeError) {
            for text in recoveries { onEvent(.recovered(text)) }
            endSilence()
            ask(state.openRounds)
            ask(jobs: state.openJobs)
            try loop()
        } catch {
            failure = error
        }
        source.stop()
        inbox.close()
        endFollowing()
        do throws(NodeError) { try close() } catch { failure = failure ?? error }
        if let failure { return .failure(failure) }
        summary.entries = state.size
        summary.openRounds = state.openRounds.count
        summary.openSettlements = orders.count
        summary.openJobs = state.openJobs.count
        summary.seconds = Date().timeIntervalSince(started)
        summary.decisionsPerSecond =
            summary.seconds > 0 ? Double(summary.decided) / summary.seconds : 0
        summary.validators = validators.enumerated().map { number, validator in
            RunSummary.ValidatorSummary(
                name: validator.name, key: validator.publicKey.hex,
                behaviour: validator.behaviour, reputationBefore: before[number].rawValue,
                reputationAfter: state.validators[number].reputation.rawValue)
        }
        return .success(summary)
    }

    /// Reads the input on a thread of its own. A full inbox holds it up.
    private func startReading(_ source: any LineSource) {
        let inbox = inbox
        let reader = RequestReader(
            ledger: home.ledger, circuits: state.circuits.map(\.circuit),
            signers: home.submitters)
        let thread = Thread {
            do throws(NodeError) {
                while let line = try source.next() {
                    let result = Result { () throws(RequestProblem) in
                        try reader.read(line: line.bytes)
                    }
                    guard inbox.put(request: .request(line: line.number, result)) else { return }
                }
                _ = inbox.put(request: .inputEnded(nil))
            } catch {
                _ = inbox.put(request: .inputEnded(error))
            }
        }
        thread.name = "recount-input"
        thread.start()
    }

    private mutating func loop() throws(NodeError) {
        while true {
            answerKnown()
            lookAtSpool()
            startRuns()
            if let due = try workDue() {
                try makeBatch(due)
                try settleOrders()
                continue
            }
            try settleOrders()
            if isFinished {
                if desk.isSpoolClear { return }
                look()
            }
            let (arrivals, isStopped) = inbox.take(
                room: max(0, NodeLimits.waitingRequestsMax - requests.count),
                waitMilliseconds: pause())
            for arrival in arrivals { try take(arrival) }
            // More may have come meanwhile: a batch takes all of it.
            if isStopped {
                summary.stopped = true
                if votes.isEmpty && reports.isEmpty && desk.results.isEmpty { return }
                if let due = try workDue() { try makeBatch(due) }
                return
            }
        }
    }

    private var isFinished: Bool {
        hasInputEnded && requests.isEmpty && votes.isEmpty && reports.isEmpty && tasksOut == 0
            && desk.jobs.isEmpty && desk.results.isEmpty && !desk.isLooking && inbox.isEmpty
            && state.openRounds.isEmpty && state.openJobs.isEmpty
            && orders.allSatisfy { stuckOrders.contains($0.key) }
    }

    // MARK: Arrivals

    private mutating func take(_ arrival: Arrival) throws(NodeError) {
        desk.isSpoolClear = false
        switch arrival {
        case .request(let line, .success(let request)):
            summary.requests += 1
            requests.append(Waiting(line: line, request: request))
        case .request(let line, .failure(let problem)):
            summary.requests += 1
            summary.refused += 1
            onEvent(
                .refused(
                    line: line, request: nil, reason: problem.reason, detail: "\(problem)"))
        case .inputEnded(let error):
            hasInputEnded = true
            if let error { throw error }
        case .judged(let validator, let judged):
            tasksOut -= 1
            verdicts[Int(validator.rawValue)] += judged
            journal(validator)
        case .voted(let validator, let result):
            tasksOut -= 1
            isJournaling[Int(validator.rawValue)] = false
            votes += try result.get()
            journal(validator)
        case .settled(let requests, let result):
            tasksOut -= 1
            isBridgeBusy = false
            try takeReports(requests, result.get())
        case .spoolRead(let result): takeSpooled(result)
        case .spoolCleared(let names, let result): takeCleared(names, result)
        case .ran(let end): try takeRun(end)
        case .snapshotKept, .checkpointKept:
            tasksOut -= 1
            takeKept(arrival)
        case .projectionsNotice, .projectionsStopped: tellProjections(arrival)
        }
    }

    private mutating func takeReports(
        _ entries: [EntryIndex], _ results: [Result<SettlementMessage, SingleOrderProblem>]
    ) {
        for (entry, result) in zip(entries, results) {
            switch result {
            case .success(let report): reports.append(report)
            case .failure(let problem):
                stuckOrders.insert(entry)
                onEvent(
                    .warning("the bridge does not believe the order of entry \(entry): \(problem)"))
            }
        }
    }

    // MARK: Questions

    /// Gives rounds to every validator that is up and has not voted in them.
    ///
    /// `number` asks one of them only. Those whose journal was lost are asked when they may speak.
    mutating func ask(_ entries: [EntryIndex], only number: Int? = nil) {
        let rounds = entries.compactMap { state.openRound(at: $0) }
        for (place, validator) in validators.enumerated()
        where validator.behaviour != .offline && silent[place] == nil
            && (number == nil || number == place)
        {
            let questions = rounds.filter { round in
                round.pinned.position(of: validator.index).map { round.votes[$0] == nil } ?? false
            }.map { Question($0) }
            var start = 0
            while start < questions.count {
                let end = min(questions.count, start + NodeLimits.verificationChunk)
                submitJudging(validator, Array(questions[start..<end]))
                start = end
            }
        }
    }

    private mutating func submitJudging(_ validator: LocalValidator, _ questions: [Question]) {
        tasksOut += 1
        let inbox = inbox
        pool.submit {
            let judged = questions.map { ($0.id, validator.judge($0)) }
            inbox.put(result: .judged(validator.index, judged))
        }
    }

    /// Has a validator make its verdicts durable and sign them, one commit at a time.
    mutating func journal(_ index: ValidatorIndex) {
        let number = Int(index.rawValue)
        guard !isJournaling[number], !verdicts[number].isEmpty else { return }
        isJournaling[number] = true
        tasksOut += 1
        let given = verdicts[number]
        verdicts[number] = []
        let validator = validators[number]
        let inbox = inbox
        let ledger = home.ledger
        let now = ledgerNow()
        pool.submit {
            let result = Result { () throws(NodeError) in
                try validator.votes(for: given, at: now)
                    .compactMap { Checked(Message.vote($0), in: ledger) }
            }
            inbox.put(result: .voted(index, result))
        }
    }

    // MARK: Time

    /// How long to wait for arrivals, in real milliseconds.
    private mutating func pause() -> UInt64 {
        let isIdle =
            tasksOut == 0 && !desk.isLooking && inbox.isEmpty && (hasInputEnded || isHeldUp)
        let longest = min(NodeLimits.pauseMillisecondsMax, desk.untilLook)
        guard let due = nextDue else { return longest }
        if isIdle, toldWaiting != due {
            toldWaiting = due
            onEvent(
                .waiting(
                    until: due, openRounds: state.openRounds.count,
                    openJobs: state.openJobs.count, settlements: orders.count,
                    reason: waitingReason))
        }
        // The clock may be behind: how long to wait is told by ledger time.
        // The clock is read twice, and goes on or is set in between.
        let (now, read) = (ledgerNow().rawValue, clock.now().rawValue)
        let behind = now > read ? now - read : 0
        let wall = Time(due.rawValue > behind ? due.rawValue - behind : 0)
        return min(longest, clock.pause(until: wall, isIdle: isIdle))
    }

    /// Whether input is there that cannot be taken before something else ends.
    private var isHeldUp: Bool { !requests.isEmpty || !desk.jobs.isEmpty }

    private var nextDue: Time? {
        let turns = orders.filter { !$0.value.isOut && !stuckOrders.contains($0.key) }
            .map(\.value.turn)
        let isAnyOpen = !state.openRounds.isEmpty || !state.openJobs.isEmpty
        // A silence is over a moment after its end.
        let silences = isAnyOpen ? silent.compactMap { $0?.adding(milliseconds: 1) } : []
        let runs = desk.runs.map(\.end)
        return ([state.nextDue].compactMap { $0 } + turns + silences + runs).min()
    }

    private var waitingReason: String {
        let offline = validators.count { $0.behaviour == .offline }
        return offline > 0
            ? "\(offline) validators are offline, so rounds and jobs close at their deadline"
            : "rounds and jobs close at their deadline"
    }

    /// What the last known time has become by what has really passed since.
    private func expectedTime(at uptime: UInt64) -> Time {
        knownTime.adding(milliseconds: uptime > knownUptime ? uptime - knownUptime : 0)
    }

    /// Ledger time: the clock's, or where the clock stepped back what has really passed since the
    /// last batch; always later than the last batch.
    func ledgerNow() -> Time {
        max(
            clock.now(), expectedTime(at: clock.uptime()),
            state.time.adding(milliseconds: 1))
    }

    /// Says once that the clock is behind, so that somebody sets it right.
    private mutating func warnOfStep(_ now: Time, _ expected: Time) {
        guard !isStepTold, now.adding(milliseconds: NodeLimits.clockStepMilliseconds) < expected
        else { return }
        isStepTold = true
        onEvent(
            .warning(
                "the clock says \(TimeText.of(now)), behind the ledger's \(TimeText.of(expected)):"
                    + " ledger time goes on by what has really passed; set the clock right"))
    }

    /// The time of the next batch: later than the last, and no jump that nobody vouches for.
    mutating func batchTime() throws(NodeError) -> (batch: Time, known: Time, uptime: UInt64) {
        let now = clock.now()
        let uptime = clock.uptime()
        let expected = expectedTime(at: uptime)
        warnOfStep(now, expected)
        let limit = expected.adding(milliseconds: NodeLimits.clockJumpMilliseconds)
        guard now <= limit || isJumpAccepted else { throw .clockJumped(known: expected, now: now) }
        let next = ledgerNow()
        // A very long silence takes several batches.
        let lastDay = state.decayDay + Limits.daysPerBatchMax
        let batch = next.day > lastDay ? Time(lastDay * 86_400_000) : next
        return (batch, max(now, isJumpAccepted ? now : expected), uptime)
    }
}
