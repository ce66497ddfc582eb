// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Ledger
package import Replication

/// The bytes of a message, and what they say: decoded once, however many take it.
package struct ArrivedMessage: Sendable {
    /// As it came.
    package let bytes: [UInt8]
    /// What it says; nil where that cannot be read.
    package let message: PeerMessage?
    /// SHA-256 of the bytes.
    package let digest: Digest

    /// Decodes bytes.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        digest = Digest(hashing: bytes)
        do throws(Ledger.DecodingError) {
            message = try PeerMessage(decoding: bytes)
        } catch { message = nil }
    }
}

/// A message that was taken in, with who sent it; nil for a client.
package struct CheckedArrival: Sendable {
    let message: CheckedPeerMessage
    let peer: ValidatorIndex?
    let bytes: Int
}

/// What became of a message that came in.
package enum IntakeVerdict: Sendable {
    /// It can be read, and is signed.
    case taken(CheckedArrival)
    /// It was not looked at, or is of nobody whom this node knows; nobody is at fault.
    case ignored
    /// It cannot be read, or is not signed.
    case wrong

    /// The message, where it was taken in.
    var arrival: CheckedArrival? { if case .taken(let arrival) = self { arrival } else { nil } }
}
