// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The links between nodes: how long each message takes, and which are lost or come twice.
struct SimulatedNetwork {
    /// Messages of 1,000 that are lost.
    private(set) var lossPerMille = 0
    /// Messages of 1,000 that come twice.
    private(set) var repeatPerMille = 0
    /// Messages of 1,000 that take many times the delay.
    private(set) var latePerMille = 0
    /// Nodes whose messages take so many times as long, both ways; 1 for most.
    var slowness: [UInt64]
    /// The partitions there are now, by the number that ends them.
    var partitions: [(number: Int, partition: Partition)] = []
    /// What is on the wire.
    private(set) var traffic = Traffic()

    private var random: SimulationRandom
    private let nodes: Int
    /// One-way delay of each link in microseconds, by sender * nodes + receiver.
    private var delays: [UInt64]

    /// Draws the links: each takes between 60 and 140 % of the delay that is set.
    init(nodes: Int, options: SimulationOptions) {
        self.nodes = nodes
        var random = SimulationRandom(seed: options.seed, "network")
        slowness = Array(repeating: 1, count: nodes)
        let middle = options.delayMilliseconds * 1000
        let isCalm = options.faults == .calm
        delays = (0..<nodes * nodes).map { _ in
            isCalm ? middle : middle * random.number(in: 60...140) / 100
        }
        if options.faults.hasLoss {
            lossPerMille = Int(random.number(in: 0...150))
            repeatPerMille = Int(random.number(in: 0...100))
            latePerMille = Int(random.number(in: 0...100))
        }
        self.random = random
    }

    /// Ends everything that goes wrong.
    mutating func heal() {
        lossPerMille = 0
        repeatPerMille = 0
        latePerMille = 0
        partitions = []
        slowness = Array(repeating: 1, count: nodes)
    }

    /// Returns after how many microseconds a message arrives: never, once or twice.
    mutating func send(from sender: Int, to receiver: Int, _ bytes: [UInt8]) -> [UInt64] {
        traffic.count(MessageKind(bytes), size: bytes.count)
        let isBlocked = partitions.contains {
            $0.partition.blocks(from: sender, to: receiver)
        }
        // Each message takes the same draws whatever becomes of it.
        let isLost = random.happens(perMille: lossPerMille)
        let isRepeated = random.happens(perMille: repeatPerMille)
        let first = delay(from: sender, to: receiver)
        let second = delay(from: sender, to: receiver)
        if isBlocked || isLost {
            traffic.lost += 1
            return []
        }
        return isRepeated ? [first, second] : [first]
    }

    /// Notes that a message found its receiver down.
    mutating func noteLost() { traffic.lost += 1 }

    private mutating func delay(from sender: Int, to receiver: Int) -> UInt64 {
        let base = delays[sender * nodes + receiver]
        var delay = base + random.below(base / 10 + 1)
        if random.happens(perMille: latePerMille) { delay += base * random.number(in: 1...20) }
        return delay * max(slowness[sender], slowness[receiver])
    }

    /// Whether what goes wrong in general can make messages of a node late or lost.
    func isHindered(_ node: Int) -> Bool { slowness[node] > 1 || !partitions.isEmpty }
}
