// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a network has sent and received since it was started.
package struct Traffic: Sendable, Equatable {
    /// Messages, and their bytes.
    package struct Count: Sendable, Equatable {
        /// How many.
        package private(set) var messages: UInt64 = 0
        /// Their bytes, without what carries them.
        package private(set) var bytes: UInt64 = 0

        fileprivate mutating func add(_ count: Int) {
            messages += 1
            bytes += UInt64(count)
        }
    }

    /// What went through a topic, or by a protocol.
    package struct Line: Sendable, Equatable {
        /// To peers, each copy of a message counted.
        package fileprivate(set) var sent = Count()
        /// From peers, each copy counted.
        package fileprivate(set) var received = Count()
        /// Of a topic: what this node said itself.
        package fileprivate(set) var published = Count()
        /// Of a topic: what came for the first time.
        package fileprivate(set) var delivered = Count()
    }

    /// By topic.
    package private(set) var topics: [Topic: Line] = [:]
    /// The messages of gossip about gossip: RPCs, and their bytes beside those of messages.
    package private(set) var control = Line()
    /// By the name of a protocol of messages to one peer.
    package private(set) var protocols: [String: Line] = [:]
    /// Bytes on the sockets, with all that carries them but TCP itself.
    package private(set) var wire = Line()

    mutating func noteSent(_ rpc: RPC, bytes: Int) {
        var rest = bytes
        for message in rpc.messages {
            topics[message.topic, default: Line()].sent.add(message.data.count)
            rest -= message.data.count
        }
        control.sent.add(max(0, rest))
    }

    /// What comes in topics that this node is not in counts as talk about gossip, or a peer could
    /// name as many as it likes.
    mutating func noteReceived(_ rpc: RPC, bytes: Int) {
        var rest = bytes
        for message in rpc.messages where topics[message.topic] != nil {
            topics[message.topic]?.received.add(message.data.count)
            rest -= message.data.count
        }
        control.received.add(max(0, rest))
    }

    mutating func noteJoined(_ topic: Topic) {
        if topics[topic] == nil { topics[topic] = Line() }
    }

    mutating func notePublished(_ data: [UInt8], in topic: Topic) {
        topics[topic, default: Line()].published.add(data.count)
    }

    mutating func noteDelivered(_ message: GossipMessage) {
        topics[message.topic, default: Line()].delivered.add(message.data.count)
    }

    mutating func noteSent(_ message: [UInt8], by id: String) {
        protocols[id, default: Line()].sent.add(message.count)
    }

    mutating func noteReceived(_ message: [UInt8], by id: String) {
        protocols[id, default: Line()].received.add(message.count)
    }

    mutating func noteWritten(_ bytes: Int) { wire.sent.add(bytes) }

    mutating func noteRead(_ bytes: Int) { wire.received.add(bytes) }
}
