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
    /// Gives what arrives from now on to `onArrival`, which must return at once.
    func receive(_ onArrival: @escaping @Sendable (Arrival) -> Void)
}

/// A message as it came.
package struct Arrival: Sendable {
    /// Its bytes.
    package let bytes: [UInt8]
    /// The party, or the peer that speaks for none, that brought it.
    package let sender: PublicKey
    /// Whether it is meant for all, and goes to others once it is judged.
    package let isForAll: Bool
    /// Called once, from any thread, with what the message is worth, when nothing more is done with
    /// it; nil where nobody wants to know.
    package let judge: (@Sendable (Worth) -> Void)?

    /// A message of a party.
    package init(
        _ bytes: [UInt8], from sender: PublicKey, isForAll: Bool = false,
        judge: (@Sendable (Worth) -> Void)? = nil
    ) {
        self.bytes = bytes
        self.sender = sender
        self.isForAll = isForAll
        self.judge = judge
    }
}

/// What a message that peers pass on is worth.
package enum Worth: Sendable {
    /// It goes to others; it was first said by this party, where that is known.
    case passOn(by: PublicKey?)
    /// It goes nowhere, and nobody is at fault.
    case ignore
    /// It is false, and so are those who brought it.
    case reject
}
