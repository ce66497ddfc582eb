// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// What a node's two clocks say at one moment.
package struct Instant: Hashable, Sendable {
    /// The wall clock, which may be wrong and may step.
    package var time: Time
    /// Milliseconds since some moment, which never step back; timers go by it.
    package var uptime: UInt64

    /// Both in milliseconds: the time since 1970, the uptime since some moment.
    package init(time: Time, uptime: UInt64) {
        self.time = time
        self.uptime = uptime
    }
}
