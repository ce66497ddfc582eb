// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import TestSupport
import Testing

/// One of thirty, or ten of them, do their worst; honest messages reach every honest router, and
/// what the hostile are thought of falls.
@Suite("gossipsub: hostile peers")
struct HostileTests {
    private typealias Player = SimulatedNetwork.Player

    /// Publishes at honest routers and tells whether all reached all of them.
    private func honestTrafficGoesOn(
        _ network: inout SimulatedNetwork, _ count: Int = 20, every milliseconds: UInt64 = 500
    ) -> Bool {
        let honest = network.honest
        for number in 0..<count {
            network.publish("ok \(number)", at: honest[number % honest.count])
            network.run(milliseconds)
        }
        network.run(5000)
        return (0..<count).allSatisfy { network.reach("ok \($0)") == honest.count }
    }

    /// Whether every honest router that knows a peer thinks less of it than a threshold.
    private func isShunned(
        _ peer: Int, below threshold: FixedPoint, in network: SimulatedNetwork, by knowing: [Int]
    ) -> Bool {
        knowing.allSatisfy { network.score(of: peer, at: $0) < threshold }
    }

    private func noHonestIsShunned(_ network: SimulatedNetwork) -> Bool {
        network.honest.allSatisfy { at in
            network.honest.allSatisfy { network.score(of: $0, at: at) >= 0 }
        }
    }

    @Test("grafts during the backoff cost the flood its hearing")
    func graftFlood() {
        let victims = Array(1...8)
        let player = Player(act: { _ in victims.map { (Bench.grafting(SimulatedNetwork.topic), $0) }
        })
        var network = SimulatedNetwork(count: 20, seed: 21, players: [0: player])
        network.connectAtRandom(degree: 8)
        for victim in victims { network.connect(0, victim) }
        // It begins in the mesh of some, and is pruned.
        for victim in victims {
            network.send(Bench.pruning([], SimulatedNetwork.topic), from: 0, to: victim)
        }
        network.run(20_000)
        let shunned = isShunned(0, below: -400, in: network, by: victims)
        #expect(shunned)
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
        let isFair = noHonestIsShunned(network)
        #expect(isFair)
        for victim in victims {
            let mesh = network.routers[victim]?.mesh(of: SimulatedNetwork.topic) ?? []
            #expect(!mesh.contains(SimulatedNetwork.peer(0)))
        }
        // Nothing of its flood is answered any more.
        let before = victims.reduce(0) { $0 + network.sentCounts[$1] }
        network.run(1000)
        let after = victims.reduce(0) { $0 + network.sentCounts[$1] }
        #expect(after - before < 200)
    }

    @Test("IHAVE without delivery costs the liar its gossip")
    func emptyHaves() {
        let victims = Array(1...8)
        let player = Player(act: { now in
            let ids = (0..<200).map { number in
                MessageID(
                    bytes: (0..<8).map { UInt8(truncatingIfNeeded: now >> (8 * $0)) }
                        + [UInt8(number)])
            }
            return victims.map { (Bench.having(ids, SimulatedNetwork.topic), $0) }
        })
        var network = SimulatedNetwork(count: 20, seed: 22, players: [0: player])
        network.connectAtRandom(degree: 8)
        for victim in victims { network.connect(0, victim) }
        network.run(20_000)
        let shunned = isShunned(0, below: -100, in: network, by: victims)
        #expect(shunned)
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
        let isFair = noHonestIsShunned(network)
        #expect(isFair)
    }

    @Test("false messages that look right cost the spammer its hearing")
    func falseMessages() {
        let victims = Array(1...8)
        let player = Player(act: { now in
            victims.map { (Bench.saying("no \(now) \($0)", in: SimulatedNetwork.topic), $0) }
        })
        var network = SimulatedNetwork(count: 20, seed: 23, players: [0: player])
        network.verdict = { $0.hasPrefix("no") ? .reject : .accept }
        network.connectAtRandom(degree: 8)
        for victim in victims { network.connect(0, victim) }
        network.run(5000)
        let shunned = isShunned(0, below: -400, in: network, by: victims)
        #expect(shunned)
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
        let isFair = noHonestIsShunned(network)
        #expect(isFair)
    }

    @Test("messages without form cost the spammer its hearing")
    func improperMessages() {
        let victims = Array(1...8)
        let player = Player(act: { now in
            var rpc = RPC()
            var message = GossipMessage(topic: SimulatedNetwork.topic, data: [UInt8(now % 256)])
            message.signature = [1]
            rpc.messages = [message]
            return victims.map { (rpc, $0) }
        })
        var network = SimulatedNetwork(count: 20, seed: 24, players: [0: player])
        network.connectAtRandom(degree: 8)
        for victim in victims { network.connect(0, victim) }
        network.run(5000)
        let shunned = isShunned(0, below: -400, in: network, by: victims)
        #expect(shunned)
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
    }

    @Test("valid messages without number do not take all room, and others are heard")
    func flood() {
        let victims = Array(1...4)
        let player = Player(act: { now in
            victims.flatMap { victim in
                (0..<50).map { number in
                    let text = "hm \(now) \(number)" + String(repeating: "x", count: 2000)
                    return (Bench.saying(text, in: SimulatedNetwork.topic), victim)
                }
            }
        })
        var network = SimulatedNetwork(count: 12, seed: 25, players: [0: player]) {
            $0.limits.pendingMessages = 64
            $0.limits.seenMessages = 4096
            $0.limits.cachedBytes = 100_000
        }
        network.verdict = { $0.hasPrefix("hm") ? .ignore : .accept }
        network.connectAtRandom(degree: 6)
        for victim in victims { network.connect(0, victim) }
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
        let isFair = noHonestIsShunned(network)
        #expect(isFair)
    }

    @Test("sybils on one address are out of all meshes, and honest routers are not")
    func sybils() {
        let sybils = 20..<40
        let players = Dictionary(
            uniqueKeysWithValues: sybils.map { number in
                let grafts = (0..<20).map { (Bench.grafting(SimulatedNetwork.topic), $0) }
                return (number, Player(act: { now in now % 10_000 < 100 ? grafts : [] }))
            })
        var network = SimulatedNetwork(count: 40, seed: 26, players: players)
        for left in 0..<20 {
            for right in (left + 1)..<20 where (left * right).isMultiple(of: 3) {
                network.connect(left, right)
            }
            for sybil in sybils { network.connect(sybil, left, address: .ip4(0x0A63_0001)) }
        }
        network.run(20_000)
        for sybil in sybils {
            let shunned = isShunned(sybil, below: -400, in: network, by: Array(0..<20))
            #expect(shunned)
        }
        for number in 0..<20 {
            let mesh = network.routers[number]?.mesh(of: SimulatedNetwork.topic) ?? []
            #expect(mesh.count >= 4)
            #expect(sybils.allSatisfy { !mesh.contains(SimulatedNetwork.peer($0)) })
        }
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
        let isFair = noHonestIsShunned(network)
        #expect(isFair)
    }

    @Test("peers in the mesh that pass nothing on do not stop messages")
    func silence() {
        let silent = 0..<10
        let players = Dictionary(
            uniqueKeysWithValues: silent.map { number in
                let grafts = (10..<30).map { (Bench.grafting(SimulatedNetwork.topic), $0) }
                return (number, Player(act: { now in now % 5000 < 100 ? grafts : [] }))
            })
        var network = SimulatedNetwork(count: 30, seed: 27, players: players) { settings in
            settings.topics.update(SimulatedNetwork.topic) {
                $0.floodsPublished = false
                $0.score?.meshDeliveriesWeight = -1
                $0.score?.meshFailureWeight = -1
                $0.score?.meshDeliveriesActivationMilliseconds = 10_000
            }
        }
        for left in 10..<30 {
            for right in (left + 1)..<30 where (left * right).isMultiple(of: 3) {
                network.connect(left, right)
            }
            for number in silent { network.connect(number, left) }
        }
        network.run(3000)
        let goesOn = honestTrafficGoesOn(&network, 60, every: 300)
        #expect(goesOn)
        // P3: the silent have left the meshes.
        let inMesh = (10..<30).reduce(0) { sum, number in
            let mesh = network.routers[number]?.mesh(of: SimulatedNetwork.topic) ?? []
            return sum + silent.count { mesh.contains(SimulatedNetwork.peer($0)) }
        }
        #expect(inMesh < 20)
    }

    @Test("junk costs its sender its hearing")
    func junk() {
        var network = SimulatedNetwork(count: 20, seed: 28, players: [0: Player()])
        network.connectAtRandom(degree: 8)
        for victim in 1...8 { network.connect(0, victim) }
        var generator = SplitMix64(seed: 5)
        for _ in 0..<20 {
            for victim in 1...8 {
                network.send(bytes: [0x0F] + generator.bytes(300), from: 0, to: victim)
            }
            network.run(100)
        }
        let shunned = isShunned(0, below: -400, in: network, by: Array(1...8))
        #expect(shunned)
        let goesOn = honestTrafficGoesOn(&network)
        #expect(goesOn)
        let isFair = noHonestIsShunned(network)
        #expect(isFair)
    }

    @Test("IWANT without end is answered three times a message")
    func wants() {
        let player = Player(
            answer: { rpc, from in
                let ids = rpc.messages.map { $0.id(by: .unsigned) } + rpc.haves.flatMap(\.ids)
                guard !ids.isEmpty else { return [] }
                return (0..<30).map { _ in (Bench.wanting(ids), from) }
            })
        var network = SimulatedNetwork(count: 20, seed: 29, players: [0: player])
        network.connectAtRandom(degree: 8)
        for victim in 1...8 { network.connect(0, victim) }
        network.run(3000)
        let before = network.sentMessages
        network.publish("ok", at: 5)
        network.run(8000)
        #expect(network.reach("ok") == 19)
        // Twenty of flooding and mesh each, and three for each of eight.
        #expect(network.sentMessages - before < 200)
    }
}
