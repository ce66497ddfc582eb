// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger
import Node

/// `recount show request`.
struct ShowRequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Show what became of a request: votes, decision, settlement, reputations.",
        discussion: """
            The request is named by the first digits of its identity, or by its entry.
            Every line names the entry that says so.

              recount show request home 3f9a
              recount show request home 2 --json

            The JSON object holds the request (request_id, proof, public_inputs,
            timestamp, ...), the pinned validators, the result (request_id, outcome,
            votes, final_timestamp) once there is one, all votes, and every event about
            the request.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.", completion: .directory)
    var ledger: String

    @Argument(help: "The first digits of the identity, or the entry of the request.")
    var id: String

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let log = try openLedger(ledger)
        let history = try RequestLookup.find(id, in: log, ledger) {
            selector throws(HistoryError) in try RequestHistory.find(selector, in: log)
        }
        if json { return try Output.json(RequestAnswer(history)) }
        RequestText(history: history).print()
    }
}

/// A history as people read it.
private struct RequestText {
    let history: RequestHistory

    func print() {
        let round = history.round
        let message = history.message
        Output.line(Output.strong("Request \(round.id.hex)"))
        var list = Listing()
        list.add("entry", "\(history.entry), batch \(history.height.rawValue)")
        list.add("circuit", history.circuitName)
        list.add("amount", "\(message.amount.rawValue)")
        list.add("recipient", message.recipient.hex)
        for nullifier in message.nullifiers { list.add("nullifier", nullifier.hex) }
        list.add(
            "submitter",
            "\(round.request.submitter.rawValue), \(RequestAnswer.submitterName(history)), key"
                + " \(message.submitter.hex)")
        list.add("submitted", UTC.text(message.timestamp) + " by its own time")
        list.add(
            "leader",
            Text.validator(
                UInt64(round.opened.leader.rawValue), history.names.name(of: round.opened.leader)))
        list.add("threshold", "\(round.threshold) of \(round.pinned.members.count)")
        list.add("deadline", UTC.text(round.opened.deadline))
        list.print()
        printVotes()
        printDecision()
        printEvents()
    }

    private func printVotes() {
        Output.line()
        Output.line(Output.strong("Pinned validators and votes"))
        var table = Table(
            ("validator", .right), ("name", .left), ("key", .left), ("stake", .right),
            ("reputation", .right), ("vote", .left), ("reason", .left), ("entry", .right))
        for member in history.round.pinned.members {
            let vote = history.votes.first { $0.validator == member.index }
            table.add(
                "\(member.index.rawValue)", history.names.name(of: member.index),
                member.key.hex.prefix(16) + "…",
                "\(member.stake.rawValue)", UTC.points(member.reputation),
                vote.map { "\($0.message.vote)" } ?? "none",
                vote.map { "\($0.message.reason)" } ?? "", vote.map { "\($0.entry)" } ?? "")
        }
        table.print()
    }

    private func printDecision() {
        Output.line()
        guard let (entry, event) = history.decision else {
            return Output.line(Output.strong("Not decided yet"))
        }
        Output.line(Output.strong("Decided: \(event.outcome.jsonName)"))
        var list = Listing()
        list.add("entry", "\(entry)")
        list.add("reason", event.reason.jsonName)
        list.add(
            "tally",
            "\(event.approvals) approve, \(event.rejections) reject, \(event.abstentions) abstain;"
                + " margin \(event.margin)")
        list.add("decided by", "entry \(event.deciding.rawValue)")
        list.add("time", UTC.text(event.time))
        list.print()
    }

    private func printEvents() {
        Output.line()
        Output.line(Output.strong("What followed"))
        let lines =
            history.events.map { entry in
                (entry.index, "\(entry.event.kind) " + text(entry.event))
            }
            + history.refused.map { ($0.entry, "messageRefused \($0.refusal)") }
        for (entry, text) in lines.sorted(by: { $0.0 < $1.0 }) {
            Output.line(Output.cut("  entry \(entry)  \(text)"))
        }
        if lines.isEmpty { Output.line("  nothing yet") }
    }

    private func text(_ event: Event) -> String {
        let hidden: Set = ["request", "about", "signature", "first", "second"]
        return event.fields.filter { !hidden.contains($0.name) }
            .map { $0.named(by: history.names).text() }.joined(separator: " ")
    }
}
