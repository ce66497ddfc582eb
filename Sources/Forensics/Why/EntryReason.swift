// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger

/// Why an entry stands in the log: what it is about is explained, up to it.
enum EntryReason {
    static func explain(
        _ entry: UInt64, in log: EventLog, _ path: String
    ) throws(WhyError) -> Explanation {
        guard entry < log.size else { throw .notFound }
        var found: LoggedEntry?
        var height = Height(0)
        let state = try WhyFold.run(log, to: entry) { logged, state in
            guard logged.index == entry else { return }
            found = logged
            height = state.height
        }
        guard let found else { throw .notFound }
        var result = try subject(of: found, height, state, in: log, path)
        let names = LedgerNames(state)
        let fields = found.event.fields.filter { $0.name != "signature" && $0.name != "proof" }
            .map { $0.named(by: names).text() }
        result.sentences.insert(
            Explanation.Sentence(
                text: "Entry \(entry) of batch \(height.rawValue) is \(found.event.kind):"
                    + " \(fields.joined(separator: ", ")).",
                rule: found.event.isDerived ? "derived by the rules" : "a signed input",
                amount: nil, entry: entry), at: 0)
        return result
    }

    private static func subject(
        of found: LoggedEntry, _ height: Height, _ state: LedgerState, in log: EventLog,
        _ path: String
    ) throws(WhyError) -> Explanation {
        let name = { (about: EntryIndex) in "\(about.rawValue)" }
        switch found.event {
        case .reputationChanged(let changed):
            return try ReputationReason.explain(
                "\(changed.validator.rawValue)", in: log, path, to: found.index)
        case .requestSubmitted: return try RequestReason.explain("\(found.index)", in: log, path)
        case .jobSubmitted: return try JobReason.explain("\(found.index)", in: log, path)
        case .jobAssigned(let event): return try JobReason.explain(name(event.job), in: log, path)
        case .resultReported(let event):
            return try JobReason.explain(name(event.job), in: log, path)
        case .jobDecided(let event): return try JobReason.explain(name(event.job), in: log, path)
        case .batchOpened where height.rawValue > 0:
            return try LeaderReason.explain(height, in: log, path)
        default: break
        }
        if let about = found.event.request, state.requestID(at: about) != nil {
            return try RequestReason.explain(name(about), in: log, path)
        }
        guard height.rawValue > 0 else { throw .notFound }
        return try BatchReason.explain(height, in: log, path)
    }
}
