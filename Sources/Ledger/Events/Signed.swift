// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Something that carries the signatures of those that it speaks for.
package protocol Signed: Sendable {
    /// The signatures in it, each with its key and what it covers in the ledger named; nil where
    /// one of them could cover nothing, so that no check makes it hold.
    func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]?
}

extension Signed {
    /// Whether every signature in it holds for the ledger named.
    package func isSigned(in ledger: LedgerID) -> Bool {
        signatureChecks(in: ledger)?.allSatisfy(\.holds) ?? false
    }
}

/// A message whose signatures were checked, or whose reader chose not to.
///
/// `LedgerState.decide` takes nothing else, so nothing unsigned is ever decided by accident.
package struct Checked<Content: Signed>: Sendable {
    /// The message.
    package let content: Content
    /// Whether the proof in it is well formed, where that was looked at before; nil to look.
    package let isProofWellFormed: Bool?

    /// Checks the signatures; nil where one does not hold.
    package init?(_ content: Content, in ledger: LedgerID) {
        guard content.isSigned(in: ledger) else { return nil }
        self.content = content
        isProofWellFormed = nil
    }

    /// Takes the caller's word for the signatures: a replay that leaves them to an audit. So it
    /// does for the form of a request's proof (`RequestMessage.isWellFormed`), where it is given.
    package init(unchecked content: Content, isProofWellFormed: Bool? = nil) {
        self.content = content
        self.isProofWellFormed = isProofWellFormed
    }
}

/// A message that one key signs: its domain, the ledger id and every field but the signature.
package protocol SignedByOne: Signed {
    /// What the signed bytes begin with, so that they are those of no other kind of message.
    static var domain: String { get }
    /// The key that the signature must be of.
    var signer: PublicKey { get }
    /// On `signedBytes`.
    var signature: Signature { get set }
    /// Appends every field but the signature, in the order of the encoding.
    func encodeContent(to writer: inout BorshWriter)
}

extension SignedByOne {
    /// What the signature covers: Borsh of the domain, ledger id, every field but it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: Self.domain)
        writer.write(ledger)
        encodeContent(to: &writer)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [SignatureCheck(key: signer, message: signedBytes(in: ledger), signature: signature)]
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}
