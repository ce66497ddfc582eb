// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore
import Network
import Synchronization
import TestSupport
import Testing

/// A network, and what it has told. Messages are accepted and released at once, or kept.
private final class TestNetwork: Sendable {
    struct State {
        var events: [PeerNetwork.Event] = []
        var holds = false
        var network: PeerNetwork?
    }
    private let state = Mutex(State())
    static let chat = DirectProtocol("/test/chat", messageBytesMax: 1 << 20)
    static let topic = Topic("test")

    let network: PeerNetwork

    init(_ number: UInt8, _ configure: (inout PeerNetworkSettings) -> Void = { _ in }) throws {
        var host = HostSettings(
            identity: testKey(number), listen: [try Multiaddr(text: "/ip4/127.0.0.1/tcp/0")])
        host.redialMin = .milliseconds(100)
        var settings = PeerNetworkSettings(host: host)
        settings.gossip.gossip.heartbeatMilliseconds = 100
        settings.topics = [Self.topic]
        settings.protocols = [Self.chat]
        configure(&settings)
        let box = Box()
        network = PeerNetwork(settings) { box.owner.withLock { $0 }?.handle($0) }
        box.owner.withLock { $0 = self }
        state.withLock { $0.network = network }
    }

    private final class Box: Sendable {
        let owner = Mutex<TestNetwork?>(nil)
    }

    private func handle(_ event: PeerNetwork.Event) {
        let (network, holds) = state.withLock { state in
            state.events.append(event)
            return (state.network, state.holds)
        }
        guard !holds else { return }
        switch event {
        case .gossip(let token, _, _, _): network?.judge(token, .accept)
        case .message(let token, _, _, _): network?.release(token)
        default: break
        }
    }

    func hold(_ holds: Bool) { state.withLock { $0.holds = holds } }

    /// Releases all messages that were held.
    func releaseAll() {
        state.withLock { $0.holds = false }
        for case .message(let token, _, _, _) in events { network.release(token) }
    }

    var events: [PeerNetwork.Event] { state.withLock { $0.events } }

    /// The data of what came in the topic.
    var gossip: [[UInt8]] {
        events.compactMap { if case .gossip(_, _, let data, _) = $0 { data } else { nil } }
    }

    /// The messages that came from a peer.
    func messages(from peer: PeerID) -> [[UInt8]] {
        events.compactMap { event in
            if case .message(_, _, let data, peer) = event { data } else { nil }
        }
    }

    func address() async throws -> Multiaddr {
        try #require(try await network.listenAddresses().first).with(network.peer)
    }

    func isConnected(to other: TestNetwork) -> Bool {
        network.connectedPeers.contains(other.network.peer)
    }

    /// Runs `body` with networks that are started and each connected to the one before it.
    static func with<T>(
        _ count: UInt8, _ configure: (inout PeerNetworkSettings) -> Void = { _ in },
        body: ([TestNetwork]) async throws -> T
    ) async throws -> T {
        var networks: [TestNetwork] = []
        for number in 0..<count {
            let last = try await networks.last?.address()
            let next = try TestNetwork(number) {
                configure(&$0)
                $0.peers = [last].compactMap(\.self)
            }
            try await next.network.start()
            networks.append(next)
        }
        do {
            for (one, two) in zip(networks, networks.dropFirst()) {
                try await wait(for: "the connections") {
                    one.isConnected(to: two) && two.isConnected(to: one)
                }
            }
            let result = try await body(networks)
            for network in networks { try await network.network.stop() }
            return result
        } catch {
            for network in networks { try await network.network.stop() }
            throw error
        }
    }
}

@Suite("Networks", .timeLimit(.minutes(30)))
struct PeerNetworkTests {
    @Test("What one says in a topic is heard by those beyond its peers, once each")
    func topics() async throws {
        try await TestNetwork.with(4) { networks in
            try await wait(for: "the meshes") {
                for place in 0..<3 {
                    let network = networks[place].network
                    let next = networks[place + 1].network.peer
                    let mesh = try await network.host.loop.submit {
                        network.pubsub.mesh(of: TestNetwork.topic)
                    }.get()
                    guard mesh.contains(next) else { return false }
                }
                return true
            }
            for number in UInt8(0)..<20 {
                #expect(networks[0].network.publish([number], in: TestNetwork.topic))
            }
            try await wait(for: "the messages") {
                networks[1...].allSatisfy { $0.gossip.count >= 20 }
            }
            for network in networks[1...] {
                #expect(network.gossip.map { $0[0] }.sorted() == Array(0..<20))
            }
            #expect(networks[0].gossip.isEmpty)
        }
    }

    @Test("What is sent and received is counted, by topic and protocol, and no foreign topic is")
    func traffic() async throws {
        try await TestNetwork.with(2) { networks in
            let (one, two) = (networks[0], networks[1])
            try await wait(for: "the meshes") {
                for network in networks {
                    let isAlone = try await network.network.host.loop.submit {
                        network.network.pubsub.mesh(of: TestNetwork.topic).isEmpty
                    }.get()
                    if isAlone { return false }
                }
                return true
            }
            let foreign = Topic("foreign")
            one.network.subscribe(foreign)
            for number in UInt8(0)..<10 {
                let data = [UInt8](repeating: number, count: 100)
                #expect(one.network.publish(data, in: TestNetwork.topic))
                #expect(one.network.publish(data, in: foreign))
                let answer = two.network.send(
                    data + data, to: one.network.peer, by: TestNetwork.chat.id)
                #expect(answer == .taken)
            }
            try await wait(for: "the messages") {
                two.gossip.count == 10 && one.messages(from: two.network.peer).count == 10
            }
            let ours = try await one.network.traffic()
            let theirs = try await two.network.traffic()
            let line = try #require(ours.topics[TestNetwork.topic])
            #expect(line.published.messages == 10 && line.published.bytes == 1_000)
            #expect(line.sent.messages == 10 && line.sent.bytes == 1_000)
            let other = try #require(theirs.topics[TestNetwork.topic])
            #expect(other.received == line.sent && other.delivered == line.sent)
            #expect(other.published.messages == 0 && theirs.topics[foreign] == nil)
            #expect(theirs.protocols[TestNetwork.chat.id]?.sent.bytes == 2_000)
            #expect(ours.protocols[TestNetwork.chat.id]?.received.bytes == 2_000)
            #expect(ours.control.sent.bytes > 0 && theirs.control.received.bytes > 0)
            #expect(ours.wire.sent.bytes > 1_000 && theirs.wire.received.bytes > 1_000)
        }
    }

    @Test("What is not accepted goes no further")
    func notAccepted() async throws {
        try await TestNetwork.with(3) { networks in
            networks[1].hold(true)
            try await wait(for: "the topic") {
                try await networks[0].network.host.loop.submit {
                    !networks[0].network.pubsub.mesh(of: TestNetwork.topic).isEmpty
                }.get()
            }
            #expect(networks[0].network.publish([7], in: TestNetwork.topic))
            try await wait(for: "the message") { networks[1].gossip == [[7]] }
            try await Task.sleep(for: .milliseconds(500))
            #expect(networks[2].gossip.isEmpty)
            for case .gossip(let token, _, _, _) in networks[1].events {
                networks[1].network.judge(token, .accept)
            }
            try await wait(for: "the message beyond") { networks[2].gossip == [[7]] }
        }
    }

    @Test("Messages to one peer arrive in order, both ways, small and large")
    func direct() async throws {
        try await TestNetwork.with(2) { networks in
            let (one, two) = (networks[0], networks[1])
            var sent: [[UInt8]] = [[]]
            for number in UInt8(1)..<60 {
                sent.append([UInt8](repeating: number, count: Int(number) * 500))
            }
            sent.append([UInt8](repeating: 9, count: 1 << 20))
            for message in sent {
                let ours = one.network.send(
                    message, to: two.network.peer, by: TestNetwork.chat.id)
                let theirs = two.network.send(
                    message, to: one.network.peer, by: TestNetwork.chat.id)
                #expect(ours == .taken && theirs == .taken)
            }
            try await wait(for: "the messages") { [sent] in
                one.messages(from: two.network.peer).count == sent.count
                    && two.messages(from: one.network.peer).count == sent.count
            }
            let isSame =
                one.messages(from: two.network.peer) == sent
                && two.messages(from: one.network.peer) == sent
            #expect(isSame)
        }
    }

    @Test("Messages that cannot be taken are refused at once")
    func refused() async throws {
        try await TestNetwork.with(2) { networks in
            let (one, two) = (networks[0].network, networks[1].network)
            let stranger = PeerID(testKey(99).publicKey)
            #expect(one.send([1], to: stranger, by: TestNetwork.chat.id) == .notConnected)
            #expect(one.send([1], to: two.peer, by: "/none") == .notConnected)
            let long = [UInt8](repeating: 0, count: (1 << 20) + 1)
            #expect(one.send(long, to: two.peer, by: TestNetwork.chat.id) == .tooLong)
            let huge = [UInt8](repeating: 0, count: 17 << 20)
            #expect(!one.publish(huge, in: TestNetwork.topic))
        }
    }

    @Test("An owner that releases nothing holds its peer up, and nothing is lost")
    func backpressure() async throws {
        try await TestNetwork.with(2) { networks in
            let (one, two) = (networks[0], networks[1])
            two.hold(true)
            let message = [UInt8](repeating: 5, count: 200_000)
            var taken = 0
            // Four mebibytes with the owner, a window or two, and the queues of the sender.
            for _ in 0..<200 {
                let answer = one.network.send(
                    message, to: two.network.peer, by: TestNetwork.chat.id)
                if answer == .taken {
                    taken += 1
                } else {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            let last = one.network.send(message, to: two.network.peer, by: TestNetwork.chat.id)
            #expect(last == .full)
            #expect(taken < 60)
            let held = two.messages(from: one.network.peer).count
            #expect(held * 200_000 <= TestNetwork.chat.inboundBytesMax + 200_000)
            two.releaseAll()
            try await wait(for: "all messages") { [taken] in
                two.messages(from: one.network.peer).count == taken
            }
        }
    }

    @Test(
        "A peer that does not speak the protocol loses what was for it, and the owner hears of it")
    func lost() async throws {
        let other = DirectProtocol("/test/other", messageBytesMax: 100)
        let one = try TestNetwork(1) { $0.protocols.append(other) }
        try await one.network.start()
        let address = try await one.address()
        let two = try TestNetwork(2) { $0.peers = [address] }
        try await two.network.start()
        try await wait(for: "the connection") { one.isConnected(to: two) }
        #expect(one.network.send([1], to: two.network.peer, by: other.id) == .taken)
        try await wait(for: "the loss") {
            one.events.contains { event in
                if case .lost(two.network.peer, other.id, .negotiation(.refused)) = event {
                    true
                } else {
                    false
                }
            }
        }
        try await two.network.stop()
        try await wait(for: "the end") {
            one.events.contains { event in
                if case .disconnected(two.network.peer, _) = event { true } else { false }
            }
        }
        #expect(one.network.send([1], to: two.network.peer, by: "/test/chat") == .notConnected)
        try await one.network.stop()
        #expect(!one.network.publish([1], in: TestNetwork.topic))
    }

    @Test("A message above its bound ends the stream, and the connection goes on")
    func lengthLie() async throws {
        try await TestNetwork.with(1) { networks in
            let address = try await networks[0].address()
            try await TestHost.with(50) { hosts in
                let peer = networks[0].network.peer
                try await hosts[0].dial(address)
                for lie in [[0x81, 0x80, 0x40], [UInt8](repeating: 0xFF, count: 12)] {
                    let collector = Collector()
                    let stream = try await hosts[0].open(
                        [TestNetwork.chat.id], to: peer, handler: collector)
                    try await hosts[0].run { _ in _ = stream.write(lie) }
                    try await wait(for: "the end of the stream") { collector.wasReset }
                }
                #expect(try await hosts[0].ping(peer) > .zero)
                #expect(networks[0].messages(from: hosts[0].peer).isEmpty)
            }
        }
    }

    @Test("A peer without a name cannot be kept")
    func nameless() async throws {
        let address = try Multiaddr(text: "/ip4/127.0.0.1/tcp/1")
        let network = try TestNetwork(1) { $0.peers = [address] }
        await #expect(throws: HostError.address(address)) { try await network.network.start() }
        try await network.network.stop()
    }
}
