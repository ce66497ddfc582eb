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

    /// The least number of characters to insert, remove, replace (Levenshtein 1966), or exchange
    /// with the next (Damerau 1964); words beyond 64 characters are cut there.
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.lowercased().prefix(64))
        let right = Array(right.lowercased().prefix(64))
        var before: [Int] = []
        var row = Array(0...right.count)
        for i in left.indices {
            var next = [i + 1]
            for j in right.indices {
                let isSame = left[i] == right[j]
                var cost = min(row[j] + (isSame ? 0 : 1), row[j + 1] + 1, next[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, before[j - 1] + 1)
                }
                next.append(cost)
            }
            (before, row) = (row, next)
        }
        return row[right.count]
    }
}
