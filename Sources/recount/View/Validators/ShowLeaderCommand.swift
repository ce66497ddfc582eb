// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Projections

/// `recount show leader`.
struct ShowLeaderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leader",
        abstract: "Show who leads a batch or request, and how the ranking came about.",
        discussion: """
            Ranks the candidates again by hash times weight. A number is the height of a
            batch; anything else, or with --request a number too, names a request by its
            entry or the first digits of its identity. Without a name it is the batch that
            comes next: who may propose it, in rank.

              recount show leader home
              recount show leader home 12
              recount show leader home 3f9a
              recount show leader home --request 105 --json
              recount show leader --node http://127.0.0.1:5100 3f9a

            "chance" is how likely the weight was to come first, before the hashes were
            known.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The height of a batch, or the first digits of a request's identity.",
        completion: Completions.led)
    var id: String?

    @Option(
        help: ArgumentHelp(
            "The entry of a request, or the first digits of its identity.", valueName: "id"),
        completion: Completions.requests)
    var request: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws {
        id = try place.check(id, "id", isOptional: true)
        if id != nil, request != nil { throw ValidationError("name one thing, not two") }
    }

    mutating func run() throws {
        let ranking = try ranking()
        if try RowWriter.prints(ranking, json: json, format) { return }
        Self.show(ranking)
    }

    private func ranking() throws(Failure) -> RankingAnswer {
        let name = request ?? id
        let isRequest = request != nil || (id.map { UInt64($0) == nil } ?? false)
        let kind = isRequest ? "request" : "batch"
        let hint =
            "recount leaders lists what was led"
            + (isRequest ? "" : "; --request names a request by its entry")
        switch try place.source() {
        case .node(let node):
            return try node.find(
                RankingAnswer.self, kind, name ?? "next", hint: hint,
                [isRequest ? "requests" : "batches", name ?? "next", "leader"])
        case .ledger(let path):
            return try OpenedViews(path).find(kind, name ?? "next", hint: hint) {
                views throws(ViewError) in
                try RankingAnswer(name, isRequest: isRequest, views)
            }
        }
    }

    private static func show(_ ranking: RankingAnswer) {
        let title: String
        if let id = ranking.requestID {
            title = "Request \(id)"
        } else {
            title = "Batch \(ranking.batch ?? 0)" + (ranking.isNext ? ", which comes next" : "")
        }
        Output.line(Output.strong(title))
        var list = Listing()
        if let request = ranking.request { list.add("entry", "\(request)") }
        if let leader = ranking.leader {
            list.add(
                ranking.batch == nil ? "leader" : "proposer",
                Text.validator(leader, ranking.leaderName))
        }
        if let passed = ranking.passedOver {
            list.add("passed over", passed == 0 ? "nobody" : "\(passed) in rank")
        }
        list.print()
        var table = Table(fitting: [
            ("rank", .right, .kept), ("validator", .right, .kept), ("name", .left, .name(0)),
            ("key", .left, .idDropped(3)),
            ("stake", .right, .dropped(2)), ("reputation", .right, .dropped(1)),
            ("weight", .right, .kept), ("chance", .right, .kept), ("", .left, .kept),
        ])
        for row in ranking.ranking {
            let isLeader = row.validator == ranking.leader
            table.add(
                styled: [
                    "\(row.rank)", "\(row.validator)", row.name ?? "", Text.short(row.key),
                    "\(row.stake)",
                    Text.points(row.reputation), Text.percent(row.weightShare),
                    Text.percent(row.chance),
                    isLeader ? "led" : row.rank == 0 && ranking.isNext ? "leads round 0" : "",
                ].map { ($0, isLeader ? .strong : .plain) })
        }
        table.print()
        if ranking.ranking.isEmpty { Output.line("  nobody is a candidate") }
    }
}
