// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

@Suite("gossipsub: meshes")
struct MeshTests {
    @Test("whoever joins a topic grafts D peers of it, and tells all of it")
    func joining() {
        var bench = Bench(joined: false)
        bench.connect(1...20)
        let effects = bench.step(.subscribe(Bench.topic))
        #expect(effects.grafted.count == 6)
        #expect(effects.grafted == bench.mesh)
        #expect(effects.sent.count == 20)
        #expect(effects.sent.allSatisfy { $0.rpc.subscriptions == Bench.joining().subscriptions })
        #expect(bench.step(.subscribe(Bench.topic)).isEmpty)
    }

    @Test("a peer that comes is told the topics, and is grafted at the next heartbeat")
    func coming() {
        var bench = Bench()
        let effects = bench.connect([1])
        #expect(effects.sent.map(\.rpc) == [Bench.joining()])
        #expect(bench.heartbeat().grafted == [Bench.peer(1)])
        #expect(bench.mesh == [Bench.peer(1)])
    }

    @Test("a mesh below D_lo is filled up to D, one between D_lo and D_hi is left")
    func low() {
        var bench = Bench { $0.degreeOut = 0 }
        bench.connect(1...3)
        #expect(bench.heartbeat().grafted.count == 3)
        bench.connect(4...20)
        #expect(bench.heartbeat().grafted.count == 3)
        #expect(bench.mesh.count == 6)
        for peer in bench.mesh.prefix(2) { bench.step(.disconnected(peer)) }
        #expect(bench.mesh.count == 4)
        #expect(bench.heartbeat().grafted.isEmpty)
    }

    @Test("a mesh above D_hi is cut to D, and those pruned are named others")
    func high() {
        var bench = Bench()
        bench.connect(1...14, outbound: true)
        for number in 1...14 { bench.receive(number, Bench.grafting()) }
        #expect(bench.mesh.count == 14)
        bench.step(.record([1, 2, 3], of: Bench.peer(1)))
        let effects = bench.heartbeat()
        #expect(bench.mesh.count == 6)
        #expect(effects.pruned.count == 8)
        #expect(effects.prunes.allSatisfy { $0.backoffSeconds == 60 && $0.peers.count == 13 })
        let hints = effects.prunes.flatMap(\.peers).filter { $0.peer == Bench.peer(1).bytes }
        #expect(!hints.isEmpty)
        #expect(hints.allSatisfy { $0.record == [1, 2, 3] })
    }

    @Test("the best of a mesh that is too large stay, and enough that were dialled")
    func survivors() {
        for seed in 0..<20 {
            var bench = Bench()
            bench.generator = SplitMix64(seed: UInt64(seed))
            bench.connect(1...10)
            for number in 1...10 { bench.receive(number, Bench.grafting()) }
            bench.connect(11...14, outbound: true)
            for number in 11...14 { bench.receive(number, Bench.grafting()) }
            for number in 3...6 {
                bench.step(.applicationScore(5, of: Bench.peer(number)))
            }
            bench.heartbeat()
            #expect(bench.mesh.count == 6)
            #expect((3...6).allSatisfy { bench.mesh.contains(Bench.peer($0)) })
            #expect((11...14).count { bench.mesh.contains(Bench.peer($0)) } == 2)
        }
    }

    @Test("a full mesh takes a GRAFT only of a peer that this node dialled")
    func full() {
        var bench = Bench()
        bench.connect(1...13)
        for number in 1...12 { bench.receive(number, Bench.grafting()) }
        #expect(bench.mesh.count == 12)
        let refused = bench.receive(13, Bench.grafting())
        #expect(refused.pruned == [Bench.peer(13)])
        #expect(refused.prunes[0].peers.count == 12)
        #expect(bench.mesh.count == 12)
        bench.connect([14], outbound: true)
        #expect(bench.receive(14, Bench.grafting()).isEmpty)
        #expect(bench.mesh.count == 13)
    }

    @Test("a mesh without peers that were dialled grafts D_out of them")
    func outbound() {
        var bench = Bench()
        bench.connect(1...6)
        bench.heartbeat()
        #expect(bench.mesh.count == 6)
        bench.connect(7...12, outbound: true)
        #expect(bench.heartbeat().grafted.count == 2)
        #expect(bench.mesh.count == 8)
        #expect(bench.heartbeat().grafted.isEmpty)
    }

    @Test("a pruned peer is not grafted before the backoff and its slack are over")
    func pruned() {
        var bench = Bench()
        bench.connect([1])
        bench.heartbeat()
        #expect(bench.receive(1, Bench.pruning(backoffSeconds: 20)).isEmpty)
        #expect(bench.mesh.isEmpty)
        #expect(bench.heartbeat(21).grafted.isEmpty)
        #expect(bench.heartbeat().grafted == [Bench.peer(1)])
    }

    @Test("a backoff of nothing is the usual one")
    func noBackoff() {
        var bench = Bench()
        bench.connect([1])
        bench.heartbeat()
        bench.receive(1, Bench.pruning(backoffSeconds: 0))
        #expect(bench.heartbeat(61).grafted.isEmpty)
        #expect(bench.heartbeat().grafted == [Bench.peer(1)])
    }

    @Test("a backoff without end is cut")
    func endlessBackoff() {
        var bench = Bench()
        bench.connect([1])
        bench.receive(1, Bench.pruning(backoffSeconds: .max))
        bench.now += 3_599_000
        #expect(bench.heartbeat().grafted.isEmpty)
        #expect(bench.heartbeat(3).grafted == [Bench.peer(1)])
    }

    @Test("a GRAFT of a peer that counts whole seconds may come a second early")
    func roundedBackoff() {
        var bench = Bench { $0.score.behaviourThreshold = 0 }
        bench.connect(1...2)
        bench.heartbeat()
        bench.receive(1, Bench.pruning(backoffSeconds: 20))
        bench.receive(2, Bench.pruning(backoffSeconds: 20))
        bench.now += 18_999
        #expect(bench.receive(1, Bench.grafting()).pruned == [Bench.peer(1)])
        bench.now += 1
        #expect(bench.receive(2, Bench.grafting()).pruned.isEmpty)
        #expect(bench.parts(2).behaviour == 0)
        #expect(bench.mesh == [Bench.peer(2)])
    }

    @Test("a GRAFT within the backoff is refused and penalised, and twice when it is soon")
    func graftsInBackoff() {
        var bench = Bench { $0.score.behaviourThreshold = 0 }
        bench.connect(1...2)
        bench.heartbeat()
        bench.receive(1, Bench.pruning())
        bench.receive(2, Bench.pruning())
        bench.now += 5000
        let soon = bench.receive(1, Bench.grafting())
        #expect(soon.pruned == [Bench.peer(1)])
        #expect(soon.prunes[0].peers.isEmpty)
        #expect(bench.parts(1).behaviour == -40)
        bench.now += 10_000
        bench.receive(2, Bench.grafting())
        #expect(bench.parts(2).behaviour == -10)
        #expect(bench.mesh.isEmpty)
        // The backoff has begun anew.
        bench.now += 50_000
        #expect(bench.receive(2, Bench.grafting()).pruned == [Bench.peer(2)])
    }

    @Test("a GRAFT of a topic that this node is not in has no answer")
    func unknownTopic() {
        var bench = Bench()
        bench.connect([1])
        #expect(bench.receive(1, Bench.grafting(Topic("other"))).isEmpty)
    }

    @Test("a GRAFT of a peer that is not in the topic changes nothing")
    func graftWithoutTopic() {
        var bench = Bench()
        bench.connect([1], joins: false)
        bench.receive(1, Bench.grafting())
        #expect(bench.mesh.isEmpty)
    }

    @Test("a peer below zero leaves the mesh, is named nobody, and cannot graft")
    func negative() {
        var bench = Bench()
        bench.connect(1...3)
        bench.heartbeat()
        bench.step(.applicationScore(-1, of: Bench.peer(1)))
        let effects = bench.heartbeat()
        #expect(effects.pruned == [Bench.peer(1)])
        #expect(effects.prunes[0].peers.isEmpty)
        bench.now += 100_000
        bench.heartbeat()
        #expect(!bench.mesh.contains(Bench.peer(1)))
        #expect(bench.receive(1, Bench.grafting()).prunes.map(\.peers) == [[]])
        #expect(!bench.mesh.contains(Bench.peer(1)))
    }

    @Test("whoever leaves a topic prunes its mesh with a short backoff")
    func leaving() {
        var bench = Bench()
        bench.connect(1...2)
        bench.heartbeat()
        let effects = bench.step(.unsubscribe(Bench.topic))
        #expect(effects.pruned.count == 2)
        #expect(effects.prunes.allSatisfy { $0.backoffSeconds == 10 })
        #expect(effects.sent.allSatisfy { $0.rpc.subscriptions.map(\.joins) == [false] })
        #expect(bench.step(.subscribe(Bench.topic)).grafted.isEmpty)
        bench.now += 11_000
        #expect(bench.heartbeat().grafted.count == 2)
    }

    @Test("a peer that leaves a topic leaves its mesh")
    func peerLeaves() {
        var bench = Bench()
        bench.connect([1])
        bench.heartbeat()
        bench.receive(1, Bench.joining(Bench.topic, false))
        #expect(bench.mesh.isEmpty)
        #expect(bench.heartbeat().grafted.isEmpty)
    }

    @Test("a peer of version 1.0 is pruned without a backoff and names")
    func version10() {
        var bench = Bench()
        bench.connect(1...12)
        for number in 1...12 { bench.receive(number, Bench.grafting()) }
        bench.connect([13], version: .meshsub10)
        let prune = bench.receive(13, Bench.grafting()).prunes[0]
        #expect(prune == RPC.Prune(topic: Bench.topic))
    }

    @Test("a mesh of poor peers takes two better ones each minute")
    func opportunistic() {
        var bench = Bench { $0.degreeOut = 0 }
        bench.connect(1...6)
        bench.heartbeat()
        bench.connect(7...12)
        for number in 8...10 { bench.step(.applicationScore(3, of: Bench.peer(number))) }
        #expect(bench.heartbeat(58).grafted.isEmpty)
        let grafted = bench.heartbeat().grafted
        #expect(grafted.count == 2)
        #expect(Set(grafted).isSubset(of: Set((8...10).map(Bench.peer))))
    }

    @Test("a direct peer is outside of all meshes and is sent everything")
    func direct() throws {
        var bench = Bench { $0.directPeers = [Bench.peer(1)] }
        bench.connect(1...2)
        #expect(bench.heartbeat().grafted == [Bench.peer(2)])
        #expect(bench.receive(1, Bench.grafting()).pruned == [Bench.peer(1)])
        bench.step(.applicationScore(-100_000, of: Bench.peer(1)))
        let effects = try bench.bring(2, "a", .accept)
        #expect(effects.receivers == [Bench.peer(1)])
        #expect(bench.arrive(1, "b", .accept) != nil)
    }

    @Test("the topics of a peer, the peers and the backoffs are bounded")
    func bounds() {
        var bench = Bench {
            $0.limits.topicsPerPeer = 3
            $0.limits.peers = 2
            $0.limits.backoffs = 1
        }
        bench.connect([1])
        bench.receive(1, Bench.joining(Topic("a")))
        bench.receive(1, Bench.joining(Topic("b")))
        bench.receive(1, Bench.joining(Topic("c")))
        #expect(bench.step(.publish(Topic("b"), [1])).receivers == [Bench.peer(1)])
        #expect(bench.step(.publish(Topic("c"), [1])).receivers.isEmpty)
        bench.connect(2...3)
        bench.heartbeat()
        #expect(bench.mesh == [Bench.peer(1), Bench.peer(2)])
        bench.receive(1, Bench.pruning())
        bench.receive(2, Bench.pruning(backoffSeconds: 100))
        bench.heartbeat()
        #expect(bench.mesh == [Bench.peer(1)])
    }
}
