// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A message of a topic as it travels: `Message { from = 1, data = 2, seqno = 3, topic = 4,
/// signature = 5, key = 6 }`.
///
/// Fields that are absent differ from empty ones, since the signature covers which are there.
/// Source: libp2p, pubsub/README, "The Message" and "Message Signing".
package struct GossipMessage: Equatable, Sendable {
    /// The peer id of the author, as it came.
    package var author: [UInt8]?
    /// What is said.
    package var data: [UInt8]
    /// Whether the field of the data is absent; the data is empty then.
    package var omitsData = false
    /// A number of the author's, eight bytes, highest first.
    package var sequence: [UInt8]?
    /// Where it is said.
    package var topic: Topic
    /// The author's signature on the other fields but the key.
    package var signature: [UInt8]?
    /// The author's key message, where the peer id does not contain it, or all the same.
    package var key: [UInt8]?
    /// Fields that are not known here, as they came: a signature covers them.
    package var unknown: [UInt8]

    /// A message without author and signature.
    package init(topic: Topic, data: [UInt8]) {
        self.topic = topic
        self.data = data
        unknown = []
    }

    /// A message of the holder of `key`, signed.
    package init(topic: Topic, data: [UInt8], sequence: UInt64, signedWith key: SigningKey) {
        self.init(topic: topic, data: data)
        author = PeerID(key.publicKey).bytes
        self.sequence = (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * $0)) }
        signature = key.sign(signedBytes).bytes
    }

    /// How many bytes of memory a message is counted as: those of its fields.
    package var size: Int {
        data.count + topic.bytes.count + unknown.count + (author?.count ?? 0)
            + (sequence?.count ?? 0) + (signature?.count ?? 0) + (key?.count ?? 0)
    }

    /// What a signature covers: a prefix, and the message without signature and key.
    var signedBytes: [UInt8] {
        var writer = ProtobufWriter()
        writeUnsigned(to: &writer)
        writer.write(raw: unknown[...])
        return Array("libp2p-pubsub:".utf8) + writer.bytes
    }

    /// The bytes of the message.
    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writeUnsigned(to: &writer)
        if let signature { writer.write(5, bytes: signature) }
        if let key { writer.write(6, bytes: key) }
        writer.write(raw: unknown[...])
        return writer.bytes
    }

    private func writeUnsigned(to writer: inout ProtobufWriter) {
        if let author { writer.write(1, bytes: author) }
        if !omitsData { writer.write(2, bytes: data) }
        if let sequence { writer.write(3, bytes: sequence) }
        writer.write(4, bytes: topic.bytes)
    }
}

/// Whether the messages of a topic carry gossip's own signature.
package enum SignaturePolicy: Hashable, Sendable {
    /// Neither author, number, signature nor key: the data says who speaks, and proves it.
    case unsigned
    /// Author, number and signature, all of which are checked.
    case signed
}

/// What `GossipMessage.check` finds.
package enum MessageForm: Hashable, Sendable {
    /// As the policy wants it.
    case proper
    /// Signed by a key of a kind that is not spoken here: neither right nor wrong.
    case unknownKey
    /// Against the policy, or with a signature that is wrong: whoever passes it on is at fault.
    case improper
}

extension GossipMessage {
    /// Bytes of the id of a message without signature.
    package static let idBytes = 20

    /// The id of the message.
    ///
    /// Of an unsigned one the first `idBytes` of the SHA-256 of topic and data: the topic too,
    /// since otherwise whoever says the data in another topic, where it is refused, keeps it from
    /// being heard in its own; no more of it, since ids are named again and again, and whoever
    /// finds two messages of one id is the author of both. Of a signed one author and number.
    package func id(by policy: SignaturePolicy) -> MessageID {
        switch policy {
        case .signed: return MessageID(bytes: (author ?? []) + (sequence ?? []))
        case .unsigned:
            var content: [UInt8] = []
            content.reserveCapacity(topic.bytes.count + data.count + 2)
            Varint.encode(UInt64(topic.bytes.count), to: &content)
            content += topic.bytes
            content += data
            return MessageID(bytes: Array(Digest(hashing: content).bytes.prefix(Self.idBytes)))
        }
    }

    /// Whether the message is what the policy of its topic wants; checks the signature last.
    package func check(by policy: SignaturePolicy) -> MessageForm {
        switch policy {
        case .unsigned:
            let isBare = author == nil && sequence == nil && signature == nil && key == nil
            // Fields that no signature covers would travel under the id of the bare message.
            return isBare && unknown.isEmpty ? .proper : .improper
        case .signed:
            guard let author, let sequence, let signature, sequence.count == 8,
                let signature = Signature(signature)
            else { return .improper }
            let peer: PeerID
            do { peer = try PeerID(bytes: author) } catch {
                switch error {
                case .hashedKey, .keyType: return .unknownKey
                default: return .improper
                }
            }
            if let key, key != KeyMessage.encode(peer.publicKey) { return .improper }
            return peer.publicKey.verifies(signature, of: signedBytes) ? .proper : .improper
        }
    }
}
