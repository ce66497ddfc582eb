// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why an event cannot be the next one: the log was not written by these rules.
package enum FoldError: Error, Equatable, Sendable {
    /// The event cannot stand here: before the opening of a ledger or batch, or after its seal.
    case outOfPlace(kind: EventType)
    /// The event names something that the state does not hold.
    case unknown(kind: EventType, field: String, value: UInt64)
    /// A field contradicts the state.
    case contradicts(kind: EventType, field: String)
    /// The rules refuse what the event does.
    case refused(kind: EventType, Refusal)
}

extension FoldError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .outOfPlace(let kind): "\(kind) cannot stand at this place of a batch"
        case .unknown(let kind, let field, let value):
            "\(kind) names \(field) \(value), which the ledger does not hold"
        case .refused(let kind, let refusal): "the rules refuse this \(kind): \(refusal)"
        case .contradicts(let kind, let field): "\(field) of \(kind) contradicts the ledger"
        }
    }
}
