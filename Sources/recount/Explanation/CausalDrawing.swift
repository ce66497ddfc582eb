// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Forensics

/// A chain of causes as rows: each link below its causes, further in the later it comes.
struct CausalDrawing {
    /// Of a longer chain the first and the last rows are drawn.
    static let rowsMax = 200
    private static let depthMax = 6

    /// One row.
    struct Row: Equatable {
        /// How far in it stands.
        let depth: Int
        /// What it says.
        let text: String
        /// The rows of its causes.
        let causes: [Int]
    }

    /// What the chain gives, as the last row.
    let rows: [Row]

    /// Lays out a chain that gives `value`.
    init(_ chain: CausalChain, value: String) {
        var depths: [Int] = []
        for link in chain.links {
            let deepest = link.causes.map { depths[$0] }.max()
            // A chain in which each follows the one before stays straight.
            let isNext = link.causes == [depths.count - 1] && Self.isStraight(chain)
            depths.append(min(Self.depthMax, deepest.map { isNext ? $0 : $0 + 1 } ?? 0))
        }
        let shown = Self.shown(chain.links.count)
        let places = Dictionary(uniqueKeysWithValues: shown.enumerated().map { ($1, $0) })
        var rows: [Row] = []
        for (row, place) in shown.enumerated() {
            let link = chain.links[place]
            let entry = link.entry.map { "entry \($0)  " } ?? ""
            let left = row > 0 ? place - shown[row - 1] - 1 : 0
            let note = left > 0 ? "(\(left) more before)  " : ""
            rows.append(
                Row(
                    depth: depths[place], text: note + entry + link.label,
                    causes: link.causes.compactMap { places[$0] }))
        }
        let used = Set(chain.links.flatMap(\.causes))
        let ends = shown.indices.filter { !used.contains(shown[$0]) }
        rows.append(Row(depth: 0, text: "= \(value)", causes: Array(ends)))
        self.rows = rows
    }

    private static func isStraight(_ chain: CausalChain) -> Bool {
        chain.links.enumerated().allSatisfy { place, link in
            place == 0 || link.causes == [place - 1]
        }
    }

    /// The places of the links that are drawn.
    private static func shown(_ count: Int) -> [Int] {
        guard count > rowsMax else { return Array(0..<count) }
        return Array(0..<rowsMax / 2) + Array(count - rowsMax / 2..<count)
    }

    /// The rows for a terminal.
    func lines(isUnicode: Bool) -> [String] {
        rows.map { row in
            let branch = row.depth == 0 ? "" : isUnicode ? "└ " : "+ "
            return String(repeating: "  ", count: max(0, row.depth - 1)) + branch + row.text
        }
    }
}

extension SVGChart {
    /// Draws a chain of causes: a box for each, and a line from every cause to what it causes.
    static func text(of drawing: CausalDrawing, title: String) -> String {
        let (left, top, step, indent) = (40.0, 60.0, 30.0, 44.0)
        let (pale, white, dark) = ("#FFF3D6", "#FFFFFF", "#333333")
        func x(_ row: CausalDrawing.Row) -> Double { left + Double(row.depth) * indent }
        func y(_ place: Int) -> Double { top + Double(place) * step }
        var body: [String] = []
        for (place, row) in drawing.rows.enumerated() {
            for cause in row.causes {
                let from = drawing.rows[cause]
                let start = x(from) - 10
                body.append(line(start, y(cause) + 11, start, y(place) + 11, "#56B4E9"))
                body.append(line(start, y(place) + 11, x(row), y(place) + 11, "#56B4E9"))
            }
        }
        for (place, row) in drawing.rows.enumerated() {
            let isValue = place == drawing.rows.count - 1
            let text = row.text.count <= 110 ? row.text : row.text.prefix(109) + "…"
            body.append(
                #"<rect x="\#(number(x(row)))" y="\#(number(y(place)))" rx="4""#
                    + #" width="\#(number(min(880, 20 + Double(text.count) * 7.4)))""#
                    + #" height="22" fill="\#(isValue ? pale : white)" stroke="\#(dark)"/>"#)
            body.append(label(text, x(row) + 8, y(place) + 15.5, "start"))
        }
        return document(title, y(drawing.rows.count) + 24, body)
    }
}
