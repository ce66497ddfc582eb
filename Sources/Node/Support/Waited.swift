// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Synchronization

/// A value that one thread waits for and another gives.
final class Waited<Value: Sendable>: Sendable {
    private let monitor = Monitor()
    private let value = Mutex<Value?>(nil)

    func set(_ new: Value) {
        monitor.locked {
            value.withLock { $0 = new }
            monitor.wakeAll()
        }
    }

    /// Waits for the value, for at most so long in one go.
    func wait(milliseconds: UInt64) -> Value? {
        let end = MonotonicTime.nanoseconds() / 1_000_000 + milliseconds
        return monitor.locked {
            while true {
                if let value = value.withLock({ $0 }) { return value }
                let now = MonotonicTime.nanoseconds() / 1_000_000
                guard now < end else { return nil }
                monitor.wait(milliseconds: end - now)
            }
        }
    }
}
