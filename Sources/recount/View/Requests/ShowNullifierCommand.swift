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
              recount show nullifier --node http://127.0.0.1:5100 46f2b82e

            A nullifier is spent; else claimed, by a request that is open; else released,
            since a settlement failed for good; else free, since no request with it was
            approved. Of a ledger on the disk the answer is held against the state that its
            log comes to, and not only read from the projections.

            Exit codes: 0; 1 the projections were forged; 2 there is no such nullifier.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The first hexadecimal digits of the nullifier, or its decimal number.",
        completion: Completions.nullifiers)
    var nullifier: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws { nullifier = try place.check(nullifier, "nullifier") }

    private func row() throws(Failure) -> NullifierAnswer {
        let name = nullifier ?? ""
        let hint = "--kind requestSubmitted shows those that requests name"
        switch try place.source() {
        case .node(let node):
            return try node.find(
                NullifierAnswer.self, "nullifier", name,
                hint: "recount log --node \(node.name) \(hint)", ["nullifiers", name])
        case .ledger(let path):
            let opened = try OpenedViews(path)
            let answer = try opened.find(
                "nullifier", name, hint: "recount log \(path) \(hint)"
            ) { views throws(ViewError) in try NullifierAnswer(name, views) }
            try SpentCheck.check(answer, opened)
            return answer
        }
    }

    mutating func run() throws {
        let row = try row()
        if try RowWriter.prints(row, json: json, format) { return }
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
