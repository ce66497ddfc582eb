// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The router of gossipsub 1.1, as a state machine: inputs and the time in, effects out.
///
/// It knows no clock, no sockets and no source of chance; the same inputs, times and generator
/// give the same effects in every process. Peers of versions 1.1 and 1.0 are spoken to, and those
/// of floodsub, to whom everything in their topics goes.
///
/// A message that arrives is an effect `deliver`; it is passed on when, and only when, the owner
/// answers `accept`. Whoever publishes is not delivered what it published.
///
/// Invariants: a mesh holds connected peers that are in the topic, and none of `directPeers`; every
/// mesh is of a topic that this node is in, every fanout of one that it is not in.
/// Sources: libp2p, gossipsub-v1.0 and gossipsub-v1.1.
package struct Gossipsub: Sendable {
    /// Which protocol is spoken with a peer.
    package enum Version: Sendable, Comparable {
        /// `/floodsub/1.0.0`.
        case floodsub
        /// `/meshsub/1.0.0`.
        case meshsub10
        /// `/meshsub/1.1.0`.
        case meshsub11
    }

    /// What stands for a message that is to be judged.
    package struct Token: Hashable, Sendable {
        /// Counted from zero over all messages that were delivered.
        package let rawValue: UInt64

        /// The token of this number.
        package init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// What the owner says of a message.
    package enum Acceptance: Equatable, Sendable {
        /// It is right, and goes to others.
        case accept
        /// It is right, and of the mesh it goes to these peers alone: the others have it from where
        /// it came from. To whoever asks for it, it goes all the same.
        case acceptFor(Set<PeerID>)
        /// It goes nowhere, and nobody is at fault.
        case ignore
        /// It is false, and so are those who brought it.
        case reject
    }

    /// What happens to the router.
    package enum Input: Sendable {
        /// A peer is there; `isOutbound` where this node has dialled it.
        case connected(
            PeerID, version: Version, isOutbound: Bool, address: Multiaddr.Part?)
        /// A peer is there no more.
        case disconnected(PeerID)
        /// A peer has sent an RPC.
        case received(RPC, from: PeerID)
        /// A peer has sent what is no RPC.
        case receivedJunk(from: PeerID)
        /// The signed record of a peer, for those whom it is named to.
        case record([UInt8], of: PeerID)
        /// What the owner thinks of a peer (P5).
        case applicationScore(FixedPoint, of: PeerID)
        /// This node joins a topic.
        case subscribe(Topic)
        /// This node leaves a topic.
        case unsubscribe(Topic)
        /// This node says something.
        case publish(Topic, [UInt8])
        /// The owner has judged a message.
        case verdict(Token, Acceptance)
        /// `heartbeatMilliseconds` have passed.
        case heartbeat
    }

    /// What is to be done.
    package enum Effect: Equatable, Sendable {
        /// Send a peer an RPC.
        case send(RPC, to: PeerID)
        /// Judge a message that a peer has brought, and answer with the token.
        case deliver(Token, GossipMessage, from: PeerID)
        /// Connect to a peer that another has named; its record is signed by itself.
        case connect(PeerRecord)
        /// What was to be published went to so many peers.
        case published(MessageID, peerCount: Int)
        /// What was to be published went nowhere.
        case unpublished(Topic, PublishRefusal)
    }

    /// Why a message cannot be published.
    package enum PublishRefusal: Equatable, Sendable {
        /// More bytes than the topic allows.
        case tooLarge(bytes: Int, limit: Int)
        /// The same message has been seen already.
        case alreadySeen(MessageID)
        /// Messages of the topic are signed, and this node has no key for it.
        case noKey
    }

    struct Peer: Sendable {
        let version: Version
        let isOutbound: Bool
        /// Topics that it is in, ascending.
        var topics: [Topic] = []
        /// Its signed record.
        var record: [UInt8]?
        /// RPCs with IHAVE since the last heartbeat.
        var haveMessages = 0
        /// Ids that were asked of it since the last heartbeat.
        var askedIDs = 0
    }

    struct Fanout: Sendable {
        var peers: [PeerID] = []
        var lastPublished: UInt64
    }

    /// Who this node is.
    package let identity: PeerID
    let settings: GossipsubSettings
    let key: SigningKey?
    var sequence: UInt64

    /// The time of the last step, in milliseconds.
    var now: UInt64 = 0
    var heartbeats: UInt64 = 0
    var peers = SortedTable<PeerID, Peer>()
    /// The meshes of the topics that this node is in; each ascending.
    var meshes = SortedTable<Topic, [PeerID]>()
    var fanouts = SortedTable<Topic, Fanout>()
    var backoffs: Backoffs
    /// What is thought of each peer.
    package internal(set) var scores: PeerScores
    var seen: SeenMessages
    var cache: MessageCache
    var promises: Promises
    var pending: PendingMessages
    /// What this step sends beside messages, by peer.
    var control = SortedTable<PeerID, RPC>()
    var effects: [Effect] = []

    /// A router without peers and topics.
    /// - Parameters:
    ///   - key: signs messages of topics that want it; its peer id is then `identity`.
    ///   - sequence: the number before that of the first signed message; higher at each start.
    package init(
        _ settings: GossipsubSettings, identity: PeerID, key: SigningKey? = nil,
        sequence: UInt64 = 0
    ) {
        settings.checkSoundness()
        self.settings = settings
        self.identity = identity
        self.key = key
        self.sequence = sequence
        backoffs = Backoffs(countMax: settings.limits.backoffs)
        scores = PeerScores(settings)
        seen = SeenMessages(
            milliseconds: settings.seenMilliseconds, countMax: settings.limits.seenMessages)
        cache = MessageCache(settings)
        promises = Promises(countMax: settings.limits.peers * settings.haveMessagesMax)
        pending = PendingMessages(settings.limits)
    }

    /// Takes an input at a time in milliseconds, which never runs backwards here.
    package mutating func step(
        _ input: Input, at time: UInt64, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        now = max(now, time)
        effects = []
        switch input {
        case .connected(let peer, let version, let isOutbound, let address):
            connect(peer, Peer(version: version, isOutbound: isOutbound), address)
        case .disconnected(let peer): disconnect(peer)
        case .received(let rpc, let peer): receive(rpc, from: peer, using: &generator)
        case .receivedJunk(let peer): scores.penalise(peer)
        case .record(let bytes, let peer):
            peers.update(peer) { $0.record = bytes.count > RPCLimits.recordBytes ? nil : bytes }
        case .applicationScore(let score, let peer): scores.setApplication(peer, score)
        case .subscribe(let topic): join(topic, using: &generator)
        case .unsubscribe(let topic): leave(topic, using: &generator)
        case .publish(let topic, let data): publish(data, in: topic, using: &generator)
        case .verdict(let token, let verdict): judge(token, verdict)
        case .heartbeat: heartbeat(using: &generator)
        }
        for (peer, rpc) in control.rows {
            for part in rpc.parts { effects.append(.send(part, to: peer)) }
        }
        control = SortedTable()
        defer { effects = [] }
        return effects
    }

    /// The topics that this node is in, ascending.
    package var topics: [Topic] { meshes.keys }

    /// The peers in the mesh of a topic, ascending.
    package func mesh(of topic: Topic) -> [PeerID] { meshes[topic] ?? [] }

    /// The peers that are in a topic, ascending.
    package func peers(in topic: Topic) -> [PeerID] {
        peers.rows.filter { $0.1.topics.sortedContains(topic) }.map(\.0)
    }

    /// Whether so much of a peer waits to be judged that no more should be taken from it.
    package func isPressed(by peer: PeerID) -> Bool { pending.isPressed(by: peer) }

    /// Stops the process where an invariant is broken. For tests and for the end of a run.
    package func checkSoundness() {
        for (topic, mesh) in meshes.rows {
            invariant(fanouts[topic] == nil, "a topic with mesh and fanout")
            invariant(zip(mesh, mesh.dropFirst()).allSatisfy(<), "a mesh that is not ascending")
            for peer in mesh {
                let isThere = peers[peer]?.topics.sortedContains(topic) == true
                invariant(isThere, "a peer in the mesh that is not in the topic")
                invariant(!settings.directPeers.contains(peer), "a direct peer in a mesh")
            }
        }
        invariant(peers.count <= settings.limits.peers, "too many peers")
        invariant(seen.count <= settings.limits.seenMessages, "too many seen messages")
        invariant(cache.byteCount <= settings.limits.cachedBytes, "too large a cache")
        invariant(pending.byteCount <= settings.limits.pendingBytes, "too much to be judged")
        invariant(pending.count <= settings.limits.pendingMessages, "too many to be judged")
    }
}
