// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// How what T validators agreed on differs from what this node derives: it must stop.
package enum Divergence: Error, Equatable, Sendable {
    /// The state of a component differs after the batch.
    case component(Height, StateComponent, decided: Digest, derived: Digest)
    /// An entry is another than the one that follows from those before it.
    case entry(Height, EntryIndex, decided: String, derived: String)
    /// An input that T validators let pass is not signed, or the rules refuse it.
    case input(Height, EntryIndex, kind: String, Refusal?)
}

extension Divergence: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .component(let height, let component, let decided, let derived):
            "batch \(height.rawValue): the component \(component.label) differs: \(decided.hex)"
                + " was decided by a quorum, \(derived.hex) is derived here"
        case .entry(let height, let entry, let decided, let derived):
            "batch \(height.rawValue), entry \(entry.rawValue): a quorum decided on \(decided),"
                + " here follows \(derived)"
        case .input(let height, let entry, let kind, let refusal):
            "batch \(height.rawValue), entry \(entry.rawValue): a quorum decided on a \(kind) that"
                + " \(refusal.map { "the rules refuse: \($0)" } ?? "is not signed")"
        }
    }
}

/// Why a batch that a peer sent as decided proves nothing.
package enum DecidedBatchFault: Error, Equatable, Sendable {
    /// It is not the next one.
    case wrongHeight(Height)
    /// The precommits are not T of those who order this height, by index, or one is not signed.
    case wrongPrecommits
    /// The entries do not give the root that the precommits name.
    case otherRoot
    /// An entry cannot be decoded.
    case undecodable(entry: Int)
    /// This node derives something else from the same inputs, though a quorum agreed.
    case diverged(Divergence)
}
