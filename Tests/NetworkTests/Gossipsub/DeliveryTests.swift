// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import Testing

@Suite("gossipsub: messages")
struct DeliveryTests {
    @Test("a message is passed on when it is accepted, and not before")
    func accepting() throws {
        var bench = Bench()
        bench.connect(1...4)
        bench.heartbeat()
        let arrived = bench.receive(1, Bench.saying("a"))
        let token = try #require(arrived.token)
        #expect(arrived.sent.isEmpty)
        // Whoever has brought it too needs it no more.
        #expect(bench.receive(2, Bench.saying("a")).isEmpty)
        let accepted = bench.step(.verdict(token, .accept))
        #expect(accepted.receivers == [Bench.peer(3), Bench.peer(4)])
        #expect(bench.step(.verdict(token, .accept)).isEmpty)
        #expect(bench.receive(3, Bench.saying("a")).isEmpty)
    }

    @Test("an ignored message goes nowhere and costs nobody anything")
    func ignoring() throws {
        var bench = Bench()
        bench.connect(1...4)
        bench.heartbeat()
        let before = bench.score(1)
        #expect(bench.arrive(1, "a", .ignore) == [])
        #expect(bench.score(1) == before)
        #expect(bench.receive(2, Bench.saying("a")).isEmpty)
    }

    @Test("a rejected message costs everybody who brings it, once each")
    func rejecting() throws {
        var bench = Bench()
        bench.connect(1...4)
        let token = try #require(bench.receive(1, Bench.saying("a")).token)
        bench.receive(2, Bench.saying("a"))
        #expect(bench.step(.verdict(token, .reject)).isEmpty)
        bench.receive(3, Bench.saying("a"))
        bench.receive(3, Bench.saying("a"))
        #expect((1...4).map { bench.parts($0).topics } == [-20, -20, -20, 0])
        #expect(bench.heartbeat().gossiped.isEmpty)
    }

    @Test("a message that nobody judges is ignored after its time")
    func expiring() throws {
        var bench = Bench()
        bench.connect(1...2)
        bench.heartbeat()
        let token = try #require(bench.receive(1, Bench.saying("a")).token)
        bench.heartbeat(30)
        #expect(bench.step(.verdict(token, .accept)).isEmpty)
        #expect(bench.step(.verdict(token, .reject)).isEmpty)
        #expect(bench.parts(1).topics >= 0)
    }

    @Test("messages that wait are bounded in number, and so is the part of one peer")
    func pendingCount() {
        var bench = Bench { $0.limits.pendingMessages = 8 }
        bench.connect(1...5)
        for number in 1...5 {
            for text in 0..<3 { bench.receive(number, Bench.saying("\(number) \(text)")) }
        }
        let tokens = (0..<15).map { Bench.id("\($0 / 3 + 1) \($0 % 3)") }
        // Two of each of four peers; what found no room has not been seen, and is asked for.
        let wanted = bench.receive(1, Bench.having(tokens)).wanted
        let kept = (0..<4).flatMap { [tokens[3 * $0], tokens[3 * $0 + 1]] }
        #expect(Set(wanted) == Set(tokens).subtracting(kept))
    }

    @Test("messages that wait are bounded in bytes")
    func pendingBytes() {
        var bench = Bench { $0.limits.pendingBytes = 4000 }
        bench.connect(1...9)
        let text = String(repeating: "a", count: 600)
        let admitted = (1...9).map { number in
            bench.receive(number, Bench.saying("\(number)" + text)).token != nil
        }
        #expect(admitted.count { $0 } == 6)
        bench.now += 30_000
        bench.step(.heartbeat)
        #expect(bench.receive(9, Bench.saying("9" + text)).token != nil)
        let large = String(repeating: "b", count: 1001)
        #expect(bench.receive(8, Bench.saying(large)).token == nil)
    }

    @Test("messages of topics that this node is not in are dropped")
    func otherTopics() {
        var bench = Bench(joined: false)
        bench.connect([1])
        #expect(bench.receive(1, Bench.saying("a")).isEmpty)
    }

    @Test("a message above the size of its topic costs who brings it")
    func large() {
        var bench = Bench { settings in
            settings.topics.update(Bench.topic) { $0.messageBytesMax = 3 }
        }
        bench.connect([1])
        #expect(bench.receive(1, Bench.saying("abcd")).isEmpty)
        #expect(bench.parts(1).topics == -20)
        #expect(bench.receive(1, Bench.saying("abc")).token != nil)
        let refused = bench.step(.publish(Bench.topic, Array("abcd".utf8)))
        #expect(refused == [.unpublished(Bench.topic, .tooLarge(bytes: 4, limit: 3))])
    }

    @Test("what this node publishes goes to all in the topic, whatever the mesh")
    func flooding() {
        var bench = Bench()
        bench.connect(1...20)
        bench.step(.applicationScore(-201, of: Bench.peer(20)))
        bench.step(.applicationScore(-199, of: Bench.peer(19)))
        bench.connect([21], joins: false)
        let effects = bench.step(.publish(Bench.topic, [1]))
        #expect(effects.receivers == (1...19).map(Bench.peer))
        let again = bench.step(.publish(Bench.topic, [1]))
        guard case .unpublished(_, .alreadySeen)? = again.first else {
            Issue.record("published twice: \(again)")
            return
        }
        // It comes back, and is not news.
        var rpc = RPC()
        rpc.messages = [GossipMessage(topic: Bench.topic, data: [1])]
        #expect(bench.receive(1, rpc).isEmpty)
    }

    @Test("without flooding the mesh is told, and a fanout where there is none")
    func fanout() {
        func settings(_ settings: inout GossipsubSettings) {
            settings.topics.update(Bench.topic) { $0.floodsPublished = false }
        }
        var inside = Bench(settings)
        inside.connect(1...20)
        inside.heartbeat()
        #expect(inside.step(.publish(Bench.topic, [1])).receivers == inside.mesh)

        var outside = Bench(joined: false, settings)
        outside.connect(1...20)
        let first = outside.step(.publish(Bench.topic, [1])).receivers
        #expect(first.count == 6)
        #expect(outside.step(.publish(Bench.topic, [2])).receivers == first)
        outside.step(.disconnected(first[0]))
        let effects = outside.heartbeat()
        #expect(!effects.gossiped.isEmpty)
        let second = outside.step(.publish(Bench.topic, [3])).receivers
        #expect(second.count == 6)
        #expect(Set(second).isSuperset(of: first.dropFirst()))
        // Joining turns the fanout into the mesh.
        outside.step(.subscribe(Bench.topic))
        #expect(outside.mesh == second)
    }

    @Test("a fanout ends a minute after its last message")
    func fanoutEnds() {
        var bench = Bench(joined: false) { settings in
            settings.topics.update(Bench.topic) { $0.floodsPublished = false }
        }
        bench.connect(1...40)
        let first = bench.step(.publish(Bench.topic, [1])).receivers
        bench.heartbeat(60)
        #expect(bench.step(.publish(Bench.topic, [2])).receivers == first)
        bench.heartbeat(61)
        #expect(bench.step(.publish(Bench.topic, [3])).receivers != first)
    }

    @Test("floodsub peers are sent everything in their topics, and no control")
    func floodsub() throws {
        var bench = Bench()
        bench.connect(1...2, version: .floodsub)
        bench.connect([3])
        #expect(bench.heartbeat().grafted == [Bench.peer(3)])
        #expect(bench.receive(1, Bench.grafting()).isEmpty)
        let effects = try bench.bring(1, "a", .accept)
        #expect(effects.receivers == [Bench.peer(2), Bench.peer(3)])
        let heartbeat = bench.heartbeat()
        #expect(heartbeat.gossiped.isEmpty)
    }

    @Test("a message is known for two minutes and by number")
    func seen() {
        var bench = Bench { $0.limits.seenMessages = 3 }
        bench.connect([1])
        #expect(bench.arrive(1, "a", .ignore) != nil)
        bench.heartbeat(119)
        #expect(bench.arrive(1, "a", .ignore) == nil)
        bench.heartbeat()
        #expect(bench.arrive(1, "a", .ignore) != nil)
        for text in ["b", "c", "d"] { _ = bench.arrive(1, text, .ignore) }
        #expect(bench.arrive(1, "d", .ignore) == nil)
        #expect(bench.arrive(1, "a", .ignore) != nil)
    }

    @Test("the same data in another topic is another message")
    func topicsApart() {
        let message = GossipMessage(topic: Topic("a"), data: [1])
        let other = GossipMessage(topic: Topic("b"), data: [1])
        #expect(message.id(by: .unsigned) != other.id(by: .unsigned))
        // The length of the name keeps its end apart from the data.
        let shifted = GossipMessage(topic: Topic("a\u{1}"), data: [])
        #expect(message.id(by: .unsigned) != shifted.id(by: .unsigned))
    }
}
