// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A line of a chart: a value at each of equally distant moments.
package struct ChartSeries: Sendable {
    /// What the line is called where it ends.
    package let label: String
    /// What else it is called, beside or below the drawing; nil where that is all.
    package let name: String?
    /// The values; nil where there is none.
    package let values: [Double?]

    /// The values are as many as the moments of the chart.
    package init(label: String, name: String? = nil, values: [Double?]) {
        self.label = label
        self.name = name
        self.values = values
    }

    /// Label and name.
    var title: String { name.map { "\(label) \($0)" } ?? label }

    /// The last value, where there is one.
    var last: Double? { values.last ?? nil }
}

/// Lines over a common axis, to be drawn in a terminal or as SVG.
package struct LineChart: Sendable {
    /// What the chart shows.
    package let title: String
    /// What goes up, with its unit.
    package let vertical: String
    /// What goes to the right, with its unit.
    package let horizontal: String
    /// What the names of the lines are, over them.
    package let name: String
    /// The ends and the middle of the horizontal axis.
    package let marks: [String]
    /// The lines, each with as many values.
    package let series: [ChartSeries]
    /// The values that the vertical axis names, rising.
    let ticks: [Double]

    /// Takes the fields in order and chooses the vertical axis.
    package init(
        title: String, vertical: String, horizontal: String, name: String, marks: [String],
        series: [ChartSeries]
    ) {
        self.title = title
        self.vertical = vertical
        self.horizontal = horizontal
        self.name = name
        self.marks = marks
        self.series = series
        let values = series.flatMap { $0.values.compactMap(\.self) }
        ticks = Self.ticks(from: values.min() ?? 0, to: values.max() ?? 1)
    }

    /// The lowest and the highest value that are drawn.
    var bounds: (low: Double, high: Double) { (ticks.first ?? 0, ticks.last ?? 1) }

    /// Four to seven round values that take in both ends.
    package static func ticks(from low: Double, to high: Double) -> [Double] {
        let span = max(high - low, max(abs(high), 1) * 0.001)
        let rough = span / 4
        let scale = pow(10, floor(log10(rough)))
        let step = [1, 2, 2.5, 5, 10].map { $0 * scale }.first { $0 >= rough } ?? rough
        let first = (low / step).rounded(.down)
        let last = max((high / step).rounded(.up), first + 1)
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }

    /// A value of the axis without needless zeros.
    static func text(_ value: Double) -> String {
        let rounded = (value * 1000).rounded() / 1000
        if rounded == rounded.rounded(), abs(rounded) < 1e15 { return "\(Int64(rounded))" }
        return "\(rounded)"
    }
}

/// A bar of a chart, with the length that was to be expected.
package struct ChartBar: Sendable {
    /// What the bar is called.
    package let label: String
    /// Its length, from 0 to 1.
    package let value: Double
    /// The length that was expected.
    package let expected: Double
    /// What stands behind the bar.
    package let note: String

    /// Both lengths are shares, from 0 to 1.
    package init(label: String, value: Double, expected: Double, note: String) {
        self.label = label
        self.value = value
        self.expected = expected
        self.note = note
    }
}

/// Bars over a common axis in per cent.
package struct BarChart: Sendable {
    /// What the chart shows.
    package let title: String
    /// What goes to the right, with its unit.
    package let horizontal: String
    /// What the mark on a bar means.
    package let expectation: String
    /// The bars, from the top.
    package let bars: [ChartBar]

    /// The bars go from the top in their order; there may be none.
    package init(title: String, horizontal: String, expectation: String, bars: [ChartBar]) {
        self.title = title
        self.horizontal = horizontal
        self.expectation = expectation
        self.bars = bars
    }

    /// The values that the axis names, rising from 0.
    var ticks: [Double] {
        let high = bars.reduce(0) { max($0, $1.value, $1.expected) }
        return LineChart.ticks(from: 0, to: max(high, 0.01))
    }
}
