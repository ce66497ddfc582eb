// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import Ledger

/// By what disagreements are grouped.
package enum DisagreementGrouping: String, CaseIterable, Encodable, Sendable {
    /// Who voted.
    case validator
    /// Two who voted alike against the rest.
    case pair
    /// The reason of a vote.
    case reason
    /// The circuit of the request.
    case circuit
    /// The version of the program that the voter had announced.
    case version
    /// The UTC day of the close.
    case day
}

/// One group of votes.
package struct DisagreementGroup: Encodable, Equatable, Sendable {
    /// What they have in common.
    package let name: String
    /// Rounds and jobs that have such a vote.
    package var rounds: UInt64 = 0
    /// Those of them in which not all said the same.
    package var disagreements: UInt64 = 0
    /// Such votes and results.
    package var votes: UInt64 = 0
    /// Those of them that are against the rest.
    package var against: UInt64 = 0
}

/// A round or job in which not all said the same.
package struct Disagreement: Encodable, Equatable, Sendable {
    /// Those who said the same.
    package struct SideView: Encodable, Equatable, Sendable {
        /// What they said.
        package let said: String
        /// Their names.
        package let validators: [String]
        /// Why, in their order; empty for results.
        package let reasons: [String]
        /// What they had announced to run, in their order; nil of those who had not.
        package let versions: [String?]
    }

    /// The entry that closed it.
    package let entry: UInt64
    /// `request` or `job`.
    package let matter: String
    /// The entry that introduced it.
    package let about: UInt64
    /// Its identity, in hexadecimal.
    package let id: String
    /// The batch time of the close, in milliseconds since 1970 UTC.
    package let time: UInt64
    /// What the circuit is called; nil for a job.
    package let circuit: String?
    /// How it was decided.
    package let outcome: String
    /// What most said; nil where two sides are the largest.
    package let mostSaid: String?
    /// The sides, the largest first.
    package let sides: [SideView]
}

/// What a ledger tells of disagreements.
package struct Disagreements: Encodable, Sendable {
    /// The identity of the ledger, in hexadecimal.
    package let ledger: String
    /// Rounds and jobs that were counted.
    package let rounds: UInt64
    /// Those in which not all said the same and that are wanted.
    package let disagreements: UInt64
    /// The newest of them, the oldest first, `listMax` at most.
    package let list: [Disagreement]
    /// By what they are grouped; nil where they are not.
    package let by: DisagreementGrouping?
    /// The groups, those with the most votes against the rest first.
    package let groups: [DisagreementGroup]
    /// Pairs, those that chance explains least first; only where they are asked for.
    package let pairs: [PairFinding]
    /// How many pairs were judged: the number for which the chance is corrected.
    package let pairsJudged: UInt64
    /// What this does not show.
    package let limits: [String]

    /// Disagreements that are kept.
    package static let listMax = 10_000
    /// Different days, versions, reasons, circuits or validators that are told apart.
    package static let groupsMax = 10_000

    /// Whether something was found: a disagreement that is wanted; of pairs, one that votes
    /// together more often than chance explains.
    package var isFound: Bool { by == .pair ? pairs.contains(where: \.isFound) : disagreements > 0 }
}

/// Why disagreements cannot be told.
package enum DisagreementError: Error {
    /// The log cannot be folded.
    case replay(ReplayError)
    /// Nothing of the ledger is called so.
    case unknown(field: String, name: String, known: [String])
    /// The log is empty.
    case empty
}

extension DisagreementError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .replay(let error): "\(error)"
        case .unknown(let field, let name, let known):
            "\(field) \(name): the ledger has none called so; the first are \(Words.list(known))"
        case .empty: "the ledger is empty, so nobody voted"
        }
    }
}
