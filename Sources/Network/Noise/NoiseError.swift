// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a handshake or a frame of Noise is refused.
package enum NoiseError: Error, Equatable {
    /// A message that is shorter than its pattern.
    case truncated
    /// A message or frame above 65535 bytes would be needed.
    case tooLong(bytes: Int)
    /// A message or frame that was not sealed by the other side, or was changed.
    case notAuthentic
    /// A key of small order: the secret would be no secret.
    case weakKey
    /// All numbers of a direction are used up; the connection must end.
    case exhausted
    /// A message where none is due.
    case outOfTurn
    /// The payload is not the message that it must be.
    case wire(WireError)
    /// The identity key in the payload is none that is spoken here.
    case identity(IdentityError)
    /// The identity key has not signed the key of the handshake.
    case signature
    /// Another peer is there than the one that was dialled.
    case otherPeer(PeerID)
}
