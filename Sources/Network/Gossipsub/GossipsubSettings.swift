// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// How a node gossips. The defaults are those of the specification where it has any.
///
/// Source: libp2p, gossipsub-v1.0, "Parameters"; gossipsub-v1.1, "Overview of New Parameters".
package struct GossipsubSettings: Sendable {
    /// D: how many peers a mesh is to have.
    package var degree = 6
    /// D_lo: below so many, peers are grafted.
    package var degreeLow = 4
    /// D_hi: above so many, peers are pruned.
    package var degreeHigh = 12
    /// D_score: how many are kept for their score where peers are pruned.
    package var degreeScore = 4
    /// D_out: how many connections of a mesh this node should have opened itself.
    package var degreeOut = 2
    /// D_lazy: to how many peers outside of a mesh gossip goes at the least.
    package var degreeLazy = 6
    /// To which share of the peers outside of a mesh gossip goes, if that is more.
    package var gossipFactor = FixedPoint(thousandths: 250)

    /// The time between two heartbeats.
    package var heartbeatMilliseconds: UInt64 = 1000
    /// How long a fanout is kept after its last message.
    package var fanoutMilliseconds: UInt64 = 60_000
    /// How many heartbeats a message can be asked for.
    package var historyLength = 5
    /// In how many heartbeats a message is gossiped of.
    package var historyGossip = 3
    /// How long it is known that a message has been seen.
    package var seenMilliseconds: UInt64 = 120_000

    /// How long nobody grafts after a PRUNE.
    package var pruneBackoffSeconds: UInt64 = 60
    /// How long nobody grafts after the pruning peer has left the topic.
    package var leaveBackoffSeconds: UInt64 = 10
    /// A longer wait that a peer asks for counts as this.
    package var backoffSecondsMax: UInt64 = 3600
    /// What a GRAFT of ours waits beyond a backoff, so that it is over at the other peer too, which
    /// may have heard of it later.
    package var backoffSlackMilliseconds: UInt64 = 2000
    /// How much too early a peer's GRAFT may come: peers count whole seconds, and some round down.
    package var backoffRoundingMilliseconds: UInt64 = 1000
    /// A GRAFT sooner than this after its PRUNE is penalised twice.
    package var graftFloodMilliseconds: UInt64 = 10_000

    /// Whether peers are named in a PRUNE.
    package var exchangesPeers = true
    /// How many peers are named in a PRUNE, and how many of those named are used.
    package var exchangedPeers = 16

    /// Heartbeats between two opportunistic grafts.
    package var opportunisticGraftHeartbeats: UInt64 = 60
    /// How many are grafted then.
    package var opportunisticGraftPeers = 2

    /// How many RPCs with IHAVE of a peer are looked at between two heartbeats.
    package var haveMessagesMax = 10
    /// How many ids are named to a peer and asked of it between two heartbeats.
    package var haveIDsMax = 5000
    /// How long a peer has to send what it named, before it is penalised.
    package var promiseMilliseconds: UInt64 = 3000
    /// How many times a message is sent to one peer that asks for it.
    package var retransmissions = 3

    /// Peers outside of all meshes to which everything is sent, and which are always heard.
    package var directPeers: [PeerID] = []
    /// What holds for a topic; for others `standardTopic`.
    package var topics = SortedTable<Topic, TopicSettings>()
    /// What holds for topics that are not among `topics`.
    package var standardTopic = TopicSettings()
    /// How peers are scored.
    package var score = ScoreSettings()
    /// What memory may be taken.
    package var limits = GossipsubLimits()

    /// The defaults.
    package init() {}

    /// What holds for a topic.
    package func topic(_ topic: Topic) -> TopicSettings { topics[topic] ?? standardTopic }

    /// The most bytes of an RPC: a mebibyte, or what the largest message needs.
    package var rpcBytesMax: Int {
        let largest = topics.values.reduce(standardTopic.messageBytesMax) {
            max($0, $1.messageBytesMax)
        }
        return max(GossipsubLimits.rpcBytesStandard, largest + GossipsubLimits.rpcBytesAround)
    }

    /// Stops the process where the settings contradict each other.
    package func checkSoundness() {
        invariant(degreeLow <= degree && degree <= degreeHigh, "D_lo <= D <= D_hi does not hold")
        // A node of degree zero has no mesh: it only names peers to others.
        let isMeshless = degreeHigh == 0
        invariant(isMeshless || degreeOut < degreeLow, "D_out is not below D_lo")
        invariant(degreeOut * 2 <= degree, "D_out is above D / 2")
        invariant(degreeScore <= degree, "D_score is above D")
        // Of one topic, so many ids must go into one RPC.
        invariant(haveIDsMax <= RPCLimits.ids / 2, "more ids than an RPC takes")
        invariant(historyGossip <= historyLength && historyLength > 0, "a history of nothing")
        invariant(heartbeatMilliseconds > 0, "heartbeats without time between them")
        let largest = GossipsubLimits.rpcBytesLargest
        invariant(rpcBytesMax <= largest, "an RPC above \(largest) bytes")
        score.checkSoundness()
    }
}

/// What holds for one topic.
package struct TopicSettings: Sendable {
    /// Whether messages carry gossip's signature.
    package var policy = SignaturePolicy.unsigned
    /// The most bytes of data of a message.
    package var messageBytesMax = 1 << 20
    /// Whether a message of this node goes to all peers in the topic, and not to the mesh alone.
    package var floodsPublished = true
    /// How peers are scored in the topic; nil where they are not.
    package var score: TopicScoreSettings?

    /// The defaults.
    package init() {}
}

/// What memory a node takes for gossip at the most.
package struct GossipsubLimits: Sendable {
    /// The most bytes of an RPC where no topic needs more.
    package static let rpcBytesStandard = 1 << 20
    /// What an RPC needs around the data of its one message.
    package static let rpcBytesAround = 4096
    /// The most bytes of an RPC that any settings may allow.
    package static let rpcBytesLargest = 4 << 20

    /// Peers.
    package var peers = 512
    /// Topics that one peer may be in.
    package var topicsPerPeer = 128
    /// Topics that this node publishes to without being in them.
    package var fanouts = 128
    /// Messages that have not been judged.
    package var pendingMessages = 4096
    /// Bytes of messages that have not been judged.
    package var pendingBytes = 64 << 20
    /// The part of either that came from one peer is at most the whole divided by this.
    package var pendingShares = 4
    /// A message that has not been judged for so long is ignored.
    package var pendingMilliseconds: UInt64 = 30_000
    /// Ids of messages that have been seen.
    package var seenMessages = 65_536
    /// Bytes of messages that can be asked for.
    package var cachedBytes = 32 << 20
    /// Messages that can be asked for.
    package var cachedMessages = 16_384
    /// Peers that are not connected and whose score is remembered.
    package var retainedScores = 1024
    /// Waits after a PRUNE, for each topic.
    package var backoffs = 2048

    /// The defaults.
    package init() {}
}
