// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BN254
import Cryptography
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

    private struct Result: Encodable {
        var nullifier: String
        var decimal: String?
        var condition: String
        var claims: [NullifierView.Claim]
    }

    mutating func run() throws {
        let opened = try OpenedViews(place.ledger)
        let name = Self.digits(nullifier)
        let row = try opened.find(
            "nullifier", nullifier,
            hint: "recount log \(place.ledger) --kind requestSubmitted shows those that requests"
                + " name"
        ) { views throws(ViewError) -> NullifierView in
            guard let row = try views.nullifier(try views.nullifier(called: name)) else {
                throw .notFound
            }
            return row
        }
        let decimal = [UInt8](hex: row.nullifier).flatMap { Fr(littleEndian: $0)?.decimal }
        if json {
            return try Output.json(
                Result(
                    nullifier: row.nullifier, decimal: decimal, condition: row.condition,
                    claims: row.claims))
        }
        Output.line(Output.strong("Nullifier \(row.nullifier)"))
        var list = Listing()
        if let decimal { list.add("decimal", decimal) }
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

    /// The digits of a nullifier that is given as a decimal number: too long to be meant as
    /// hexadecimal, or no 64 digits.
    private static func digits(_ text: String) -> String {
        guard text.utf8.count > 20, text.utf8.count != 64 || text.allSatisfy(\.isNumber),
            let value = Fr(decimal: text)
        else { return text }
        return value.littleEndianBytes.hex
    }
}
