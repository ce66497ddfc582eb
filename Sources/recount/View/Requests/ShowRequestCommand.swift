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
              recount show request --node http://127.0.0.1:5100 3f9a

            The JSON object holds the request (request_id, proof, public_inputs,
            timestamp, ...), the pinned validators, the result (request_id, outcome,
            votes, final_timestamp) once there is one, all votes, and every event about
            the request.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The first digits of the identity, or the entry of the request.",
        completion: Completions.requests)
    var id: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws { id = try place.check(id, "id") }

    mutating func run() throws {
        let answer = try answer()
        if try RowWriter.prints(answer, json: json, format) { return }
        RequestText(answer: answer).print()
    }

    private func answer() throws(Failure) -> RequestAnswer {
        let id = id ?? ""
        switch try place.source() {
        case .node(let node):
            var answer = try node.find(
                RequestAnswer.self, "request", id,
                hint: RequestsCommand.hint(node.name), ["requests", id, "history"])
            // The order of the fields is told by the entries alone: JSON does not keep it.
            try node.complete(&answer.events)
            return answer
        case .ledger(let path):
            let log = try openLedger(path)
            return RequestAnswer(
                try RequestLookup.find(id, in: log, path) {
                    selector throws(HistoryError) in
                    let placed = ProjectionsIndex(of: log)?.history(
                        called: selector.name, in: log)
                    if let placed { return placed }
                    return try RequestHistory.find(selector, in: log)
                })
        }
    }
}

extension RequestAnswer {
    /// By how much the votes of the closed round decided it; nil while it is open.
    fileprivate var closingText: String? {
        guard let closingApprovals else { return nil }
        let approvals = "\(closingApprovals) approvals against the \(threshold) that approve"
        guard let spare, let result else { return approvals }
        let who = result.outcome == Outcome.approved.jsonName ? "approved" : "did not approve"
        return approvals + "; \(spare) of those who \(who) could have failed as well"
    }
}

/// A history as people read it.
private struct RequestText {
    let answer: RequestAnswer

    func print() {
        let request = answer.request
        Output.line(Output.strong("Request \(request.requestID)"))
        var list = Listing()
        list.add("entry", "\(answer.entry), batch \(answer.batch)")
        list.add("circuit", request.circuit)
        list.add("amount", "\(request.amount)")
        list.add("recipient", request.recipient)
        for nullifier in request.nullifiers {
            list.add("nullifier", RequestAnswer.hexadecimal(nullifier))
        }
        list.add(
            "submitter", "\(answer.submitter), \(request.submitterName), key \(request.submitter)")
        list.add("submitted", UTC.text(Time(request.timestamp)) + " by its own time")
        list.add("leader", Text.validator(UInt64(answer.leader), answer.leaderName))
        list.add("threshold", "\(answer.threshold) of \(answer.pinned.count)")
        list.add("deadline", UTC.text(Time(answer.deadline)))
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
        for member in answer.pinned {
            let vote = answer.votes.first { $0.validator == member.validator }
            table.add(
                "\(member.validator)", member.name, member.key.prefix(16) + "…",
                "\(member.stake)", UTC.points(Reputation(member.reputation)),
                vote?.vote.vote ?? "none", vote?.vote.reason ?? "",
                vote.map { "\($0.entry)" } ?? "")
        }
        table.print()
    }

    private func printDecision() {
        Output.line()
        guard let entry = answer.decisionEntry, let result = answer.result else {
            return Output.line(Output.strong("Not decided yet"))
        }
        Output.line(Output.strong("Decided: \(result.outcome)"))
        var list = Listing()
        list.add("entry", "\(entry)")
        list.add("reason", result.reason)
        list.add(
            "tally",
            "\(result.tally.approvals) approve, \(result.tally.rejections) reject,"
                + " \(result.tally.abstentions) abstain, at the decision")
        if let closing = answer.closingText { list.add("at the close", closing) }
        list.add("decided by", "entry \(answer.deciding ?? entry)")
        list.add("time", UTC.text(Time(result.finalTimestamp)))
        list.print()
    }

    private func printEvents() {
        Output.line()
        Output.line(Output.strong("What followed"))
        let lines =
            answer.events.map { ($0.entry, "\($0.kind) " + text($0.fields)) }
            + answer.refused.map { ($0.entry, "messageRefused \($0.refusal)") }
        for (entry, text) in lines.sorted(by: { $0.0 < $1.0 }) {
            Output.line(Output.cut("  entry \(entry)  \(text.visible)"))
        }
        if lines.isEmpty { Output.line("  nothing yet") }
    }

    private func text(_ fields: [NamedField]) -> String {
        let hidden: Set = ["request", "about", "signature", "first", "second"]
        return fields.filter { !hidden.contains($0.name) }.map { $0.text() }
            .joined(separator: " ")
    }
}
