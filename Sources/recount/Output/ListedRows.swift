// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Node

/// Rows of a list as projections give them: printed for programs, or kept for a table.
///
/// What goes wrong in printing is kept too, since projections end their own way: rows after it are
/// let go, and `end` throws it.
struct ListedRows<Row: Encodable> {
    private let writer: RowWriter?
    private var failure: Failure?
    /// Those kept, in their order; none where they are printed.
    private(set) var kept: [Row] = []

    /// - Parameter writer: What prints them; nil where they are kept.
    init(_ writer: RowWriter?) { self.writer = writer }

    /// Takes the next row.
    mutating func add(_ row: Row) {
        guard failure == nil else { return }
        guard let writer else { return kept.append(row) }
        do throws(Failure) { try writer.add(row) } catch { failure = error }
    }

    /// Throws what went wrong.
    func end() throws(Failure) {
        if let failure { throw failure }
    }
}

extension Spelling {
    /// Throws where a word is none of those that there are.
    ///
    /// - Parameter name: What the words are, in the singular.
    static func check(_ word: String?, _ name: String, among words: [String]) throws {
        guard let word, !words.contains(word) else { return }
        throw ValidationError(
            "there is no \(name) \(word); the \(name)s are \(words.joined(separator: ", "))"
                + suggestion(for: word, among: words))
    }
}
