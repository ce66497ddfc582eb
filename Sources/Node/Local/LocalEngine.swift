// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import Ledger

/// The thread of a local run: hands requests to nodes, tells what happens, and knows the end.
struct LocalEngine {
    private let run: LocalRun
    private let onEvent: @Sendable (NodeEvent) -> Void
    private let desk: LocalDesk
    private var summary = RunSummary()
    private var hasInputEnded = false
    private var failure: NodeError?
    /// Lines under way: what was accepted waits for its decision.
    private var lines: [RequestID: [Int]] = [:]
    /// The requests of `lines`.
    private var requests: [RequestID: ReadRequest] = [:]
    /// When a node is asked for those whose decision nobody has told.
    private var askAt: UInt64 = 0
    /// Requests that a node was given, and that the ledger does not hold yet.
    private var handedIn: Set<RequestID> = []
    private var nextNode = 0
    private var toldWaiting: Time?
    private var before: [RunSummary.ValidatorSummary] = []
    private var restingSince: UInt64?
    private var hasCheckpoint = false
    private var firstHeight = Height(0)

    /// How long the nodes may differ at the end before the run ends all the same, in ms.
    private static let evenMilliseconds: UInt64 = 5_000
    /// How long lines wait, though no round is open anywhere, before a node is asked, in ms.
    private static let untoldMilliseconds: UInt64 = 1_000

    init(_ run: LocalRun, _ onEvent: @escaping @Sendable (NodeEvent) -> Void) {
        self.run = run
        self.onEvent = onEvent
        desk = run.desk
    }

    mutating func run(_ source: any LineSource) -> Result<RunSummary, NodeError> {
        let started = run.clock.uptime()
        firstHeight = tallest.height
        before = validators()
        startReading(source)
        do throws(NodeError) {
            while try turn() {}
        } catch { failure = failure ?? error }
        source.stop()
        desk.close()
        let after = validators()
        let facts = tallest
        do throws(NodeError) { try run.end() } catch { failure = failure ?? error }
        for arrival in desk.pop(room: 0, waitMilliseconds: 0).arrivals { receive(arrival) }
        if let failure { return .failure(failure) }
        summary.projections = run.nodes.first { run.isHonest($0) }?.projections
        summary.entries = facts.size
        summary.batches = Int(clamping: facts.height.rawValue - firstHeight.rawValue)
        summary.openRounds = facts.openRounds
        summary.openSettlements = facts.settlements
        summary.openJobs = facts.openJobs
        summary.seconds = Double(run.clock.uptime() - started) / 1000
        summary.decisionsPerSecond =
            summary.seconds > 0 ? Double(summary.decided) / summary.seconds : 0
        summary.validators = after.enumerated().map { number, validator in
            var validator = validator
            if before.indices.contains(number) {
                validator.reputationBefore = before[number].reputationBefore
            }
            return validator
        }
        return .success(summary)
    }

    // MARK: The turns

    private mutating func turn() throws(NodeError) -> Bool {
        let room = max(0, run.options.windowMax - handedIn.count)
        let (arrivals, isStopped) = desk.pop(room: room, waitMilliseconds: 200)
        for arrival in arrivals { receive(arrival) }
        if let failure { throw failure }
        for node in run.nodes where run.isHonest(node) {
            if let error = node.ended.error { throw error }
        }
        if let error = run.bridge?.ended.error { throw error }
        if isStopped {
            summary.stopped = true
            return false
        }
        tellWaiting()
        askForUntold()
        return try !isFinished()
    }

    /// Asks the furthest node for requests whose decision nobody told: a batch that some nodes had
    /// before the run, and others catch up on in it, may be told by neither.
    private mutating func askForUntold() {
        let uptime = run.clock.uptime()
        guard handedIn.isEmpty, !lines.isEmpty, tallest.openRounds == 0 else {
            askAt = uptime + Self.untoldMilliseconds
            return
        }
        guard uptime >= askAt, let node = members.max(by: { $0.facts.height < $1.facts.height })
        else { return }
        askAt = uptime + Self.untoldMilliseconds
        let desk = desk
        for (id, numbers) in lines {
            guard let request = requests[id] else { continue }
            for line in numbers {
                node.submit(.request(request.message)) { answer in
                    desk.put(.answered(line: line, request, answer))
                }
            }
        }
    }

    /// The honest node that is furthest.
    private var tallest: NodeFacts {
        run.nodes.filter(run.isHonest).map(\.facts).max { $0.height < $1.height } ?? NodeFacts()
    }

    /// The honest nodes of members; others are told of no batches and hear no client.
    private var members: [ValidatorNode] {
        run.nodes.filter { run.isHonest($0) && $0.facts.isMember }
    }

    /// Whether nothing is left to be done, the nodes stand where each other does, and a checkpoint
    /// of that is kept.
    private mutating func isFinished() throws(NodeError) -> Bool {
        let honest = members
        let facts = honest.map(\.facts)
        guard hasInputEnded, handedIn.isEmpty, lines.isEmpty, isAtRest(facts) else {
            restingSince = nil
            hasCheckpoint = false
            return false
        }
        let uptime = run.clock.uptime()
        let since = restingSince ?? uptime
        restingSince = since
        let isLate = uptime >= since + Self.evenMilliseconds
        guard Set(facts.map(\.height)).count == 1 || isLate else { return false }
        try compare(honest)
        if !hasCheckpoint {
            hasCheckpoint = true
            honest.first?.makeCheckpoint()
        }
        return facts.allSatisfy { $0.checkpointSize == $0.size } || isLate
    }

    private func isAtRest(_ facts: [NodeFacts]) -> Bool {
        let tallest = tallest
        // Without a bridge nobody pays, and what is stuck waits for a person.
        let stuck = run.bridge.map(\.stuckCount) ?? .max
        return tallest.openRounds == 0 && tallest.openJobs == 0 && tallest.settlements <= stuck
            && !facts.contains { $0.isBusy || $0.isJoining }
    }

    /// Nodes at one height have one log.
    private func compare(_ nodes: [ValidatorNode]) throws(NodeError) {
        var seen: [Height: (root: Digest, name: String)] = [:]
        for node in nodes {
            let facts = node.facts
            guard let root = facts.root else { continue }
            if let first = seen[facts.height], first.root != root {
                throw .forked(first: first.name, second: node.name, height: facts.height)
            }
            seen[facts.height] = (root, node.name)
        }
    }

    private mutating func tellWaiting() {
        let facts = tallest
        guard hasInputEnded || handedIn.count >= run.options.windowMax, let due = facts.nextDue,
            toldWaiting != due, run.clock.now().adding(milliseconds: 1_000) < due,
            facts.time.adding(milliseconds: 2_000) < run.clock.now()
        else { return }
        toldWaiting = due
        onEvent(
            .waiting(
                until: due, openRounds: facts.openRounds, openJobs: facts.openJobs,
                settlements: facts.settlements,
                reason: "rounds and jobs close at their deadline"))
    }

    // MARK: Input

    /// Reads the input on a thread of its own. A full desk holds it up.
    private func startReading(_ source: any LineSource) {
        let desk = desk
        let network = run.network
        let signers = network.submitters.map(\.named)
        let node = run.nodes.first { run.isHonest($0) } ?? run.nodes[0]
        node.readState({ $0.circuits.map(\.circuit) }) { circuits in
            let reader = RequestReader(
                ledger: network.ledger, circuits: circuits, signers: signers)
            let thread = Thread {
                do throws(NodeError) {
                    while let line = try source.next() {
                        let result = Result { () throws(RequestProblem) in
                            try reader.read(line: line.bytes)
                        }
                        guard desk.put(line: .request(line: line.number, result)) else { return }
                    }
                    _ = desk.put(line: .inputEnded(nil))
                } catch {
                    _ = desk.put(line: .inputEnded(error))
                }
            }
            thread.name = "recount-input"
            thread.start()
        }
    }

    private mutating func handIn(_ request: ReadRequest, line: Int) {
        let nodes = members.filter { !$0.ended.isOver }
        guard !nodes.isEmpty else { return }
        handedIn.insert(request.id)
        lines[request.id, default: []].append(line)
        requests[request.id] = request
        let node = nodes[nextNode % nodes.count]
        nextNode += 1
        let desk = desk
        node.submit(.request(request.message)) { answer in
            desk.put(.answered(line: line, request, answer))
        }
    }

    // MARK: Arrivals

    private mutating func receive(_ arrival: LocalArrival) {
        switch arrival {
        case .request(let line, .success(let request)):
            summary.requests += 1
            handIn(request, line: line)
        case .request(let line, .failure(let problem)):
            summary.requests += 1
            summary.refused += 1
            onEvent(
                .refused(line: line, request: nil, reason: problem.reason, detail: "\(problem)"))
        case .inputEnded(let error):
            hasInputEnded = true
            failure = failure ?? error
        case .answered(let line, let request, let answer): receive(answer, line, request)
        case .told(.event(let event)): onEvent(event)
        case .told(.batch(_, _, _, let events, let refusals)):
            summary.refusalsRecorded += refusals
            for event in events { note(event) }
        }
    }

    private mutating func receive(_ answer: ClientAnswer, _ line: Int, _ request: ReadRequest) {
        switch answer {
        case .taken: break
        case .recorded: handedIn.remove(request.id)
        case .busy: handIn(request, line: line)
        case .known(let result):
            handedIn.remove(request.id)
            // While its round is open, the decision is told for this line when it comes.
            guard let result, lines[request.id]?.contains(line) == true else { return }
            summary.answered += 1
            forget(line, request.id)
            onEvent(.answered(line: line, request: request.id, result))
        case .refused(let refusal):
            handedIn.remove(request.id)
            forget(line, request.id)
            summary.refused += 1
            onEvent(
                .refused(
                    line: line, request: request.id, reason: refusal.jsonName,
                    detail: request.proofProblem.map { "\(refusal): \($0)" } ?? "\(refusal)"))
        }
    }

    private mutating func forget(_ line: Int, _ id: RequestID) {
        lines[id]?.removeAll { $0 == line }
        guard lines[id]?.isEmpty == true else { return }
        lines[id] = nil
        requests[id] = nil
    }

    private mutating func note(_ event: NodeEvent) {
        switch event {
        case .accepted(_, let id, let entry):
            summary.accepted += 1
            handedIn.remove(id)
            onEvent(.accepted(line: lines[id]?.first, request: id, entry: entry))
        case .decided(_, let result): note(result)
        case .voted:
            summary.votes += 1
            onEvent(event)
        case .settled(_, let result, _):
            if result == .settled { summary.settled += 1 } else { summary.failed += 1 }
            onEvent(event)
        case .equivocation:
            summary.equivocations += 1
            onEvent(event)
        case .jobSubmitted:
            summary.jobsAccepted += 1
            onEvent(event)
        case .jobRefused:
            summary.jobsRefused += 1
            onEvent(event)
        case .jobDecided(_, let decision, _, _):
            switch decision {
            case .agreed: summary.jobsAgreed += 1
            case .disagreed: summary.jobsDisagreed += 1
            case .timedOut: summary.jobsTimedOut += 1
            }
            onEvent(event)
        default: onEvent(event)
        }
    }

    private mutating func note(_ result: ConsensusResult) {
        switch result.outcome {
        case Outcome.approved.jsonName: summary.approved += 1
        case Outcome.rejected.jsonName: summary.rejected += 1
        default: summary.timedOut += 1
        }
        let id = Bytes32(hex: result.requestID).map { RequestID(Digest($0)) }
        let lines = id.flatMap { self.lines.removeValue(forKey: $0) } ?? []
        onEvent(.decided(line: lines.first, result))
        guard let id else { return }
        requests[id] = nil
        for line in lines.dropFirst() {
            summary.answered += 1
            onEvent(.answered(line: line, request: id, result))
        }
    }

    // MARK: Validators

    /// The validators as the tallest honest node has them.
    private func validators() -> [RunSummary.ValidatorSummary] {
        let honest = run.nodes.filter { run.isHonest($0) && !$0.ended.isOver }
        guard let node = honest.max(by: { $0.facts.height < $1.facts.height }) else { return [] }
        let options = run.options
        let answer = Waited<[RunSummary.ValidatorSummary]>()
        node.readState({ state in
            state.validators.enumerated().map { place, validator in
                RunSummary.ValidatorSummary(
                    validator: UInt16(place), name: validator.name, key: validator.key.hex,
                    behaviour: options.word(for: validator.name),
                    reputationBefore: validator.reputation.rawValue,
                    reputationAfter: validator.reputation.rawValue)
            }
        }) { answer.set($0) }
        return answer.wait(milliseconds: 10_000) ?? []
    }
}
