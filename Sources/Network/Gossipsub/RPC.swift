// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What one peer tells another at once: topics it joins and leaves, messages, and control.
///
/// Sources: libp2p, pubsub/README, "The RPC"; gossipsub-v1.0, "Protobuf"; gossipsub-v1.1, "PRUNE
/// Backoff and Peer Exchange".
package struct RPC: Equatable, Sendable {
    /// A topic that the sender joins or leaves.
    package struct Subscription: Equatable, Sendable {
        /// Whether it joins.
        package let joins: Bool
        /// Which topic.
        package let topic: Topic

        /// A sender joins or leaves a topic.
        package init(joins: Bool, topic: Topic) {
            self.joins = joins
            self.topic = topic
        }
    }

    /// IHAVE: messages that the sender has and would send.
    package struct Have: Equatable, Sendable {
        /// The topic of all of them.
        package let topic: Topic
        /// Their ids.
        package let ids: [MessageID]

        /// The sender has these messages of a topic.
        package init(topic: Topic, ids: [MessageID]) {
            self.topic = topic
            self.ids = ids
        }
    }

    /// PRUNE: the sender has taken the receiver out of its mesh.
    package struct Prune: Equatable, Sendable {
        /// Of which topic.
        package let topic: Topic
        /// Others in the topic, whom the receiver may turn to.
        package let peers: [PeerHint]
        /// For how long the receiver must not graft, in seconds; nil from peers of version 1.0.
        package let backoffSeconds: UInt64?

        /// The sender prunes the receiver.
        package init(topic: Topic, peers: [PeerHint] = [], backoffSeconds: UInt64? = nil) {
            self.topic = topic
            self.peers = peers
            self.backoffSeconds = backoffSeconds
        }
    }

    /// A peer that is named to another.
    package struct PeerHint: Equatable, Sendable {
        /// The bytes of its peer id.
        package let peer: [UInt8]
        /// Its signed record, where the sender has it.
        package let record: [UInt8]?

        /// Names a peer.
        package init(peer: [UInt8], record: [UInt8]?) {
            self.peer = peer
            self.record = record
        }
    }

    /// Topics that the sender joins and leaves.
    package var subscriptions: [Subscription] = []
    /// Messages.
    package var messages: [GossipMessage] = []
    /// IHAVE.
    package var haves: [Have] = []
    /// IWANT: messages that the receiver is to send, an inner list for each entry.
    package var wants: [[MessageID]] = []
    /// GRAFT: topics in whose mesh the sender has taken the receiver.
    package var grafts: [Topic] = []
    /// PRUNE.
    package var prunes: [Prune] = []

    /// Nothing, to be filled.
    package init() {}

    /// Whether there is nothing in it.
    package var isEmpty: Bool {
        subscriptions.isEmpty && messages.isEmpty && !hasControl
    }

    /// Whether there is any of IHAVE, IWANT, GRAFT and PRUNE.
    package var hasControl: Bool {
        !(haves.isEmpty && wants.isEmpty && grafts.isEmpty && prunes.isEmpty)
    }

    /// The RPC, and what of its IHAVE is more than one RPC should hold in RPCs of its own.
    var parts: [RPC] {
        let idCount = haves.reduce(0) { $0 + $1.ids.count }
        guard haves.count > 1, idCount > RPCLimits.ids / 2 else { return [self] }
        var first = self
        first.haves = []
        let others = haves.map { have in
            var rpc = RPC()
            rpc.haves = [have]
            return rpc
        }
        return (first.isEmpty ? [] : [first]) + others
    }

    /// The bytes, without the length that goes before them on a stream.
    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        for subscription in subscriptions {
            var inner = ProtobufWriter()
            inner.write(1, varint: subscription.joins ? 1 : 0)
            inner.write(2, bytes: subscription.topic.bytes)
            writer.write(1, bytes: inner.bytes)
        }
        for message in messages { writer.write(2, bytes: message.bytes) }
        if hasControl { writer.write(3, bytes: controlBytes) }
        return writer.bytes
    }

    private var controlBytes: [UInt8] {
        var writer = ProtobufWriter()
        for have in haves {
            var inner = ProtobufWriter()
            inner.write(1, bytes: have.topic.bytes)
            for id in have.ids { inner.write(2, bytes: id.bytes) }
            writer.write(1, bytes: inner.bytes)
        }
        for ids in wants {
            var inner = ProtobufWriter()
            for id in ids { inner.write(1, bytes: id.bytes) }
            writer.write(2, bytes: inner.bytes)
        }
        for topic in grafts {
            var inner = ProtobufWriter()
            inner.write(1, bytes: topic.bytes)
            writer.write(3, bytes: inner.bytes)
        }
        for prune in prunes { writer.write(4, bytes: prune.bytes) }
        return writer.bytes
    }
}

extension RPC.Prune {
    fileprivate var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, bytes: topic.bytes)
        for hint in peers {
            var inner = ProtobufWriter()
            inner.write(1, bytes: hint.peer)
            if let record = hint.record { inner.write(2, bytes: record) }
            writer.write(2, bytes: inner.bytes)
        }
        if let backoffSeconds { writer.write(3, varint: backoffSeconds) }
        return writer.bytes
    }
}
