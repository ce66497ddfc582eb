// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A message whose signatures were checked (`Parties.signatures`), or whose reader chose not to.
///
/// A replica takes nothing else: checking is done before, outside of the thread of its state, and
/// for many messages at once.
package struct CheckedPeerMessage: Sendable {
    /// The message.
    package let message: PeerMessage
    /// Whether the proof of a request is well formed; nil where nobody has looked, or it is none.
    package let isProofWellFormed: Bool?

    /// Takes the caller's word for the signatures, and for the form of a proof.
    package init(unchecked message: PeerMessage, isProofWellFormed: Bool? = nil) {
        self.message = message
        self.isProofWellFormed = isProofWellFormed
    }
}
