// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore
import NIOPosix
import Network
import Synchronization
import TestSupport
import Testing

/// A peer that sends what it likes: a socket, with handshakes made or not.
final class HostilePeer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    struct State {
        var input: [UInt8] = []
        var isClosed = false
        var channel: (any Channel)?
    }
    let state = Mutex(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Connects, and reads what comes if `reads`.
    static func connect(to address: Multiaddr, reads: Bool = true) async throws -> HostilePeer {
        let peer = HostilePeer()
        let port = try #require(address.tcp?.port)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(peer)
                }
            }
            .connect(host: "127.0.0.1", port: Int(port)).get()
        peer.state.withLock { $0.channel = channel }
        return peer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).readableBytesView)
        state.withLock { $0.input += bytes }
    }

    func channelInactive(context: ChannelHandlerContext) {
        state.withLock { $0.isClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func send(_ bytes: [UInt8]) {
        let channel = state.withLock { $0.channel }
        channel?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Drains what has come.
    func drain() -> [UInt8] {
        state.withLock { state in
            defer { state.input = [] }
            return state.input
        }
    }

    func close() async {
        let channel = state.withLock { $0.channel }
        // It may be closed from the other side.
        _ = try? await channel?.close().get()
    }

    /// Makes the handshakes, and returns the channel that is then there.
    func upgrade(_ keys: HandshakeKeys) async throws -> NoiseChannel {
        let upgrade = Mutex(ConnectionUpgrade(role: .dialer, keys: keys))
        let result = Mutex<NoiseChannel?>(nil)
        send(upgrade.withLock { $0.start() })
        try await wait(for: "the handshakes") {
            let bytes = self.drain()
            guard !bytes.isEmpty else { return self.isClosed }
            var output: [UInt8] = []
            let upgraded = try upgrade.withLock { try $0.receive(bytes, output: &output) }
            self.send(output)
            result.withLock { $0 = upgraded?.channel }
            return upgraded != nil
        }
        guard let channel = result.withLock({ $0 }) else { throw WaitedInVain(what: "an upgrade") }
        return channel
    }
}

@Suite("Hostile peers", .serialized, .timeLimit(.minutes(30)))
struct HostileHostTests {
    static let lines = Array("\u{13}/multistream/1.0.0\n\u{7}/noise\n".utf8)

    /// Honest traffic goes on: a second host connects and pings.
    func checkHonest(_ host: TestHost) async throws {
        try await TestHost.with(200) { hosts in
            try await hosts[0].dial(try await host.address())
            #expect(try await hosts[0].ping(host.peer) > .zero)
        }
    }

    @Test("Half-open handshakes are few, end in time, and leave room for others")
    func halfOpen() async throws {
        let host = try TestHost(1) {
            $0.handshakesPerAddressMax = 8
            $0.handshakeTimeout = .seconds(1)
        }
        try await host.start()
        let address = try await host.address()
        var peers: [HostilePeer] = []
        for place in 0..<40 {
            let peer = try await HostilePeer.connect(to: address)
            if place.isMultiple(of: 2) { peer.send(Self.lines) }
            peers.append(peer)
        }
        #expect(try await host.run { $0.handshakeCount } <= 8)
        try await wait(for: "the end of all of them") { [peers] in peers.allSatisfy(\.isClosed) }
        #expect(try await host.run { $0.socketCount } == 0)
        try await checkHonest(host)
        try await host.host.stop().get()
    }

    @Test("A flood of half-open handshakes keeps nobody out")
    func handshakeFlood() async throws {
        let host = try TestHost(1) { $0.handshakesMax = 4 }
        try await host.start()
        let address = try await host.address()
        var peers: [HostilePeer] = []
        for _ in 0..<20 { peers.append(try await HostilePeer.connect(to: address)) }
        try await checkHonest(host)
        for _ in 0..<20 { peers.append(try await HostilePeer.connect(to: address)) }
        #expect(try await host.run { $0.handshakeCount } <= 4)
        try await wait(for: "the end of the oldest") { [peers] in
            peers.count(where: \.isClosed) >= 32
        }
        try await checkHonest(host)
        // Nor does it keep the host from dialling.
        try await TestHost.with(2) { hosts in
            let address = try await hosts[0].address()
            #expect(try await host.dial(address) == hosts[0].peer)
        }
        try await host.host.stop().get()
    }

    @Test(
        "Garbage at the start ends the connection",
        arguments: [
            [UInt8](repeating: 0xFF, count: 20), [0x80, 0x80, 0x04],
            Array("GET / HTTP/1.1\r\n".utf8),
            [19] + [UInt8](repeating: 0x41, count: 19), lines + [0, 0], lines + [0, 32],
            lines + [0, 32] + [UInt8](repeating: 0, count: 32) + [0, 1, 9],
            lines + [0xFF, 0xFF] + [UInt8](repeating: 7, count: 65535) + [0, 96]
                + [UInt8](repeating: 7, count: 96),
        ])
    func garbage(_ bytes: [UInt8]) async throws {
        let shorten: (inout HostSettings) -> Void = { $0.handshakeTimeout = .seconds(1) }
        try await TestHost.with(1, configure: shorten) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            peer.send(bytes)
            try await wait(for: "the end") { peer.isClosed }
            try await wait(for: "no connections") {
                try await hosts[0].run { $0.socketCount } == 0
            }
            try await checkHonest(hosts[0])
        }
    }

    @Test("Endless proposals of protocols end the connection")
    func endlessProposals() async throws {
        try await TestHost.with(1) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            peer.send(Array("\u{13}/multistream/1.0.0\n".utf8))
            for _ in 0..<40 { peer.send(Array("\u{3}/x\n".utf8)) }
            try await wait(for: "the end") { peer.isClosed }
        }
    }

    @Test("A payload with a bad signature ends the handshake")
    func badSignature() async throws {
        try await TestHost.with(1) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            let key = AgreementKey()
            let identity = testKey(66)
            let payload = NoisePayload.encode(
                identity: identity, staticKey: AgreementKey().publicKey, muxers: [])
            let keys = HandshakeKeys(
                peer: PeerID(identity.publicKey), staticKey: key, payload: payload)
            // The dialer's side is done with its last message, which the host then refuses.
            _ = try? await peer.upgrade(keys)
            try await wait(for: "the end") { peer.isClosed }
            #expect(try await hosts[0].run { $0.connectedPeers.isEmpty })
        }
    }

    @Test("Behind the handshake, a peer may choose the multiplexer in either way")
    func muxerChoice() async throws {
        try await TestHost.with(1) { hosts in
            for muxers in [[], [ConnectionUpgrade.muxer], ["/mplex/6.7.0", "/yamux/1.0.0"]] {
                let peer = try await HostilePeer.connect(to: try await hosts[0].address())
                let identity = testKey(UInt8(70 + muxers.count))
                _ = try await peer.upgrade(HandshakeKeys(identity: identity, muxers: muxers))
                try await wait(for: "the peer") {
                    try await hosts[0].isConnected(to: PeerID(identity.publicKey))
                }
            }
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            let keys = HandshakeKeys(identity: testKey(80), muxers: ["/mplex/6.7.0"])
            _ = try? await peer.upgrade(keys)
            try await wait(for: "the end") { peer.isClosed }
        }
    }

    /// Connects, makes the handshakes, sends frames, and waits for the end that the host gives.
    func cutOff(
        _ frames: [UInt8], reads: Bool = true, expecting: YamuxError? = nil
    ) async throws {
        try await TestHost.with(1) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            let identity = testKey(66)
            var channel = try await peer.upgrade(HandshakeKeys(identity: identity))
            var rest = frames[...]
            while !rest.isEmpty {
                peer.send(try channel.seal(Array(rest.prefix(60_000))))
                rest = rest.dropFirst(60_000)
            }
            try await wait(for: "the end") { peer.isClosed }
            let name = PeerID(identity.publicKey)
            try await wait(for: "the reason") { !hosts[0].reasons(name).isEmpty }
            let reasons = hosts[0].reasons(name)
            #expect(reasons.count == 1)
            if let expecting { #expect(reasons == [.yamux(expecting)]) }
            try await checkHonest(hosts[0])
        }
    }

    static let syn = YamuxHeader.syn

    @Test("A frame that the peer did not seal ends the connection")
    func unsealed() async throws {
        try await TestHost.with(1) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            let identity = testKey(66)
            _ = try await peer.upgrade(HandshakeKeys(identity: identity))
            let name = PeerID(identity.publicKey)
            try await wait(for: "the peer") { try await hosts[0].isConnected(to: name) }
            peer.send([0, 20] + [UInt8](repeating: 1, count: 20))
            try await wait(for: "the end") { peer.isClosed }
            try await wait(for: "the reason") {
                hosts[0].reasons(name) == [.noise(.notAuthentic)]
            }
        }
    }

    @Test("A peer that overruns its window is cut off")
    func windowOverrun() async throws {
        try await cutOff(
            frame(.data, Self.syn, 1, 262145),
            expecting: .windowOverrun(stream: 1, bytes: 262145, window: 262144))
    }

    @Test("A length that lies is refused before its bytes come")
    func lengthLie() async throws {
        try await cutOff(
            frame(.data, Self.syn, 1, .max),
            expecting: .windowOverrun(stream: 1, bytes: .max, window: 262144))
    }

    @Test("Streams without number end the connection")
    func manyStreams() async throws {
        var frames: [UInt8] = []
        for place in UInt32(0)..<2000 { frames += frame(.windowUpdate, Self.syn, 2 * place + 1, 0) }
        try await cutOff(frames, expecting: .tooManyStreams)
    }

    @Test("A frame of a kind that does not exist ends the connection")
    func wrongKind() async throws {
        try await cutOff([0, 9] + [UInt8](repeating: 0, count: 10), expecting: .kind(9))
    }

    @Test("An endless length on a stream ends the stream, and the connection goes on")
    func endlessLength() async throws {
        try await TestHost.with(1) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            let identity = testKey(66)
            var channel = try await peer.upgrade(HandshakeKeys(identity: identity))
            let endless = [UInt8](repeating: 0xFF, count: 64)
            peer.send(try channel.seal(frame(.data, Self.syn, 1, 64, endless)))
            let name = PeerID(identity.publicKey)
            let reading = Mutex((channel: channel, text: [UInt8]()))
            let end = frame(.windowUpdate, YamuxHeader.rst, 1, 0).hex
            try await wait(for: "the end of the stream") {
                let bytes = peer.drain()
                return try reading.withLock { reading in
                    reading.text += try reading.channel.open(bytes)
                    return reading.text.hex.contains(end)
                }
            }
            #expect(try await hosts[0].isConnected(to: name))
        }
    }

    @Test("Streams that never name their protocol end in time")
    func silentStreams() async throws {
        let host = try TestHost(1) { $0.negotiationTimeout = .seconds(1) }
        try await host.start()
        let peer = try await HostilePeer.connect(to: try await host.address())
        let name = PeerID(testKey(66).publicKey)
        var channel = try await peer.upgrade(HandshakeKeys(identity: testKey(66)))
        var frames: [UInt8] = []
        for place in UInt32(0)..<300 { frames += frame(.windowUpdate, Self.syn, 2 * place + 1, 0) }
        peer.send(try channel.seal(frames))
        try await wait(for: "the streams") {
            try await host.run { $0.streamCount(to: name) } >= 300
        }
        try await wait(for: "their end") { try await host.run { $0.streamCount(to: name) } == 0 }
        #expect(try await host.isConnected(to: name))
        try await host.host.stop().get()
    }

    @Test("A peer that reads nothing makes a writer wait, and the memory stays bounded")
    func slowReader() async throws {
        try await TestHost.with(1) { hosts in
            let peer = try await HostilePeer.connect(to: try await hosts[0].address())
            let name = PeerID(testKey(66).publicKey)
            var channel = try await peer.upgrade(HandshakeKeys(identity: testKey(66)))
            try await hosts[0].run { host in
                host.register("/flood", inboundMax: 1) { stream in
                    let pump = Pump([UInt8](repeating: 1, count: 20 << 20))
                    // The stream takes a handler when this returns; the first write may be now.
                    pump.push(stream)
                    floods.withLock { $0.append(pump) }
                    return pump
                }
            }
            let lines = Array("\u{13}/multistream/1.0.0\n\u{7}/flood\n".utf8)
            peer.send(
                try channel.seal(
                    frame(.data, Self.syn, 1, UInt32(lines.count), lines)
                        // A window as large as it can be does not help the reader.
                        + frame(.windowUpdate, 0, 1, .max - 262144)))
            let socket = try #require(peer.state.withLock { $0.channel })
            try await socket.setOption(.autoRead, value: false).get()
            try await wait(for: "the writer to wait") {
                floods.withLock { $0.last }?.state.withLock { $0.pendingMax } ?? 0 > 1 << 20
            }
            try await Task.sleep(for: .milliseconds(300))
            let flood = try #require(floods.withLock { $0.last })
            let (left, pendingMax) = flood.state.withLock { ($0.rest.count, $0.pendingMax) }
            #expect(pendingMax <= YamuxSession.pendingBytesMax + 100_000)
            #expect(left > 8 << 20)
            #expect(try await hosts[0].isConnected(to: name))
            try await checkHonest(hosts[0])
        }
    }

    @Test("A peer that gives no sign of life is cut off")
    func silent() async throws {
        let host = try TestHost(1) {
            $0.keepAliveInterval = .milliseconds(500)
            $0.keepAliveTimeout = .milliseconds(500)
        }
        try await host.start()
        let peer = try await HostilePeer.connect(to: try await host.address())
        _ = try await peer.upgrade(HandshakeKeys(identity: testKey(66)))
        try await wait(for: "the end") { peer.isClosed }
        let name = PeerID(testKey(66).publicKey)
        try await wait(for: "the reason") { host.reasons(name) == [.silent] }
        // Two hosts that say nothing keep each other alive.
        try await TestHost.with(2) { hosts in
            try await hosts[0].dial(try await host.address())
            try await Task.sleep(for: .seconds(2))
            #expect(try await hosts[0].isConnected(to: host.peer))
        }
        try await host.host.stop().get()
    }

    @Test("Bytes at random behind the handshakes never trap", arguments: 0..<4)
    func randomFrames(seed: UInt64) async throws {
        try await TestHost.with(1) { hosts in
            var random = SplitMix64(seed: seed)
            for _ in 0..<10 {
                let peer = try await HostilePeer.connect(to: try await hosts[0].address())
                var channel = try await peer.upgrade(HandshakeKeys(identity: testKey(66)))
                for _ in 0..<50 {
                    let body = random.bytes(Int(random.next() % 40))
                    let kind = YamuxHeader.Kind(rawValue: UInt8(random.next() % 4)) ?? .data
                    let isData = kind == .data
                    peer.send(
                        try channel.seal(
                            frame(
                                kind, UInt16(random.next() % 16), UInt32(random.next() % 8),
                                isData ? UInt32(body.count) : UInt32(random.next() % 1000),
                                isData ? body : [])))
                }
                await peer.close()
            }
            try await checkHonest(hosts[0])
        }
    }
}

/// What the floods of a test have come to.
private let floods = Mutex<[Pump]>([])
