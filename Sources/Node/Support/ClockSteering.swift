// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CMachine

/// What the system says of its own wall clock.
package enum ClockSteering {
    /// Whether something keeps the wall clock right, such as NTP; nil where the system does not
    /// say. Changes nothing.
    package static func isSteered() -> Bool? {
        switch recount_clock_is_steered() {
        case 0: false
        case 1: true
        default: nil
        }
    }
}
