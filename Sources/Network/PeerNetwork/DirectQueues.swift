// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The messages that wait to be sent to one peer each, by protocol.
///
/// Bound: for each connected peer and protocol one message, or `bytes <= queueBytesMax`.
struct DirectQueues: Sendable {
    /// What has become of a message.
    enum Answer { case taken, first, full, notConnected, tooLong }

    private struct Queue {
        var messages = Fifo<[UInt8]>()
        var bytes = 0
    }

    /// What a message counts beside its bytes, so that empty ones count too.
    static let bytesAround = 64

    private let protocols: [String: DirectProtocol]
    private var queues: [PeerID: [String: Queue]] = [:]

    init(_ protocols: [DirectProtocol]) {
        self.protocols = Dictionary(protocols.map { ($0.id, $0) }) { first, _ in first }
    }

    mutating func connect(_ peer: PeerID) { queues[peer] = [:] }

    mutating func disconnect(_ peer: PeerID) { queues[peer] = nil }

    /// The peers that are connected, in order.
    var peers: [PeerID] { queues.keys.sorted() }

    /// The bytes that wait for a peer, by all protocols.
    func bytes(to peer: PeerID) -> Int { queues[peer]?.values.reduce(0) { $0 + $1.bytes } ?? 0 }

    /// Whether messages to a peer are taken at all.
    func contains(_ peer: PeerID) -> Bool { queues[peer] != nil }

    /// Puts a message behind the others; `first` where there were none.
    mutating func append(_ message: [UInt8], to peer: PeerID, by id: String) -> Answer {
        guard queues[peer] != nil, let settings = protocols[id] else { return .notConnected }
        guard message.count <= settings.messageBytesMax else { return .tooLong }
        let isEmpty = first(to: peer, by: id) == nil
        let bytes = (queues[peer]?[id]?.bytes ?? 0) + message.count + Self.bytesAround
        guard isEmpty || bytes <= settings.queueBytesMax else { return .full }
        queues[peer]?[id, default: Queue()].messages.append(message)
        queues[peer]?[id]?.bytes = bytes
        return isEmpty ? .first : .taken
    }

    /// The message that goes next.
    func first(to peer: PeerID, by id: String) -> [UInt8]? {
        queues[peer]?[id]?.messages.first
    }

    /// Takes out the message that goes next.
    mutating func removeFirst(to peer: PeerID, by id: String) {
        guard let message = queues[peer]?[id]?.messages.popFirst() else { return }
        queues[peer]?[id]?.bytes -= message.count + Self.bytesAround
    }

    /// Drops what waits.
    mutating func removeAll(to peer: PeerID, by id: String) { queues[peer]?[id] = nil }
}
