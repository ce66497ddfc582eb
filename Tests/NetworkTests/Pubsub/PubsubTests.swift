// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Network
import Synchronization
import TestSupport
import Testing

@Suite("pubsub: gossip over sockets", .timeLimit(.minutes(30)))
struct PubsubTests {
    /// Connects hosts in a line and waits until each knows its neighbours.
    private func line(_ nodes: [TestPubsub]) async throws {
        for node in nodes { try await node.start() }
        for (left, right) in zip(nodes, nodes.dropFirst()) {
            try await left.host.dial(try await right.host.address())
        }
        for (left, right) in zip(nodes, nodes.dropFirst()) {
            try await wait(for: "meshes") {
                let ours = try await left.mesh().contains(right.host.peer)
                let theirs = try await right.mesh().contains(left.host.peer)
                return ours && theirs
            }
        }
    }

    @Test("a message goes through those who accept it to all")
    func throughAll() async throws {
        try await TestHost.with(1, 2, 3, 4) { hosts in
            let nodes = hosts.map { TestPubsub($0) }
            try await line(nodes)
            try await nodes[0].publish([1, 2, 3])
            try await nodes[3].publish([4])
            try await wait(for: "the messages") {
                nodes[3].messages == [[1, 2, 3]] && nodes[0].messages == [[4]]
                    && Set(nodes[1].messages) == [[1, 2, 3], [4]]
            }
            for node in nodes { try await node.stop() }
        }
    }

    @Test("who lets go of it without a stop is not ended by a peer that speaks on")
    func forgotten() async throws {
        try await TestHost.with(1, 2) { hosts in
            let other = TestPubsub(hosts[1])
            try await other.start()
            let settings = other.settings
            try await hosts[0].dial(try await hosts[1].address())
            try await wait(for: "the connection") {
                try await hosts[1].run { $0.connectedPeers.count } == 1
            }
            try await hosts[0].run { host in
                let forgotten = Pubsub(settings, host: host)
                forgotten.start()
                forgotten.subscribe(Bench.topic)
            }
            for number in 0..<20 { try await other.publish([UInt8(number)]) }
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await hosts[1].run { $0.connectedPeers.count } == 1)
            try await other.stop()
        }
    }

    @Test("a message that is rejected goes no further, and its bringer loses its place")
    func rejected() async throws {
        try await TestHost.with(1, 2, 3) { hosts in
            let nodes = [
                TestPubsub(hosts[0]),
                TestPubsub(hosts[1], judge: { $0 == [9] ? .reject : .accept }),
                TestPubsub(hosts[2]),
            ]
            try await line(nodes)
            try await nodes[0].publish([9])
            try await wait(for: "the prune") {
                try await !nodes[1].mesh().contains(hosts[0].peer)
            }
            #expect(try await nodes[1].score(of: hosts[0].peer) < 0)
            #expect(nodes[2].messages.isEmpty)
            for node in nodes { try await node.stop() }
        }
    }

    @Test("messages of 600 kB and of all that is allowed go through, and larger ones are refused")
    func large() async throws {
        try await TestHost.with(1, 2, 3) { hosts in
            let nodes = hosts.map {
                TestPubsub($0) { settings in
                    settings.gossip.topics.update(Bench.topic) { $0.messageBytesMax = 3 << 20 }
                }
            }
            try await line(nodes)
            var random = SplitMix64(seed: 2)
            let texts = [random.bytes(600_000), random.bytes(3 << 20)]
            for text in texts { try await nodes[0].publish(text) }
            try await nodes[0].publish(random.bytes((3 << 20) + 1))
            try await wait(for: "the messages") { nodes[2].messages.count == 2 }
            #expect(nodes[2].messages == texts)
            for node in nodes { try await node.stop() }
        }
    }

    @Test("a peer that does not read loses messages and stops nobody")
    func slowReader() async throws {
        try await TestHost.with(1, 2, 3) { hosts in
            let nodes = [
                TestPubsub(hosts[0]) { $0.queueBytesMax = 1 << 20 }, TestPubsub(hosts[1]),
            ]
            for node in nodes { try await node.start() }
            // Says that it is in the topic, and never reads.
            let silent = Silent()
            try await hosts[2].run { host in
                for id in Pubsub.protocolIDs {
                    host.register(id, inboundMax: 2) { stream in
                        stream.pause()
                        return silent
                    }
                }
            }
            try await hosts[1].dial(try await hosts[0].address())
            try await hosts[2].dial(try await hosts[0].address())
            let stream = try await hosts[2].open(
                Pubsub.protocolIDs, to: hosts[0].peer, handler: silent)
            try await hosts[2].run { _ in
                _ = stream.write(PrefixedMessages.frame(Bench.joining().bytes))
            }
            try await wait(for: "both in the topic") {
                try await nodes[0].peersInTopic().count == 2
            }
            var random = SplitMix64(seed: 3)
            for _ in 0..<40 {
                try await nodes[0].publish(random.bytes(200_000))
                try await Task.sleep(for: .milliseconds(5))
            }
            try await wait(for: "the messages") { nodes[1].messages.count == 40 }
            let waiting = try await hosts[0].run { _ in
                nodes[0].pubsub.queuedBytes(for: hosts[2].peer)
            }
            #expect(waiting > 500_000)
            #expect(waiting <= 1 << 20)
            for node in nodes { try await node.stop() }
        }
    }

    @Test("junk, and lengths above the limit, end the stream and cost the sender")
    func junk() async throws {
        try await TestHost.with(1, 2) { hosts in
            let node = TestPubsub(hosts[0]) { $0.gossip.score.behaviourThreshold = 0 }
            try await node.start()
            try await hosts[1].run { host in
                for id in Pubsub.protocolIDs {
                    host.register(id, inboundMax: 2) { _ in Silent() }
                }
            }
            try await hosts[1].dial(try await hosts[0].address())
            let limit = UInt64(node.pubsub.rpcBytesMax)
            let bad: [[UInt8]] = [
                PrefixedMessages.frame([0x0F]), Varint.encode(limit + 1),
                [UInt8](repeating: 0xFF, count: 10),
            ]
            for (count, bytes) in bad.enumerated() {
                let collector = Collector()
                let stream = try await hosts[1].open(
                    Pubsub.protocolIDs, to: hosts[0].peer, handler: collector)
                try await hosts[1].run { _ in _ = stream.write(bytes) }
                try await wait(for: "the end of the stream") { collector.isClosed }
                #expect(collector.wasReset)
                // Each costs a whole one, of which some decays meanwhile.
                let half = FixedPoint(thousandths: Int64(1_000 * count + 500))
                let expected = FixedPoint(-10) * half.squared
                #expect(try await node.score(of: hosts[1].peer) <= expected)
            }
            try await node.stop()
        }
    }

    @Test("a sender whose messages wait to be judged is held back, and heard again afterwards")
    func backpressure() async throws {
        try await TestHost.with(1, 2) { hosts in
            let nodes = [
                TestPubsub(hosts[0]),
                TestPubsub(hosts[1], configure: { $0.gossip.limits.pendingMessages = 64 }) { _ in
                    nil
                },
            ]
            try await line(nodes)
            for number in 0..<100 { try await nodes[0].publish([UInt8(number)]) }
            try await wait(for: "eight messages") { nodes[1].messages.count == 8 }
            try await Task.sleep(for: .milliseconds(300))
            // Half of a quarter of sixty-four wait; nothing of the rest is lost.
            #expect(nodes[1].messages.count == 8)
            for token in UInt64(0)..<100 {
                try await wait(for: "message \(token)") { nodes[1].messages.count > Int(token) }
                try await hosts[1].run { _ in
                    nodes[1].pubsub.judge(Gossipsub.Token(rawValue: token), .accept)
                }
            }
            #expect(nodes[1].messages == (0..<100).map { [UInt8($0)] })
            for node in nodes { try await node.stop() }
        }
    }

    @Test("a stream that a peer ends is opened again")
    func reopening() async throws {
        try await TestHost.with(1, 2) { hosts in
            let nodes = hosts.map { TestPubsub($0) }
            try await line(nodes)
            try await nodes[1].stop()
            try await wait(for: "the end") { try await nodes[0].mesh().isEmpty }
            let again = TestPubsub(hosts[1])
            try await again.start()
            try await wait(for: "the mesh") {
                try await nodes[0].mesh() == [hosts[1].peer]
            }
            try await nodes[0].publish([1])
            try await wait(for: "the message") { again.messages == [[1]] }
            try await nodes[0].stop()
            try await again.stop()
        }
    }

    @Test("what a peer says before it can be answered is heard once it can be")
    func earlySpeech() async throws {
        try await TestHost.with(1, 2) { hosts in
            let node = TestPubsub(hosts[0])
            try await node.start()
            let accepted = Accepted()
            // The last that we try, so that the answer takes three times as long.
            let flood = try #require(Pubsub.protocolIDs.last)
            try await hosts[1].run { host in
                host.register(flood, inboundMax: 2) { stream in
                    accepted.stream.withLock { $0 = stream }
                    return Silent()
                }
            }
            try await hosts[1].dial(try await hosts[0].address())
            try await wait(for: "its stream") { accepted.stream.withLock { $0 } != nil }
            try await hosts[1].run { _ in accepted.stream.withLock { $0 }?.reset() }
            try await Task.sleep(for: .milliseconds(100))
            // Now both open a stream at once, and what is said comes before the other's answer.
            let _: Bool = try await hosts[1].ask { host, promise in
                host.open([flood], to: hosts[0].peer) { result in
                    guard case .success(let stream) = result else { return promise.succeed(false) }
                    stream.handler = Silent()
                    let bytes = PrefixedMessages.frame(Bench.joining().bytes)
                    promise.succeed(stream.write(bytes))
                }
            }
            try await wait(for: "the subscription") {
                try await node.peersInTopic() == [hosts[1].peer]
            }
            try await node.stop()
        }
    }

    @Test("peers that a hub prunes and names to each other find each other")
    func exchange() async throws {
        try await TestHost.with(1, 2, 3, 4) { hosts in
            // The hub has no mesh: it only names peers.
            let hub = TestPubsub(hosts[0]) {
                $0.gossip.degree = 0
                $0.gossip.degreeLow = 0
                $0.gossip.degreeHigh = 0
                $0.gossip.degreeScore = 0
                $0.gossip.degreeOut = 0
            }
            try await hub.start()
            let nodes = hosts.dropFirst().map { host in
                TestPubsub(host) { $0.gossip.pruneBackoffSeconds = 1 }
            }
            for node in nodes {
                try await node.start()
                try await node.host.dial(try await hosts[0].address())
                try await wait(for: "its record") {
                    try await hosts[0].identity(of: node.host.peer) != nil
                }
            }
            try await wait(for: "each other") {
                for node in nodes {
                    let mesh = try await node.mesh()
                    if nodes.contains(where: {
                        $0.host.peer != node.host.peer && !mesh.contains($0.host.peer)
                    }) {
                        return false
                    }
                }
                return true
            }
            for node in [hub] + nodes { try await node.stop() }
        }
    }
}

/// The last stream that was accepted.
private final class Accepted: Sendable {
    let stream = Mutex<PeerStream?>(nil)
}

/// Takes what comes, and says nothing.
final class Silent: StreamHandler, Sendable {
    func received(_ bytes: [UInt8], on stream: PeerStream) {}
    func remoteFinished(_ stream: PeerStream) {}
}
