// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Synchronization

/// How long something took that is done again and again: how often it was within each of a few
/// bounds, and the sum.
///
/// Invariants: the bounds ascend; `counts.count == boundsMicroseconds.count + 1`.
package struct Durations: Sendable, Equatable {
    /// The bounds, in microseconds, ascending.
    package static let boundsMicroseconds: [UInt64] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000,
    ]

    /// How many were at most each bound and above the one before; then those above the last.
    package private(set) var counts = [UInt64](repeating: 0, count: boundsMicroseconds.count + 1)
    /// The sum of all, in nanoseconds.
    package private(set) var sumNanoseconds: UInt64 = 0

    /// Nothing was done yet.
    package init() {}

    /// Adds what took so long, `count` times.
    package mutating func add(nanoseconds: UInt64, count: UInt64 = 1) {
        let bounds = Self.boundsMicroseconds
        let place = bounds.firstIndex { nanoseconds <= $0 * 1_000 } ?? bounds.count
        invariant(
            place == 0 || nanoseconds > bounds[place - 1] * 1_000,
            "\(nanoseconds) ns are counted above \(bounds[max(1, place) - 1]) microseconds")
        counts[place] += count
        // It wraps after five centuries of work.
        sumNanoseconds &+= nanoseconds &* count
    }
}

/// Counts the syncs of a disk and how long they took; any thread may ask.
package final class SyncMeter: Sendable {
    private let durations = Mutex(Durations())

    /// Nothing was synced yet.
    package init() {}

    /// What was counted.
    package var value: Durations { durations.withLock { $0 } }

    /// Counts one that has begun at this time of the steady clock, in nanoseconds.
    func note(since start: UInt64) {
        let now = MonotonicTime.nanoseconds()
        durations.withLock { $0.add(nanoseconds: now - min(start, now)) }
    }
}
