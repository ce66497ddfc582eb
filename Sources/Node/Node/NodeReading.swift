// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Hosting
package import Ledger
internal import Replication

/// How a node is, as its own thread sees it at one time, for whoever watches it.
package struct NodeReading: Sendable {
    /// A validator in office.
    package struct Member: Sendable {
        /// Its key.
        package var key: PublicKey
        /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
        package var name: String
        /// Its stake.
        package var stake: Stake
        /// Its reputation, in thousandths of a point.
        package var reputation: Reputation
        /// What came of it while the node ran.
        package var counts: NodeCounts.OfValidator
    }

    /// How full something is.
    package struct Queue: Sendable {
        /// What it is called.
        package var name: String
        /// How many are in it.
        package var count: Int
        /// How many may be.
        package var max: Int
    }

    /// The validators in office, by their numbers.
    package var members: [Member]
    /// How many of them decide.
    package var threshold: UInt32
    /// The key of the bridge.
    package var bridge: PublicKey
    /// The round of the batch that is being agreed on.
    package var round: UInt32
    /// Whether the node says nothing, for its journal was lost.
    package var isSilent: Bool
    /// Contradictions that convicted, from the first batch on.
    package var convictions: Int
    /// What the ledger came to hold.
    package var counts: NodeCounts
    /// What waits on the node's thread.
    package var queues: [Queue]
    /// How far the projections came; nil where they do not follow.
    package var projections: (entries: UInt64, behind: UInt64, isStopped: Bool)?
}

extension NodeCore {
    /// How the node is now.
    var reading: NodeReading {
        let counting = duties.lazy.compactMap { $0 as? Counting }.first
        let counts = counting?.counts ?? NodeCounts()
        let following = duties.lazy.compactMap { $0 as? Following }.first
        return NodeReading(
            members: state.members.compactMap { index in
                state.validator(index).map { validator in
                    let place = Int(index.rawValue)
                    return NodeReading.Member(
                        key: validator.key, name: validator.name, stake: validator.stake,
                        reputation: validator.reputation,
                        counts: counts.validators.indices.contains(place)
                            ? counts.validators[place] : NodeCounts.OfValidator())
                }
            },
            threshold: state.parameters.threshold, bridge: state.bridge, round: host.round,
            isSilent: host.isSilent, convictions: state.convictionCount, counts: counts,
            queues: queues, projections: following?.status)
    }

    private var queues: [NodeReading.Queue] {
        let waiting = host.waiting
        let spooling = duties.lazy.compactMap { $0 as? Spooling }.first
        return [
            NodeReading.Queue(
                name: "pool_requests", count: waiting.requests + waiting.orphans,
                max: ReplicationLimits.requestsMax),
            NodeReading.Queue(
                name: "pool_others", count: waiting.others, max: ReplicationLimits.othersMax),
            NodeReading.Queue(
                name: "clients", count: clients.count, max: NodeLimits.clientMessagesMax),
            NodeReading.Queue(
                name: "spool", count: spooling?.known.count ?? 0,
                max: NodeLimits.spooledFilesMax),
        ]
    }
}

extension ValidatorNode {
    /// Reads how it is on its thread, and gives that to `then`, on that thread too.
    package func read(then: @escaping @Sendable (NodeReading) -> Void) {
        inbox.put { (core) throws(NodeError) in then(core.reading) }
    }

    /// What waits elsewhere: messages of the peer with the most, and proofs.
    package var queues: [NodeReading.Queue] {
        [
            NodeReading.Queue(
                name: "inbox", count: inbox.waitingMax, max: NodeLimits.peerMessagesMax),
            NodeReading.Queue(
                name: "proofs", count: verifier.waitingCount,
                max: ReplicationLimits.verificationsMax),
        ]
    }
}
