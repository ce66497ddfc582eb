// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Ledger
import Node

/// Says whom somebody may have meant who named nobody.
enum Nearest {
    /// `; did you mean X?` where a validator is near, and then where all are listed.
    ///
    /// - Parameters:
    ///   - kind: What was looked for, such as `validator`; of other kinds none is near.
    ///   - hint: A sentence that says where they are listed.
    static func hint(
        _ kind: String, _ word: String, _ hint: String, _ names: LedgerNames?
    ) -> String {
        let known = kind == "validator" ? names?.validators ?? [] : []
        let near = Spelling.suggestion(for: word, among: known)
        return near.isEmpty ? "; \(hint)" : "\(near) \(hint)"
    }

    /// The same for the first of several words that names nobody in a ledger, and is near a name.
    static func suggestion(_ words: [String], in log: EventLog) -> String {
        let names: LedgerNames?
        do throws(Failure) { names = try OpenedViews(log: log).names() } catch { names = nil }
        return words.lazy.map { anybody($0, names) }.first { !$0.isEmpty } ?? ""
    }

    /// `; did you mean X?` for the nearest of all who have a name.
    static func anybody(_ word: String, _ names: LedgerNames?) -> String {
        let known = names.map { $0.validators + $0.submitters + $0.circuits } ?? []
        return known.contains(word) ? "" : Spelling.suggestion(for: word, among: known)
    }
}
