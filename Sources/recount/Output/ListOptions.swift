// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Which rows of a list are wanted, and how they are printed.
struct ListOptions: ParsableArguments {
    @OptionGroup var range: RangeOptions

    @Option(help: ArgumentHelp("Only the newest so many; 0 for all.", valueName: "count"))
    var limit: UInt64?

    @Flag(help: "Print JSON Lines.")
    var json = false

    @OptionGroup var format: CSVOption

    /// What people are shown unless they say otherwise.
    private static let limitForPeople: UInt64 = 50

    /// Whether a range of time or entries was named.
    var hasRange: Bool { range.from != nil || range.to != nil }

    /// What prints the rows for programs; nil where people are shown a table.
    func writer(_ columns: [String]) throws -> RowWriter? {
        try RowWriter(json: json, format, columns)
    }

    /// The newest so many, 0 for all.
    func wanted(_ writer: RowWriter?) -> UInt64 {
        limit ?? (writer == nil ? Self.limitForPeople : 0)
    }
}
