// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Network
package import Telemetry

/// What answers are made from that is not the node's own.
package struct APISurroundings: Sendable {
    /// Who can be reached, by their keys.
    package var parties: @Sendable () -> [PublicKey]
    /// How the network is; nil where nobody can tell.
    package var network: @Sendable () async -> NetworkReading? = { nil }
    /// The party that a peer speaks for; nil where it speaks for none.
    package var party: @Sendable (PeerID) -> PublicKey? = { _ in nil }
    /// Where metrics are counted.
    package var metrics = NodeMetrics.registry()
    /// What others know for the metrics when they are asked.
    package var samples: @Sendable () -> [MetricSample] = { [] }

    /// Origins of other nodes: the console may read them, and theirs may read this node.
    package var nodes: [String] = []

    /// Nobody tells of a network.
    package init(parties: @escaping @Sendable () -> [PublicKey]) { self.parties = parties }
}
