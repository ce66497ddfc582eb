// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The figures as bars: each with what stands beside it in the same unit, longer being better.
///
/// The longest of a group reaches the right edge. A time is drawn as its reciprocal, so that half
/// the time is twice the bar.
package struct BarPicture {
    private static let (left, width, row) = (430.0, 420.0, 20.0)

    private let report: Report

    /// Draws a report.
    package init(_ report: Report) { self.report = report }

    /// The picture.
    package var svg: String {
        var body = text(report.machine.line, x: 8, y: 18, isBold: true)
        var y = 36.0
        for group in groups {
            let best = group.map(speed).max() ?? 1
            for (place, figure) in group.enumerated() {
                let length = best > 0 ? Self.width * speed(figure) / best : 0
                let kind = Self.kind(figure)
                let name = figure.name.trimmingCharacters(in: .whitespaces)
                body += text(name, x: place == 0 ? 8 : 24, y: y + 14, isBold: place == 0)
                body +=
                    "<rect class=\"\(kind)\" x=\"\(Self.left)\" y=\"\(y + 3)\""
                    + " width=\"\(Int(length))\" height=\"14\"/>\n"
                body += text(
                    "\(Figure.text(figure.median)) \(figure.unit)",
                    x: Self.left + length + 6, y: y + 14, isBold: false)
                y += Self.row
            }
            y += 8
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1020 \(Int(y) + 8)" \
            font-family="sans-serif" font-size="12" role="img">
            <title>Recount, measured beside its alternatives; longer is better</title>
            <style>
            text { fill: #222 } .own { fill: #2a6fb0 } .peer { fill: #9a9a9a }
            .limit { fill: none; stroke: #444; stroke-dasharray: 3 2 }
            @media (prefers-color-scheme: dark) {
            text { fill: #ddd } .own { fill: #6db3f2 } .limit { stroke: #bbb }
            svg { background: #111 } }
            </style>
            \(body)</svg>

            """
    }

    /// What drew the bar: Recount, another program, or the arithmetic.
    private static func kind(_ figure: Figure) -> String {
        if figure.name.contains("limit:") { return "limit" }
        return figure.name.contains("beside:") ? "peer" : "own"
    }

    /// A figure, and those beside it that are measured in its unit.
    private var groups: [[Figure]] {
        var groups: [[Figure]] = []
        for figure in report.figures where figure.median > 0 && figure.median < .infinity {
            if !figure.isBeside {
                groups.append([figure])
            } else if let first = groups.last?.first, first.unit == figure.unit {
                groups[groups.count - 1].append(figure)
            }
        }
        return groups
    }

    private func speed(_ figure: Figure) -> Double {
        figure.isBetterHigher ? figure.median : 1 / figure.median
    }

    private func text(_ text: String, x: Double, y: Double, isBold: Bool) -> String {
        let escaped = text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
        let weight = isBold ? " font-weight=\"bold\"" : ""
        return "<text x=\"\(x)\" y=\"\(y)\"\(weight)>\(escaped)</text>\n"
    }
}
