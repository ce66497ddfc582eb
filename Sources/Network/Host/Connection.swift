// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore

/// A connection to a peer: its handshakes, and then its streams.
///
/// Confined to the event loop of its host. What comes is worked through at once; what is to be
/// sent waits in the streams and is taken from them as the socket has room.
final class Connection: @unchecked Sendable {
    let number: UInt64
    let role: Role
    let channel: any Channel
    /// Where the peer is, without its name.
    let address: Multiaddr?
    let opened: NIODeadline
    /// Whose dial this is answered to.
    let dial: Dial?
    private(set) weak var host: PeerHost?
    /// Who is there, once the handshakes are done.
    private(set) var peer: PeerID?
    private(set) var isClosed = false
    /// Whether the host has told its owner of it.
    var isAnnounced = false

    /// Bytes on the socket.
    private(set) var sentBytes: UInt64 = 0
    private(set) var receivedBytes: UInt64 = 0

    private var upgrade: ConnectionUpgrade?
    private var noise: NoiseChannel?
    private var session: YamuxSession
    private var streams: [UInt32: PeerStream] = [:]
    private var lastReceived: NIODeadline
    private var pinged: NIODeadline?
    private var flushIsScheduled = false

    /// The most bytes that are encrypted and handed to the socket together.
    private static let batchBytes = 60_000

    init(
        number: UInt64, role: Role, channel: any Channel, address: Multiaddr?, dial: Dial?,
        host: PeerHost
    ) {
        self.number = number
        self.role = role
        self.channel = channel
        self.address = address
        self.dial = dial
        self.host = host
        opened = .now()
        lastReceived = opened
        upgrade = ConnectionUpgrade(role: role, keys: host.keys, expected: dial?.peer)
        session = YamuxSession(role: role)
    }

    // MARK: From the socket

    func start() {
        if let bytes = upgrade?.start() { send(bytes) }
    }

    func receive(_ bytes: [UInt8]) {
        guard !isClosed else { return }
        host?.traffic.noteRead(bytes.count)
        receivedBytes += UInt64(bytes.count)
        lastReceived = .now()
        pinged = nil
        guard upgrade != nil else { return open(bytes) }
        var output: [UInt8] = []
        do throws(UpgradeError) {
            let upgraded = try upgrade?.receive(bytes, output: &output)
            send(output)
            guard let upgraded else { return }
            upgrade = nil
            noise = upgraded.channel
            peer = upgraded.peer
            guard let host, host.admit(self, upgraded.peer) else { return }
            work(upgraded.rest)
        } catch {
            send(output)
            close(.upgrade(error))
        }
    }

    private func open(_ bytes: [UInt8]) {
        let text: [UInt8]?
        do { text = try noise?.open(bytes) } catch { return close(.noise(error)) }
        work(text ?? [])
    }

    private func work(_ text: [UInt8]) {
        do {
            let events = try session.receive(text)
            handle(events)
            flush()
        } catch { close(.yamux(error)) }
    }

    // MARK: To the socket

    func flush() {
        guard !isClosed, noise != nil else { return }
        while channel.isWritable, session.hasFrames {
            let (frames, events) = session.takeFrames(limit: Self.batchBytes)
            do { send(try noise?.seal(frames) ?? []) } catch { return close(.noise(error)) }
            handle(events)
            guard !isClosed else { return }
        }
    }

    private func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        host?.traffic.noteWritten(bytes.count)
        sentBytes += UInt64(bytes.count)
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Flushes once, after all that is written in this turn of the loop.
    private func flushSoon() {
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        channel.eventLoop.execute {
            self.flushIsScheduled = false
            self.flush()
        }
    }

    // MARK: Streams

    private func handle(_ events: [YamuxSession.Event]) {
        for event in events {
            guard !isClosed else { return }
            switch event {
            case .opened(let number): accept(number)
            case .data(let number, let bytes): receive(bytes, on: number)
            case .writable(let number):
                if let stream = streams[number] { stream.handler?.becameWritable(stream) }
            case .remoteFinished(let number): finishRemote(number)
            case .closed(let number, let wasReset):
                streams.removeValue(forKey: number)?.end(wasReset: wasReset)
            case .pong: break  // Whatever comes is a sign of life.
            case .goAway: close(.byPeer)
            }
        }
    }

    private func accept(_ number: UInt32) {
        guard let host, let peer else { return session.reset(number) }
        let negotiation = MultistreamNegotiation(role: .listener, protocols: host.protocols)
        let stream = PeerStream(
            peer: peer, role: .listener, number: number, connection: self,
            negotiation: negotiation)
        stream.limit(to: host.settings.negotiationTimeout)
        streams[number] = stream
        _ = session.write(negotiation.start(), to: number)
    }

    /// Opens a stream and negotiates one of the protocols, the first wish first.
    func open(
        _ protocols: [String], completion: @escaping (Result<PeerStream, HostError>) -> Void
    ) {
        guard !isClosed, let host, let peer else { return completion(.failure(.notConnected)) }
        guard let number = session.open() else { return completion(.failure(.noStreams)) }
        let negotiation = MultistreamNegotiation(role: .dialer, protocols: protocols)
        let stream = PeerStream(
            peer: peer, role: .dialer, number: number, connection: self, negotiation: negotiation)
        stream.completion = completion
        stream.limit(to: host.settings.negotiationTimeout)
        streams[number] = stream
        _ = session.write(negotiation.start(), to: number)
        flushSoon()
    }

    private func receive(_ bytes: [UInt8], on number: UInt32) {
        guard let stream = streams[number] else { return session.consume(bytes.count, of: number) }
        guard stream.negotiation != nil else { return stream.receive(bytes) }
        session.consume(bytes.count, of: number)
        var output: [UInt8] = []
        do throws(MultistreamError) {
            let agreement = try stream.negotiation?.receive(bytes, output: &output)
            _ = session.write(output, to: number)
            if let agreement { agree(stream, agreement) }
        } catch {
            _ = session.write(output, to: number)
            fail(stream, .negotiation(error))
        }
    }

    private func agree(_ stream: PeerStream, _ agreement: MultistreamNegotiation.Agreement) {
        stream.negotiation = nil
        stream.deadline = nil
        stream.protocolID = agreement.name
        if let completion = stream.completion {
            stream.completion = nil
            completion(.success(stream))
        } else {
            let ofProtocol = streams.values.count {
                $0.role == .listener && $0.protocolID == agreement.name
            }
            stream.handler = host?.handler(for: stream, count: ofProtocol)
            guard stream.handler != nil else { return reset(stream) }
        }
        // These bytes have been consumed with the negotiation.
        if !agreement.rest.isEmpty, holds(stream) {
            stream.handler?.received(agreement.rest, on: stream)
        }
    }

    private func fail(_ stream: PeerStream, _ error: HostError) {
        let completion = stream.completion
        stream.completion = nil
        reset(stream)
        completion?(.failure(error))
    }

    private func finishRemote(_ number: UInt32) {
        guard let stream = streams[number] else { return }
        if stream.negotiation == nil { return stream.receiveEnd() }
        fail(stream, .streamEnded)
    }

    func holds(_ stream: PeerStream) -> Bool { !isClosed && streams[stream.number] === stream }

    func write(_ bytes: [UInt8], to stream: PeerStream) -> Bool {
        guard holds(stream) else { return false }
        let isTaken = session.write(bytes, to: stream.number)
        flushSoon()
        return isTaken
    }

    func pendingBytes(of stream: PeerStream) -> Int {
        holds(stream) ? session.pendingBytes(stream.number) : 0
    }

    func consume(_ count: Int, of stream: PeerStream) {
        guard holds(stream) else { return }
        session.consume(count, of: stream.number)
        flushSoon()
    }

    func finish(_ stream: PeerStream) {
        guard holds(stream) else { return }
        session.finish(stream.number)
        flushSoon()
    }

    func reset(_ stream: PeerStream) {
        guard holds(stream) else { return }
        streams[stream.number] = nil
        session.reset(stream.number)
        stream.connection = nil
        stream.handler = nil
        flushSoon()
    }

    // MARK: Time and end

    /// Looks at all that must have happened by now.
    func tick(_ now: NIODeadline) {
        guard !isClosed, let host else { return }
        guard upgrade == nil else {
            if now - opened > host.settings.handshakeTimeout { close(.handshakeTimedOut) }
            return
        }
        for stream in streams.values.filter({ $0.deadline.map { $0 <= now } ?? false }) {
            streams[stream.number] = nil
            session.reset(stream.number)
            stream.end(wasReset: true)
        }
        if let pinged {
            if now - pinged > host.settings.keepAliveTimeout { return close(.silent) }
        } else if now - lastReceived > host.settings.keepAliveInterval {
            pinged = now
            session.ping(UInt32(truncatingIfNeeded: number))
        }
        flush()
    }

    /// How many streams there are.
    var streamCount: Int { streams.count }

    /// Whether it can be used: the handshakes are done.
    var isOpen: Bool { !isClosed && noise != nil }

    func close(_ reason: CloseReason) {
        guard !isClosed else { return }
        if noise != nil {
            let code: UInt32 = if case .yamux = reason { 1 } else { 0 }
            session.goAway(code: code)
            flush()
        }
        guard !isClosed else { return }
        isClosed = true
        let ended = streams.sorted { $0.key < $1.key }.map(\.value)
        streams = [:]
        channel.close(promise: nil)
        for stream in ended { stream.end(wasReset: true) }
        host?.forget(self, reason)
        dial?.finish(.failure(.closed(reason)))
    }
}

/// Hands what comes from a socket to its connection.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func channelActive(context: ChannelHandlerContext) {
        connection.start()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.receive(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        connection.flush()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.close(.byPeer)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.close(.socket("\(error)"))
    }
}
