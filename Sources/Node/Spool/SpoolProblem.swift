// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Why a file of the spool is passed over. It is left as it is.
package enum SpoolProblem: Error, Equatable, Sendable {
    /// The name is not that of a job.
    case notNamed
    /// It has more bytes than a job has.
    case tooLong(max: Int)
    /// The bytes are no message.
    case undecodable(DecodingError)
    /// The message is of a kind that clients do not hand in.
    case otherKind
    /// It holds another message than its name says.
    case otherMessage(Digest)
    /// It is not signed for this ledger by those that it speaks for.
    case notSigned
    /// It cannot be read.
    case unreadable(String)
}

extension SpoolProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        let known: String =
            switch self {
            case .notNamed: "its name is not sixty-four hexadecimal digits and .message"
            case .tooLong(let max): "it has more than \(max) bytes"
            case .undecodable(let error): "it is no message (\(error))"
            case .otherKind: "it is of a kind that clients do not hand in"
            case .otherMessage(let id): "it holds message \(id.hex)"
            case .notSigned: "it is not signed for this ledger"
            case .unreadable(let problem): problem
            }
        return known
            + "; it is passed over and left as it is: hand the message in again, and remove"
            + " the file"
    }
}
