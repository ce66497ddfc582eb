// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Draws charts as SVG 1.1, one file without scripts, styles or fonts of its own.
package enum SVGChart {
    private static let width = 960.0
    private static let font = #"font-family="Helvetica, Arial, sans-serif" font-size="13""#

    /// Colours that people with any kind of colour vision tell apart: Okabe and Ito 2008, "Color
    /// Universal Design", without the yellow, which is too pale for lines on white.
    private static let colours = [
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9",
    ]
    private static let barColour = "#56B4E9"
    private static let markColour = "#D55E00"
    /// Dashes, so that a line is told from another also without colour.
    private static let dashes = ["", "7 3", "2 3", "10 3 2 3", "14 4"]

    private static func colour(_ number: Int) -> String { colours[number % colours.count] }

    private static func dash(_ number: Int) -> String {
        let dash = dashes[number / colours.count % dashes.count]
        return dash.isEmpty ? "" : #" stroke-dasharray="\#(dash)""#
    }

    /// Draws lines, each named where it ends.
    package static func text(of chart: LineChart) -> String {
        let longest = Double(chart.series.map(\.title.count).max() ?? 0)
        let (left, top, right, bottom) = (86.0, 56.0, max(130.0, 32 + longest * 7.6), 70.0)
        let height = max(420, top + bottom + Double(chart.series.count) * 17)
        let plotWidth = width - left - right
        let plotHeight = height - top - bottom
        let (low, high) = chart.bounds
        func y(_ value: Double) -> Double { top + (high - value) / (high - low) * plotHeight }
        var body: [String] = []
        for tick in chart.ticks {
            body.append(line(left, y(tick), left + plotWidth, y(tick), "#DDDDDD"))
            body.append(label(LineChart.text(tick), left - 8, y(tick) + 4.5, "end"))
        }
        let places = chart.marks.indices.map {
            left + plotWidth * Double($0) / Double(max(1, chart.marks.count - 1))
        }
        for (mark, place) in zip(chart.marks, places) {
            body.append(line(place, top + plotHeight, place, top + plotHeight + 6, "#333333"))
            let anchor = place == left ? "start" : place == places.last ? "end" : "middle"
            body.append(label(mark, place, top + plotHeight + 22, anchor))
        }
        body.append(label(chart.name, left + plotWidth + 20, top - 16, "start"))
        body.append(line(left, top, left, top + plotHeight, "#333333"))
        body.append(line(left, top + plotHeight, left + plotWidth, top + plotHeight, "#333333"))
        body.append(label(chart.horizontal, left + plotWidth / 2, height - 16, "middle"))
        body.append(
            #"<text transform="translate(22 \#(number(top + plotHeight / 2))) rotate(-90)""#
                + #" text-anchor="middle">\#(escaped(chart.vertical))</text>"#)
        for (place, series) in chart.series.enumerated() {
            body.append(path(series, place, left, plotWidth, y))
        }
        body += ends(of: chart, x: left + plotWidth, top, top + plotHeight, y)
        return document(chart.title, height, body)
    }

    /// A line of steps: a value holds until the next.
    private static func path(
        _ series: ChartSeries, _ place: Int, _ left: Double, _ width: Double,
        _ y: (Double) -> Double
    ) -> String {
        var commands = ""
        var before: Double?
        let steps = Double(max(1, series.values.count - 1))
        for (step, value) in series.values.enumerated() {
            let x = number(left + width * Double(step) / steps)
            if let value {
                if before == nil {
                    commands += "M\(x) \(number(y(value)))"
                } else if before != value {
                    commands += "H\(x)V\(number(y(value)))"
                } else if step == series.values.count - 1 {
                    commands += "H\(x)"
                }
            } else if before != nil {
                commands += "H\(x)"
            }
            before = value
        }
        return #"<path d="\#(commands)" fill="none" stroke="\#(colour(place))""#
            + #" stroke-width="1.8" stroke-linejoin="round"\#(dash(place))/>"#
    }

    /// The names of the lines at their ends, apart from each other, with a thin line to each.
    private static func ends(
        of chart: LineChart, x: Double, _ top: Double, _ bottom: Double, _ y: (Double) -> Double
    ) -> [String] {
        let apart = 16.0
        var ends = chart.series.enumerated().compactMap { place, series in
            series.last.map { (place: place, label: series.title, y: y($0), at: y($0)) }
        }
        ends.sort { ($0.y, $0.place) < ($1.y, $1.place) }
        for number in ends.indices.dropFirst() {
            ends[number].at = max(ends[number].at, ends[number - 1].at + apart)
        }
        // What was pushed below the axis is pushed up again.
        if var limit = ends.last.map({ min($0.at, max(bottom, top + apart * Double(ends.count))) })
        {
            for number in ends.indices.reversed() {
                ends[number].at = min(ends[number].at, limit)
                limit = ends[number].at - apart
            }
        }
        return ends.flatMap { end in
            [
                line(x, end.y, x + 16, end.at, colour(end.place)),
                #"<text x="\#(number(x + 20))" y="\#(number(end.at + 4.5))""#
                    + #" fill="\#(colour(end.place))">\#(escaped(end.label))</text>"#,
            ]
        }
    }

    /// Draws bars, each with a mark where it was expected to end.
    package static func text(of chart: BarChart) -> String {
        let longest = chart.bars.map(\.label.count).max() ?? 1
        let note = chart.bars.map(\.note.count).max() ?? 1
        let (left, top, bottom) = (24 + Double(longest) * 7.6, 56.0, 92.0)
        let right = 24 + Double(note) * 7.2
        let step = 26.0
        let plotHeight = Double(max(1, chart.bars.count)) * step
        let height = top + plotHeight + bottom
        let plotWidth = width - left - right
        let high = chart.ticks.last ?? 1
        func x(_ value: Double) -> Double { left + value / high * plotWidth }
        var body: [String] = []
        for tick in chart.ticks {
            body.append(line(x(tick), top, x(tick), top + plotHeight, "#DDDDDD"))
            body.append(
                label(LineChart.text(tick * 100), x(tick), top + plotHeight + 18, "middle"))
        }
        for (place, bar) in chart.bars.enumerated() {
            let y = top + Double(place) * step
            body.append(label(bar.label, left - 8, y + step / 2 + 4.5, "end"))
            body.append(
                #"<rect x="\#(number(left))" y="\#(number(y + 5))""#
                    + #" width="\#(number(max(0, x(bar.value) - left)))""#
                    + #" height="\#(number(step - 10))" fill="\#(barColour)"/>"#)
            body.append(
                #"<path d="M\#(number(x(bar.expected))) \#(number(y + 1.5))V"#
                    + #"\#(number(y + step - 1.5))" stroke="\#(markColour)" stroke-width="3"/>"#)
            body.append(
                label(
                    bar.note, max(x(bar.value), x(bar.expected)) + 8, y + step / 2 + 4.5, "start"))
        }
        body.append(line(left, top, left, top + plotHeight, "#333333"))
        body.append(line(left, top + plotHeight, left + plotWidth, top + plotHeight, "#333333"))
        body.append(
            label(chart.horizontal, left + plotWidth / 2, top + plotHeight + 40, "middle"))
        let legend = top + plotHeight + 70
        body.append(
            #"<rect x="\#(number(left))" y="\#(number(legend - 12))" width="26" height="14""#
                + #" fill="\#(barColour)"/>"#)
        body.append(label("what was", left + 34, legend, "start"))
        body.append(
            #"<path d="M\#(number(left + 120)) \#(number(legend - 14))V\#(number(legend + 4))""#
                + #" stroke="\#(markColour)" stroke-width="3"/>"#)
        body.append(label(chart.expectation, left + 130, legend, "start"))
        return document(chart.title, height, body)
    }

    static func document(_ title: String, _ height: Double, _ body: [String]) -> String {
        let size = "\(number(width)) \(number(height))"
        return
            ([
                #"<?xml version="1.0" encoding="UTF-8"?>"#,
                #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(number(width))""#
                    + #" height="\#(number(height))" viewBox="0 0 \#(size)" role="img""#
                    + " \(font) fill=\"#333333\">",
                "<title>\(escaped(title))</title>",
                ##"<rect width="100%" height="100%" fill="#FFFFFF"/>"##,
                #"<text x="24" y="30" font-size="17" font-weight="bold">\#(escaped(title))</text>"#,
            ] + body + ["</svg>", ""]).joined(separator: "\n")
    }

    static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String
    ) -> String {
        #"<path d="M\#(number(x1)) \#(number(y1))L\#(number(x2)) \#(number(y2))""#
            + #" stroke="\#(colour)" fill="none"/>"#
    }

    static func label(
        _ text: String, _ x: Double, _ y: Double, _ anchor: String
    ) -> String {
        #"<text x="\#(number(x))" y="\#(number(y))" text-anchor="\#(anchor)">"#
            + "\(escaped(text))</text>"
    }

    /// One decimal at most, so that the same chart is the same file.
    static func number(_ value: Double) -> String {
        LineChart.text((value * 10).rounded() / 10)
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
    }
}
