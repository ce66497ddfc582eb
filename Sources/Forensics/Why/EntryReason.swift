// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger

/// Why an entry stands in the log: what it is about is explained, up to it.
enum EntryReason {
    static func explain(_ entry: UInt64, _ source: WhySource) throws(WhyError) -> Explanation {
        guard entry < source.log.size else { throw .notFound }
        let found = try source.entry(entry)
        let height = Height(try source.height(at: entry))
        var result = try subject(of: found, height, source)
        let fields = found.event.fields.filter { $0.name != "signature" && $0.name != "proof" }
            .map { $0.named(by: result.names).text() }
        result.sentences.insert(
            Explanation.Sentence(
                text: "Entry \(entry) of batch \(height.rawValue) is \(found.event.kind):"
                    + " \(fields.joined(separator: ", ")).",
                rule: found.event.isDerived ? "derived by the rules" : "a signed input",
                amount: nil, entry: entry), at: 0)
        return result
    }

    private static func subject(
        of found: LoggedEntry, _ height: Height, _ source: WhySource
    ) throws(WhyError) -> Explanation {
        func job(_ entry: EntryIndex) throws(WhyError) -> Explanation {
            try JobReason.explain("\(entry.rawValue)", source)
        }
        switch found.event {
        case .reputationChanged(let changed):
            return try ReputationReason.explain(
                "\(changed.validator.rawValue)", source, to: found.index)
        case .requestSubmitted: return try RequestReason.explain("\(found.index)", source)
        case .jobSubmitted: return try job(EntryIndex(found.index))
        case .jobAssigned(let event): return try job(event.job)
        case .resultReported(let event): return try job(event.job)
        case .jobDecided(let event): return try job(event.job)
        case .batchOpened where height.rawValue > 0:
            return try LeaderReason.explain(height, source)
        default: break
        }
        if let about = found.event.request?.rawValue,
            case .requestSubmitted = try source.entry(about).event
        {
            return try RequestReason.explain("\(about)", source)
        }
        guard height.rawValue > 0 else { throw .notFound }
        return try BatchReason.explain(height, source)
    }
}
