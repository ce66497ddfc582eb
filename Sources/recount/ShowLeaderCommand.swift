// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

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

            "chance" is how likely the weight was to come first, before the hashes were
            known.
            """)

    @OptionGroup var place: LedgerArgument

    @Argument(help: "The height of a batch, or the first digits of a request's identity.")
    var id: String?

    @Option(
        help: ArgumentHelp(
            "The entry of a request, or the first digits of its identity.", valueName: "id"))
    var request: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if id != nil, request != nil { throw ValidationError("name one thing, not two") }
    }

    private struct Ranked: Encodable {
        var rank: Int
        var validator: UInt64
        var name: String?
        var key: String
        var stake: UInt64
        var reputation: UInt64
        var weightShare: Double
        var chance: Double
    }

    private struct Ranking: Encodable {
        var batch: UInt64?
        var request: UInt64?
        var requestID: String?
        var leader: UInt64?
        var leaderName: String?
        var passedOver: UInt64?
        var isNext: Bool
        var ranking: [Ranked]
    }

    mutating func run() throws {
        let opened = try OpenedViews(place.ledger)
        let name = request ?? id
        let isRequest = request != nil || (id.map { UInt64($0) == nil } ?? false)
        let (row, names) = try opened.find(
            isRequest ? "request" : "batch", name ?? "next",
            hint: "recount leaders lists what was led"
                + (isRequest ? "" : "; --request names a request by its entry")
        ) { views throws(ViewError) -> (RankingView, [UInt64: String]) in
            let names = try views.validatorNames()
            if isRequest, let name {
                let entry = try views.request(called: name)
                guard let row = try views.ranking(ofRequest: entry) else { throw .notFound }
                return (row, names)
            }
            var height = name.flatMap { UInt64($0) } ?? 0
            if name == nil, let last = try views.lastHeight() { height = last + 1 }
            guard let row = try views.ranking(ofBatch: height) else { throw .notFound }
            return (row, names)
        }
        let ranking = Self.ranking(row, names)
        if json { return try Output.json(ranking) }
        Self.show(ranking)
    }

    private static func ranking(_ row: RankingView, _ names: [UInt64: String]) -> Ranking {
        let weights = row.ranked.map { Double($0.weight) }
        let sum = weights.reduce(0, +)
        let chances = LeaderPrediction.probabilities(weights)
        return Ranking(
            batch: row.kind == .batches ? row.number : nil,
            request: row.kind == .requests ? row.number : nil, requestID: row.requestID,
            leader: row.led?.leader, leaderName: row.led.flatMap { names[$0.leader] },
            passedOver: row.kind == .batches ? row.led?.round : nil,
            isNext: row.led == nil,
            ranking: row.ranked.enumerated().map { rank, candidate in
                Ranked(
                    rank: rank, validator: candidate.validator,
                    name: names[candidate.validator], key: candidate.key,
                    stake: candidate.stake, reputation: candidate.reputation,
                    weightShare: sum > 0 ? weights[rank] / sum : 0, chance: chances[rank])
            })
    }

    private static func show(_ ranking: Ranking) {
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
            ("rank", .right, .kept), ("validator", .right, .kept), ("name", .left, .idDropped(0)),
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
