// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a validator has its reputation: from 1,000 points at joining to today.
struct ReputationReason {
    /// A change of the reputation, or a day's decay.
    private struct Step {
        let entry: UInt64
        let cause: ReputationCause?
        let before: Reputation
        let after: Reputation
        let day: UInt64
    }

    private let key: PublicKey
    private var steps: [Step] = []
    private var joined: UInt64?
    private var last: Reputation?
    private var chain = CausalChain(.reputation)

    /// - Parameters:
    ///   - name: What people call the validator.
    ///   - entry: The last entry that counts; that of the log where it is nil.
    static func explain(
        _ name: String, _ source: WhySource, to entry: UInt64? = nil
    ) throws(WhyError) -> Explanation {
        var reasons: [(index: ValidatorIndex, reason: ReputationReason)] = []
        let end = try WhyFold.run(source.log, to: entry) { entry, state in
            switch entry.event {
            case .ledgerOpened, .governanceApproved:
                // Who joins later may be called so too.
                for index in meant(name, state) where !reasons.contains(where: { $0.0 == index }) {
                    let key = state.validators[Int(index.rawValue)].key
                    reasons.append((index, ReputationReason(key: key)))
                }
            default: break
            }
            for place in reasons.indices {
                reasons[place].reason.take(entry, state, reasons[place].index)
            }
        }
        let found = meant(name, end)
        guard let index = found.first else { throw .notFound }
        guard found.count == 1, let one = reasons.first(where: { $0.index == index }) else {
            throw .ambiguous(found.map { end.validators[Int($0.rawValue)].name })
        }
        var result = one.reason.explanation(
            of: end.validators[Int(index.rawValue)], index, source.path)
        result.names = LedgerNames(end)
        return result
    }

    /// Those who are called so: by name or number, or else by the first digits of their keys.
    private static func meant(_ name: String, _ state: LedgerState) -> [ValidatorIndex] {
        if let index = LedgerNames(state).validator(name) { return [index] }
        guard !name.isEmpty else { return [] }
        return state.validators.indices.filter {
            state.validators[$0].key.hex.hasPrefix(name.lowercased())
        }.map { ValidatorIndex(UInt16($0)) }
    }

    private init(key: PublicKey) { self.key = key }

    private mutating func take(
        _ entry: LoggedEntry, _ state: LedgerState, _ index: ValidatorIndex
    ) {
        guard let validator = state.validator(index) else { return }
        defer { last = validator.reputation }
        guard let before = last else {
            joined = entry.index
            chain.add(
                entry.index, "joins with \(UTC.points(validator.reputation)) points",
                .origin(validator.reputation))
            return
        }
        switch entry.event {
        case .reputationChanged(let changed) where changed.validator == index:
            add(entry.index, changed.cause, before, validator.reputation, state)
        case .reputationDecayed where validator.isMember:
            add(entry.index, nil, before, validator.reputation, state)
        default: return
        }
    }

    /// Adds a step; where a bound clamped it, nothing before it counts any more.
    private mutating func add(
        _ entry: UInt64, _ cause: ReputationCause?, _ before: Reputation, _ after: Reputation,
        _ state: LedgerState
    ) {
        steps.append(
            Step(entry: entry, cause: cause, before: before, after: after, day: state.time.day))
        let free =
            cause.map { Int64(before.rawValue) + $0.points * 1_000 }
            ?? Int64(before.rawValue * 9_990 / 10_000)
        let causes = chain.links.isEmpty ? [] : [chain.links.count - 1]
        guard free == Int64(after.rawValue) else {
            chain.clear()
            chain.add(
                entry, "reaches a bound: \(UTC.points(after)) points", .origin(after))
            return
        }
        guard let cause else {
            chain.add(entry, "a day's decay", .decay(state.parameters), causes: causes)
            return
        }
        chain.add(
            entry, "\(Words.points(cause.points)) points: \(cause)",
            .change(points: cause.points, state.parameters), causes: causes)
    }

    private func explanation(
        of validator: Validator, _ index: ValidatorIndex, _ path: String
    ) -> Explanation {
        var result = Explanation("reputation of \(validator.name)", .reputation)
        result.chain = chain
        result.stated = "\(UTC.points(validator.reputation)) points"
        result.say(
            "\(validator.name) (number \(index.rawValue)) joined with 1000.000 points.",
            rule: "every validator joins with 1,000 points", amount: "1000.000", entry: joined)
        tellCauses(&result)
        tellMonths(&result)
        if case .origin? = chain.links.first?.fact, chain.links.first?.entry != joined {
            result.say(
                "A bound clamped it last at entry \(chain.links.first?.entry ?? 0); what was before"
                    + " no longer counts.", rule: "within the bounds of the parameters",
                entry: chain.links.first?.entry)
        }
        if !validator.isMember {
            result.say("It has left, and its reputation stands still outside its rounds.")
        }
        result.say(
            "It has \(UTC.points(validator.reputation)) points, after"
                + " \(Words.count(steps.count, "change")).",
            amount: UTC.points(validator.reputation), entry: steps.last?.entry)
        result.proof = "recount audit \(path)"
        return result
    }

    private func tellCauses(_ result: inout Explanation) {
        let causes: [(ReputationCause, String)] = [
            (.correct, "votes or results that match the outcome"),
            (.bonus, "those of them that were counted at the decision"),
            (.incorrect, "votes or results that contradict the outcome"),
            (.missed, "votes or results that never came"),
            (.equivocation, "contradictions of its own"),
        ]
        for (cause, words) in causes {
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
            if let last = spans.last, last.day == step.day {
                spans[spans.count - 1].to = step.after
            } else {
                spans.append((step.day, step.before, step.after))
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
