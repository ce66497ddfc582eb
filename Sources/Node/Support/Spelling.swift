// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Finds what somebody may have meant.
package enum Spelling {
    /// Returns `; did you mean X?` for the nearest of `known`, or nothing where none is near.
    package static func suggestion(for word: String, among known: [String]) -> String {
        let near =
            known
            .map { (distance(word, $0), $0) }
            .filter { $0.0 <= max(1, min(word.count, $0.1.count) / 3) }
            .min { $0 < $1 }
        return near.map { "; did you mean \($0.1)?" } ?? ""
    }

    /// The least number of characters to insert, remove or replace (Levenshtein 1966); words
    /// beyond 64 characters are cut there.
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.lowercased().prefix(64))
        let right = Array(right.lowercased().prefix(64))
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let cost = character == other ? diagonal : 1 + min(diagonal, row[j], row[j + 1])
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
