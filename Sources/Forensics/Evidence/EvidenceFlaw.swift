// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Storage

/// Why a file of evidence, which could be read, shows nothing.
package enum EvidenceFlaw: Error, Equatable, Sendable {
    /// The signature in this field is not the accused's for this ledger.
    case notSigned(field: String)
    /// What the file says in this field does not belong to what it says elsewhere.
    case unrelated(field: String)
    /// All is signed, and nothing in it is against the rules: why.
    case innocent(String)
    /// It cannot be judged here, for this reason.
    case unjudged(String)
}

extension EvidenceFlaw: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .notSigned(let field):
            "it is forged or for another ledger: the signature in \(field) does not hold"
        case .unrelated(let field):
            "it is put together from what does not belong together: \(field) does not fit the rest"
        case .innocent(let why): "it convicts nobody: \(why)"
        case .unjudged(let why): "it cannot be judged here: \(why)"
        }
    }
}

extension EvidenceFormatError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .tooLong(let bytes, let max):
            "it has \(bytes) bytes; evidence has at most \(max)"
        case .file(let flaw): "it holds no evidence: \(flaw)"
        }
    }
}
