// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Hosting
internal import Ledger
internal import Replication

/// Clients, bridge and operators at work.
extension Simulator {
    /// Time between two jobs.
    private static let jobMilliseconds: UInt64 = 15_000

    private var areClientsDone: Bool {
        healed.map { now.milliseconds(since: $0) > Self.afterwardsMilliseconds } ?? false
    }

    func submitRequest() {
        guard !areClientsDone, options.requestsPerMinute > 0 else { return }
        let pause = workload.pause(requestsPerMinute: options.requestsPerMinute)
        let count = UInt64(options.requestsAtOnce)
        queue.add(.newRequest, at: now.adding(microseconds: pause * count))
        for _ in 0..<count { add(workload.makeRequest(in: ledger, at: now)) }
    }

    func submitJob() {
        guard !areClientsDone else { return }
        queue.add(.newJob, at: now.adding(milliseconds: Self.jobMilliseconds))
        add(workload.makeJob(in: ledger, at: now))
    }

    /// Begins an errand, now or after a while.
    func add(_ errand: Errand, after microseconds: UInt64 = 0) {
        workload.errands.append(errand)
        queue.add(
            .errand(workload.errands.count - 1), at: now.adding(microseconds: microseconds))
    }

    /// Gives the message of an errand to nodes, unless the ledger has it.
    func attempt(_ place: Int) {
        let errand = workload.errands[place]
        if case .request(let id) = errand.aim, isExcused(id) {
            // Its nullifier may be free again one day; the client does not wait for that.
            workload.update(id) { $0.isRefused = true }
            // One that has not heard says it once more.
            if errand.attempts <= 1, workload.below(2) == 0 {
                workload.errands[place].attempts += 2
                hand(errand, place)
            }
            return
        }
        guard errand.attempts < Workload.attemptsMax, !isDone(errand.aim) else { return }
        workload.errands[place].attempts += 1
        hand(errand, place)
    }

    private func hand(_ errand: Errand, _ place: Int) {
        queue.add(
            .errand(place), at: now.adding(milliseconds: Workload.patienceMilliseconds))
        let arrived = ArrivedMessage(PeerMessage.command(errand.message).encoded)
        let arrival = now.adding(milliseconds: options.delayMilliseconds)
        let members = chain.state.members
        let ranked = Passing.order(of: errand.message, in: ledger, count: members.count)
            .compactMap { node(of: members[$0])?.number }
        var targets = workload.targets(nodes: options.nodes, ranked: ranked)
        // A validator's operator reports to its own node.
        if case .result(_, let index) = errand.aim, let own = node(of: index)?.number,
            !targets.contains(own)
        {
            targets.append(own)
        }
        for target in targets {
            queue.add(.deliver(to: target, from: nil, arrived), at: arrival)
            guard case .request(let id) = errand.aim, nodes[target].isReliable,
                nodes[target].isUp
            else { continue }
            workload.update(id) { $0.handed = $0.handed ?? arrival }
        }
    }

    private func isDone(_ aim: Errand.Aim) -> Bool {
        switch aim {
        case .request(let id): chain.state.entry(of: id) != nil || isExcused(id)
        case .settlement(let entry): chain.state.decided(at: entry)?.report != nil
        case .change(let number): chain.state.nextChange > number
        case .job(let id): chain.state.entry(of: id) != nil
        case .result(let entry, let index):
            chain.state.job(at: entry).map { job in
                job.results.contains { $0?.event.validator == index }
            } ?? true
        }
    }

    /// Whether the rules refuse a request, so that it has no outcome.
    func isExcused(_ id: RequestID) -> Bool {
        guard let submission = workload.submission(id), chain.state.entry(of: id) == nil else {
            return false
        }
        return submission.isRefused || !submission.isAdmissible
            || submission.message.nullifiers.contains {
                chain.state.condition(of: $0)?.isSpent == true
            }
    }

    // MARK: What the outside learns

    /// What clients, bridge and operators do when they hear of a batch.
    func heedEvents(_ batch: [Ledger.Event], from first: UInt64) {
        let state = chain.state
        var outcomes = 0
        for event in batch {
            switch event {
            case .outcomeDecided(let decided):
                outcomes += 1
                heed(decided, state)
            case .settlementOrdered(let order):
                guard let id = state.requestID(at: order.request) else { continue }
                let pause = workload.settlementPause()
                add(
                    workload.makeSettlement(of: id, at: order.request, in: ledger), after: pause)
            case .messageRefused(let refused):
                if case .request(let message) = refused.message {
                    workload.update(message.id(in: ledger)) { $0.isRefused = true }
                }
            case .jobAssigned(let assigned): heed(assigned, state)
            case .governanceApproved(let approved):
                timeline.add(now, events, .change, "change \(approved.number) is in the ledger")
            case .equivocationFound(let found):
                let text = "validator \(found.validator.rawValue) is convicted on \(found.slot)"
                timeline.add(now, events, .evidence, text)
            default: continue
            }
        }
        if options.isVerbose {
            let text = "height \(state.height.rawValue), \(batch.count) entries"
            timeline.add(
                now, events, .height, text + (outcomes > 0 ? ", \(outcomes) decisions" : ""))
        }
    }

    private func heed(_ decided: OutcomeDecided, _ state: LedgerState) {
        guard let id = state.requestID(at: decided.request) else { return }
        let moment = now
        workload.update(id) {
            $0.decided = moment
            $0.outcome = decided.outcome
            $0.outcomeReason = decided.reason
        }
        guard options.isVerbose else { return }
        timeline.add(
            now, events, .outcome,
            "request \(id.hex.prefix(8)) is \(decided.outcome): \(decided.approvals) for,"
                + " \(decided.rejections) against")
    }

    private func heed(_ assigned: JobAssigned, _ state: LedgerState) {
        guard let job = state.jobID(at: assigned.job) else { return }
        for index in assigned.validators {
            guard let node = node(of: index) else { continue }
            let isRight = node.isHonest || workload.below(2) == 0
            add(
                workload.makeResult(
                    of: job, at: assigned.job, by: node.key, index, isRight: isRight, in: ledger),
                after: workload.settlementPause())
        }
    }
}
