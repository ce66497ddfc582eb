// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// How a coordinator runs.
package struct CoordinatorOptions: Sendable {
    /// The validators' behaviours, by index; those beyond the list are honest.
    package var behaviours: [Behaviour]
    /// Whether a clock that is more than an hour beyond what is known is right.
    package var acceptClockJump: Bool
    /// Rounds that may be open at once.
    package var openRoundsMax: Int
    /// Threads that verify.
    package var workers: Int

    /// All honest, no jump accepted, as many threads as there are cores.
    package init(
        behaviours: [Behaviour] = [], acceptClockJump: Bool = false,
        openRoundsMax: Int = NodeLimits.openRoundsMax,
        workers: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        self.behaviours = behaviours
        self.acceptClockJump = acceptClockJump
        self.openRoundsMax = openRoundsMax
        self.workers = max(1, workers)
    }

    func behaviour(_ index: Int) -> Behaviour {
        behaviours.indices.contains(index) ? behaviours[index] : .honest
    }
}
