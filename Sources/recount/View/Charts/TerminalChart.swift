// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Draws charts with characters.
package struct TerminalChart {
    /// The columns that a line may have.
    package let columns: Int
    /// The lines between the axes.
    package let rows: Int
    /// Whether more than ASCII may be used: Braille dots for lines, blocks for bars.
    package let isUnicode: Bool
    private let style: @Sendable (Style, String) -> String

    /// Takes the size of the drawing, at least 40 columns and 4 rows.
    ///
    /// `style` writes a text in a style; as it is, where nothing is said.
    init(
        columns: Int, rows: Int = 16, isUnicode: Bool,
        style: @escaping @Sendable (Style, String) -> String = { _, text in text }
    ) {
        self.columns = max(40, columns)
        self.rows = max(4, rows)
        self.isUnicode = isUnicode
        self.style = style
    }

    /// Takes the size of a drawing without colours.
    package init(columns: Int, rows: Int = 16, isUnicode: Bool) {
        self.init(columns: columns, rows: rows, isUnicode: isUnicode) { _, text in text }
    }

    /// One character, with the line that drew it last.
    private struct Spot {
        var dots: UInt8 = 0
        var letter: Character?
        var series: Int?
    }

    /// The letters of lines in ASCII, by their order.
    package static let letters = Array("0123456789abcdefghijklmnopqrstuvwxyz")

    /// How many values each line should have: one for each dot or character from left to right.
    package static func samples(columns: Int, isUnicode: Bool) -> Int {
        max(40, columns - 24) * (isUnicode ? 2 : 1)
    }

    /// Draws lines. Each is named at its end; in ASCII it is made of its own letter, too.
    package func lines(of chart: LineChart) -> [String] {
        let tickTexts = chart.ticks.map(LineChart.text)
        let left = tickTexts.map(\.count).max() ?? 1
        let right = min(24, columns / 4)
        let width = max(10, columns - left - 4 - right)
        var spots = [[Spot]](
            repeating: [Spot](repeating: Spot(), count: width), count: rows)
        for (number, series) in chart.series.enumerated() {
            draw(series, number, chart.bounds, into: &spots)
        }
        let ends = ends(of: chart, width: right)
        var ticks: [Int: String] = [:]
        for (value, text) in zip(chart.ticks, tickTexts) {
            ticks[row(of: value, chart.bounds)] = text
        }
        let head = "  " + chart.vertical
        let gap = String(repeating: " ", count: max(1, left + 4 + width - head.count))
        var result = [chart.title, "", head + gap + chart.name]
        for row in 0..<rows {
            let tick = ticks[row] ?? ""
            let axis = isUnicode ? (tick.isEmpty ? "│" : "┤") : (tick.isEmpty ? "|" : "+")
            let line =
                "  " + String(repeating: " ", count: left - tick.count) + tick + axis
                + text(of: spots[row]) + (ends[row].map { " " + $0 } ?? "")
            result.append(Self.trimmed(line))
        }
        let corner = isUnicode ? "└" : "+"
        let floor = String(repeating: isUnicode ? "─" : "-", count: width)
        let margin = String(repeating: " ", count: left + 2)
        result.append(margin + corner + floor)
        result.append(margin + " " + Self.spread(chart.marks, width))
        result.append(margin + " " + Self.centred(chart.horizontal, width))
        return result + legend(of: chart)
    }

    /// What the lines are called, where that is more than what stands at their ends, and what they
    /// are drawn with.
    private func legend(of chart: LineChart) -> [String] {
        var names: [String] = []
        for (number, series) in chart.series.enumerated() {
            let drawn = String(letter(number))
            if !isUnicode, series.label != drawn {
                names.append("\(drawn) = \(series.title)")
            } else if series.name != nil {
                names.append(series.title)
            }
        }
        return Text.wrapped(Text.listed(names), columns: columns - 2).map {
            "  " + $0.prefix(columns - 2)
        }
    }

    private func letter(_ number: Int) -> Character { Self.letters[number % Self.letters.count] }

    private func text(of spots: [Spot]) -> String {
        var result = ""
        for spot in spots {
            let character: Character
            if let letter = spot.letter {
                character = letter
            } else if spot.dots != 0, let scalar = Unicode.Scalar(0x2800 + UInt32(spot.dots)) {
                character = Character(scalar)
            } else {
                character = " "
            }
            result += spot.series.map { style(.series($0), String(character)) } ?? String(character)
        }
        return result
    }

    /// The row of a value, from the top.
    private func row(of value: Double, _ bounds: (low: Double, high: Double)) -> Int {
        let part = (value - bounds.low) / (bounds.high - bounds.low)
        return min(rows - 1, max(0, Int(((1 - part) * Double(rows - 1)).rounded())))
    }

    private func draw(
        _ series: ChartSeries, _ number: Int, _ bounds: (low: Double, high: Double),
        into spots: inout [[Spot]]
    ) {
        let width = spots.first?.count ?? 0
        let across = isUnicode ? width * 2 : width
        let down = isUnicode ? rows * 4 : rows
        guard !series.values.isEmpty else { return }
        var before: Int?
        for x in 0..<across {
            let place = x * (series.values.count - 1) / max(1, across - 1)
            guard let value = series.values[place] else {
                before = nil
                continue
            }
            let part = (value - bounds.low) / (bounds.high - bounds.low)
            let y = min(down - 1, max(0, Int(((1 - part) * Double(down - 1)).rounded())))
            let from = before.map { $0 < y ? $0 + 1 : $0 > y ? $0 - 1 : y } ?? y
            for step in min(from, y)...max(from, y) { mark(x, step, number, &spots) }
            before = y
        }
    }

    private func mark(_ x: Int, _ y: Int, _ number: Int, _ spots: inout [[Spot]]) {
        guard isUnicode else {
            spots[y][x].letter = letter(number)
            spots[y][x].series = number
            return
        }
        // Braille patterns: dots 1, 2, 3, 7 on the left from the top, 4, 5, 6, 8 on the right.
        let bits: [[UInt8]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]
        spots[y / 4][x / 2].dots |= bits[x % 2][y % 4]
        spots[y / 4][x / 2].series = number
    }

    /// What stands right of each row: the names of the lines that end there, the highest first.
    private func ends(of chart: LineChart, width: Int) -> [Int: String] {
        var names: [Int: [(value: Double, number: Int)]] = [:]
        for (number, series) in chart.series.enumerated() {
            guard let value = series.last else { continue }
            names[row(of: value, chart.bounds), default: []].append((value, number))
        }
        return names.mapValues { entries in
            let sorted = entries.sorted { ($1.value, $0.number) < ($0.value, $1.number) }
            var result = ""
            var used = 0
            for (place, entry) in sorted.enumerated() {
                let label = chart.series[entry.number].label
                let rest = " +\(sorted.count - place)"
                guard used + label.count + 1 + rest.count <= width || place == sorted.count - 1
                else {
                    result += rest
                    break
                }
                result += (place > 0 ? " " : "") + style(.series(entry.number), label)
                used += label.count + 1
            }
            return result
        }
    }

    /// Draws bars, each with a mark where it was expected to end.
    package func lines(of chart: BarChart) -> [String] {
        let ticks = chart.ticks
        let high = ticks.last ?? 1
        // A name as long as may be leaves room for bars.
        let left = min(max(14, columns / 4), chart.bars.map(\.label.count).max() ?? 1)
        let right = chart.bars.map(\.note.count).max() ?? 0
        let width = max(10, columns - left - right - 6)
        var result = [chart.title, ""]
        for bar in chart.bars {
            let label = bar.label.prefix(left)
            let fill = String(repeating: " ", count: left - label.count)
            let drawn = self.bar(bar.value / high, bar.expected / high, width)
            result.append(
                Self.trimmed(
                    "  " + fill + label + (isUnicode ? " │" : " |") + drawn + " " + bar.note))
        }
        let margin = String(repeating: " ", count: left + 3)
        result.append(
            margin + (isUnicode ? "└" : "+")
                + String(repeating: isUnicode ? "─" : "-", count: width))
        let marks = ticks.map { LineChart.text($0 * 100) }
        result.append(margin + " " + Self.placed(marks, ticks.map { $0 / high }, width))
        result.append(margin + " " + Self.centred(chart.horizontal, width))
        result.append(
            "  " + (isUnicode ? "█" : "#") + " what was, " + (isUnicode ? "┃" : "!") + " "
                + chart.expectation)
        return result
    }

    private func bar(_ value: Double, _ expected: Double, _ width: Int) -> String {
        let eighths = Int((value * Double(width * 8)).rounded())
        let mark = min(width - 1, max(0, Int((expected * Double(width)).rounded(.down))))
        let blocks = Array(" ▏▎▍▌▋▊▉")
        var result = ""
        for column in 0..<width {
            let filled = eighths - column * 8
            let character: Character =
                isUnicode
                ? (filled >= 8 ? "█" : filled > 0 ? blocks[filled] : " ")
                : (filled >= 4 ? "#" : " ")
            if column == mark {
                result += style(.warning, isUnicode ? "┃" : "!")
            } else {
                result += character == " " ? " " : style(.series(0), String(character))
            }
        }
        return result
    }
}

extension TerminalChart {
    /// Texts at the left, the middle and the right of a line.
    private static func spread(_ texts: [String], _ width: Int) -> String {
        let places = texts.indices.map { Double($0) / Double(max(1, texts.count - 1)) }
        return placed(texts, places, width)
    }

    /// Texts at places from 0 to 1 of a line, each centred there as far as the ends allow; those
    /// that would touch the one before are left out, but for the last.
    private static func placed(_ texts: [String], _ places: [Double], _ width: Int) -> String {
        var line = [Character](repeating: " ", count: width)
        func start(_ number: Int) -> Int {
            let middle = Int((places[number] * Double(width - 1)).rounded())
            return max(0, min(width - texts[number].count, middle - texts[number].count / 2))
        }
        let lastStart = texts.isEmpty ? 0 : start(texts.count - 1)
        var free = 0
        for number in texts.indices {
            let place = start(number)
            let isLast = number == texts.count - 1
            let end = place + texts[number].count
            guard place >= free, end <= width, isLast || end < lastStart else { continue }
            for (offset, character) in texts[number].enumerated() {
                line[place + offset] = character
            }
            free = end + 1
        }
        return trimmed(String(line))
    }

    private static func centred(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, (width - text.count) / 2)) + text
    }

    private static func trimmed(_ line: String) -> String {
        var line = Substring(line)
        while line.last == " " { line.removeLast() }
        return String(line)
    }
}
