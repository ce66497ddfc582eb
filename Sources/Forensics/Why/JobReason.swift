// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a job was decided as it was.
struct JobReason {
    private var submitted: (entry: UInt64, event: JobSubmitted, id: JobID)?
    private var drawn: (entry: UInt64, event: JobAssigned)?
    private var results: [(entry: UInt64, event: ResultReported)] = []
    private var decided: (entry: UInt64, event: JobDecided)?
    private var reputations: [(entry: UInt64, event: ReputationChanged)] = []

    static func explain(_ name: String, _ source: WhySource) throws(WhyError) -> Explanation {
        let log = source.log
        guard let selector = RequestSelector(name, size: log.size) else { throw .notFound }
        let entry = try find(selector, name, in: log)
        var reason = JobReason()
        let state = try WhyFold.run(log) { logged, state in
            if logged.index == entry, case .jobSubmitted(let event) = logged.event,
                let id = state.jobID(at: EntryIndex(entry))
            {
                reason.submitted = (entry, event, id)
            } else {
                reason.take(logged, about: EntryIndex(entry))
            }
        }
        return try reason.explanation(LedgerNames(state), source.path)
    }

    private static func find(
        _ selector: RequestSelector, _ name: String, in log: EventLog
    ) throws(WhyError) -> UInt64 {
        var found: [(entry: UInt64, id: JobID)] = []
        try WhyFold.run(log) { logged, state in
            guard case .jobSubmitted = logged.event,
                let id = state.jobID(at: EntryIndex(logged.index))
            else { return }
            let isMeant =
                selector == .entry(logged.index) || id.hex.hasPrefix(name)
            if isMeant { found.append((logged.index, id)) }
        }
        guard let first = found.first else { throw .notFound }
        guard found.count == 1 || selector == .entry(first.entry) else {
            throw .ambiguous(found.prefix(5).map { $0.id.hex })
        }
        return first.entry
    }

    private mutating func take(_ logged: LoggedEntry, about job: EntryIndex) {
        switch logged.event {
        case .jobAssigned(let event) where event.job == job: drawn = (logged.index, event)
        case .resultReported(let event) where event.job == job:
            results.append((logged.index, event))
        case .jobDecided(let event) where event.job == job: decided = (logged.index, event)
        case .reputationChanged(let event) where event.about == job && event.cause != .equivocation:
            reputations.append((logged.index, event))
        default: return
        }
    }

    private func explanation(
        _ names: LedgerNames, _ path: String
    ) throws(WhyError) -> Explanation {
        guard let (entry, event, id) = submitted else { throw .notFound }
        var result = Explanation("job \(id.hex)", .job)
        result.names = names
        addChain(&result, names)
        result.stated = stated(event)
        result.say(
            "\(Words.submitter(event.submitter, names)) asked to run module \(event.module.hex) on"
                + " input \(event.input.hex), with fuel \(event.fuel) and \(event.memoryBytes)"
                + " bytes.",
            rule: "a listed submitter, within its quota", amount: "fuel \(event.fuel)",
            entry: entry)
        if let (entry, event) = drawn {
            result.say(
                "\(Words.list(event.validators.map { names.name(of: $0) })) were drawn to run it"
                    + " until \(UTC.text(event.deadline)).",
                rule: "the first three in rank, by the root of the batch before",
                amount: "\(event.validators.count)", entry: entry)
        }
        for (entry, event) in results {
            result.say(
                "\(names.name(of: event.validator)) reported \(event.status.kind) with output"
                    + " \(event.output.hex), fuel \(event.fuel).",
                rule: "status and output are compared, fuel is not", amount: "fuel \(event.fuel)",
                entry: entry)
        }
        tellEnd(&result, names)
        result.proof = "recount prove entry \(path) \(decided?.entry ?? entry)"
        return result
    }

    private func tellEnd(_ result: inout Explanation, _ names: LedgerNames) {
        guard let (entry, event) = decided else {
            return result.say("It is not decided yet.")
        }
        result.say(
            "It was decided by entry \(event.deciding.rawValue): \(event.decision).",
            rule: "two equal results decide; none that could be equal: disagreed",
            amount: "\(Limits.jobAgreement) of \(drawn?.event.validators.count ?? 0)", entry: entry)
        for (entry, event) in reputations {
            result.say(
                "\(Words.points(event.cause.points)) points for"
                    + " \(names.name(of: event.validator)).",
                rule: "\(event.cause)", amount: Words.points(event.cause.points), entry: entry)
        }
    }

    /// The results that were counted at the decision, or are there so far.
    private var counted: [(entry: UInt64, event: ResultReported)] {
        guard let decided else { return results }
        return results.filter { $0.entry < decided.entry }
    }

    private func addChain(_ result: inout Explanation, _ names: LedgerNames) {
        guard let (entry, event, _) = submitted else { return }
        let job = result.chain.add(
            entry, "job of module \(event.module.hex.prefix(8))…", .job(module: event.module))
        guard let (assigned, who) = drawn else { return }
        let draw = result.chain.add(
            assigned, "\(who.validators.count) are drawn", .drawn(who.validators.count),
            causes: [job])
        for (entry, event) in counted {
            result.chain.add(
                entry,
                "\(names.name(of: event.validator)): \(event.status.kind)"
                    + " \(event.output.hex.prefix(8))…",
                .result(event.status, output: event.output), causes: [draw])
        }
        guard let (_, event) = decided, event.decision == .timedOut else { return }
        result.chain.add(
            event.deciding.rawValue, "the deadline passes", .deadline, causes: [draw])
    }

    private func stated(_ job: JobSubmitted) -> String {
        guard let drawn else { return "module \(job.module.hex) not drawn" }
        let decision =
            switch decided?.event.decision {
            case .agreed:
                "agreed on \(decided?.event.status.kind ?? .abstained), output"
                    + " \(decided?.event.output.hex ?? "")"
            case .disagreed: "disagreed"
            case .timedOut: "timed out"
            case nil: "open"
            }
        return "module \(job.module.hex) \(decision): \(counted.count) of"
            + " \(drawn.event.validators.count) reported"
    }
}
