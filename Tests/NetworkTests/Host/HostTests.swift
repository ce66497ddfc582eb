// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore
import Network
import Synchronization
import TestSupport
import Testing

@Suite("Hosts on loopback", .timeLimit(.minutes(30)))
struct HostTests {
    @Test("Two hosts connect, say who they are, and answer pings both ways")
    func pingAndIdentify() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            let address = try await two.address()
            #expect(try await one.dial(address) == two.peer)
            try await wait(for: "both identities") {
                let (ours, theirs) = (
                    try await one.identity(of: two.peer), try await two.identity(of: one.peer)
                )
                return ours != nil && theirs != nil
            }
            let identity = try #require(try await one.identity(of: two.peer))
            #expect(identity.agent == "recount")
            #expect(identity.publicKey == two.peer.publicKey)
            #expect(identity.listenAddresses == [try #require(address.withoutPeer)])
            #expect(identity.protocols?.contains("/ipfs/ping/1.0.0") == true)
            let record = try PeerRecord.open(try #require(identity.signedRecord)[...])
            #expect(record.peer == two.peer)
            #expect(try await one.ping(two.peer) > .zero)
            #expect(try await two.ping(one.peer) > .zero)
            #expect(try await one.run { $0.connection(to: two.peer)?.role } == .dialer)
            #expect(try await two.run { $0.connection(to: one.peer)?.role } == .listener)
        }
    }

    @Test("Ten million bytes go there and back through the flow control, and few wait")
    func echo() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            try await two.run { host in
                host.register("/echo", inboundMax: 4) { _ in Echo() }
            }
            try await one.dial(try await two.address())
            var random = SplitMix64(seed: 1)
            let text = random.bytes(100_000)
            let pump = Pump((0..<100).flatMap { _ in text })
            let stream = try await one.open(["/none", "/echo"], to: two.peer, handler: pump)
            #expect(stream.protocolID == "/echo")
            try await one.run { _ in pump.push(stream) }
            try await wait(for: "the end of the echo") {
                pump.state.withLock { $0.isFinished }
            }
            let (read, pendingMax) = pump.state.withLock { ($0.read, $0.pendingMax) }
            #expect(read.count == 10_000_000)
            #expect(
                stride(from: 0, to: read.count, by: 100_000).allSatisfy {
                    read[$0..<$0 + 100_000].elementsEqual(text)
                })
            #expect(pendingMax < YamuxSession.pendingBytesMax + 100_000)
            try await wait(for: "no streams left") {
                let ours = try await one.run { $0.streamCount(to: two.peer) }
                return try await two.run { $0.streamCount(to: one.peer) } + ours == 0
            }
        }
    }

    @Test("A thousand streams in turn leave nothing behind")
    func manyStreams() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            try await two.run { host in
                host.register("/echo", inboundMax: 4) { _ in Echo() }
            }
            try await one.dial(try await two.address())
            for number in 0..<1000 {
                let collector = Collector()
                let stream = try await one.open(["/echo"], to: two.peer, handler: collector)
                let sent = Array("\(number)".utf8)
                try await one.run { _ in
                    _ = stream.write(sent)
                    stream.finish()
                }
                try await wait(for: "the end of stream \(number)") { collector.isClosed }
                #expect(collector.bytes == sent)
                #expect(!collector.wasReset)
            }
            #expect(try await one.run { $0.streamCount(to: two.peer) } == 0)
            try await wait(for: "no streams at the other side") {
                try await two.run { $0.streamCount(to: one.peer) } == 0
            }
        }
    }

    @Test("A protocol that nobody speaks is refused, and the connection goes on")
    func unknownProtocol() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            try await one.dial(try await two.address())
            await #expect(throws: HostError.negotiation(.refused)) {
                _ = try await one.open(["/x", "/y"], to: two.peer, handler: Collector())
            }
            #expect(try await one.ping(two.peer) > .zero)
        }
    }

    @Test("A peer has no more streams of a protocol than it may")
    func inboundMax() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            try await two.run { $0.register("/echo", inboundMax: 2) { _ in Echo() } }
            try await one.dial(try await two.address())
            let collectors = [Collector(), Collector()]
            for collector in collectors {
                _ = try await one.open(["/echo"], to: two.peer, handler: collector)
            }
            await #expect(throws: HostError.streamEnded) {
                _ = try await one.open(["/echo"], to: two.peer, handler: Collector())
            }
            #expect(collectors.allSatisfy { !$0.isClosed })
        }
    }

    @Test("A stream that is held back takes no more than its window, and loses nothing")
    func pause() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            let receiver = Collector()
            let held = Mutex<PeerStream?>(nil)
            try await two.run { host in
                host.register("/hold", inboundMax: 1) { stream in
                    stream.pause()
                    held.withLock { $0 = stream }
                    return receiver
                }
            }
            try await one.dial(try await two.address())
            let pump = Pump([UInt8](repeating: 3, count: 1 << 20))
            let stream = try await one.open(["/hold"], to: two.peer, handler: pump)
            try await one.run { _ in pump.push(stream) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(receiver.bytes.isEmpty)
            let pending = try await one.run { _ in stream.pendingBytes }
            #expect(pending > 700_000)
            try await two.run { _ in held.withLock { $0 }?.resume() }
            try await wait(for: "all of it") { receiver.bytes.count == 1 << 20 }
            try await wait(for: "the end") { receiver.isClosed }
        }
    }

    @Test("Another peer than the one that was dialled is refused")
    func wrongPeer() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            let wrong = try await two.address().with(PeerID(testKey(9).publicKey))
            await #expect(
                throws: HostError.closed(.upgrade(.noise(.otherPeer(two.peer))))
            ) { try await one.dial(wrong) }
            #expect(try await !one.isConnected(to: two.peer))
        }
    }

    @Test("A host is dialled by its name in the system's tables")
    func byName() async throws {
        try await TestHost.with(1, 2) { hosts in
            let port = try #require(try await hosts[1].address().tcp?.port)
            let address = try Multiaddr(text: "/dns4/localhost/tcp/\(port)")
            #expect(try await hosts[0].dial(address) == hosts[1].peer)
            await #expect(throws: HostError.self) {
                try await hosts[0].dial(try Multiaddr(text: "/dns4/nowhere.invalid/tcp/1"))
            }
        }
    }

    @Test("A host does not connect to itself")
    func ourselves() async throws {
        try await TestHost.with(1) { hosts in
            let address = try #require(try await hosts[0].address().withoutPeer)
            await #expect(throws: HostError.closed(.upgrade(.ourselves))) {
                try await hosts[0].dial(address)
            }
        }
    }

    @Test("Two hosts that dial each other at once keep one and the same connection")
    func simultaneous() async throws {
        for _ in 0..<10 {
            try await TestHost.with(1, 2) { hosts in
                let (one, two) = (hosts[0], hosts[1])
                let (first, second) = (try await one.address(), try await two.address())
                async let ours = one.dial(second)
                async let theirs = two.dial(first)
                _ = try? await ours
                _ = try? await theirs
                let low = one.peer < two.peer ? one : two
                try await wait(for: "one connection on each side") {
                    let (ours, theirs) = (
                        try await one.run { $0.connection(to: two.peer)?.role },
                        try await two.run { $0.connection(to: one.peer)?.role }
                    )
                    let counts = (
                        try await one.run { $0.socketCount }, try await two.run { $0.socketCount }
                    )
                    guard let ours, let theirs, counts == (1, 1) else { return false }
                    return ours != theirs
                }
                #expect(try await low.run { $0.socketCount } == 1)
                #expect(try await one.ping(two.peer) > .zero)
                #expect(try await two.ping(one.peer) > .zero)
            }
        }
    }

    @Test("A peer that is kept is dialled again and again, whenever it comes back")
    func redial() async throws {
        let one = try TestHost(1)
        try await one.start()
        let two = try TestHost(2)
        try await two.start()
        let address = try await two.address()
        try await one.run { $0.keep(two.peer, at: [address]) }
        try await wait(for: "the connection") { try await one.isConnected(to: two.peer) }
        try await two.host.stop().get()
        try await wait(for: "the end") { try await !one.isConnected(to: two.peer) }
        let again = try TestHost(2) { $0.listen = [address.withoutPeer].compactMap(\.self) }
        try await Task.sleep(for: .seconds(1))
        try await again.start()
        try await wait(for: "the next") { try await one.isConnected(to: two.peer) }
        try await one.host.stop().get()
        try await again.host.stop().get()
    }

    @Test("A peer that is wanted is dialled again, but not for ever")
    func wanted() async throws {
        let one = try TestHost(1) {
            $0.redialMin = .milliseconds(1)
            $0.redialMax = .milliseconds(2)
        }
        try await one.start()
        let first = try TestHost(2)
        try await first.start()
        let address = try await first.address()
        try await one.run { $0.want(first.peer, at: [address]) }
        try await wait(for: "the connection") { try await one.isConnected(to: first.peer) }
        try await first.host.stop().get()
        try await wait(for: "the end") { try await !one.isConnected(to: first.peer) }
        // Eight dials, one with each look at the times.
        try await Task.sleep(for: .seconds(4))
        let again = try TestHost(2) { $0.listen = [address.withoutPeer].compactMap(\.self) }
        try await again.start()
        try await Task.sleep(for: .seconds(1))
        #expect(try await !one.isConnected(to: first.peer))
        try await one.run { $0.want(first.peer, at: []) }
        try await wait(for: "the next") { try await one.isConnected(to: first.peer) }
        try await again.host.stop().get()
        try await one.host.stop().get()
    }

    @Test("What a peer says of its addresses does not displace those that were named")
    func addresses() async throws {
        try await TestHost.with(1) { hosts in
            let peer = PeerID(testKey(9).publicKey)
            let named = try Multiaddr(text: "/ip4/192.0.2.1/tcp/1")
            let said = try (0..<20).map { try Multiaddr(text: "/ip4/192.0.2.2/tcp/\($0)") }
            let known = try await hosts[0].run { host in
                host.want(peer, at: [named])
                host.know(said, of: peer)
                return host.addresses(of: peer)
            }
            #expect(known.count == HostSettings.addressesPerPeerMax)
            #expect(known.first == named)
        }
    }

    @Test("No more connections than allowed, and kept peers have their places")
    func connectionsMax() async throws {
        let hub = try TestHost(0) { $0.connectionsMax = 2 }
        try await hub.start()
        let address = try await hub.address()
        try await TestHost.with(1, 2, 3, 4) { hosts in
            try await hub.run { $0.keep(hosts[3].peer, at: []) }
            for host in hosts[..<3] { try await host.dial(address) }
            // One place is the kept peer's, so that the first of the others has the only one left.
            try await wait(for: "refusals") {
                hosts[1..<3].allSatisfy { !$0.reasons(hub.peer).isEmpty }
            }
            #expect(try await hub.run { $0.connectedPeers } == [hosts[0].peer])
            try await hosts[3].dial(address)
            try await wait(for: "the kept peer") {
                try await hub.isConnected(to: hosts[3].peer)
            }
            #expect(try await hub.run { $0.connectedPeers.count } == 2)
        }
        try await hub.host.stop().get()
    }

    @Test("A host whose protocols change tells its peers")
    func push() async throws {
        try await TestHost.with(1, 2) { hosts in
            let (one, two) = (hosts[0], hosts[1])
            try await one.dial(try await two.address())
            try await wait(for: "the identity") {
                let theirs = try await two.identity(of: one.peer)
                return try await one.identity(of: two.peer) != nil && theirs != nil
            }
            try await two.run { $0.register("/new", inboundMax: 1) { _ in Echo() } }
            try await wait(for: "the push") {
                try await one.identity(of: two.peer)?.protocols?.contains("/new") == true
            }
        }
    }

    @Test("A host that stops is gone for its peers, and its port is free")
    func stop() async throws {
        try await TestHost.with(1) { hosts in
            let two = try TestHost(2)
            try await two.start()
            let address = try await two.address()
            try await hosts[0].dial(address)
            try await two.host.stop().get()
            try await wait(for: "the end") { hosts[0].reasons(two.peer) == [.byPeer] }
            await #expect(throws: HostError.self) { try await hosts[0].dial(address) }
            let three = try TestHost(3) { $0.listen = [address.withoutPeer].compactMap(\.self) }
            try await three.start()
            try await three.host.stop().get()
        }
    }
}
