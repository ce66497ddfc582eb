// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Dispatch

/// Numbered work that is done on other threads, ahead of whoever takes what comes of it in order.
///
/// What is under way or waits is bounded by `ahead`. Nobody waits on another thread: each number
/// that is taken begins a later one. `@unchecked`: what changes is changed within the monitor.
///
/// Invariants: `taken <= begun <= count`, `begun - taken <= ahead`, and the numbers of `values` are
/// below `begun` and not below `taken`.
package final class WorkAhead<Value: Sendable>: @unchecked Sendable {
    private let monitor = Monitor()
    private let work: @Sendable (Int) -> Value
    private let count: Int
    private let ahead: Int
    private let eagerCount: Int
    private var values: [Int: Value] = [:]
    private var begun = 0
    private var taken = 0
    private var isStopped = false

    /// Begins.
    ///
    /// - Parameters:
    ///   - count: Numbers from 0 up to it, exclusive.
    ///   - ahead: How many are begun before they are asked for.
    ///   - eagerCount: From this number on each is begun only when it is asked for.
    ///   - work: Called from several threads at once.
    package init(
        count: Int, ahead: Int, eagerCount: Int = .max, _ work: @escaping @Sendable (Int) -> Value
    ) {
        self.count = count
        self.ahead = max(1, ahead)
        self.eagerCount = eagerCount
        self.work = work
        monitor.locked { begin(upTo: min(self.ahead, eagerCount)) }
    }

    /// What came of the next number, once it is there; nil at the end, and once it is stopped.
    package func next() -> Value? {
        monitor.locked {
            guard taken < count else { return nil }
            begin(upTo: taken + 1)
            var value = values.removeValue(forKey: taken)
            while value == nil {
                guard !isStopped else { return nil }
                monitor.wait()
                value = values.removeValue(forKey: taken)
            }
            taken += 1
            begin(upTo: min(taken + ahead, eagerCount))
            check()
            return value
        }
    }

    /// Has nothing more begun; what comes of the rest is forgotten.
    package func stop() {
        monitor.locked {
            isStopped = true
            values = [:]
            monitor.wakeAll()
        }
    }

    /// Stops the process where more is under way than is bounded; called within `locked`.
    private func check() {
        invariant(taken <= begun, "\(taken) are taken of \(begun) that were begun")
        invariant(begun <= count, "\(begun) are begun of \(count)")
        invariant(begun - taken <= ahead, "\(begun - taken) are ahead, and not \(ahead)")
        invariant(
            values.count <= begun - taken, "\(values.count) values of \(begun - taken) numbers")
    }

    /// Called within `locked`.
    private func begin(upTo end: Int) {
        while begun < min(end, count) {
            let number = begun
            begun += 1
            DispatchQueue.global(qos: .userInitiated).async { self.run(number) }
        }
    }

    private func run(_ number: Int) {
        guard !monitor.locked({ isStopped }) else { return }
        let value = work(number)
        monitor.locked {
            guard !isStopped else { return }
            invariant(
                number >= taken && number < begun, "number \(number) of \(taken) to \(begun)")
            invariant(values[number] == nil, "number \(number) is done twice")
            values[number] = value
            check()
            monitor.wakeAll()
        }
    }
}
