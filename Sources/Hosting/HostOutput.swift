// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What a node's replica wants done by whoever has the sockets, the cores and the clock.
package enum HostOutput: Sendable {
    /// Send a `PeerMessage` to one peer.
    case send([UInt8], to: ValidatorIndex)
    /// Send a `PeerMessage` to all other members.
    case broadcast([UInt8])
    /// Verify the proof of a request, on time of its own, and hand in the verdict.
    case verify(RequestMessage)
    /// A batch is decided and durable: its height, the root of the log after it, its events.
    case committed(Height, root: Digest, [Event])
    /// Tell a person.
    case notice(String)
}
