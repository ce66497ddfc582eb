// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Which nodes do not hear which.
struct Partition: Sendable {
    /// The nodes on the one side.
    let inside: [Bool]
    /// Whether the one side does not hear the other.
    let blocksInward: Bool
    /// Whether the other side does not hear the one.
    let blocksOutward: Bool

    /// Draws one among so many nodes: halves, a minority or one node; both ways or one way.
    init(nodes: Int, random: inout SimulationRandom) {
        let size =
            switch random.below(4) {
            case 0: 1
            case 1: max(1, nodes / 2)
            default: 1 + random.below(max(1, nodes / 2))
            }
        var inside = [Bool](repeating: false, count: nodes)
        for node in random.shuffled(Array(0..<nodes)).prefix(size) { inside[node] = true }
        self.inside = inside
        let direction = random.below(4)
        blocksInward = direction != 0
        blocksOutward = direction != 1
    }

    /// Cuts one node off, both ways.
    init(isolating node: Int, nodes: Int) {
        inside = (0..<nodes).map { $0 == node }
        blocksInward = true
        blocksOutward = true
    }

    /// Lets nobody hear a node, which hears everybody.
    init(muting node: Int, nodes: Int) {
        inside = (0..<nodes).map { $0 == node }
        blocksInward = false
        blocksOutward = true
    }

    /// Whether a message from one node does not reach another.
    func blocks(from sender: Int, to receiver: Int) -> Bool {
        let isSenderInside = sender < inside.count && inside[sender]
        let isReceiverInside = receiver < inside.count && inside[receiver]
        guard isSenderInside != isReceiverInside else { return false }
        return isSenderInside ? blocksOutward : blocksInward
    }

    /// What an account says of it.
    var text: String {
        let members = inside.indices.filter { inside[$0] }.map { "\($0)" }
        let side = members.joined(separator: ",")
        switch (blocksInward, blocksOutward) {
        case (true, true): return "nodes \(side) and the others are cut off from each other"
        case (true, false): return "nodes \(side) do not hear the others"
        default: return "the others do not hear nodes \(side)"
        }
    }
}
