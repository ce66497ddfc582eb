// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// How peers are scored: weights, decays and thresholds of P5 to P7, and of all topics together.
///
/// The specification gives no weights. These are such that one false message, or five broken
/// promises, cost a peer its place in the mesh, and ten of them a hearing.
/// Source: libp2p, gossipsub-v1.1, "Peer Scoring".
package struct ScoreSettings: Sendable {
    /// Below this no gossip goes to a peer, and none of it is heard.
    package var gossipThreshold: FixedPoint = -100
    /// Below this nothing that this node publishes goes to a peer.
    package var publishThreshold: FixedPoint = -200
    /// Below this nothing of a peer is heard.
    package var graylistThreshold: FixedPoint = -400
    /// From this on, peers whom a peer names are connected to.
    package var acceptPeersThreshold: FixedPoint = 0
    /// Where the median score of a mesh is below this, better peers are grafted.
    package var opportunisticGraftThreshold: FixedPoint = 1

    /// The most that all topics together can add to a score; nil for no such bound.
    package var topicCap: FixedPoint? = 50
    /// Weight of P5, what the owner thinks of a peer.
    package var applicationWeight: FixedPoint = 1
    /// Weight of P6, the square of how many peers of one address are too many.
    package var colocationWeight: FixedPoint = -10
    /// How many peers of one address are not too many.
    package var colocationThreshold = 4
    /// Addresses that any number of peers may have: at first those of this machine alone.
    package var colocationExempt: [Multiaddr.Part] = [.ip4(0x7F00_0001), .ip6(1)]
    /// Weight of P7, the square of penalties for what a peer did.
    package var behaviourWeight: FixedPoint = -10
    /// How many penalties are not counted.
    package var behaviourThreshold: FixedPoint = 1
    /// What is left of the penalties after each interval.
    package var behaviourDecay = FixedPoint(thousandths: 990)

    /// The time between two decays.
    package var decayMilliseconds: UInt64 = 1000
    /// A counter below this is zero.
    package var decayToZero = FixedPoint(thousandths: 10)
    /// How long a score that is not positive is remembered after the peer has gone.
    package var retainMilliseconds: UInt64 = 3_600_000

    /// The defaults.
    package init() {}

    func checkSoundness() {
        invariant(gossipThreshold <= 0, "a gossip threshold above zero")
        invariant(publishThreshold <= gossipThreshold, "publish threshold above gossip threshold")
        invariant(graylistThreshold <= publishThreshold, "graylist above publish threshold")
        invariant(acceptPeersThreshold >= 0, "peers accepted from those below zero")
        invariant(opportunisticGraftThreshold >= 0, "an opportunistic threshold below zero")
        invariant(colocationWeight <= 0 && behaviourWeight <= 0, "a penalty that rewards")
        invariant(applicationWeight >= 0, "a reward that penalises")
        invariant(colocationThreshold >= 1, "a peer alone at its address is one too many")
        invariant(decayMilliseconds > 0, "decays without time between them")
    }
}

/// How peers are scored in one topic: weights, decays and caps of P1 to P4.
///
/// P3 is off by default, since a topic in which little is said would penalise everybody; whoever
/// sets its weight knows the rate of the topic.
package struct TopicScoreSettings: Sendable {
    /// The weight of the topic among all.
    package var weight: FixedPoint = 1

    /// Weight of P1, the time in the mesh.
    package var timeInMeshWeight = FixedPoint(thousandths: 10)
    /// The time that counts one.
    package var timeInMeshQuantumMilliseconds: UInt64 = 1000
    /// The most that P1 can be.
    package var timeInMeshCap: FixedPoint = 300

    /// Weight of P2, the messages that the peer was the first to bring.
    package var firstDeliveriesWeight: FixedPoint = 1
    /// What is left of them after each interval.
    package var firstDeliveriesDecay = FixedPoint(thousandths: 990)
    /// The most that P2 can be.
    package var firstDeliveriesCap: FixedPoint = 20

    /// Weight of P3, the square of what a peer in the mesh brings too little.
    package var meshDeliveriesWeight: FixedPoint = 0
    /// What is left of its messages after each interval.
    package var meshDeliveriesDecay = FixedPoint(thousandths: 970)
    /// How many it should have.
    package var meshDeliveriesThreshold: FixedPoint = 4
    /// The most that are counted.
    package var meshDeliveriesCap: FixedPoint = 40
    /// How long a peer is in the mesh before it is measured.
    package var meshDeliveriesActivationMilliseconds: UInt64 = 30_000
    /// How long after its acceptance a message that comes again is still worth something.
    package var meshDeliveriesWindowMilliseconds: UInt64 = 10

    /// Weight of P3b, what was too little when the peer was pruned.
    package var meshFailureWeight: FixedPoint = 0
    /// What is left of it after each interval.
    package var meshFailureDecay = FixedPoint(thousandths: 970)

    /// Weight of P4, the square of the false messages.
    package var invalidDeliveriesWeight: FixedPoint = -20
    /// What is left of them after each interval.
    package var invalidDeliveriesDecay = FixedPoint(thousandths: 990)

    /// The defaults.
    package init() {}
}
