// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Hosting

/// What goes wrong, as it happens.
extension Simulator {
    func perform(_ fault: Fault) {
        noteTrouble()
        switch fault {
        case .powerCut(let number, let operations, let down):
            let node = nodes[number]
            guard node.isUp else { return }
            node.downMilliseconds = down
            if operations == 0 {
                timeline.add(now, events, .fault, number, "loses power")
                touch(node)
                cutPower(node)
            } else {
                node.isCutArmed = true
                node.disk.fail(operation: operations, with: .powerCut)
            }
        case .stop(let number, let down):
            guard stop(nodes[number]) else { return }
            timeline.add(now, events, .fault, number, "is stopped")
            queue.add(.start(node: number), at: now.adding(milliseconds: down))
        case .damage(let number, let down):
            let node = nodes[number]
            node.downMilliseconds = down
            guard stop(node) else { return }
            damage(node)
            queue.add(.start(node: number), at: now.adding(milliseconds: down))
        case .flip(let number, let down):
            let node = nodes[number]
            node.downMilliseconds = down
            guard node.host?.flipMemory(seed: chance.next()) == true else { return }
            node.isFlipped = true
            touch(node)
            timeline.add(now, events, .fault, number, "has a bit of its memory changed")
        case .loseDisk(let number, let down):
            touch(nodes[number])
            let wasUp = nodes[number].isUp
            loseDisk(nodes[number])
            if wasUp { queue.add(.start(node: number), at: now.adding(milliseconds: down)) }
        case .partition(let partition, let milliseconds):
            partitions += 1
            network.partitions.append((partitions, partition))
            timeline.add(now, events, .fault, partition.text)
            queue.add(.endPartition(partitions), at: now.adding(milliseconds: milliseconds))
        case .slow(let number, let factor, let milliseconds):
            network.slowness[number] = factor
            timeline.add(now, events, .fault, number, "is \(factor) times as slow")
            queue.add(.endSlowness(number), at: now.adding(milliseconds: milliseconds))
        case .clock(let number, let offset):
            nodes[number].clock.offset = offset
            timeline.add(now, events, .fault, number, "has a clock that is \(offset) ms off")
        }
        noteTrouble()
    }

    /// Now and then cuts off the node that has a batch before all others: the worst moment.
    ///
    /// What it has sent is under way and arrives; that it has decided nobody hears for a while.
    func isolateFirst(_ node: SimulatedNode) {
        guard options.faults.hasPartitions, healed == nil, chance.happens(perMille: 60) else {
            return
        }
        let partition = Partition(isolating: node.number, nodes: nodes.count)
        perform(.partition(partition, milliseconds: chance.number(in: 1_000...6_000)))
    }

    /// Now and then lets nobody hear a node from its precommit on: it may decide alone by those of
    /// the others, who know nothing of it.
    func muteLast(_ node: SimulatedNode, _ bytes: [UInt8]) {
        // Byte 14 of a precommit says whether it names a value.
        guard options.faults.hasPartitions, healed == nil, node.isHonest,
            MessageKind(bytes) == .precommit, bytes.count > 14, bytes[14] == 1,
            chance.happens(perMille: 60 / options.nodes)
        else { return }
        let partition = Partition(muting: node.number, nodes: nodes.count)
        perform(.partition(partition, milliseconds: chance.number(in: 1_000...6_000)))
    }

    func endPartition(_ number: Int) {
        noteTrouble()
        guard network.partitions.contains(where: { $0.number == number }) else { return }
        network.partitions.removeAll { $0.number == number }
        timeline.add(now, events, .fault, "partition \(number) ends")
    }

    func endSlowness(_ node: SimulatedNode) {
        noteTrouble()
        guard network.slowness[node.number] > 1 else { return }
        network.slowness[node.number] = 1
        timeline.add(now, events, .fault, node.number, "is as fast as the others")
    }

    /// Ends everything but the lies, and starts every node that is down.
    func heal() {
        noteTrouble()
        network.heal()
        healed = now
        timeline.add(now, events, .fault, "the network is whole, and every machine runs")
        for node in nodes {
            node.disk.healFaults()
            node.isCutArmed = false
            if !node.isUp, node.life > 0 { start(node) }
        }
    }
}
