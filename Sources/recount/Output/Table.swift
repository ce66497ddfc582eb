// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// Columns of text that fit a terminal.
///
/// Where the lines would be longer than the terminal, hashes (`.id`) are cut first, down to eight
/// digits, and names down to twelve characters, in their middle; then columns are left out, those
/// of the highest `.dropped` first, and a line below says which.
package struct Table {
    /// On which side a column is filled up.
    package enum Side: Sendable { case left, right }

    /// What may happen to a column that is too wide.
    package enum Fit: Equatable, Sendable {
        /// Nothing.
        case kept
        /// It holds hashes that may be cut.
        case id
        /// It may be left out; the highest number first.
        case dropped(Int)
        /// It holds hashes that may be cut, and may then be left out.
        case idDropped(Int)
        /// It holds names, which are told apart by how they begin and end: they may be cut between,
        /// and then be left out.
        case name(Int)
    }

    struct Cell {
        let text: String
        let style: Style
    }

    struct Head {
        let title: String
        let side: Side
        let fit: Fit
    }

    private static let idColumnsMin = 8
    private static let nameColumnsMin = 12

    private let heads: [Head]
    private var rows: [[Cell]] = []

    /// Starts with the heads of columns that are kept as they are.
    init(_ heads: (String, Side)...) {
        self.heads = heads.map { Head(title: $0.0, side: $0.1, fit: .kept) }
    }

    /// Starts with the heads of the columns.
    package init(fitting heads: [(title: String, side: Side, fit: Fit)]) {
        self.heads = heads.map { Head(title: $0.title, side: $0.side, fit: $0.fit) }
    }

    /// Whether there is no row.
    package var isEmpty: Bool { rows.isEmpty }

    /// Adds a row.
    mutating func add(_ cells: String...) { add(cells) }

    /// Adds a row.
    package mutating func add(_ cells: [String]) { add(styled: cells.map { ($0, .plain) }) }

    /// Adds a row with a style for each cell, with what controls a terminal made visible.
    mutating func add(styled cells: [(String, Style)]) {
        rows.append(cells.map { Cell(text: $0.0.visible, style: $0.1) })
    }

    /// Writes the table, indented by two columns.
    func print() {
        for line in lines(columns: Output.columns) { Output.line(line) }
    }

    /// The lines of the table, indented by two columns, none longer than `columns` where the rows
    /// allow it.
    package func lines(columns: Int) -> [String] {
        var widths = heads.indices.map { column in
            max(heads[column].title.count, rows.map { $0[column].text.count }.max() ?? 0)
        }
        var shown = Array(heads.indices)
        var dropped: [String] = []
        func total() -> Int { shown.reduce(1) { $0 + 1 + widths[$1] } }
        cutIDs(shown, &widths, excess: total() - columns)
        while total() > columns, let victim = victim(shown) {
            shown.removeAll { $0 == victim }
            dropped.append(heads[victim].title)
        }
        // A column that was left out may have made room for names.
        let room = columns == .max ? 0 : columns - total()
        if room > 0 { widen(shown, &widths, by: room) }
        var lines = [line(shown, widths) { (heads[$0].title, .plain) }]
        for row in rows {
            lines.append(line(shown, widths) { (row[$0].text, row[$0].style) })
        }
        lines = lines.map { line in
            line.contains("\u{1B}") || line.count <= columns
                ? line : line.prefix(max(1, columns - 1)) + "…"
        }
        if !dropped.isEmpty {
            let words =
                "left out, since the terminal is narrow:".split(separator: " ").map(String.init)
                + Text.listed(dropped.reversed())
            lines += Text.wrapped(words, columns: columns - 2).map { "  " + $0 }
        }
        return lines
    }

    private func isID(_ column: Int) -> Bool {
        switch heads[column].fit {
        case .id, .idDropped, .name: true
        default: false
        }
    }

    private static func isName(_ head: Head) -> Bool {
        if case .name = head.fit { true } else { false }
    }

    /// Takes the excess from the columns with names, the widest first.
    private func cutIDs(_ shown: [Int], _ widths: inout [Int], excess: Int) {
        var excess = excess
        while excess > 0 {
            let widest = shown.filter { isID($0) && widths[$0] > Self.least(heads[$0]) }
                .max { widths[$0] < widths[$1] }
            guard let widest else { return }
            widths[widest] -= 1
            excess -= 1
        }
    }

    private func widen(_ shown: [Int], _ widths: inout [Int], by room: Int) {
        var room = room
        while room > 0 {
            let narrowest = shown.filter { column in
                isID(column)
                    && widths[column] < (rows.map { $0[column].text.count }.max() ?? 0)
            }.min { widths[$0] < widths[$1] }
            guard let narrowest else { return }
            widths[narrowest] += 1
            room -= 1
        }
    }

    private static func least(_ head: Head) -> Int {
        max(head.title.count, isName(head) ? nameColumnsMin : idColumnsMin)
    }

    private func victim(_ shown: [Int]) -> Int? {
        let ranked = shown.compactMap { column -> (rank: Int, column: Int)? in
            switch heads[column].fit {
            case .dropped(let rank), .idDropped(let rank), .name(let rank): (rank, column)
            default: nil
            }
        }
        return ranked.max { ($0.rank, $0.column) < ($1.rank, $1.column) }?.column
    }

    private func line(
        _ shown: [Int], _ widths: [Int], _ cell: (Int) -> (text: String, style: Style)
    ) -> String {
        var line = " "
        for (place, column) in shown.enumerated() {
            var (text, style) = cell(column)
            // The first digits of a hash are a name of it; what is cut of other texts is shown.
            if text.count > widths[column] {
                text =
                    Self.isName(heads[column])
                    ? Text.cutWithin(text, widths[column]) : String(text.prefix(widths[column]))
            }
            let fill = String(repeating: " ", count: widths[column] - text.count)
            let styled = style.applied(to: text)
            let isLast = place == shown.count - 1
            line += " "
            line += heads[column].side == .right ? fill + styled : isLast ? styled : styled + fill
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
