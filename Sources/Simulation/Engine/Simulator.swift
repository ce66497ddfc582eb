// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Hosting
internal import Ledger
internal import Replication

/// Whole nodes on virtual clocks, disks and a virtual network, in one thread, from one seed.
///
/// Each node is a `ReplicaHost` on a `SimulatedDisk`, with real signatures and real proofs. What
/// the simulator adds is the world: everything happens at a moment of virtual time, in one order,
/// which follows from the seed. The checkers look on, and see what no node could.
package final class Simulator {
    /// What is to happen.
    enum Event {
        case deliver(to: Int, from: Int?, ArrivedMessage)
        case wake(node: Int, number: Int)
        case verified(node: Int, life: Int, [(RequestID, Vote, VoteReason)])
        case idle(node: Int)
        case fault(Fault)
        case endPartition(Int)
        case endSlowness(Int)
        case start(node: Int)
        case newRequest
        case newJob
        case govern
        case errand(Int)
        case heal
        case lookAround
    }

    let options: SimulationOptions
    let plan: FaultPlan
    var nodes: [SimulatedNode] = []
    /// The number of the node with a key.
    var numbers: [PublicKey: Int] = [:]
    var queue = EventQueue<Event>()
    var now = Moment(microseconds: 0)
    /// The number of events so far.
    var events: UInt64 = 0
    var network: SimulatedNetwork
    var workload: Workload
    var verdicts: Verdicts
    let opened: LedgerOpened
    let ledger: LedgerID

    var chain = Chain()
    var validity = ValidityChecker()
    var durability: DurabilityChecker
    var accountability = AccountabilityChecker()
    var fairness = FairnessChecker()
    let soundness = SoundnessChecker()
    var violations: [Violation] = []
    var timeline = Timeline()

    /// What was found signed: every node would find the same, so that they share it.
    let memory = SignatureMemory()
    /// When everything but the lies ended; nil before.
    var healed: Moment?
    /// Whether the run is over.
    var isOver = false
    /// Partitions so far.
    var partitions = 0
    /// Cases that nodes have kept.
    package internal(set) var cases = 0
    /// What draws where nothing else has a stream of its own.
    var chance: SimulationRandom
    /// What operators have under way, so that one change follows another.
    var governance = Governance()

    /// Time after the end of the faults in which clients go on.
    static let afterwardsMilliseconds: UInt64 = 6_000

    /// Makes the nodes and what will go wrong; nothing runs yet.
    package init(_ options: SimulationOptions) {
        self.options = options
        plan = FaultPlan(options)
        chance = SimulationRandom(seed: options.seed, "chance")
        workload = Workload(options, ledgerStart: MachineClock.start)
        verdicts = Verdicts(workload.proofs)
        // One more than there are validators: somebody may join.
        let machines = options.nodes + 1
        network = SimulatedNetwork(nodes: machines, options: options)
        durability = DurabilityChecker(nodes: machines)
        var keys = SimulationRandom(seed: options.seed, "validators")
        let signers = (0..<machines).map { _ in SigningKey(seed: keys.bytes32()) }
        opened = Self.opened(options, signers, workload)
        ledger = LedgerID(Digest(hashing: Ledger.Event.ledgerOpened(opened).encoded))
        for number in 0..<machines {
            nodes.append(makeNode(number, signers[number]))
            numbers[signers[number].publicKey] = number
        }
    }

    private static func opened(
        _ options: SimulationOptions, _ signers: [SigningKey], _ workload: Workload
    ) -> LedgerOpened {
        var random = SimulationRandom(seed: options.seed, "stakes")
        var parameters = Parameters.standard
        parameters.threshold = UInt32(options.threshold)
        return LedgerOpened(
            name: "simulated", parameters: parameters,
            validators: signers.prefix(options.nodes).enumerated().map { place, key in
                GenesisValidator(
                    key: key.publicKey, name: "validator-\(place + 1)",
                    stake: Stake(random.number(in: 500...1_500)))
            },
            submitters: workload.listed, bridge: workload.bridge.publicKey,
            circuits: [
                GenesisCircuit(circuit: workload.proofs.circuit, roots: workload.proofs.roots)
            ],
            time: Time(MachineClock.start))
    }

    private func makeNode(_ number: Int, _ key: SigningKey) -> SimulatedNode {
        var random = SimulationRandom(seed: options.seed, "node", number)
        let bound = options.settings.precisionMilliseconds / 2
        // The ledger starts one bound before virtual time does, so that no clock is behind it.
        let offset = Int64(random.below(2 * bound + 1)) - Int64(bound)
        let drift = Int64(random.below(101)) - 50
        let node = SimulatedNode(
            number: number, key: key, isLiar: plan.liars.contains(number),
            clock: MachineClock(offset: offset, drift: drift, base: random.below(1 << 32)))
        node.frailty = plan.frail.first { $0.node == number }?.frailty
        return node
    }

    // MARK: Running

    /// Runs to the end, the first violation, or the event before which it is to stop.
    package func run() -> Account {
        prepare()
        while !isOver, let next = queue.nextMoment {
            if let until = options.until, events >= until { break }
            guard let (_, event) = queue.next() else { break }
            now = next
            perform(event)
            events += 1
            if !violations.isEmpty { isOver = true }
        }
        let isWhole = options.until == nil && violations.isEmpty
        if isWhole { finish() }
        return account(isWhole: isWhole)
    }

    private func prepare() {
        guard chain.batches.isEmpty else { return }
        for node in nodes {
            create(node)
            if node.number < options.nodes { queue.add(.start(node: node.number), at: now) }
        }
        for (moment, fault) in plan.faults { queue.add(.fault(fault), at: moment) }
        queue.add(.newRequest, at: Moment(milliseconds: 200))
        if options.hasJobs { queue.add(.newJob, at: Moment(milliseconds: 4_000)) }
        if options.hasGovernance { queue.add(.govern, at: Moment(milliseconds: 7_000)) }
        let heal = Moment(milliseconds: options.milliseconds)
        queue.add(.heal, at: heal)
        queue.add(.lookAround, at: heal.adding(milliseconds: Self.afterwardsMilliseconds + 2_000))
    }

    private func perform(_ event: Event) {
        switch event {
        case .deliver(let receiver, let sender, let arrived):
            deliver(arrived, to: nodes[receiver], from: sender)
        case .wake(let node, let number): wake(nodes[node], number)
        case .verified(let node, let life, let verdicts):
            guard nodes[node].life == life else { return }
            verifyNext(nodes[node])
            run(nodes[node]) { (host, at) throws(HostError) in
                try host.verified(verdicts, at: at)
            }
        case .idle(let node): idle(nodes[node])
        case .fault(let fault): perform(fault)
        case .endPartition(let number): endPartition(number)
        case .endSlowness(let node): endSlowness(nodes[node])
        case .start(let node): start(nodes[node])
        case .newRequest: submitRequest()
        case .newJob: submitJob()
        case .govern: govern()
        case .errand(let place): attempt(place)
        case .heal: heal()
        case .lookAround: lookAround()
        }
    }

    /// Notes what a checker has found.
    func report(_ violation: Violation?) {
        guard var violation else { return }
        violation.moment = now
        violation.event = events
        violations.append(violation)
        timeline.add(now, events, .violation, violation.text)
    }

    /// The number in the run of a validator of the ledger.
    func node(of index: ValidatorIndex) -> SimulatedNode? {
        chain.state.validator(index).flatMap { numbers[$0.key] }.map { nodes[$0] }
    }
}
