// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a page quotes from the output of a program.
///
/// A line that is `…` stands for any lines, also for none; a `…` within a line for any characters.
/// All else must be there to the letter, but for empty lines at the start and the end.
struct Quotation: Sendable {
    private let lines: [String]

    init(_ text: String) { lines = Self.lines(of: text) }

    /// Whether this is what it quotes.
    func matches(_ printed: String) -> Bool {
        Self.match(lines[...], Self.lines(of: printed)[...])
    }

    private static func lines(of text: String) -> [String] {
        let all = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = all.firstIndex(where: { !$0.isEmpty }),
            let last = all.lastIndex(where: { !$0.isEmpty })
        else { return [] }
        return Array(all[first...last])
    }

    private static func match(
        _ quoted: ArraySlice<String>, _ printed: ArraySlice<String>
    ) -> Bool {
        guard let line = quoted.first else { return printed.isEmpty }
        let rest = quoted.dropFirst()
        if line.allSatisfy({ $0 == "…" || $0 == " " }), line.contains("…") {
            return (printed.startIndex...printed.endIndex).contains { match(rest, printed[$0...]) }
        }
        guard let first = printed.first, isLike(line, first) else { return false }
        return match(rest, printed.dropFirst())
    }

    private static func isLike(_ quoted: String, _ printed: String) -> Bool {
        let parts = quoted.split(separator: "…", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, parts.count > 1 else {
            return quoted == printed
        }
        guard printed.hasPrefix(first) else { return false }
        var left = printed.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = left.firstRange(of: part) else { return false }
            left = left[found.upperBound...]
        }
        return left.hasSuffix(last)
    }
}
