// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import EventLog
import Ledger
import Storage

/// Holds an answer on a nullifier against the state that the log itself comes to.
///
/// Projections are a file that anybody can write to, and money rests on this answer: what is spent
/// is paid for once. Costs what opening the ledger does: its newest snapshot, and what follows.
enum SpentCheck {
    /// Throws where the projections say something else than the state of the same entries.
    ///
    /// Where the log has gone on meanwhile nothing is compared; the seal of the file was looked at.
    static func check(_ answer: NullifierAnswer, _ views: OpenedViews) throws(Failure) {
        let directory = views.log.directory
        let state: LedgerState
        do throws(StorageError) {
            state = try LedgerStore.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly
            ).state
        } catch { throw Failure("\(directory): \(error)") }
        guard state.size == views.entries, let bytes = Bytes32(hex: answer.nullifier) else {
            return
        }
        let truth = words(state.condition(of: bytes))
        guard !truth.contains(answer.condition) else { return }
        throw Failure(
            "the projections say that it is \(answer.condition), and the log that it is"
                + " \(truth.joined(separator: " or ")): somebody has forged them; run recount"
                + " projections rebuild \(directory)", .wrong)
    }

    /// What may be said of a nullifier of this condition.
    private static func words(_ condition: NullifierCondition?) -> [String] {
        switch condition?.isSpent {
        case true: ["spent"]
        case false: ["released", "claimed"]
        case nil: ["claimed", "free"]
        }
    }
}
