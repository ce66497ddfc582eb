// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Builds a page of HTML that is well-formed XML too: every text is escaped where it enters.
struct HTMLText {
    /// The markup so far.
    private(set) var markup = ""

    /// Writes an element with what `body` writes in it.
    ///
    /// - Parameters:
    ///   - name: The name of the element, from our own code.
    ///   - attributes: Names from our own code, and their values.
    mutating func element(
        _ name: String, _ attributes: [(String, String)] = [], _ body: (inout HTMLText) -> Void
    ) {
        markup += "<\(name)\(Self.text(of: attributes))>"
        body(&self)
        markup += "</\(name)>"
    }

    /// Writes an element with a text in it.
    mutating func element(_ name: String, _ text: String, _ attributes: [(String, String)] = []) {
        element(name, attributes) { $0.text(text) }
    }

    /// Writes an element that holds nothing.
    mutating func empty(_ name: String, _ attributes: [(String, String)]) {
        markup += "<\(name)\(Self.text(of: attributes))/>"
    }

    /// Writes a text, escaped, with what controls a terminal or turns a line made visible.
    mutating func text(_ text: String) { markup += Self.escaped(text) }

    /// Ends a line of the markup.
    mutating func line() { markup += "\n" }

    /// Writes what needs no escaping, and comes from our own code.
    mutating func own(_ text: StaticString) { markup += "\(text)" }

    /// A table with a row of heads; the first column is a head of its row.
    mutating func table(_ heads: [String], _ rows: [[String]], caption: String) {
        element("div", [("class", "wide")]) { page in
            page.element("table") { page in
                page.element("caption", caption)
                page.element("thead") { page in
                    page.element("tr") { page in
                        for head in heads { page.element("th", head, [("scope", "col")]) }
                    }
                }
                page.element("tbody") { page in
                    for row in rows {
                        page.line()
                        page.element("tr") { page in
                            for (place, cell) in row.enumerated() {
                                let kind = Self.kind(of: cell)
                                if place == 0 {
                                    page.element("th", cell, [("scope", "row")] + kind)
                                } else {
                                    page.element("td", cell, kind)
                                }
                            }
                        }
                    }
                }
            }
        }
        line()
    }

    /// Bytes of a word that a column of a phone still holds; in cells with longer ones words are
    /// broken, in others never.
    private static let wordBytesMax = 24

    private static func kind(of cell: String) -> [(String, String)] {
        cell.split(separator: " ").contains { $0.utf8.count > wordBytesMax }
            ? [("class", "long")] : []
    }

    private static func text(of attributes: [(String, String)]) -> String {
        attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
    }

    /// The text with the five characters that mean something in markup written otherwise.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.visible.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
