// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The streams of gossip to and from one peer: one each way.
///
/// Confined to the event loop of the host.
final class PubsubPeer: @unchecked Sendable {
    let peer: PeerID
    /// Held until the owner lets go of this peer: streams speak to both for as long as they last,
    /// also where nobody has stopped the owner.
    private let owner: Pubsub
    /// Our stream to the peer; nil while it is not open.
    private(set) var outbound: PeerStream?
    /// The peer's stream to us.
    private(set) var inbound: PeerStream?
    private var reader: PubsubInbound?
    private var queue: OutboundQueue
    private var isOpening = false
    /// How many times our stream was opened since the last that lasted.
    private var attempts = 0
    private var opened = NIODeadline.now()
    private var retry: Scheduled<Void>?

    /// How often our stream is opened in a row, if none lasts.
    static let attemptsMax = 6
    /// For how long a stream must be open to have lasted.
    static let lasting = TimeAmount.minutes(1)

    init(_ peer: PeerID, owner: Pubsub) {
        self.peer = peer
        self.owner = owner
        queue = OutboundQueue(bytesMax: owner.settings.queueBytesMax)
    }

    // MARK: Our stream

    /// Opens our stream, unless it is open, or was ended too many times.
    func open() {
        guard outbound == nil, !isOpening, attempts < Self.attemptsMax else { return }
        isOpening = true
        attempts += 1
        owner.host.open(Pubsub.protocolIDs, to: peer) { result in
            self.isOpening = false
            guard self.owner.isCurrent(self) else { return }
            switch result {
            case .success(let stream):
                stream.handler = PubsubOutbound(self)
                self.outbound = stream
                self.opened = .now()
                self.owner.opened(self, stream)
                self.setPaused(false)
            case .failure(.negotiation):
                // Whom we cannot answer we do not listen to.
                self.inbound?.reset()
                self.inbound = nil
                self.reader = nil
            case .failure: self.openLater()
            }
        }
    }

    /// Our stream has ended: the peer counts as gone, until it is opened again.
    func outboundClosed(_ stream: PeerStream) {
        guard outbound === stream else { return }
        outbound = nil
        queue = OutboundQueue(bytesMax: owner.settings.queueBytesMax)
        owner.lost(self)
        if NIODeadline.now() - opened > Self.lasting { attempts = 0 }
        openLater()
    }

    /// Opens our stream after a wait that doubles from one attempt to the next.
    private func openLater() {
        let wait = TimeAmount.seconds(Int64(1) << Int64(attempts))
        retry?.cancel()
        retry = owner.host.loop.scheduleTask(in: wait) { [weak self] in self?.retryOpening() }
    }

    private func retryOpening() {
        if owner.isCurrent(self) { open() }
    }

    /// The bytes that wait to be handed to our stream.
    var queuedBytes: Int { queue.byteCount }

    func send(_ bytes: [UInt8], as kind: OutboundQueue.Class) {
        guard outbound != nil else { return }
        guard queue.append(bytes, as: kind) else {
            let stream = outbound
            stream?.reset()
            if let stream { outboundClosed(stream) }
            return
        }
        pump()
    }

    func pump() {
        while let outbound, let bytes = queue.first {
            guard outbound.write(bytes) else { return }
            queue.removeFirst()
        }
    }

    // MARK: The peer's stream

    /// Takes a stream of the peer's, in the place of the one before.
    func accept(_ stream: PeerStream) -> PubsubInbound {
        inbound?.reset()
        inbound = stream
        let reader = PubsubInbound(self, bytesMax: owner.settings.gossip.rpcBytesMax)
        self.reader = reader
        // What it says before it is known would be lost.
        if outbound == nil { stream.pause() }
        open()
        return reader
    }

    /// Holds what the peer sends back, or takes it.
    func setPaused(_ isPaused: Bool) {
        guard let inbound, inbound.isPaused != isPaused, isPaused || outbound != nil
        else { return }
        guard !isPaused else { return inbound.pause() }
        inbound.resume()
        reader?.work(inbound)
    }

    func inboundClosed(_ stream: PeerStream) {
        guard inbound === stream else { return }
        inbound = nil
        reader = nil
    }

    func receive(_ rpc: RPC, bytes: Int) { owner.received(rpc, bytes: bytes, from: self) }

    func receiveJunk() { owner.receivedJunk(from: self) }

    /// The connection is gone, or the owner leaves.
    func end() {
        retry?.cancel()
        outbound?.reset()
        inbound?.reset()
        outbound = nil
        inbound = nil
        reader = nil
    }
}

/// Our stream: what a peer sends on it has no meaning and is dropped.
final class PubsubOutbound: StreamHandler {
    private let peer: PubsubPeer

    init(_ peer: PubsubPeer) { self.peer = peer }

    func received(_ bytes: [UInt8], on stream: PeerStream) {}

    /// Peers end their side of a stream that they only read.
    func remoteFinished(_ stream: PeerStream) {}

    func becameWritable(_ stream: PeerStream) { peer.pump() }

    func closed(_ stream: PeerStream, wasReset: Bool) { peer.outboundClosed(stream) }
}

/// A peer's stream: RPCs, each after its length.
final class PubsubInbound: StreamHandler {
    private let peer: PubsubPeer
    private var messages: PrefixedMessages

    init(_ peer: PubsubPeer, bytesMax: Int) {
        self.peer = peer
        messages = PrefixedMessages(bytesMax: bytesMax)
    }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        messages.append(bytes)
        work(stream)
    }

    /// Takes the RPCs that are whole, for as long as the stream is not held back.
    func work(_ stream: PeerStream) {
        do {
            while !stream.isPaused, stream.isOpen, let message = try messages.next() {
                peer.receive(try RPC(bytes: message), bytes: message.count)
            }
        } catch {
            peer.receiveJunk()
            stream.reset()
            peer.inboundClosed(stream)
        }
    }

    func closed(_ stream: PeerStream, wasReset: Bool) { peer.inboundClosed(stream) }
}
