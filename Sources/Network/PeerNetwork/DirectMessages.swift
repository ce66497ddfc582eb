// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Messages to one peer and from one peer, over streams of their own: one each way for each
/// protocol, opened when there is something to say.
///
/// Confined to the event loop of the host, but for the queues, which are behind a lock.
/// Bounds: what waits to be sent is that of `DirectQueues`; what the owner has been given and has
/// not released is at most `inboundBytesMax` and a message for each peer and protocol, and
/// `unreleasedMax` and a message for each stream in all; whoever is over it is not read from.
final class DirectMessages: @unchecked Sendable {
    /// A peer and a protocol.
    struct Line: Hashable {
        let peer: PeerID
        let id: String
    }

    private struct Loan {
        let line: Line
        let bytes: Int
    }

    /// What the owner may hold in all, in bytes.
    static let unreleasedMax = 64 << 20

    let host: PeerHost
    private let queues: Mutex<DirectQueues>
    private var outbound: [Line: DirectOutbound] = [:]
    private var inbound: [Line: DirectInbound] = [:]
    private var loans: [UInt64: Loan] = [:]
    private var lent: [Line: Int] = [:]
    private var lentInAll = 0
    private var nextToken: UInt64 = 0
    private let protocols: [DirectProtocol]

    /// Given each message, with the number by which it is released.
    var onMessage: (UInt64, Line, [UInt8]) -> Void = { _, _, _ in }
    /// Told of messages that were taken and will not arrive, or may not have.
    var onLost: (Line, HostError) -> Void = { _, _ in }

    init(_ protocols: [DirectProtocol], host: PeerHost) {
        self.protocols = protocols
        self.host = host
        queues = Mutex(DirectQueues(protocols))
    }

    func start() {
        for settings in protocols {
            host.register(settings.id, inboundMax: 1) { [weak self] stream in
                self?.accept(stream, settings)
            }
        }
    }

    // MARK: Sending

    /// Takes a message for a peer; after `first`, the line is to be pumped. From any thread.
    func send(_ message: [UInt8], to peer: PeerID, by id: String) -> DirectQueues.Answer {
        queues.withLock { $0.append(message, to: peer, by: id) }
    }

    /// The peers that are connected. From any thread.
    var peers: [PeerID] { queues.withLock { $0.peers } }

    /// The bytes that wait for a peer. From any thread.
    func queuedBytes(for peer: PeerID) -> Int { queues.withLock { $0.bytes(to: peer) } }

    func connect(_ peer: PeerID) { queues.withLock { $0.connect(peer) } }

    func disconnect(_ peer: PeerID) {
        queues.withLock { $0.disconnect(peer) }
        for settings in protocols {
            let line = Line(peer: peer, id: settings.id)
            outbound[line] = nil
            inbound[line] = nil
        }
    }

    /// Hands what waits to the stream while it takes it; opens the stream where there is none.
    func pump(_ line: Line) {
        guard let message = first(line) else { return }
        guard let sender = outbound[line] else { return open(line) }
        guard let stream = sender.stream else { return }
        var next: [UInt8]? = message
        while let message = next, stream.write(PrefixedMessages.frame(message)) {
            host.traffic.noteSent(message, by: line.id)
            queues.withLock { $0.removeFirst(to: line.peer, by: line.id) }
            next = first(line)
        }
    }

    private func first(_ line: Line) -> [UInt8]? {
        queues.withLock { $0.first(to: line.peer, by: line.id) }
    }

    private func open(_ line: Line) {
        let sender = DirectOutbound(line, owner: self)
        outbound[line] = sender
        host.open([line.id], to: line.peer) { result in
            guard self.outbound[line] === sender else {
                if case .success(let stream) = result { stream.reset() }
                return
            }
            switch result {
            case .success(let stream):
                sender.stream = stream
                stream.handler = sender
                self.pump(line)
            case .failure(let error): self.lose(line, error)
            }
        }
    }

    func lose(_ line: Line, _ error: HostError) {
        outbound[line] = nil
        queues.withLock { $0.removeAll(to: line.peer, by: line.id) }
        onLost(line, error)
    }

    func isCurrent(_ sender: DirectOutbound) -> Bool { outbound[sender.line] === sender }

    // MARK: Receiving

    private func accept(
        _ stream: PeerStream, _ settings: DirectProtocol
    ) -> (any StreamHandler)? {
        let line = Line(peer: stream.peer, id: settings.id)
        let receiver = DirectInbound(line, settings, stream: stream, owner: self)
        inbound[line] = receiver
        return receiver
    }

    /// Whether the owner holds so much that nothing more is to be read.
    func isFull(_ line: Line, _ settings: DirectProtocol) -> Bool {
        lent[line, default: 0] >= settings.inboundBytesMax || lentInAll >= Self.unreleasedMax
    }

    func deliver(_ message: [UInt8], _ line: Line) {
        host.traffic.noteReceived(message, by: line.id)
        let token = nextToken
        nextToken += 1
        let bytes = message.count + DirectQueues.bytesAround
        loans[token] = Loan(line: line, bytes: bytes)
        lent[line, default: 0] += bytes
        lentInAll += bytes
        onMessage(token, line, message)
    }

    /// Takes back what the owner has done with.
    func release(_ token: UInt64) {
        guard let loan = loans.removeValue(forKey: token) else { return }
        let wasFull = lentInAll >= Self.unreleasedMax
        lentInAll -= loan.bytes
        let left = lent[loan.line, default: loan.bytes] - loan.bytes
        lent[loan.line] = left > 0 ? left : nil
        if wasFull && lentInAll < Self.unreleasedMax {
            for receiver in inbound.values { receiver.work() }
        } else {
            inbound[loan.line]?.work()
        }
    }

    func closed(_ receiver: DirectInbound) {
        if inbound[receiver.line] === receiver { inbound[receiver.line] = nil }
    }
}

/// Our stream to a peer; what comes back on it has no meaning.
final class DirectOutbound: StreamHandler {
    let line: DirectMessages.Line
    private weak var owner: DirectMessages?
    var stream: PeerStream?

    init(_ line: DirectMessages.Line, owner: DirectMessages) {
        self.line = line
        self.owner = owner
    }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        stream.reset()
        lose()
    }

    /// The peer says nothing on our stream.
    func remoteFinished(_ stream: PeerStream) {}

    func becameWritable(_ stream: PeerStream) { owner?.pump(line) }

    func closed(_ stream: PeerStream, wasReset: Bool) { lose() }

    private func lose() {
        if let owner, owner.isCurrent(self) { owner.lose(line, .streamEnded) }
    }
}

/// A peer's stream: messages, each after its length.
final class DirectInbound: StreamHandler {
    let line: DirectMessages.Line
    private let settings: DirectProtocol
    private let stream: PeerStream
    private weak var owner: DirectMessages?
    private var messages: PrefixedMessages
    private var isWorking = false

    init(
        _ line: DirectMessages.Line, _ settings: DirectProtocol, stream: PeerStream,
        owner: DirectMessages
    ) {
        self.line = line
        self.settings = settings
        self.stream = stream
        self.owner = owner
        messages = PrefixedMessages(bytesMax: settings.messageBytesMax)
    }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        messages.append(bytes)
        work()
    }

    /// Hands messages on while the owner has room for them.
    func work() {
        guard let owner, !isWorking, stream.isOpen else { return }
        isWorking = true
        defer { isWorking = false }
        do {
            while !owner.isFull(line, settings) {
                guard let message = try messages.next() else {
                    // What was held back comes now, by way of `received`.
                    isWorking = false
                    return stream.resume()
                }
                owner.deliver(Array(message), line)
            }
            stream.pause()
        } catch {
            stream.reset()
            owner.closed(self)
        }
    }

    func closed(_ stream: PeerStream, wasReset: Bool) { owner?.closed(self) }
}
