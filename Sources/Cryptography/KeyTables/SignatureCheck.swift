// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A signature to be checked: whose it is said to be, and of what.
package struct SignatureCheck: Sendable {
    /// Who is said to have signed.
    package let key: PublicKey
    /// What is said to be signed.
    package let message: [UInt8]
    /// The signature.
    package let signature: Signature

    /// Joins the three.
    package init(key: PublicKey, message: [UInt8], signature: Signature) {
        self.key = key
        self.message = message
        self.signature = signature
    }

    /// Whether it holds, by `PublicKey.verifies`: the verdict of libsodium.
    package var holds: Bool { key.verifies(signature, of: message) }
}
