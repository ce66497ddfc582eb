// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Bounds the bytes of all long answers that are not taken yet.
final class AnswerBudget: Sendable {
    private let left: Mutex<Int>

    init(bytesMax: Int) { left = Mutex(bytesMax) }

    /// Takes so many bytes; false where they are not left.
    func spend(_ bytes: Int) -> Bool {
        left.withLock { left in
            guard left >= bytes else { return false }
            left -= bytes
            return true
        }
    }

    /// Gives them back.
    func giveBack(_ bytes: Int) { left.withLock { $0 += bytes } }
}
