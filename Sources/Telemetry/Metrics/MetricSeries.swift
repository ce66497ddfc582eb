// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CoreMetrics
internal import Synchronization

/// One series, as those who count hold it.
///
/// What does not fit its kind has no effect: a counter is not set, and does not go back.
final class MetricSeries: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    private let kind: MetricFamily.Kind
    private let contents: Mutex<MetricValue>

    init(_ kind: MetricFamily.Kind) {
        self.kind = kind
        contents =
            switch kind {
            case .counter, .gauge: Mutex(.number(0))
            case .histogram(let bounds):
                Mutex(
                    .distribution(
                        counts: Array(repeating: 0, count: bounds.count + 1), sum: 0))
            }
    }

    /// What it says now.
    var value: MetricValue { contents.withLock { $0 } }

    private func add(_ amount: Double) {
        guard amount.isFinite, kind == .gauge || kind == .counter && amount >= 0 else { return }
        contents.withLock { if case .number(let old) = $0 { $0 = .number(old + amount) } }
    }

    // MARK: Counters

    func increment(by amount: Int64) { add(Double(amount)) }

    func reset() {
        // A counter that goes back would look like a process that has started anew.
    }

    // MARK: Gauges

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) {
        guard kind == .gauge else { return }
        contents.withLock { $0 = .number(value) }
    }

    func increment(by amount: Double) { add(amount) }

    func decrement(by amount: Double) { add(-amount) }

    // MARK: Histograms

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard case .histogram(let bounds) = kind else { return set(value) }
        guard !value.isNaN else { return }
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        contents.withLock { contents in
            guard case .distribution(var counts, let sum) = contents else { return }
            contents = .number(0)
            counts[place] += 1
            contents = .distribution(counts: counts, sum: sum + value)
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
