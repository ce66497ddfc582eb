// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a validator has its reputation: from 1,000 points at joining, or the bound that clamped it
/// last, to today.
struct ReputationReason {
    private typealias Step = ReputationHistory.Step

    private let way: ReputationHistory.Way
    private var chain = CausalChain(.reputation)
    private var steps: [Step] { way.steps }

    /// - Parameters:
    ///   - name: What people call the validator.
    ///   - entry: The last entry that counts; that of the log where it is nil.
    static func explain(
        _ name: String, _ source: WhySource, to entry: UInt64? = nil
    ) throws(WhyError) -> Explanation {
        let (history, way) = try WhyFold.reading { () throws(ReplayError) in
            let history =
                if entry == nil, let placed = placed(name, source) {
                    placed
                } else {
                    try ReputationHistory(of: name, in: source.log, to: entry)
                }
            return (history, try history.way())
        }
        guard let way, let index = history.meant.first else { throw .notFound }
        guard history.meant.count == 1 else {
            throw .ambiguous(history.meant.map { history.names.name(of: $0) })
        }
        var result = ReputationReason(way).explanation(of: index, source.path)
        result.names = history.names
        return result
    }

    /// What is read since a bound clamped it last; nil where the index does not say where that is,
    /// or the log does not bear it out.
    private static func placed(_ name: String, _ source: WhySource) -> ReputationHistory? {
        guard let places = source.index?.reputation(of: name) else { return nil }
        do throws(PlacesError) {
            return try ReputationHistory(of: name, at: places, in: source.log)
        } catch { return nil }
    }

    private static let causes: [(cause: ReputationCause, words: String)] = [
        (.correct, "votes or results that match the outcome"),
        (.bonus, "those of them that were counted at the decision"),
        (.incorrect, "votes or results that contradict the outcome"),
        (.missed, "votes or results that never came"),
        (.equivocation, "contradictions of its own"),
    ]

    /// What the links are called: made once, for there are thousands of them.
    private static let labels = Dictionary(
        uniqueKeysWithValues: causes.map { known in
            (known.cause, "\(Words.points(known.cause.points)) points: \(known.cause)")
        })

    private init(_ way: ReputationHistory.Way) {
        self.way = way
        let start = UTC.points(way.start)
        let label = isClamped ? "reaches a bound: \(start) points" : "joins with \(start) points"
        chain.add(way.origin, label, .origin(way.start))
        for step in way.steps { link(step) }
    }

    /// Whether a bound clamped it, so that what was before does not count.
    private var isClamped: Bool { way.origin != way.joined }

    private mutating func link(_ step: Step) {
        let causes = [chain.links.count - 1]
        guard let cause = step.cause else {
            chain.add(step.entry, "a day's decay", .decay(step.parameters), causes: causes)
            return
        }
        chain.add(
            step.entry, Self.labels[cause] ?? "",
            .change(points: cause.points, step.parameters), causes: causes)
    }

    private func explanation(of index: ValidatorIndex, _ path: String) -> Explanation {
        var result = Explanation("reputation of \(way.name)", .reputation)
        result.chain = chain
        result.stated = "\(UTC.points(way.reputation)) points"
        result.say(
            "\(way.name) (number \(index.rawValue)) joined with 1000.000 points.",
            rule: "every validator joins with 1,000 points", amount: "1000.000",
            entry: way.joined)
        if isClamped {
            let start = UTC.points(way.start)
            result.say(
                "A bound clamped it last at entry \(way.origin), to \(start) points; what was"
                    + " before no longer counts.",
                rule: "within the bounds of the parameters", amount: start, entry: way.origin)
        }
        tellCauses(&result)
        tellMonths(&result)
        if !way.isMember {
            result.say("It has left, and its reputation stands still outside its rounds.")
        }
        result.say(
            "It has \(UTC.points(way.reputation)) points, after"
                + " \(Words.count(steps.count, "change"))\(isClamped ? " since" : "").",
            amount: UTC.points(way.reputation), entry: steps.last?.entry ?? way.origin)
        result.proof = "recount audit \(path)"
        return result
    }

    private func tellCauses(_ result: inout Explanation) {
        for (cause, words) in Self.causes {
            let those = steps.filter { $0.cause == cause }
            guard !those.isEmpty else { continue }
            result.say(
                "\(Words.count(those.count, "time")) \(Words.points(cause.points)) points, for"
                    + " \(words): \(Self.moved(those)) in all, last at entry"
                    + " \(those[those.count - 1].entry).",
                rule: "\(cause): \(Words.points(cause.points))", amount: Self.moved(those),
                entry: those.count == 1 ? those[0].entry : nil)
        }
        let days = steps.filter { $0.cause == nil }
        guard !days.isEmpty else { return }
        result.say(
            "\(Words.count(days.count, "day")) of decay took \(Self.moved(days)).",
            rule: "floor(r * 9990 / 10000) each UTC day", amount: Self.moved(days),
            entry: days.count == 1 ? days[0].entry : nil)
    }

    /// What each of the last days brought, where there is more than one.
    private func tellMonths(_ result: inout Explanation) {
        var spans: [(day: UInt64, from: Reputation, to: Reputation)] = []
        for step in steps {
            if let last = spans.last, last.day == step.time.day {
                spans[spans.count - 1].to = step.after
            } else {
                spans.append((step.time.day, step.before, step.after))
            }
        }
        guard spans.count > 1 else { return }
        let shown = spans.suffix(3).map { span in
            "\(UTC.text(Time(span.day * 86_400_000)).prefix(10)) from \(UTC.points(span.from)) to"
                + " \(UTC.points(span.to))"
        }
        result.say("Of the last days with changes: \(Words.list(shown)).")
    }

    private static func moved(_ steps: [Step]) -> String {
        let sum = steps.reduce(Int64(0)) { sum, step in
            sum + Int64(step.after.rawValue) - Int64(step.before.rawValue)
        }
        return (sum < 0 ? "-" : "+") + UTC.points(Reputation(sum.magnitude))
    }
}
