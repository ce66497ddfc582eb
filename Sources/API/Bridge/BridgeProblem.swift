// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger
package import Node

/// Why a bridge gets on no further with a node.
package enum BridgeProblem: Error, Sendable {
    /// The node did not answer as nodes do.
    case client(ClientError)
    /// What the node gave does not hold: T validators never signed it.
    case lie(NodeURL, String)
    /// The bridge itself cannot go on.
    case own(NodeError)
}

extension BridgeProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .client(let error): "\(error)"
        case .lie(let url, let what):
            "\(url) is not believed: \(what.visible); another node is asked"
        case .own(let error): "\(error)"
        }
    }
}
