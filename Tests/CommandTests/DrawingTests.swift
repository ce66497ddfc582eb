// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import TestSupport
import Testing
import recount

/// Tables that fit, charts that say what they show, and predictions that chance confirms.
struct DrawingTests {
    private func table() -> Table {
        var table = Table(fitting: [
            ("entry", .right, .kept), ("name", .left, .id), ("amount", .right, .dropped(2)),
            ("recipient", .left, .idDropped(3)), ("outcome", .left, .kept),
        ])
        table.add([
            "1048576", String(repeating: "ab", count: 32), "18446744073709551615",
            String(repeating: "cd", count: 32), "approved",
        ])
        table.add(["7", String(repeating: "0", count: 64), "1", "ff", "timedOut"])
        return table
    }

    @Test func `a table with room shows everything`() {
        let lines = table().lines(columns: .max)
        #expect(lines.count == 3)
        #expect(lines[1].contains(String(repeating: "ab", count: 32)))
        #expect(lines[1].contains(String(repeating: "cd", count: 32)))
    }

    @Test(arguments: [40, 50, 60, 80, 100, 120, 160])
    func `a table fits, names are cut first, and what is left out is said`(_ columns: Int) {
        let lines = table().lines(columns: columns)
        #expect(lines.allSatisfy { $0.count <= columns }, "\(lines)")
        #expect(lines[1].contains("1048576") && lines[1].contains("approved"))
        #expect(lines[1].contains("abababab"), "names keep eight digits")
        let isCut = !lines[0].contains("amount") || !lines[0].contains("recipient")
        #expect(lines.dropFirst(3).joined().contains("left out") == isCut)
        if !lines[0].contains("amount") { #expect(!lines[0].contains("recipient")) }
        #expect(columns < 80 || lines[0].contains("amount"))
    }

    private func chart(_ values: [[Double?]]) -> LineChart {
        LineChart(
            title: "Reputation of some", vertical: "reputation (points)",
            horizontal: "time (UTC)", name: "validator", marks: ["00:00", "12:00", "24:00"],
            series: values.enumerated().map {
                ChartSeries(label: "\($0.offset)", values: $0.element)
            })
    }

    @Test func `ticks are round and take in both ends`() {
        for (low, high) in [(0.0, 1.0), (100, 2080), (999.5, 1000), (1000, 1000), (0, 0.339)] {
            let ticks = LineChart.ticks(from: low, to: high)
            #expect((2...7).contains(ticks.count), "\(ticks)")
            #expect(ticks[0] <= low && ticks[ticks.count - 1] >= high, "\(ticks)")
        }
        #expect(LineChart.ticks(from: 100, to: 2080) == [0, 500, 1000, 1500, 2000, 2500])
    }

    @Test func `a name is cut between, so that its number stays, and a hash at its end`() {
        var table = Table(fitting: [
            ("name", .left, .name(1)), ("key", .left, .id), ("outcome", .left, .kept),
        ])
        for number in 1...2 {
            table.add([
                "validators-of-somebody-\(number)", String(repeating: "ab", count: 32), "approved",
            ])
        }
        let lines = table.lines(columns: 40)
        #expect(lines.allSatisfy { $0.count <= 40 }, "\(lines)")
        #expect(lines[1] != lines[2] && lines[1].contains("-1 ") && lines[2].contains("-2 "))
        #expect(table.lines(columns: 200)[1].contains("validators-of-somebody-1"))
    }

    @Test(arguments: [true, false], [40, 80, 200])
    func `a line chart fits and names axes, ends and lines`(_ isUnicode: Bool, _ columns: Int) {
        let many = (0..<9).map { line in (0..<100).map { Double?(Double($0 * line)) } }
        let drawing = TerminalChart(columns: columns, rows: 12, isUnicode: isUnicode)
        let lines = drawing.lines(of: chart(many))
        #expect(lines.allSatisfy { $0.count <= columns }, "\(lines)")
        let text = lines.joined(separator: "\n")
        for part in ["reputation (points)", "time (UTC)", "validator", "00:00", "24:00", " 8"] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(isUnicode || text.allSatisfy(\.isASCII))
    }

    @Test func `a rising line rises, and nothing is drawn where there is no value`() {
        let drawing = TerminalChart(columns: 40, rows: 8, isUnicode: false)
        let values: [Double?] = (0..<40).map { $0 < 20 ? nil : Double($0) }
        let plot = drawing.lines(of: chart([values])).filter {
            $0.contains("|") || $0.contains("+")
        }
        let columns = plot.prefix(8).compactMap { line in
            Array(line).lastIndex(of: "0").map { Array(line).count - $0 }
        }
        #expect(columns.count > 3)
        let flat = drawing.lines(of: chart([[5, 5, 5]]))
        #expect(flat.contains { $0.contains("0000000") })
    }

    @Test func `SVG names every line and escapes what it is given`() {
        let drawn = SVGChart.text(
            of: LineChart(
                title: "a < b & c", vertical: "v", horizontal: "h", name: "n", marks: ["1", "2"],
                series: [ChartSeries(label: "x>y", values: [1, nil, 3])]))
        #expect(drawn.contains("a &lt; b &amp; c") && drawn.contains("x&gt;y"))
        let bars = SVGChart.text(
            of: BarChart(
                title: "t", horizontal: "share (%)", expectation: "e",
                bars: [ChartBar(label: "validator 0", value: 0.3, expected: 0.2, note: "3")]))
        #expect(bars.contains("validator 0") && bars.contains("share (%)"))
    }

    @Test func `two candidates lead as the closed form says`() {
        // P(1) = w1 / (2 w2) for w1 <= w2.
        let found = LeaderPrediction.probabilities([3, 1])
        #expect(abs(found[1] - 1.0 / 6) < 1e-12)
        #expect(abs(found[0] - 5.0 / 6) < 1e-12)
        #expect(LeaderPrediction.probabilities([2, 2, 2]).allSatisfy { abs($0 - 1.0 / 3) < 1e-12 })
        #expect(LeaderPrediction.probabilities([0, 5]) == [0, 1])
        #expect(LeaderPrediction.probabilities([0, 0]) == [0.5, 0.5])
        #expect(LeaderPrediction.probabilities([]).isEmpty)
    }

    @Test func `predicted shares are those of many draws`() {
        var random = SplitMix64(seed: 5)
        let weights = [1.0, 2, 2.5, 4, 4, 7]
        let draws = 200_000
        var led = [Int](repeating: 0, count: weights.count)
        for _ in 0..<draws {
            let scores = weights.map { $0 * Double.random(in: 0..<1, using: &random) }
            let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
            led[best] += 1
        }
        let predicted = LeaderPrediction.probabilities(weights)
        #expect(abs(predicted.reduce(0, +) - 1) < 1e-12)
        for (count, probability) in zip(led, predicted) {
            let expected = probability * Double(draws)
            let deviation = (expected * (1 - probability)).squareRoot()
            #expect(abs(Double(count) - expected) < 5 * deviation)
        }
    }

    @Test func `many weights of very unlike size stay probabilities`() {
        let weights = (0..<1000).map { Double(1 << ($0 % 40)) }
        let found = LeaderPrediction.probabilities(weights)
        #expect(found.allSatisfy { $0 >= 0 && $0 <= 1 })
        #expect(abs(found.reduce(0, +) - 1) < 1e-9)
    }
}
