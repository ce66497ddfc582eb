// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Projections

/// `recount show nullifier`.
struct ShowNullifierCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nullifier",
        abstract: "Show whether a nullifier is spent, and by which request.",
        discussion: """
            The nullifier is named by the first of its hexadecimal digits, or by the whole
            decimal number that requests and proofs write.

              recount show nullifier home 46f2b82e
              recount show nullifier home 46f2b82e --json

            A nullifier is spent; else claimed, by a request that is open; else released,
            since a settlement failed for good; else free, since no request with it was
            approved.
            """)

    @OptionGroup var place: LedgerArgument

    @Argument(help: "The first hexadecimal digits of the nullifier, or its decimal number.")
    var nullifier: String

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let opened = try OpenedViews(place.ledger)
        let row = try opened.find(
            "nullifier", nullifier,
            hint: "recount log \(place.ledger) --kind requestSubmitted shows those that requests"
                + " name"
        ) { [nullifier] views throws(ViewError) in try NullifierAnswer(nullifier, views) }
        if json { return try Output.json(row) }
        Output.line(Output.strong("Nullifier \(row.nullifier)"))
        var list = Listing()
        if let decimal = row.decimal { list.add("decimal", decimal) }
        list.add("condition", row.condition)
        list.print()
        var table = Table(fitting: [
            ("request", .right, .kept), ("id", .left, .id), ("outcome", .left, .kept),
            ("it is", .left, .kept), ("spent at", .right, .kept), ("released at", .right, .kept),
        ])
        for claim in row.claims {
            table.add(styled: [
                ("\(claim.request)", .plain), (Text.short(claim.requestID), .plain),
                (claim.outcome, Style.of(outcome: claim.outcome)), (claim.condition, .plain),
                (claim.spent.map { "entry \($0)" } ?? "", .plain),
                (claim.released.map { "entry \($0)" } ?? "", .plain),
            ])
        }
        table.print()
    }
}
