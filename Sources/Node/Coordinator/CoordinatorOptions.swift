// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
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
    /// Gives the engine of compute jobs; called once, at the first job.
    package var engine: @Sendable () -> Result<ComputeEngine, ComputeError>

    /// All honest, no jump accepted, as many threads as there are cores, the
    /// engine where it is found.
    package init(
        behaviours: [Behaviour] = [], acceptClockJump: Bool = false,
        openRoundsMax: Int = NodeLimits.openRoundsMax,
        workers: Int = ProcessInfo.processInfo.activeProcessorCount,
        engine: @escaping @Sendable () -> Result<ComputeEngine, ComputeError> = {
            Result { () throws(ComputeError) in try ComputeEngine.load() }
        }
    ) {
        self.behaviours = behaviours
        self.acceptClockJump = acceptClockJump
        self.openRoundsMax = openRoundsMax
        self.workers = max(1, workers)
        self.engine = engine
    }

    func behaviour(_ index: Int) -> Behaviour {
        behaviours.indices.contains(index) ? behaviours[index] : .honest
    }
}
