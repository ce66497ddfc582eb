// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// Whether each component of the state keeps its invariants after every seal.
package struct SoundnessChecker {
    /// Heights between two looks at all records, which cost what the history does.
    private static let recordsEvery: UInt64 = 16

    /// Nothing was looked at yet.
    package init() {}

    /// Looks at the state after a seal, and at every sixteenth height at its records too.
    package func look(after state: LedgerState, node: Int) -> Violation? {
        let isWhole = state.height.rawValue.isMultiple(of: Self.recordsEvery)
        return check(state, isWhole: isWhole, node: node)
    }

    /// Looks at the state at the end, with all its records.
    package func finish(_ state: LedgerState) -> Violation? {
        check(state, isWhole: true, node: nil)
    }

    private func check(_ state: LedgerState, isWhole: Bool, node: Int?) -> Violation? {
        do throws(Unsoundness) {
            try state.checkSoundness()
            if isWhole { try state.checkRecords() }
            return nil
        } catch {
            return Violation(.soundness, node: node, height: state.height.rawValue, "\(error)")
        }
    }
}
