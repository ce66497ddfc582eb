// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Who takes what comes on a stream. Called on the event loop of the host only.
package protocol StreamHandler: AnyObject {
    /// Bytes have come. They have been given back to the peer as window, except while the stream
    /// is paused.
    func received(_ bytes: [UInt8], on stream: PeerStream)
    /// The peer sends no more. Unless a handler does otherwise, our side ends too.
    func remoteFinished(_ stream: PeerStream)
    /// A write was refused, and may be tried again.
    func becameWritable(_ stream: PeerStream)
    /// The stream is gone. Called once for each stream, but not after a `reset` of our own.
    func closed(_ stream: PeerStream, wasReset: Bool)
}

extension StreamHandler {
    package func remoteFinished(_ stream: PeerStream) { stream.finish() }
    package func becameWritable(_ stream: PeerStream) {}
    package func closed(_ stream: PeerStream, wasReset: Bool) {}
}

/// A stream to a peer whose protocol has been agreed on.
///
/// Confined to the event loop of its host.
package final class PeerStream: @unchecked Sendable {
    /// Who is at the other end.
    package let peer: PeerID
    /// Who of us opened it.
    package let role: Role
    /// The protocol that was agreed on; empty until then.
    package internal(set) var protocolID = ""
    /// Who takes what comes.
    package var handler: (any StreamHandler)?

    let number: UInt32
    weak var connection: Connection?
    var negotiation: MultistreamNegotiation?
    var completion: ((Result<PeerStream, HostError>) -> Void)?
    /// When the stream is ended if this has not been changed until then.
    var deadline: NIODeadline?

    /// Whether what comes is held back.
    package private(set) var isPaused = false
    /// What has come while the stream was paused: at most a window.
    private var held: [UInt8] = []
    private var remoteHasFinished = false

    init(
        peer: PeerID, role: Role, number: UInt32, connection: Connection,
        negotiation: MultistreamNegotiation
    ) {
        self.peer = peer
        self.role = role
        self.number = number
        self.connection = connection
        self.negotiation = negotiation
    }

    /// Sends bytes behind those that wait.
    ///
    /// False, and nothing is taken, where `YamuxSession.pendingBytesMax` or more wait already:
    /// `becameWritable` tells when to go on. False also where the stream is gone.
    package func write(_ bytes: [UInt8]) -> Bool {
        connection?.write(bytes, to: self) ?? false
    }

    /// The bytes that wait to be sent.
    package var pendingBytes: Int { connection?.pendingBytes(of: self) ?? 0 }

    /// Ends our side behind what waits to be sent.
    package func finish() { connection?.finish(self) }

    /// Ends the stream at once, both ways. The handler hears no more of it.
    package func reset() { connection?.reset(self) }

    /// Whether the stream is still there.
    package var isOpen: Bool { connection?.holds(self) ?? false }

    /// Ends the stream as the peer would, unless this is called anew within the time; nil for no
    /// such end.
    package func limit(to time: TimeAmount?) { deadline = time.map { .now() + $0 } }

    /// Takes no more from the peer than its window allows, and hands nothing on.
    package func pause() { isPaused = true }

    /// Hands on what has come since `pause`, and takes more.
    package func resume() {
        guard isPaused else { return }
        isPaused = false
        let bytes = held
        held = []
        if !bytes.isEmpty {
            connection?.consume(bytes.count, of: self)
            handler?.received(bytes, on: self)
        }
        if remoteHasFinished && !isPaused { handler?.remoteFinished(self) }
    }

    func receive(_ bytes: [UInt8]) {
        guard !isPaused else {
            held += bytes
            return
        }
        connection?.consume(bytes.count, of: self)
        handler?.received(bytes, on: self)
    }

    func receiveEnd() {
        remoteHasFinished = true
        if !isPaused { handler?.remoteFinished(self) }
    }

    /// Tells whoever waits for the stream that it is gone, once.
    func end(wasReset: Bool) {
        connection = nil
        if let completion {
            self.completion = nil
            completion(.failure(.streamEnded))
        }
        let handler = handler
        self.handler = nil
        held = []
        handler?.closed(self, wasReset: wasReset)
    }
}
