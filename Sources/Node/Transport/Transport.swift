// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// How a party reaches the others: to one, to all, from.
///
/// A party is its key: what arrives is from the key that it is said to be from. Nothing is
/// promised of what is sent: it may be lost, come late, twice, or in another order. Sending
/// returns at once, whatever the receiver does.
package protocol Transport: Sendable {
    /// Sends to one party; nothing where it cannot be reached.
    func send(_ bytes: [UInt8], to receiver: PublicKey)
    /// Sends to all validators but the sender.
    func sendToAll(_ bytes: [UInt8])
    /// Gives what arrives from now on to `take`, which must return at once.
    func receive(_ take: @escaping @Sendable (_ bytes: [UInt8], _ sender: PublicKey) -> Void)
}
