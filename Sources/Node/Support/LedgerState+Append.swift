// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// Why a command did not reach the log.
enum AppendError: Error {
    /// The rules do not admit it; neither the state nor the log has changed.
    case refused(Refusal)
    /// The log failed; the state and the log may differ, and both are to be dropped.
    case log(LogError)
}

extension LedgerState {
    /// Decides on a command, applies the events and stages them; returns them.
    @discardableResult
    mutating func append(_ command: Command, to log: EventLog) throws(AppendError) -> [Event] {
        let entries: [Entry]
        do throws(Refusal) { entries = try run(command) } catch { throw .refused(error) }
        do throws(LogError) { _ = try log.stage(entries) } catch { throw .log(error) }
        return entries.map(\.event)
    }
}
