// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// In which order the other members are asked for a payload.
///
/// Whoever claims to have much and gives nothing holds little up: it is asked last for a while.
package struct AskingOrder: Sendable {
    /// Who gave the last one that was right: whoever has one payload of a client often has more.
    private var giver: PublicKey?
    /// Members that let a question run out or gave what was wrong, until an uptime.
    private var doubted: [PublicKey: UInt64] = [:]

    /// Nobody has been asked yet.
    package init() {}

    /// Takes in that a member gave what was asked for.
    package mutating func note(gave peer: PublicKey) { giver = peer }

    /// Takes in that a member let a question run out, or gave what was wrong.
    package mutating func note(failed peer: PublicKey, at uptime: UInt64) {
        doubted[peer] = uptime + NodeLimits.peerDoubtedMilliseconds
        if giver == peer { giver = nil }
    }

    /// Those that are thought to have it, whoever gave the last one, and the others, each in the
    /// order given; those that are doubted come last.
    package mutating func order(
        of others: [PublicKey], holders: [PublicKey], at uptime: UInt64
    ) -> [PublicKey] {
        doubted = doubted.filter { $0.value > uptime }
        func rank(_ peer: PublicKey) -> Int {
            if doubted[peer] != nil { return 3 }
            if holders.contains(peer) { return 0 }
            return peer == giver ? 1 : 2
        }
        return (0...3).flatMap { place in others.filter { rank($0) == place } }
    }
}
