// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// What a node's own thread works on: the host, which nothing else touches, and the duties.
///
/// A turn takes what has arrived, hands it to the host, does what comes out, and lets each duty
/// attend to what is due. Waits go by the clock that never steps.
final class NodeCore {
    let home: NodeHome
    let options: NodeOptions
    let share: NodeShare
    let clock: any NodeClock
    let inbox: NodeInbox
    let transport: any Transport
    let tell: @Sendable (NodeTold) -> Void
    let host: ReplicaHost
    /// What others may read of it, kept up to date.
    let facts: NodeFactsBox

    let clients: Clients
    let checkpoints: Checkpoints
    let jobs: Jobs
    private let observers = Observers()
    private(set) var duties: [any Duty] = []
    private var misbehaviour: (any Misbehaviour)?

    /// What the host wants done, in order.
    private var outputs: [HostOutput] = []
    private var isPerforming = false
    /// Entries of the batches that the duties have heard of.
    private var heardSize: UInt64
    private var idleAt: UInt64 = 0
    private var steadyTime = SteadyTime()
    /// What is due next, of the ledger of this size: it takes a look at all that is open.
    private var dueAt: (size: UInt64, next: Time?) = (0, nil)

    private static let idleMilliseconds: UInt64 = 100

    init(_ setup: NodeSetup) throws(NodeError) {
        home = setup.home
        options = setup.options
        share = setup.share
        clock = setup.clock
        inbox = setup.inbox
        transport = setup.transport
        tell = setup.tell
        facts = setup.facts
        _ = try clock.checked()
        do throws(HostError) {
            host = try ReplicaHost(
                directory: home.path, disk: POSIXDisk(meter: setup.syncs), key: home.key,
                settings: options.settings,
                snapshotEntries: home.configuration.keeping.snapshotEntries,
                writesSnapshotsBeside: true, trusted: options.trusted, checksTail: true,
                memory: share.memory,
                versions: ProgramVersions(
                    program: NodeLimits.programVersion, engine: ComputeEngine.name,
                    engineVersion: ComputeEngine.version),
                at: Instant(time: clock.now(), uptime: clock.uptime()))
        } catch { throw .node(name: setup.home.validator, error) }
        heardSize = host.ledgerSize
        facts.log = host.log
        let blobs = Blobs(setup.home, share.pool)
        let pruning = Pruning(blobs, everyMilliseconds: setup.options.pruningMilliseconds)
        clients = Clients(drop: pruning.drop)
        checkpoints = Checkpoints(setup.home)
        jobs = Jobs(blobs, options.behaviour)
        if options.acceptsClockJump { host.acceptClockJump() }
        let now = Instant(time: clock.now(), uptime: clock.uptime())
        let view = NodeView(host: host, key: home.key, now: now)
        misbehaviour = options.misbehaviour?(view) ?? Self.misbehaviour(options.behaviour)
        duties = [
            Telling(host, tells: options.tells), Counting(), clients, Settling(), blobs,
            jobs, checkpoints, Spooling(home), pruning, observers,
        ]
        // No run waits for what a liar says of itself.
        if misbehaviour == nil, options.behaviour == .honest {
            duties.append(
                Announcing(
                    host.state, key: home.key.publicKey, journalBegunAnew: host.journalBegunAnew))
        }
        if options.followsProjections { duties.append(Following()) }
        try checkJournal()
        publish()
    }

    private static func misbehaviour(_ behaviour: Behaviour) -> (any Misbehaviour)? {
        switch behaviour {
        case .malicious: ReversedVerdicts()
        case .equivocating: TwoFaces()
        case .honest, .offline: nil
        }
    }

    /// Whether a case keeps the node from doing anything.
    var isStopped: Bool { host.stopped != nil }

    // MARK: What duties ask

    var state: LedgerState { host.state }
    var name: String { home.validator }
    var ledger: LedgerID { home.ledger }
    /// The validator's number, where it is or was one.
    var index: ValidatorIndex? { host.state.validatorIndex(of: home.key.publicKey) }
    var uptime: UInt64 { clock.uptime() }
    /// The later of the clock and the ledger.
    var ledgerNow: Time { max(steady.time, host.state.time) }

    /// Tells a person.
    func tell(_ event: NodeEvent) { tell(.event(event)) }

    /// What people call a validator.
    func name(of index: ValidatorIndex) -> String {
        state.name(of: index)
    }

    /// Hands in a command.
    func handIn(_ message: Message) throws(NodeError) {
        try act { (host, now) throws(HostError) in try host.handIn(message, at: now) }
    }

    /// Sends a message about duties to one party.
    func send(_ message: DutyMessage, to receiver: PublicKey) {
        transport.send(message.encoded, to: receiver)
    }

    /// Sends a message about duties to all validators.
    func sendToAll(_ message: DutyMessage) { transport.sendToAll(message.encoded) }

    // MARK: The host

    private var steady: Instant {
        let uptime = clock.uptime()
        return Instant(time: steadyTime.time(wall: clock.now(), uptime: uptime), uptime: uptime)
    }

    private var now: Instant {
        let steady = steady
        var time = steady.time
        let uptime = steady.uptime
        if misbehaviour != nil {
            let offset = misbehaviour?.clockOffset(view) ?? 0
            let (sum, isBeyond) = Int64(clamping: time.rawValue).addingReportingOverflow(offset)
            if !isBeyond { time = Time(UInt64(max(0, sum))) }
        }
        return Instant(time: time, uptime: uptime)
    }

    private var view: NodeView { NodeView(host: host, key: home.key, now: steady) }

    /// Calls the host and does what comes out.
    func act(
        _ body: (ReplicaHost, Instant) throws(HostError) -> [HostOutput]
    ) throws(NodeError) {
        var result: [HostOutput]
        do throws(HostError) { result = try body(host, now) } catch {
            throw .node(name: name, error)
        }
        if misbehaviour != nil { result = misbehaviour?.outgoing(result, view) ?? result }
        try perform(result)
    }

    private func perform(_ result: [HostOutput]) throws(NodeError) {
        outputs += result
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        var place = 0
        while place < outputs.count {
            let output = outputs[place]
            place += 1
            try perform(output)
        }
        outputs.removeAll(keepingCapacity: true)
    }

    private func perform(_ output: HostOutput) throws(NodeError) {
        switch output {
        case .send(let bytes, let peer):
            guard let key = host.state.validator(peer)?.key else { return }
            transport.send(bytes, to: key)
        case .broadcast(let bytes): transport.sendToAll(bytes)
        case .verify(let request):
            let inbox = inbox
            let circuit = state.circuitIndex(of: request.circuit)
                .flatMap { state.circuit($0)?.circuit }
            share.verifier.verify(request, request.id(in: ledger), circuit: circuit) {
                inbox.put($0, $1, $2)
            }
        case .committed(let height, let root, let events):
            let batch = NodeBatch(
                height: height, root: root, events: events, first: EntryIndex(heardSize))
            heardSize += UInt64(events.count)
            for duty in duties { try duty.hear(batch, self) }
            // Those who follow the ledger do not wait for the end of this turn.
            publish()
        case .notice(let text): tell(.warning("\(name): \(text)"))
        }
    }

    // MARK: The turns

    /// Runs until the node is stopped, then ends its duties and closes the files.
    func run() throws(NodeError) {
        for notice in host.notices { tell(.recovered("\(name): \(notice)")) }
        if let why = host.stopped { tell(.warning("\(name): \(why)")) }
        do throws(NodeError) {
            heardSize = host.ledgerSize
            for duty in duties { try duty.start(self) }
            try act { (host, now) throws(HostError) in try host.start(at: now) }
            if !isStopped { receive() }
            while try turn() {}
            for duty in duties { try duty.end(self) }
        } catch {
            // What is durable stays; what follows from the error is told first.
            do throws(HostError) { try host.close() } catch {}
            if case .node(_, .diverged(_, case: let path?)) = error { options.derivesAgain?(path) }
            throw error
        }
        publish()
        do throws(HostError) { try host.close() } catch { throw .node(name: name, error) }
    }

    /// Starts the thread that checks what peers send.
    private func receive() {
        Receiving(
            name: name, inbox: inbox, intake: host.intake, clock: clock,
            isObserver: home.isObserver, tellsAll: misbehaviour != nil
        ).start()
    }

    private func turn() throws(NodeError) -> Bool {
        var wake = host.nextWake
        for duty in duties { wake = min(wake, duty.nextWake) }
        if misbehaviour != nil { wake = min(wake, idleAt) }
        let uptime = clock.uptime()
        let wait = wake > uptime ? min(wake - uptime, NodeLimits.pauseMillisecondsMax) : 0
        let arrivals = inbox.pop(waitMilliseconds: wait)
        if arrivals.isStopped { return false }
        _ = try clock.checked()
        for work in arrivals.work { try work(self) }
        try takeVerdicts(arrivals.verdicts)
        try receive(arrivals.checked)
        try answer(arrivals.checked.questions)
        if host.nextWake <= clock.uptime() {
            try act { (host, now) throws(HostError) in try host.wake(at: now) }
        }
        for duty in duties where duty.nextWake <= clock.uptime() { try duty.attend(self) }
        try beIdle()
        if steadyTime.takeStep() {
            tell(
                .warning(
                    "\(name): the clock was set back to \(TimeText.of(clock.now())); time goes on"
                        + " by what has really passed until the clock is there"))
        }
        publish()
        return true
    }

    private func takeVerdicts(
        _ verdicts: [(RequestID, Vote, VoteReason)]
    ) throws(NodeError) {
        guard !verdicts.isEmpty else { return }
        var given = verdicts
        if misbehaviour != nil {
            given = verdicts.map { id, vote, reason in
                let lie = misbehaviour?.verdict(vote, view) ?? vote
                guard lie != vote else { return (id, vote, reason) }
                return (id, lie, lie == .approve ? .proofHolds : .proofFails)
            }
        }
        try act { (host, now) throws(HostError) in try host.verified(given, at: now) }
    }

    private func receive(_ checked: NodeInbox.CheckedMessages) throws(NodeError) {
        for message in checked.heard where misbehaviour != nil {
            let peer = state.validatorIndex(of: message.sender)
            let added = misbehaviour?.incoming(message.bytes, from: peer, view) ?? []
            try perform(added)
        }
        if !checked.arrivals.isEmpty {
            try act { (host, now) throws(HostError) in
                try host.receive(checked.arrivals.map(\.checked), at: now)
            }
        }
        // What could not enter the ledger, or is known, goes no further.
        for (message, judge) in checked.arrivals {
            if let (job, peer) = host.passedJob(message) { jobs.note(job, passedOnBy: peer) }
            judge?(host.keeps(message) ? .passOn(by: host.author(of: message)) : .ignore)
        }
        for (message, arrival) in checked.duties {
            if case .checkpoint(let note) = message {
                let worth = try checkpoints.receive(note, from: arrival.sender, self)
                arrival.judge?(worth)
                continue
            }
            for duty in duties { try duty.receive(message, from: arrival.sender, self) }
            // They are for this node alone.
            arrival.judge?(.ignore)
        }
    }

    private func answer(
        _ questions: [(message: PeerMessage, sender: PublicKey)]
    ) throws(NodeError) {
        for (question, sender) in questions {
            try observers.answer(question, from: sender, self)
        }
    }

    private func beIdle() throws(NodeError) {
        guard misbehaviour != nil, clock.uptime() >= idleAt else { return }
        idleAt = clock.uptime() + Self.idleMilliseconds
        let added = misbehaviour?.idle(view) ?? []
        try perform(added)
    }

    private func publish() {
        let state = host.state
        var new = NodeFacts()
        new.height = state.height
        new.size = state.size
        new.root = state.sealedRoot(of: host)
        new.time = state.time
        new.openRounds = state.openRounds.count
        new.openJobs = state.openJobs.count
        new.settlements = state.pendingSettlements.count
        if dueAt.size != state.size { dueAt = (state.size, state.nextDue) }
        new.nextDue = dueAt.next
        new.isBusy = duties.contains(where: \.isBusy)
        new.isJoining = host.isJoining
        new.stopped = host.stopped
        new.isMember = index.map(state.members.contains) ?? false
        new.checkpointSize = checkpoints.savedSize
        facts.set(new)
    }
}

extension LedgerState {
    /// The root of the log after the last batch; nil while older entries are lacking.
    fileprivate func sealedRoot(of host: ReplicaHost) -> Digest? {
        host.isBackfilling || host.isJoining ? nil : host.log.root
    }
}

extension NodeCore {
    /// Compares the newest votes and results that the ledger holds of this validator with its
    /// journal: an older copy of that would let it say the contrary.
    ///
    /// A journal that was begun anew knows nothing of what batches hold up to a time: what the
    /// validator had said before, and others put into them later. One that was cut was compared
    /// before, and says again only what was open then.
    private func checkJournal() throws(NodeError) {
        guard let own = index else { return }
        let size = host.log.size
        let forgotten = host.forgottenThrough
        var isForgotten = forgotten != nil
        var entry = size - min(size, NodeLimits.comparedEntriesMax)
        entry = max(entry, host.journalCut?.size ?? 0)
        while entry < size {
            let event = try event(at: entry)
            switch event {
            case .batchOpened(let opened)?:
                isForgotten = forgotten.map { opened.time <= $0 } ?? false
            case .voteCast?, .votesCast?:
                for vote in event?.casts ?? [] where vote.validator == own && !isForgotten {
                    if let id = state.requestID(at: vote.request), host.verdict(on: id) == nil {
                        throw .journalBehind(validator: name, home: home.path, request: id)
                    }
                }
            case .resultReported(let result)? where result.validator == own && !isForgotten:
                if let id = state.jobID(at: result.job), host.report(on: id) == nil {
                    throw .journalLacksResult(validator: name, home: home.path, job: id)
                }
            default: break
            }
            entry += 1
        }
    }
}
