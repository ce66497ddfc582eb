// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import Projections

/// What `requests`, `validators`, `leaders`, `job list` and `show` print, as the same JSON.
extension Routes {
    /// Lists, the newest last.
    static func addLists(to router: inout Router, _ desk: NodeDesk) {
        router.get("requests") { request in
            let query = try Query(
                request, known: ["outcome", "from", "to", "at", "limit", "count"])
            let outcome = try query.word("outcome", RequestFilter.outcomes)
            let at = try query.number("at")
            let (range, limit) = (try query.range(), try query.limit(desk.limits))
            let isCounted = try query.isCounted()
            let page = try await desk.ask(isWide: isCounted) {
                views throws(ViewError) -> RequestsPage in
                guard let range = try range.entries(views) else { return RequestsPage() }
                var page = RequestsPage()
                let filter = RequestFilter(
                    outcome: outcome, range: range, limit: limit, at: try moment(at, views))
                if isCounted { page.count = try views.requestCount(filter) }
                try views.forEachRequest(filter) { page.requests.append($0) }
                page.older = older(page.requests.map(\.entry), range, limit)
                return page
            }
            return try .json(page)
        }
        router.get("jobs") { request in
            let query = try Query(request, known: ["decision", "from", "to", "limit", "count"])
            let decision = try query.word("decision", JobFilter.decisions)
            let (range, limit) = (try query.range(), try query.limit(desk.limits))
            let isCounted = try query.isCounted()
            let page = try await desk.ask(isWide: isCounted) {
                views throws(ViewError) -> JobsPage in
                guard let range = try range.entries(views) else { return JobsPage() }
                var page = JobsPage()
                let filter = JobFilter(decision: decision, range: range, limit: limit)
                if isCounted { page.count = try views.jobCount(filter) }
                try views.forEachJob(filter) { page.jobs.append($0) }
                page.older = older(page.jobs.map(\.entry), range, limit)
                return page
            }
            return try .json(page)
        }
        router.get("rounds") { request in
            let query = try Query(request, known: ["from", "to", "limit"])
            let (range, limit) = (try query.range(), try query.limit(desk.limits))
            let page = try await desk.ask { views throws(ViewError) -> RoundsPage in
                guard let range = try range.entries(views) else { return RoundsPage() }
                var page = RoundsPage()
                page.rounds = try views.rounds(range, newest: limit)
                page.older = older(page.rounds.map(\.request), range, limit)
                return page
            }
            return try .json(page)
        }
        router.get("validators") { request in
            let query = try Query(request, known: ["from", "to", "at"])
            let (range, at) = (try query.range(), try query.number("at"))
            let rows = try await desk.ask(isWide: true) { views throws(ViewError) in
                let entries = try range.entries(views) ?? EntryRange(from: .max, to: 0)
                return ValidatorsAnswer(
                    validators: try views.validators(entries, at: try moment(at, views)))
            }
            return try .json(rows)
        }
        router.get("reputations") { request in
            let query = try Query(request, known: ["at", "axis", "points"])
            let at = try query.number("at")
            let axis =
                try query.word("axis", SampleAxis.allCases.map(\.rawValue))
                .flatMap { SampleAxis(rawValue: $0) } ?? .time
            let points = try query.number("points", 2...pointsMax) ?? 60
            let answer = try await desk.ask { views throws(ViewError) in
                _ = try moment(at, views)
                let validators = try views.parties().map(\.validator)
                return ReputationsAnswer(
                    series: try views.reputationSeries(
                        validators, axis, count: Int(points), to: at))
            }
            return try .json(answer)
        }
        router.get("leaders") { request in
            let query = try Query(request, known: ["only", "history", "from", "to"])
            let kinds =
                try query.word("only", LeadingKind.allCases.map(\.rawValue))
                .flatMap { LeadingKind(rawValue: $0) }.map { [$0] } ?? LeadingKind.allCases
            let newest = try query.number("history", 0...desk.limits.rowsMax) ?? 10
            let range = try query.range()
            let answer = try await desk.ask(isWide: true) { views throws(ViewError) in
                try LeadersAnswer(kinds, range, newest: newest, views)
            }
            return try .json(answer)
        }
    }

    /// Points of a line of reputations.
    private static let pointsMax: UInt64 = 200

    private struct ReputationsAnswer: Encodable, Sendable {
        var series: [ReputationSeries]
    }

    /// The last entry of the batch of this height; nil for none given.
    private static func moment(
        _ height: UInt64?, _ views: LedgerViews
    ) throws(ViewError) -> UInt64? {
        guard let height else { return nil }
        guard let sealed = try views.sealed(height) else { throw .notFound }
        return sealed
    }

    /// What `to` is for the page before; nil where the rows are all that pass.
    static func older(_ entries: [UInt64], _ range: EntryRange, _ limit: UInt64) -> UInt64? {
        guard UInt64(entries.count) == limit, let first = entries.first, first > range.from else {
            return nil
        }
        return first - 1
    }

    /// One thing in full.
    static func addThings(to router: inout Router, _ desk: NodeDesk) {
        func thing<Value: Encodable & Sendable>(
            _ path: String, isWide: Bool = false,
            _ question: @escaping @Sendable (String, LedgerViews) throws(ViewError) -> Value?
        ) {
            router.get(path) { request in
                _ = try Query(request, known: [])
                let name = request.parameter("id")
                let found = try await desk.ask(isWide: isWide) { views throws(ViewError) in
                    try question(name, views)
                }
                guard let found else { throw APIError.notFound("nothing is called so") }
                return try .json(found)
            }
        }
        thing("jobs/:id") { name, views throws(ViewError) in
            try views.job(at: try views.job(called: name))
        }
        thing("validators/:id", isWide: true) { name, views throws(ViewError) in
            try views.history(ofValidator: try views.validator(called: name))
        }
        thing("nullifiers/:id") { name, views throws(ViewError) in
            try NullifierAnswer(name, views)
        }
        thing("batches/:id") { name, views throws(ViewError) in
            guard let height = name == "last" ? try views.lastHeight() : UInt64(plain: name)
            else {
                throw .notAName
            }
            return try views.batch(height)
        }
        thing("batches/:id/leader") { name, views throws(ViewError) in
            guard name == "next" || UInt64(plain: name) != nil else { throw .notAName }
            return try RankingAnswer(name == "next" ? nil : name, isRequest: false, views)
        }
        thing("requests/:id/leader") { name, views throws(ViewError) in
            try RankingAnswer(name, isRequest: true, views)
        }
        router.get("validators/:id/reputation") { request in
            let limit = try Query(request, known: ["limit"]).limit(desk.limits)
            let name = request.parameter("id")
            let answer = try await desk.ask(isWide: true) { views throws(ViewError) in
                try ReputationAnswer(name, newest: limit, views)
            }
            return try .json(answer)
        }
    }
}

extension Query {
    /// The range that `from` and `to` name, by entries or times.
    func range() throws -> LogRange {
        let range = LogRange(from: try place("from"), to: try place("to"))
        if range.isReversed { throw APIError.wrong("to", "it is before from") }
        return range
    }

    /// A place in the log, an entry or a time.
    func place(_ key: String) throws -> LogPlace? {
        guard let text = text(key) else { return nil }
        guard text.utf8.count <= 40, let place = LogPlace(text) else {
            throw APIError.wrong(key, "\(LogPlace.help) is wanted")
        }
        return place
    }

    /// Whether all that pass are to be counted, which costs as much as there are.
    func isCounted() throws -> Bool { try word("count", ["yes", "no"]) == "yes" }

    /// How many rows are wanted.
    func limit(_ limits: APILimits) throws -> UInt64 {
        try number("limit", 1...limits.rowsMax) ?? limits.rowsUnlessTold
    }
}
