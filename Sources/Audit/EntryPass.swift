// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger

/// One pass over the log: workers read, check and decode ahead, the fold follows, and a pool checks
/// behind it.
struct EntryPass {
    private let log: any SweptLog
    private let options: AuditOptions
    private let collector: Collector
    private var source: BatchSource
    private var fold: Rederivation
    /// The entry that cannot be read, which ends the pass.
    private var undecodable: Finding?
    /// The first entry; those before it came to the state with which the pass starts.
    private let start: UInt64
    /// Where the pass ends: at the first end of a batch from there on.
    private let stop: UInt64
    /// Of a whole log, which is verified on the way.
    init(_ log: EventLog, _ options: AuditOptions, _ recomputer: Recomputer?) throws(LogError) {
        let source = try BatchSource(
            log, options, from: 0, to: .max, tree: options.checkTree ? PieceTree() : nil,
            verifying: log)
        self.init(log, options, recomputer, source, from: LedgerState(), to: .max)
    }

    /// Of the part behind those entries that came to `state`, up to the first end of a batch from
    /// `stop` on.
    init(
        _ log: any SweptLog, _ options: AuditOptions, _ recomputer: Recomputer?,
        from state: LedgerState, to stop: UInt64
    ) throws(LogError) {
        var tree: PieceTree?
        if options.checkTree {
            let frontier = MerkleFrontier(
                count: state.size, subtrees: try log.subtrees(at: state.size))
            tree = frontier.map(PieceTree.init)
        }
        let source = try BatchSource(
            log, options, from: state.size, to: stop, tree: tree, verifying: nil)
        self.init(log, options, recomputer, source, from: state, to: stop)
    }

    private init(
        _ log: any SweptLog, _ options: AuditOptions, _ recomputer: Recomputer?,
        _ source: BatchSource, from state: LedgerState, to stop: UInt64
    ) {
        self.log = log
        self.options = options
        self.source = source
        self.stop = stop
        start = state.size
        collector = Collector(options, recomputer)
        collector.start(from: state)
        fold = Rederivation(log, source.tree, from: state, derives: options.derives)
    }

    /// Whether every entry up to the end was looked at.
    var isWhole: Bool {
        collector.counts.entries == (fold.state.size >= stop ? fold.state.size : log.size) - start
    }

    /// What of the log's tree the entries that were looked at give by themselves; nil where the
    /// tree is not computed.
    var range: MerkleRange? { source.tree.computed?.range }

    /// Ends the reading.
    func end() { source.stop() }

    /// Verifies what of the whole log was not looked at, and returns what it was found to be.
    mutating func verifyRest() throws(LogError) -> LogVerification? { try source.finish() }

    /// Compares the tree of the entries with that of the log.
    func checkTree(into report: inout AuditReport) throws(LogError) {
        guard let tree = source.tree.computed, tree.count <= log.size else { return }
        let kept = try log.root(at: tree.count)
        guard kept != tree.root else { return }
        report.checks.log = .failed
        report.findings.append(
            Finding(
                entry: start, kind: .damage,
                expected: "root \(kept.hex) of \(tree.count) entries, as the log has it",
                found: "root \(tree.root.hex), computed from the entries"))
    }

    /// Looks at every entry, and returns the state that they come to.
    mutating func run(
        into report: inout AuditReport, _ progress: (AuditProgress) -> Void
    ) throws(LogError) -> LedgerState {
        let watch = Stopwatch()
        let total = min(log.size, stop) - start
        var next = try read()
        var nextForms = next.map { ProofForms(of: $0, options) }
        while let batch = next, let forms = nextForms, fold.stop == nil {
            // Proofs of a batch that another pass looks at are not looked at here.
            let isLast = (batch.last?.index ?? 0) + 1 >= stop
            next = isLast ? nil : try read()
            nextForms = next.map { ProofForms(of: $0, options) }
            try fold.rederive(
                batch, forms: forms.finish(), isCut: next == nil && undecodable != nil,
                willApply: collector.look)
            source.tree.advance(to: (batch.last?.index ?? 0) + 1)
            progress(
                AuditProgress(
                    phase: .entries, done: collector.counts.entries, total: total,
                    seconds: watch.seconds))
        }
        finish(&report, progress)
        return fold.state
    }

    /// Returns the next batch; an entry that cannot be read is a finding and ends the log.
    private mutating func read() throws(LogError) -> ArraySlice<LoggedEntry>? {
        do throws(ReadingError) {
            return try source.next()
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
                    entry: 0, kind: .missing, expected: EventType.ledgerOpened.jsonName,
                    found: "an empty log"))
        }
        report.findings +=
            derivation + results.proofs.filter(isOfRange) + results.signatures
            + results.jobs.findings.filter(isOfRange)
        report.contradictions = results.contradictions
        report.resultContradictions = results.jobs.contradictions.filter {
            $0.entry >= start || !collector.docket.decidedBefore.contains($0.job)
        }
        report.notRecomputed = results.jobs.unjudged
        collector.watch.finish(&report)
        report.counts = collector.counts
        report.counts.derived = fold.derived
        report.ledgerID = state.size > 0 ? state.ledger.hex : ""
        report.name = state.name
        report.height = state.height.rawValue
        report.time = state.time.rawValue
        report.stateRoot = collector.stateRoot
        addResults(&report, derivation, results)
    }

    /// Whether a finding belongs to this part of the log, and not to the one before.
    ///
    /// That a true proof was rejected by too many shows only at the close.
    private func isOfRange(_ finding: Finding) -> Bool {
        finding.entry >= start || finding.kind == .rejectedTrueProof
    }

    private func addResults(
        _ report: inout AuditReport, _ derivation: [Finding], _ results: Collector.Results
    ) {
        let isWhole = isWhole
        func result(_ isAsked: Bool, _ findings: [Finding]) -> CheckResult {
            guard isAsked else { return .skipped }
            guard findings.isEmpty else { return .failed }
            return isWhole ? .passed : .incomplete
        }
        report.checks.derivation =
            derivation.isEmpty ? result(options.derives, derivation) : .failed
        report.checks.signatures = result(options.checkSignatures, results.signatures)
        report.checks.proofs = result(options.verifyProofs, results.proofs)
        report.checks.recomputation = result(options.recompute != nil, results.jobs.findings)
        if report.checks.recomputation == .passed, !results.jobs.unjudged.isEmpty {
            report.checks.recomputation = .incomplete
        }
        report.addNotes(on: collector.docket)
        if let first = derivation.map(\.entry).min(), isWhole, log.size > 0, options.derives {
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
