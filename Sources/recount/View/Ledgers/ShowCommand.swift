// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import Ledger

/// `recount show`.
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one request, validator, leader, batch and so on in full.",
        subcommands: [
            ShowRequestCommand.self, ShowValidatorCommand.self, ShowLeaderCommand.self,
            ShowNullifierCommand.self, ShowReputationCommand.self, ShowJobCommand.self,
            ShowBatchCommand.self, ShowEntryCommand.self,
        ])
}

/// `recount show entry`.
struct ShowEntryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entry",
        abstract: "Show every field of an entry.",
        discussion: """
              recount show entry home 17
              recount show entry --node http://127.0.0.1:5100 17
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(help: "The entry.")
    var entry: UInt64?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws { entry = try place.check(entry, "entry") }

    mutating func run() throws {
        let entry = entry ?? 0
        let log = try OpenLog(place.source())
        guard entry < log.size else {
            throw Failure("there is no entry \(entry): the log holds \(log.size)")
        }
        guard let found = try log.entry(entry) else {
            throw Failure("entry \(entry) cannot be read")
        }
        var names = try NameBook(log)
        let answer = EntryAnswer(found, fields: try names.fields(found, in: log))
        if try RowWriter.prints(answer, json: json, format) { return }
        var list = Listing()
        for field in answer.head + answer.fields {
            list.add(field.name, field.value.text(isFull: true))
        }
        list.print()
    }
}
