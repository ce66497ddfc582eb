// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import TestSupport
import Testing

@Suite("gossipsub: many routers")
struct ManyRoutersTests {
    @Test("every accepted message reaches everybody", arguments: [(20, 6, 1), (50, 8, 2)])
    func reaching(count: Int, degree: Int, seed: UInt64) {
        var network = SimulatedNetwork(count: count, seed: seed)
        network.connectAtRandom(degree: degree)
        network.run(5000)
        for number in 0..<40 {
            network.publish("m\(number)", at: number * 7 % count)
            network.run(100)
        }
        network.run(5000)
        for number in 0..<40 { #expect(network.reach("m\(number)") == count, "m\(number)") }
        // A tree would need count - 1 of each; a mesh of six sends each message some six times.
        #expect(network.sentMessages < 40 * count * 7)
    }

    @Test("gossip repairs what links lose", arguments: [3, 4, 5] as [UInt64])
    func repairing(seed: UInt64) {
        var network = SimulatedNetwork(count: 30, seed: seed, lossPercent: 40)
        network.connectAtRandom(degree: 12)
        network.run(5000)
        for number in 0..<30 {
            network.publish("m\(number)", at: number)
            network.run(200)
        }
        network.run(15_000)
        for number in 0..<30 { #expect(network.reach("m\(number)") == 30, "m\(number)") }
    }

    @Test("without the mesh, gossip alone brings messages to everybody")
    func gossipAlone() {
        var network = SimulatedNetwork(count: 20, seed: 6) { settings in
            settings.degree = 0
            settings.degreeLow = 0
            settings.degreeHigh = 0
            settings.degreeScore = 0
            settings.degreeOut = 0
            settings.topics.update(SimulatedNetwork.topic) { $0.floodsPublished = false }
        }
        network.connectAtRandom(degree: 8)
        network.run(3000)
        network.publish("m", at: 3)
        network.run(12_000)
        #expect(network.reach("m") == 20)
    }

    @Test("meshes stay within their bounds")
    func degrees() {
        var network = SimulatedNetwork(count: 50, seed: 7)
        network.connectAtRandom(degree: 30)
        network.run(90_000)
        for router in network.routers {
            let count = router?.mesh(of: SimulatedNetwork.topic).count ?? 0
            #expect((4...12).contains(count))
        }
    }

    @Test("an ignored message goes no further, and a rejected one costs its author")
    func verdicts() {
        var network = SimulatedNetwork(count: 20, seed: 8)
        network.verdict = { $0.hasPrefix("no") ? .reject : $0.hasPrefix("hm") ? .ignore : .accept }
        network.connectAtRandom(degree: 8)
        network.run(5000)
        network.publish("hm", at: 0)
        network.publish("no", at: 0)
        network.publish("ok", at: 0)
        network.run(500)
        #expect(network.reach("ok") == 20)
        #expect(network.reach("no") == 1)
        #expect(network.reach("hm") == 1)
        let scores = (1..<20).map { network.score(of: 0, at: $0) }
        #expect(scores.contains { $0 < 0 })
        // No third party is blamed.
        for at in 1..<20 {
            #expect((1..<20).allSatisfy { network.score(of: $0, at: at) >= 0 })
        }
    }

    @Test("the same seed gives the same run")
    func determinism() {
        func run() -> [[String: UInt64]] {
            var network = SimulatedNetwork(count: 20, seed: 9, lossPercent: 20)
            network.connectAtRandom(degree: 8)
            network.run(3000)
            for number in 0..<10 {
                network.publish("m\(number)", at: number)
                network.run(100)
            }
            network.run(3000)
            return network.accepted
        }
        #expect(run() == run())
    }
}
