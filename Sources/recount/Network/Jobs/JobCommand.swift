// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recount job`.
struct JobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Submit compute jobs, follow them, fetch their results.",
        discussion: """
            A job is a WebAssembly module, an input and limits. Three validators run it,
            each on its own; where two results are equal, that is the result.

              recount job run Tools/samples/modules/words.wasm --input README.md
              recount job submit home Tools/samples/modules/words.wasm \\
                  --input README.md
              recount run home
              recount job list home
              recount job result home 9c41 --out words.txt

            What a module exports and imports, and how jobs end, is in the article Jobs in
            Sources/recount/Recount.docc.
            """,
        subcommands: [
            JobSubmitCommand.self, JobListCommand.self, JobShowCommand.self,
            JobResultCommand.self, JobRunCommand.self,
        ])
}
