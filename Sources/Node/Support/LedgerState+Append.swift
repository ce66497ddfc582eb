// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a command did not reach the log.
enum AppendError: Error {
    /// The rules do not admit it; neither the state nor the log has changed.
    case refused(Refusal)
    /// The log failed; the state and the log may differ, and both are to be dropped.
    case log(LogError)
}

extension LedgerState {
    /// Decides on a command, stages the events and applies them; returns them.
    ///
    /// An event that the rules derive and cannot take in is a bug of ours and stops the node.
    @discardableResult
    mutating func append(_ command: Command, to log: EventLog) throws(AppendError) -> [Event] {
        let events: [Event]
        do throws(Refusal) { events = try decide(command) } catch { throw .refused(error) }
        let entries = events.map(\.encoded)
        do throws(LogError) { _ = try log.stage(entries[...]) } catch { throw .log(error) }
        for (event, entry) in zip(events, entries) {
            do throws(FoldError) {
                try apply(event, encodedBytes: entry.count)
            } catch {
                fatalError("the rules derived an event that cannot follow: \(error)")
            }
        }
        return events
    }
}
