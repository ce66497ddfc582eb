// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger
package import Network
internal import Replication

/// The topics and protocols of a ledger's network, and which message goes where.
package struct NetworkTopics: Sendable {
    /// `/recount/LEDGER/requests`: requests, jobs, and all that is for the ledger but votes.
    package let requests: Topic
    /// `/recount/LEDGER/votes`: votes on requests, and results of jobs.
    package let votes: Topic
    /// `/recount/LEDGER/consensus`: proposals, prevotes and precommits.
    package let consensus: Topic
    /// `/recount/LEDGER/cosignatures`: checkpoints with the lines of validators.
    package let cosignatures: Topic

    /// Bytes of the longest message that goes by a topic; what is longer goes to each peer.
    package static let messageBytesMax = 1 << 20
    /// The protocol of messages to one peer.
    package static let messages = DirectProtocol(
        "/recount/message/1", messageBytesMax: ReplicationLimits.messageBytesMax)
    /// The protocol of hellos.
    package static let hellos = DirectProtocol(
        "/recount/hello/1", messageBytesMax: Hello.bytesMax)

    /// The protocol of `Reach`; a thousand of them may wait at once, when a peer comes.
    package static let reaches = DirectProtocol(
        "/recount/reach/1", messageBytesMax: Reach.bytesMax, queueBytesMax: 128 << 10,
        inboundBytesMax: 128 << 10)

    /// Those of a ledger.
    package init(_ ledger: LedgerID) {
        // Each message carries the name, and its own signature the whole id.
        let prefix = "/recount/\(ledger.digest.hex.prefix(16))"
        requests = Topic("\(prefix)/requests")
        votes = Topic("\(prefix)/votes")
        consensus = Topic("\(prefix)/consensus")
        cosignatures = Topic("\(prefix)/cosignatures")
    }

    /// All of them.
    package var all: [Topic] { [requests, votes, consensus, cosignatures] }

    /// The topic of a message to all, told from its first bytes; nil for one that goes to each peer
    /// by itself: it is signed by nobody, or too long.
    package func topic(of message: [UInt8]) -> Topic? {
        guard message.count <= Self.messageBytesMax, message.count > 1 else { return nil }
        if message[0] == DutyMessage.checkpointTag { return cosignatures }
        guard let kind = PeerMessageKind(rawValue: message[0]) else { return nil }
        switch kind {
        case .proposal, .vote: return consensus
        case .command: return Message.isVoteOrResult(tag: message[1]) ? votes : requests
        case .status, .want, .batch, .wantSnapshot, .snapshotPart: return nil
        }
    }
}
