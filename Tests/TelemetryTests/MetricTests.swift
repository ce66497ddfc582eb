// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Telemetry
import TestSupport
import Testing

@Suite("Metrics as text")
struct MetricTests {
    private static let families = [
        MetricFamily(
            "recount_things_total", .counter, "Things, by \\ kind.", labels: ["kind"],
            seriesMax: 3),
        MetricFamily("recount_level", .gauge, "A level."),
        MetricFamily("recount_wait_seconds", .histogram([0.5, 1]), "A wait."),
    ]

    private static func registry() -> MetricRegistry { MetricRegistry(families) }

    @Test("the text is this, byte by byte")
    func golden() {
        let registry = Self.registry()
        Counter(label: "recount_things_total", dimensions: [("kind", "b")], factory: registry)
            .increment(by: 2)
        Counter(label: "recount_things_total", dimensions: [("kind", "a")], factory: registry)
            .increment()
        Meter(label: "recount_level", factory: registry).set(2.5)
        let timer = Timer(label: "recount_wait_seconds", factory: registry)
        for milliseconds in [400, 500, 700, 3_000] { timer.recordMilliseconds(milliseconds) }
        #expect(
            registry.text() == """
                # HELP recount_things_total Things, by \\\\ kind.
                # TYPE recount_things_total counter
                recount_things_total{kind="a"} 1
                recount_things_total{kind="b"} 2
                # HELP recount_level A level.
                # TYPE recount_level gauge
                recount_level 2.5
                # HELP recount_wait_seconds A wait.
                # TYPE recount_wait_seconds histogram
                recount_wait_seconds_bucket{le="0.5"} 2
                recount_wait_seconds_bucket{le="1"} 3
                recount_wait_seconds_bucket{le="+Inf"} 4
                recount_wait_seconds_sum 4.6
                recount_wait_seconds_count 4
                # HELP recount_metric_series_refused_total Series and samples of metrics that were \
                left out: not listed, or too many.
                # TYPE recount_metric_series_refused_total counter
                recount_metric_series_refused_total 0

                """)
    }

    @Test("labels from outside are escaped, bounded, and cannot begin a line")
    func hostile() throws {
        let registry = Self.registry()
        let long = String(repeating: "é", count: 500)
        let names = ["\"} 7\nrecount_level 9\\", "\u{1B}[2J\u{202E}", long]
        let text = registry.text(names.map { MetricSample("recount_things_total", [$0], 1) })
        let read = try Exposition(text)
        let said = try #require(read["recount_things_total"]).samples.compactMap {
            $0.values["kind"]
        }
        #expect(Set(said.prefix(3)).contains("\"} 7\\u{A}recount_level 9\\"), "\(said)")
        #expect(said.contains("\\u{1B}[2J\\u{202E}"), "\(said)")
        #expect(said.contains { $0.hasPrefix("éé") && $0.hasSuffix("(744 more bytes)") }, "\(said)")
        #expect(read["recount_level"]?.samples.isEmpty == true)
        for scalar in text.unicodeScalars where scalar.properties.generalCategory == .control {
            #expect(scalar == "\n")
        }
    }

    @Test("series are bounded, and what does not fit the list is counted and left out")
    func bounds() throws {
        let registry = Self.registry()
        for number in 0..<100 {
            Counter(
                label: "recount_things_total", dimensions: [("kind", "\(number)")],
                factory: registry
            ).increment()
        }
        let wrong: [[MetricSample]] = [
            [MetricSample("recount_other", [], 1)],
            [MetricSample("recount_level", ["label"], 1)],
            [MetricSample("recount_level", [], .distribution(counts: [1], sum: 1))],
            [MetricSample("recount_wait_seconds", [], .distribution(counts: [1], sum: 1))],
            [MetricSample("recount_level", [], 1), MetricSample("recount_level", [], 2)],
        ]
        Counter(label: "recount_level", factory: registry).increment()
        Timer(label: "recount_things_total", factory: registry).recordSeconds(1)
        Meter(label: "recount_nothing", factory: registry).set(1)
        let read = try Exposition(registry.text(wrong.flatMap { $0 }))
        #expect(read["recount_things_total"]?.samples.count == 3)
        #expect(read.number("recount_level") == 1)
        #expect(read.number("recount_wait_seconds_count") == nil)
        #expect(read.number("recount_metric_series_refused_total") == 105)
    }

    @Test("counters do not go back, and destroyed series make room")
    func counters() throws {
        let registry = Self.registry()
        let counter = Counter(
            label: "recount_things_total", dimensions: [("kind", "a")], factory: registry)
        counter.increment(by: 5)
        counter.increment(by: -3)
        counter.reset()
        var read = try Exposition(registry.text())
        #expect(read.number("recount_things_total", ["kind": "a"]) == 5)
        counter.destroy()
        read = try Exposition(registry.text())
        #expect(read["recount_things_total"]?.samples.isEmpty == true)
        let meter = Meter(label: "recount_level", factory: registry)
        meter.set(3)
        meter.decrement(by: 1.5)
        read = try Exposition(registry.text())
        #expect(read.number("recount_level") == 1.5)
    }

    @Test(
        "numbers are written as the format reads them",
        arguments: [
            (0.0, "0"), (-1, "-1"), (0.1, "0.1"), (1e-9, "1e-09"), (281_474_976_710_655, nil),
            (1e20, "1e+20"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String?)])
    func numbers(_ value: Double, _ text: String?) throws {
        let registry = Self.registry()
        let said = registry.text([MetricSample("recount_level", [], .number(value))])
        let read = try #require(try Exposition(said).number("recount_level"))
        #expect(read == value || read.isNaN && value.isNaN)
        #expect(said.contains("\nrecount_level \(text ?? "281474976710655")\n"), "\(said)")
    }

    @Test("a list that is not as metrics are named stops the process")
    func names() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricRegistry([MetricFamily("recount_things", .counter, "No total.")])
        }
        await #expect(processExitsWith: .failure) {
            _ = MetricRegistry([MetricFamily("recount_Level", .gauge, "A capital.")])
        }
        await #expect(processExitsWith: .failure) {
            let family = MetricFamily("recount_level", .gauge, "Twice.")
            _ = MetricRegistry([family, family])
        }
    }
}
