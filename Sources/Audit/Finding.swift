// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// What an audit found wrong.
package enum FindingKind: String, Codable, Sendable, CaseIterable {
    /// Bytes of the log are missing or changed.
    case damage
    /// An entry is not the encoding of an event.
    case undecodable
    /// An event that the rules derive is not in the log.
    case missing
    /// The log holds an event that the rules do not derive.
    case added
    /// The log holds a derived event with other contents.
    case changed
    /// A derived event stands at another place.
    case moved
    /// The log holds a command that the rules refuse.
    case refused
    /// The entry cannot stand here at all; nothing after it was looked at.
    case cannotFollow
    /// `BatchSealed` states another size of the log.
    case logSize
    /// `BatchSealed` states another root of the log.
    case logRoot
    /// `BatchSealed` states another root of a component of the state.
    case componentRoot
    /// The state root is not that of the stated components.
    case stateRoot
    /// A signature does not hold.
    case signature
    /// A request was approved whose proof is false.
    case approvedFalseProof
    /// A request was rejected, by more than may fail, whose proof holds.
    case rejectedTrueProof
    /// A proof could not be verified again.
    case proofUnjudged
    /// A job was decided as agreed on a result that running it again does not give.
    case agreedFalseResult
    /// A signed checkpoint, precommits or a snapshot beside the log tell of another log.
    case contradicted
}

extension FindingKind: Comparable {
    /// The order in which findings at one entry are told.
    package static func < (left: FindingKind, right: FindingKind) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// One thing that is wrong with a ledger.
package struct Finding: Codable, Hashable, Sendable {
    /// The entry where it shows.
    package let entry: UInt64
    /// What it is.
    package let kind: FindingKind
    /// What should be there.
    package let expected: String
    /// What is there.
    package let found: String

    /// `expected` and `found` are sentences for people, and no bytes are read from them.
    package init(entry: UInt64, kind: FindingKind, expected: String, found: String) {
        self.entry = entry
        self.kind = kind
        self.expected = expected
        self.found = found
    }
}

/// A signed vote that contradicts the mathematics of the proof.
package struct ContradictedProof: Codable, Equatable, Sendable {
    /// The entry of the vote.
    package let entry: UInt64
    /// The entry of the request.
    package let request: UInt64
    /// The number of the validator.
    package let validator: UInt16
    /// Its name.
    package let name: String
    /// Its key, in hexadecimal.
    package let key: String
    /// What it signed: `approve` or `reject`.
    package let vote: String
    /// What the proof does.
    package let proofHolds: Bool
}

/// Says why bytes are not an event.
package func describe(_ error: DecodingError) -> String {
    switch error {
    case .truncated(let offset, let needed):
        "the bytes end at \(offset), \(needed) too early"
    case .trailing(let offset, let bytes): "\(bytes) bytes are left over at \(offset)"
    case .unknownTag(let type, let tag, let offset):
        "\(type) has no tag \(tag) (byte \(offset)); a newer version may have written it"
    case .overBound(let type, let count, let bound, let offset):
        "\(type) counts \(count), above \(bound) (byte \(offset))"
    case .notCanonical(let type, let offset): "\(type) is not canonical (byte \(offset))"
    case .otherVersion: "\(error)"
    }
}
