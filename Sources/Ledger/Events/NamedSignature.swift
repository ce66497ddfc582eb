// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What stands for a request, job or party: a hash or key in a message, a number in the log.
///
/// A message and its event share one body, which differs in nothing else.
package typealias Naming = BorshCodable & Hashable & Sendable

/// A signature with whose it is.
package struct NamedSignature<ValidatorName: Naming>: BorshCodable, Hashable, Sendable {
    /// Whose it is: a key in a message, an index in the log.
    package var validator: ValidatorName
    /// On what holds the list that this one is in.
    package var signature: Signature

    /// Names the validator of a signature.
    package init(validator: ValidatorName, signature: Signature) {
        self.validator = validator
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorName(from: &reader)
        signature = try reader.signature()
    }
}

/// In the log: on `ConsensusStatement.signedBytes` of a precommit, or on those of a change.
package typealias IndexedSignature = NamedSignature<ValidatorIndex>

/// A validator agrees to a change: on `GovernanceMessage.signedBytes`.
package typealias Endorsement = NamedSignature<PublicKey>

extension NamedSignature<ValidatorIndex> {
    /// The length of its encoding.
    package static var byteCount: Int { 66 }
}
