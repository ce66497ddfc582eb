// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The RPCs that wait to be sent to one peer: control before gossip before messages.
///
/// A peer that does not keep up loses the oldest gossip first and then the oldest messages, and is
/// told nothing: what it has missed it hears of by IHAVE. Control is never lost, since both sides
/// would then think differently of a mesh; a peer that lets too much of it wait is to be left.
/// Bound: `byteCount <= bytesMax + controlBytesMax`.
package struct OutboundQueue: Sendable {
    /// What an RPC is, in the order in which they are sent.
    package enum Class: Int, Sendable {
        /// Subscriptions, GRAFT and PRUNE.
        case control
        /// IHAVE and IWANT.
        case gossip
        /// Messages.
        case messages
    }

    /// The most bytes of gossip and messages that wait.
    package let bytesMax: Int
    /// The most bytes of control that wait.
    package static let controlBytesMax = 256 << 10

    private var control = Fifo<[UInt8]>()
    private var gossip = Fifo<[UInt8]>()
    private var messages = Fifo<[UInt8]>()
    private var controlBytes = 0
    /// The bytes of gossip and messages that wait.
    package private(set) var lossyBytes = 0
    /// How many RPCs were lost.
    package private(set) var lostCount = 0

    /// An empty queue.
    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// The bytes that wait.
    package var byteCount: Int { controlBytes + lossyBytes }

    /// Whether nothing waits.
    package var isEmpty: Bool { control.count + gossip.count + messages.count == 0 }

    /// Puts the bytes of an RPC behind those of its class.
    /// - Returns: false where too much control waits.
    package mutating func append(_ bytes: [UInt8], as kind: Class) -> Bool {
        switch kind {
        case .control:
            control.append(bytes)
            controlBytes += bytes.count
            return controlBytes <= Self.controlBytesMax
        case .gossip: gossip.append(bytes)
        case .messages: messages.append(bytes)
        }
        lossyBytes += bytes.count
        while lossyBytes > bytesMax, let lost = gossip.popFirst() ?? messages.popFirst() {
            lossyBytes -= lost.count
            lostCount += 1
        }
        return true
    }

    /// The bytes that go next.
    package var first: [UInt8]? { control.first ?? gossip.first ?? messages.first }

    /// Takes out the bytes that go next.
    package mutating func removeFirst() {
        if let bytes = control.popFirst() {
            controlBytes -= bytes.count
        } else if let bytes = gossip.popFirst() ?? messages.popFirst() {
            lossyBytes -= bytes.count
        }
    }
}

extension RPC {
    /// How an RPC is queued: by the part of it that must come most.
    package var queueClass: OutboundQueue.Class {
        if !(subscriptions.isEmpty && grafts.isEmpty && prunes.isEmpty) { return .control }
        return messages.isEmpty ? .gossip : .messages
    }
}
