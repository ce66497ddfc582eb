// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recount job show`.
struct JobShowCommand: ParsableCommand {
    static let configuration = JobAsked.configuration("show", of: "job show")

    @OptionGroup var asked: JobAsked

    func run() throws { try asked.print() }
}

/// `recount show job`: the same beside what else can be shown.
struct ShowJobCommand: ParsableCommand {
    static let configuration = JobAsked.configuration("job", of: "show job")

    @OptionGroup var asked: JobAsked

    func run() throws { try asked.print() }
}

/// What both commands that show a job ask for.
struct JobAsked: ParsableArguments {
    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The first digits of the identity, or the entry of the job.",
        completion: Completions.jobs)
    var id: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    /// What a command is called by itself, and after `recount`.
    static func configuration(_ name: String, of words: String) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name,
            abstract: "Show a compute job: its validators, their results, the decision.",
            discussion: """
                The job is named by the first digits of its identity, or by its entry. A job
                that waits for a node to take it is shown too.

                  recount \(words) home 9c41
                  recount \(words) home 812 --json
                  recount \(words) --node http://127.0.0.1:5100 9c41
                """)
    }

    mutating func validate() throws { id = try place.check(id, "id") }

    /// Prints the page of the job.
    func print() throws {
        try JobPage.print(id ?? "", of: place.source(), json: json, format)
    }
}
