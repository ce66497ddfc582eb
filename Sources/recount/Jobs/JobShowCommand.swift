// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recount job show`.
struct JobShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a compute job: its validators, their results, the decision.",
        discussion: """
            The job is named by the first digits of its identity, or by its entry. A job
            that waits for a node to take it is shown too.

              recount job show home 9c41
              recount job show home 812 --json
              recount job show --node http://127.0.0.1:5100 9c41
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
