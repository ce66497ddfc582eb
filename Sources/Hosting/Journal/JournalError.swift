// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// Why a journal gives no votes.
package enum JournalError: Error, Sendable {
    /// The log failed. What was not made durable is not said.
    case log(LogError)
    /// The checkpoint must not be cosigned.
    case cosign(CosignRefusal)
    /// An entry cannot stand there.
    case unusable(entry: UInt64, JournalProblem)
}

/// What is wrong with an entry of a validator's journal.
package enum JournalProblem: Error, Equatable, Sendable {
    /// The bytes are no vote.
    case undecodable(DecodingError)
    /// The vote is another validator's.
    case foreign(PublicKey)
    /// The entry gives another verdict than an earlier one on the same request.
    case contradiction(RequestID, earlier: Vote, later: Vote)
    /// A checkpoint was cosigned after one of a larger log.
    case rollback(from: UInt64, to: UInt64)
}

extension JournalProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .undecodable(let error): "it is nothing that a journal holds (\(error))"
        case .foreign(let key): "it is the vote of \(key.hex)"
        case .contradiction(let request, let earlier, let later):
            "it says \(later) of \(request.hex), and an earlier one \(earlier)"
        case .rollback(let from, let to):
            "it cosigns a log of \(to) entries after one of \(from)"
        }
    }
}
