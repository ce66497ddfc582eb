// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Foundation
internal import Groth16
internal import Ledger

/// The number of cores that are there.
func defaultCores() -> Int { ProcessInfo.processInfo.activeProcessorCount }

/// Recounts a ledger: everything in it is checked without trust in whoever wrote it.
package enum Auditor {
    /// Checks a home or ledger directory and returns what was found.
    ///
    /// First every byte of every frame and the whole Merkle tree; then, in one pass over the
    /// entries, every derived event, every root, every signature and every proof. Damage is a
    /// finding. Throws where there is nothing to judge: no log, a newer format, a disk that fails.
    package static func run(
        directory path: String, options: AuditOptions = AuditOptions(),
        progress: (AuditProgress) -> Void = { _ in }
    ) throws(LogError) -> AuditReport {
        let watch = Stopwatch()
        var report = AuditReport(directory: LedgerDirectory.locate(path))
        do throws(LogError) {
            let log = try LedgerDirectory.open(path)
            report.size = log.size
            report.root = log.root.hex
            report.isClosed = log.recovery.wasClosed
            report.tornBytes = log.recovery.tornBytes
            let phase = Stopwatch()
            let total = log.size
            let verified = try log.verifyAll { done in
                progress(
                    AuditProgress(phase: .log, done: done, total: total, seconds: phase.seconds))
            }
            report.frames = verified.frames
            report.segments = UInt64(verified.segments)
            report.checks.log = .passed
            var pass = EntryPass(log, options)
            try pass.run(into: &report, progress)
        } catch {
            guard case .damaged(let file, let offset, let entry, let flaw) = error else {
                throw error
            }
            report.checks.log = .failed
            report.findings.append(
                Finding(
                    entry: entry, kind: .damage, expected: "the bytes that were committed",
                    found: "\(file), byte \(offset): \(flaw)"))
            report.notes.append(
                "The log is damaged: nothing that rests on its entries was checked.")
        }
        report.addNotes()
        report.findings.sort {
            ($0.entry, $0.kind.rawValue, $0.found) < ($1.entry, $1.kind.rawValue, $1.found)
        }
        report.seconds = watch.seconds
        report.entriesPerSecond =
            report.seconds > 0 ? Double(report.counts.entries) / report.seconds : 0
        return report
    }
}

extension AuditReport {
    fileprivate mutating func addNotes() {
        if ordering == "single" {
            notes.append(
                "This ledger is ordered singly: one proposer at a time, and no quorum, stands behind"
                    + " the order of its entries.")
        }
        if !isClosed {
            notes.append("The log was not closed in order: a node writes it, or crashed.")
        }
        if tornBytes > 0 {
            notes.append(
                "\(tornBytes) bytes of an unfinished commit at the end are no part of the ledger.")
        }
    }
}

/// One pass over the entries: the fold runs ahead, and a pool checks behind it.
private struct EntryPass {
    private let log: EventLog
    private let options: AuditOptions
    private let jury = Jury()
    private var pool: CheckPool?
    private var fold = Rederivation()
    private var keys: [CircuitIndex: PreparedVerifyingKey] = [:]
    private var signatures: [SignatureTask] = []
    private var proofs: [ProofTask] = []
    private var counts = AuditCounts()
    private var stateRoot = ""
    /// Signatures that could not even be looked at.
    private var findings: [Finding] = []

    init(_ log: EventLog, _ options: AuditOptions) {
        self.log = log
        self.options = options
    }

    mutating func run(
        into report: inout AuditReport, _ progress: (AuditProgress) -> Void
    ) throws(LogError) {
        let watch = Stopwatch()
        let total = log.size
        var reader = EntryReader(log)
        var next = try read(&reader)
        while let batch = next, fold.stop == nil {
            next = try read(&reader)
            take(batch, isCut: next == nil && !findings.isEmpty)
            progress(
                AuditProgress(
                    phase: .entries, done: counts.entries, total: total, seconds: watch.seconds))
        }
        submit()
        finish(&report)
    }

    /// Returns the next batch; an entry that cannot be read is a finding and ends the log.
    private mutating func read(_ reader: inout EntryReader) throws(LogError) -> [LoggedEntry]? {
        do throws(ReadingError) {
            return try reader.batch()
        } catch {
            switch error {
            case .log(let error): throw error
            case .undecodable(let entry, let reason):
                findings.append(
                    Finding(
                        entry: entry, kind: .undecodable, expected: "the encoding of an event",
                        found: describe(reason)))
                return nil
            }
        }
    }

    private mutating func take(_ batch: [LoggedEntry], isCut: Bool) {
        var pass = self
        // The pass is copied so that the fold can call back into the rest of it.
        var fold = pass.fold
        pass.fold = Rederivation()
        self.fold = Rederivation()
        fold.take(batch, isCut: isCut) { entry, state in pass.look(at: entry, state) }
        pass.fold = fold
        self = pass
        if signatures.count + proofs.count * CheckPool.proofWeight >= CheckPool.chunkWeight {
            submit()
        }
    }

    /// Collects what an entry asks to be checked; `state` is that before it.
    private mutating func look(at entry: LoggedEntry, _ state: LedgerState) {
        counts.count(entry.event)
        switch entry.event {
        case .ledgerOpened:
            let id = LedgerID(Digest(hashing: entry.bytes))
            pool = CheckPool(ledger: id, jury: jury, cores: options.cores)
        case .batchOpened(let opened):
            guard let opening = state.opening(of: opened) else { return unchecked(entry) }
            signatures.append(.opening(entry.index, opening))
        case .messageRefused(let refused):
            signatures.append(.message(entry.index, refused.message))
        case .batchSealed(let sealed): stateRoot = sealed.stateRoot.hex
        case let event where !event.isDerived:
            guard let message = state.message(of: event) else { return unchecked(entry) }
            signatures.append(.message(entry.index, message))
        default: break
        }
        guard options.verifyProofs else { return }
        if case .requestSubmitted(let request) = entry.event {
            prepare(request, entry.index, state)
        }
        // A round is known only after the entry; what it will be follows from the members now.
        jury.hear(
            entry.event, at: entry.index, provingRejections: provingRejections(entry.event, state))
    }

    private func provingRejections(_ event: Event, _ state: LedgerState) -> Int? {
        guard case .roundOpened(let opened) = event else { return nil }
        let count = state.members.count
        return max(count - Int(opened.threshold), (count - 1) / 3) + 1
    }

    private mutating func unchecked(_ entry: LoggedEntry) {
        findings.append(
            Finding(
                entry: entry.index, kind: .signature,
                expected: "a party, request or job that the ledger holds",
                found: "a signature that cannot be checked: \(entry.event.text)"))
    }

    private mutating func prepare(
        _ request: RequestSubmitted, _ entry: UInt64, _ state: LedgerState
    ) {
        jury.hear(.requestSubmitted(request), at: entry, provingRejections: nil)
        do throws(Groth16Error) {
            guard let key = try key(of: request.circuit, state) else {
                return jury.hear(
                    .unjudged("no circuit \(request.circuit.rawValue)"), on: entry)
            }
            proofs.append(
                ProofTask(
                    request: entry, key: key, proof: request.proof,
                    inputs: request.publicInputs.map(\.bytes)))
        } catch {
            jury.hear(.unjudged("a verifying key that cannot be read: \(error)"), on: entry)
        }
    }

    private mutating func key(
        of circuit: CircuitIndex, _ state: LedgerState
    ) throws(Groth16Error) -> PreparedVerifyingKey? {
        if let key = keys[circuit] { return key }
        guard let registered = state.circuit(circuit) else { return nil }
        let key = PreparedVerifyingKey(try VerifyingKey(bytes: registered.circuit.verifyingKey))
        keys[circuit] = key
        return key
    }

    private mutating func submit() {
        pool?.submit(options.checkSignatures ? signatures : [], proofs)
        signatures.removeAll(keepingCapacity: true)
        proofs.removeAll(keepingCapacity: true)
    }

    private mutating func finish(_ report: inout AuditReport) {
        let checked = pool?.finish()
        let validators = fold.state.validators
        let judged = jury.finish { index in
            Int(index.rawValue) < validators.count ? validators[Int(index.rawValue)].key.hex : ""
        }
        counts.derived = fold.derived
        counts.signatures = checked?.signatures ?? 0
        counts.proofs = checked?.proofs ?? 0
        counts.votes = judged.votes
        let signatureFindings =
            findings.filter { $0.kind == .signature } + (checked?.findings ?? [])
        let derivation = fold.findings + (fold.stop.map { [$0] } ?? [])
        report.findings +=
            derivation + judged.findings
            + findings.filter { $0.kind != .signature }
            + (options.checkSignatures ? signatureFindings : [])
        report.contradictions = judged.contradictions
        report.counts = counts
        let state = fold.state
        report.ledgerID = state.ledger.hex
        report.name = state.name
        report.ordering = state.size > 0 ? "\(state.ordering)" : ""
        report.height = state.height.rawValue
        report.time = state.time.rawValue
        report.stateRoot = stateRoot
        addResults(&report, derivation, signatureFindings, judged.findings)
    }

    private func addResults(
        _ report: inout AuditReport, _ derivation: [Finding], _ signatures: [Finding],
        _ proofs: [Finding]
    ) {
        let isWhole = counts.entries == log.size && fold.stop == nil
        if log.size == 0 {
            report.findings.append(
                Finding(
                    entry: 0, kind: .missing, expected: "ledgerOpened", found: "an empty log"))
        }
        func result(_ isAsked: Bool, _ findings: [Finding]) -> CheckResult {
            guard isAsked else { return .skipped }
            guard findings.isEmpty else { return .failed }
            return isWhole ? .passed : .incomplete
        }
        report.checks.derivation = result(true, derivation)
        report.checks.signatures = result(options.checkSignatures, signatures)
        report.checks.proofs = result(options.verifyProofs, proofs)
        if let first = derivation.first, isWhole {
            report.notes.append(
                "Nothing was derived again after entry \(first.entry): what follows rests on the"
                    + " first difference. Signatures and proofs were checked to the end.")
        }
        if !isWhole {
            report.notes.append(
                "Nothing was looked at after entry \(counts.entries): the entries cannot be read on"
                    + " or folded.")
        }
    }
}
