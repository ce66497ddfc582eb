// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recount show job`.
struct ShowJobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Show a compute job: its validators, their results, the decision.",
        discussion: """
            The job is named by the first digits of its identity, or by its entry. The same
            as recount job show.

              recount show job home 9c41
              recount show job home 812 --json
              recount show job --node http://127.0.0.1:5100 9c41
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The first digits of the identity, or the entry of the job.",
        completion: Completions.jobs)
    var id: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws { id = try place.check(id, "id") }

    mutating func run() throws {
        try JobPage.print(id ?? "", of: place.source(), json: json, format)
    }
}
