// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Replication

/// Something that goes wrong at a moment. Nodes are numbers from 0.
enum Fault: Sendable {
    /// The power goes after so many more operations of the disk; at once for 0.
    case powerCut(node: Int, operations: Int, downMilliseconds: UInt64)
    /// The node is stopped in order.
    case stop(node: Int, downMilliseconds: UInt64)
    /// The node is stopped in order, and a byte of its disk changes.
    case damage(node: Int, downMilliseconds: UInt64)
    /// The node loses its disk with all that it ever signed.
    case loseDisk(node: Int, downMilliseconds: UInt64)
    /// Some do not hear others, for a time.
    case partition(Partition, milliseconds: UInt64)
    /// Messages from and to a node take longer, for a time.
    case slow(node: Int, factor: UInt64, milliseconds: UInt64)
    /// A bit of the state changes that the node holds in memory.
    case flip(node: Int, downMilliseconds: UInt64)
    /// The wall clock of a node becomes wrong by so much.
    case clock(node: Int, offset: Int64)
}

/// Why a node counts among those that may fail, though it does not lie.
package enum Frailty: String, Sendable {
    /// Its disk is lost, and it is silent for a while.
    case forgetful
    /// Its disk is damaged.
    case damaged
    /// Its memory fails once.
    case flipped
    /// Its clock is further off than right ones may be.
    case wildClock
}

/// Who is what, and what goes wrong when: drawn before the run, from its seed.
struct FaultPlan {
    /// The nodes that lie, ascending.
    private(set) var liars: [Int] = []
    /// The nodes that count as failing though they do not lie; with the liars never more than may.
    private(set) var frail: [(node: Int, frailty: Frailty)] = []
    /// What happens, in order of time.
    private(set) var faults: [(moment: Moment, fault: Fault)] = []

    private var random: SimulationRandom
    private let options: SimulationOptions

    init(_ options: SimulationOptions) {
        self.options = options
        random = SimulationRandom(seed: options.seed, "faults")
        let order = random.shuffled(Array(0..<options.nodes))
        liars = Array(order.prefix(options.byzantine)).sorted()
        let spare = max(0, options.tolerated - options.byzantine)
        for node in order.dropFirst(options.byzantine).prefix(spare).sorted() {
            if let frailty = drawFrailty() { frail.append((node, frailty)) }
        }
        for (node, frailty) in frail { addFrailty(node, frailty) }
        if options.faults.hasCrashes { addCrashes() }
        if options.faults.hasPartitions { addPartitions() }
        if options.faults.hasLoss { addSlowness() }
        if options.faults.hasClockSteps { addClockSteps() }
        // Equal moments keep the order in which they were drawn.
        let numbered = faults.enumerated().sorted { left, right in
            (left.element.moment, left.offset) < (right.element.moment, right.offset)
        }
        faults = numbered.map(\.element)
    }

    private mutating func drawFrailty() -> Frailty? {
        switch options.faults {
        case .calm, .lossy, .partitions: nil
        case .crashes: random.pick([.forgetful, .damaged])
        case .memory: .flipped
        case .all: random.pick([.forgetful, .damaged, .wildClock])
        }
    }

    /// A moment of the part of the run in which things go wrong.
    private mutating func moment() -> Moment {
        Moment(milliseconds: options.milliseconds / 20 + random.below(options.milliseconds * 4 / 5))
    }

    private mutating func add(_ fault: Fault) { faults.append((moment(), fault)) }

    /// How often something happens on average once in so many milliseconds.
    private mutating func count(every milliseconds: UInt64) -> Int {
        let expected = options.milliseconds / milliseconds
        return Int(
            expected + (random.below(milliseconds) < options.milliseconds % milliseconds ? 1 : 0))
    }

    private mutating func addFrailty(_ node: Int, _ frailty: Frailty) {
        let down = random.number(in: 200...5_000)
        switch frailty {
        case .forgetful: add(.loseDisk(node: node, downMilliseconds: down))
        case .damaged: add(.damage(node: node, downMilliseconds: down))
        case .flipped: add(.flip(node: node, downMilliseconds: down))
        case .wildClock:
            let size = Int64(random.number(in: 2_000...10_000_000))
            let first: Int64 = random.below(2) == 0 ? size : -size
            faults.append((Moment(microseconds: 0), .clock(node: node, offset: first)))
            for _ in 0..<3 {
                let size = Int64(random.number(in: 1_000...500_000))
                add(.clock(node: node, offset: random.below(2) == 0 ? size : -size))
            }
        }
    }

    private mutating func addCrashes() {
        for _ in 0..<count(every: 6_000) {
            let node = random.below(options.nodes)
            let down = random.number(in: 100...6_000)
            switch random.below(5) {
            case 0: add(.stop(node: node, downMilliseconds: down))
            case 1: add(.powerCut(node: node, operations: 0, downMilliseconds: down))
            default:
                let operations = 1 + random.below(60)
                add(.powerCut(node: node, operations: operations, downMilliseconds: down))
            }
        }
    }

    private mutating func addPartitions() {
        for _ in 0..<count(every: 12_000) {
            let partition = Partition(nodes: options.nodes, random: &random)
            add(.partition(partition, milliseconds: random.number(in: 500...8_000)))
        }
    }

    private mutating func addSlowness() {
        for _ in 0..<count(every: 15_000) {
            let node = random.below(options.nodes)
            let factor = random.number(in: 3...20)
            add(
                .slow(
                    node: node, factor: factor, milliseconds: random.number(in: 1_000...10_000)))
        }
    }

    /// Steps of right clocks stay within half of the precision.
    private mutating func addClockSteps() {
        let bound = options.settings.precisionMilliseconds / 2
        let wild = frail.filter { $0.frailty == .wildClock }.map(\.node)
        for _ in 0..<count(every: 10_000) {
            let node = random.below(options.nodes)
            let offset = Int64(random.below(2 * bound + 1)) - Int64(bound)
            if !wild.contains(node) { add(.clock(node: node, offset: offset)) }
        }
    }
}
