// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger

/// One pass over the entries: the fold runs ahead, and a pool checks behind it.
struct EntryPass {
    private let log: EventLog
    private let options: AuditOptions
    private let collector: Collector
    private var fold: Rederivation
    /// The entry that cannot be read, which ends the pass.
    private var undecodable: Finding?

    init(_ log: EventLog, _ options: AuditOptions, _ recomputer: Recomputer?) {
        self.log = log
        self.options = options
        collector = Collector(options, recomputer)
        fold = Rederivation(log)
    }

    /// Looks at every entry, and returns the state that they come to.
    mutating func run(
        into report: inout AuditReport, _ progress: (AuditProgress) -> Void
    ) throws(LogError) -> LedgerState {
        let watch = Stopwatch()
        let total = log.size
        var reader = EntryReader(log)
        var next = try read(&reader)
        var nextForms = next.map { ProofForms(of: $0, options) }
        while let batch = next, let forms = nextForms, fold.stop == nil {
            next = try read(&reader)
            nextForms = next.map { ProofForms(of: $0, options) }
            try fold.take(
                batch, forms: forms.finish(), isCut: next == nil && undecodable != nil,
                willApply: collector.look)
            progress(
                AuditProgress(
                    phase: .entries, done: collector.counts.entries, total: total,
                    seconds: watch.seconds))
        }
        finish(&report, progress)
        return fold.state
    }

    /// Returns the next batch; an entry that cannot be read is a finding and ends the log.
    private mutating func read(_ reader: inout EntryReader) throws(LogError) -> [LoggedEntry]? {
        do throws(ReadingError) {
            return try reader.batch()
        } catch {
            switch error {
            case .log(let error): throw error
            case .undecodable(let entry, let reason):
                undecodable = Finding(
                    entry: entry, kind: .undecodable, expected: "the encoding of an event",
                    found: describe(reason))
                return nil
            }
        }
    }

    private func finish(_ report: inout AuditReport, _ progress: (AuditProgress) -> Void) {
        let state = fold.state
        let watch = Stopwatch()
        let results = collector.finish(
            named: { index in
                (state.name(of: index), state.validator(index)?.key.hex ?? "")
            },
            progress: { done, total in
                progress(
                    AuditProgress(phase: .jobs, done: done, total: total, seconds: watch.seconds))
            })
        var derivation = fold.findings + [fold.stop, undecodable].compactMap { $0 }
        if log.size == 0 {
            derivation.append(
                Finding(
                    entry: 0, kind: .missing, expected: "ledgerOpened", found: "an empty log"))
        }
        report.findings += derivation + results.proofs + results.signatures + results.jobs.findings
        report.contradictions = results.contradictions
        report.resultContradictions = results.jobs.contradictions
        report.notRecomputed = results.jobs.unjudged
        report.counts = collector.counts
        report.counts.derived = fold.derived
        report.ledgerID = state.size > 0 ? state.ledger.hex : ""
        report.name = state.name
        report.height = state.height.rawValue
        report.time = state.time.rawValue
        report.stateRoot = collector.stateRoot
        addResults(&report, derivation, results)
    }

    private func addResults(
        _ report: inout AuditReport, _ derivation: [Finding], _ results: Collector.Results
    ) {
        let isWhole = collector.counts.entries == log.size
        func result(_ isAsked: Bool, _ findings: [Finding]) -> CheckResult {
            guard isAsked else { return .skipped }
            guard findings.isEmpty else { return .failed }
            return isWhole ? .passed : .incomplete
        }
        report.checks.derivation = result(true, derivation)
        report.checks.signatures = result(options.checkSignatures, results.signatures)
        report.checks.proofs = result(options.verifyProofs, results.proofs)
        report.checks.recomputation = result(options.recompute != nil, results.jobs.findings)
        if report.checks.recomputation == .passed, !results.jobs.unjudged.isEmpty {
            report.checks.recomputation = .incomplete
        }
        report.addNotes(on: collector.docket)
        if let first = derivation.map(\.entry).min(), isWhole, log.size > 0 {
            report.notes.append(
                "Nothing was derived again after entry \(first), the first difference. Signatures"
                    + " and proofs were checked to the end.")
        }
        if !isWhole {
            report.notes.append(
                "Nothing was looked at after the first \(collector.counts.entries) entries: the"
                    + " next cannot be read, or cannot follow them.")
        }
    }
}

extension AuditReport {
    /// Says which jobs there was nothing to run again for.
    fileprivate mutating func addNotes(on docket: JobDocket) {
        if docket.open > 0 {
            notes.append(
                "Not decided at the end of the log, and so not run again: \(docket.open) of"
                    + " \(counts.jobs) jobs.")
        }
        if docket.withoutResult > 0 {
            notes.append(
                "Decided without a single signed result, and so not run again:"
                    + " \(docket.withoutResult) of \(counts.jobs) jobs.")
        }
    }
}
