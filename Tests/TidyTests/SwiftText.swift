// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A Swift file cut into lines twice: as written, and with comments and string contents blanked.
///
/// Interpolated code is kept, for it is code. Regex literals are not known and are read as code.
struct SwiftText {
    /// The lines as written, without their line feeds.
    let lines: [Substring]
    /// The same lines with every character of a comment or a string literal replaced by a space.
    let code: [Substring]

    init(_ text: String) {
        var scanner = Scanner(text: Array(text))
        scanner.scanCode(untilClosingParenthesis: false)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = String(scanner.kept).split(separator: "\n", omittingEmptySubsequences: false)
    }
}

private struct Scanner {
    let text: [Character]
    var position = 0
    var kept: [Character] = []

    init(text: [Character]) {
        self.text = text
        kept.reserveCapacity(text.count)
    }

    func starts(with word: String, at offset: Int = 0) -> Bool {
        text[min(position + offset, text.count)...].starts(with: word)
    }

    mutating func keep() {
        kept.append(text[position])
        position += 1
    }

    mutating func blank(_ count: Int = 1) {
        for character in text[position..<min(position + count, text.count)] {
            kept.append(character.isNewline ? character : " ")
        }
        position = min(position + count, text.count)
    }

    /// Scans to the end, or past the parenthesis that ends an interpolation.
    mutating func scanCode(untilClosingParenthesis nested: Bool) {
        var depth = 0
        while position < text.count {
            if starts(with: "//") {
                while position < text.count, !text[position].isNewline { blank() }
            } else if starts(with: "/*") {
                scanBlockComment()
            } else if let hashes = hashesBeforeQuote() {
                scanString(hashes: hashes)
            } else {
                let character = text[position]
                keep()
                if character == "(" { depth += 1 }
                if character == ")" {
                    if nested, depth == 0 { return }
                    depth -= 1
                }
            }
        }
    }

    /// The number of `#` in front of the quotation mark that starts here, or nil where none does.
    func hashesBeforeQuote() -> Int? {
        var end = position
        while end < text.count, text[end] == "#" { end += 1 }
        return end < text.count && text[end] == "\"" ? end - position : nil
    }

    mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < text.count
    }

    mutating func scanString(hashes: Int) {
        let mark = String(repeating: "#", count: hashes)
        let quote = starts(with: "\"\"\"", at: hashes) ? "\"\"\"" : "\""
        blank(hashes + quote.count)
        while position < text.count {
            if starts(with: quote + mark) {
                return blank(quote.count + hashes)
            } else if starts(with: "\\" + mark + "(") {
                blank(2 + hashes)
                scanCode(untilClosingParenthesis: true)
            } else if starts(with: "\\" + mark) {
                blank(2 + hashes)
            } else {
                blank()
            }
        }
    }
}
