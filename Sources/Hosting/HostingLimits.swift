// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// The bounds of what one validator keeps on its disk, in one place.
package enum HostingLimits {
    /// How old a vote may be when it is sent again without being signed again, in ms.
    ///
    /// Half the life that the ledger gives it, so that it still stands when its batch opens.
    package static let voteFreshMilliseconds: UInt64 = Limits.voteLifeMilliseconds / 2

    /// Stops the process where the limits contradict each other.
    static func check() {
        invariant(
            voteFreshMilliseconds < Limits.voteLifeMilliseconds, "a vote is fresh when it is dead")
    }
}
