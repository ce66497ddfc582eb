// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics
internal import Cryptography
internal import Synchronization

/// The metrics of a process: those that it lists, and no others.
///
/// A backend of swift-metrics: counters, meters, recorders and timers that are made with it are
/// series of the listed metrics. What is not listed, has other labels, or is beyond the number of
/// series that its metric may have, is counted nowhere but in
/// `recount_metric_series_refused_total`. So memory is bounded whatever labels come from outside.
package final class MetricRegistry: MetricsFactory {
    /// A series by the values of its labels.
    private typealias Rows = [[String]: MetricSeries]

    /// The metrics, in the order in which they are said.
    package let families: [MetricFamily]
    private let places: [String: Int]
    private let rows: Mutex<[Rows]>
    private let refused = Mutex<UInt64>(0)

    /// What could not be counted.
    static let refusedFamily = MetricFamily(
        "recount_metric_series_refused_total", .counter,
        "Series and samples of metrics that were left out: not listed, or too many.")

    /// Takes the list; stops the process where it is not as metrics are named here.
    package init(_ families: [MetricFamily]) {
        let families = families + [Self.refusedFamily]
        var places: [String: Int] = [:]
        for (place, family) in families.enumerated() {
            family.check()
            invariant(
                places.updateValue(place, forKey: family.name) == nil, "two \(family.name)")
        }
        self.families = families
        self.places = places
        rows = Mutex(Array(repeating: [:], count: families.count))
    }

    // MARK: Making series

    private func series(
        _ name: String, _ dimensions: [(String, String)], fits: (MetricFamily.Kind) -> Bool
    ) -> MetricSeries? {
        guard let place = places[name], fits(families[place].kind),
            families[place].labels == dimensions.map(\.0)
        else { return refuse() }
        let labels = dimensions.map(\.1)
        let found = rows.withLock { rows -> MetricSeries? in
            if let series = rows[place][labels] { return series }
            guard rows[place].count < families[place].seriesMax else { return nil }
            let series = MetricSeries(families[place].kind)
            rows[place][labels] = series
            return series
        }
        return found ?? refuse()
    }

    private func refuse() -> MetricSeries? {
        refused.withLock { $0 += 1 }
        return nil
    }

    private func drop(_ handler: AnyObject) {
        rows.withLock { rows in
            for place in rows.indices {
                if let labels = rows[place].first(where: { $0.value === handler })?.key {
                    rows[place][labels] = nil
                }
            }
        }
    }

    package func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler {
        series(label, dimensions) { $0 == .counter } ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { $0 == .gauge } ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        series(label, dimensions) { aggregate ? $0.isHistogram : $0 == .gauge }
            ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) { $0.isHistogram } ?? NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) { drop(handler) }

    package func destroyMeter(_ handler: any MeterHandler) { drop(handler) }

    package func destroyRecorder(_ handler: any RecorderHandler) { drop(handler) }

    package func destroyTimer(_ handler: any TimerHandler) { drop(handler) }

    // MARK: Saying them

    /// All of it in Prometheus' text format, version 0.0.4: metrics in the order of the list,
    /// series in the order of their labels.
    ///
    /// - Parameter samples: What is not counted but looked up. Of two of one series the first
    ///   stands; what does not fit the list is left out and counted.
    package func text(_ samples: [MetricSample] = []) -> String {
        var all = rows.withLock { rows in rows.map { $0.mapValues(\.value) } }
        for sample in samples where !add(sample, &all) { _ = refuse() }
        if let place = places[Self.refusedFamily.name] {
            all[place] = [[]: .number(Double(refused.withLock { $0 }))]
        }
        var text = MetricText()
        for (family, rows) in zip(families, all) {
            text.begin(family)
            for (labels, value) in rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                text.add(family, labels, value)
            }
        }
        return text.text
    }

    private func add(_ sample: MetricSample, _ all: inout [[[String]: MetricValue]]) -> Bool {
        guard let place = places[sample.name] else { return false }
        let family = families[place]
        guard sample.labels.count == family.labels.count, sample.value.fits(family.kind),
            all[place][sample.labels] == nil, all[place].count < family.seriesMax
        else { return false }
        all[place][sample.labels] = sample.value
        return true
    }
}

extension MetricFamily.Kind {
    fileprivate var isHistogram: Bool {
        if case .histogram = self { true } else { false }
    }
}
