// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// A verdict on one part of a ledger and that on the next are one on both.
extension AuditReport {
    /// Takes in what was found of the entries that follow.
    mutating func join(_ part: AuditReport) {
        findings += part.findings
        contradictions += part.contradictions
        resultContradictions += part.resultContradictions
        notRecomputed += part.notRecomputed
        joinNetwork(part)
        join(notes: part.notes)
        counts.add(part.counts)
        checks.join(part.checks)
        if part.counts.batches > 0 { stateRoot = part.stateRoot }
        (ledgerID, name) = (part.ledgerID, part.name)
        (height, time) = (part.height, part.time)
    }

    /// Takes in what is not said yet. Cost: linear, however many there are.
    private mutating func join(notes others: [String]) {
        guard !others.isEmpty else { return }
        var said = Set(notes)
        for note in others where said.insert(note).inserted { notes.append(note) }
    }

    /// Says how long it took, and how many entries a second that is; no more than 10^15, so that
    /// whoever prints it need not fear what a file says.
    mutating func set(seconds: Double) {
        self.seconds = seconds
        entriesPerSecond = seconds > 0 ? min(Double(counts.entries) / seconds, 1e15) : 0
    }

    /// Says whose ledger it is and how far a state of it is.
    mutating func set(identityOf state: LedgerState) {
        guard state.size > 0 else { return }
        ledgerID = state.ledger.hex
        name = state.name
        height = state.height.rawValue
        time = state.time.rawValue
    }

    /// Draws what follows from all that was found, and puts it in the order in which it is told.
    mutating func sortFindings() {
        settleNetwork()
        findings.sort { ($0.entry, $0.kind, $0.found) < ($1.entry, $1.kind, $1.found) }
    }
}

extension AuditCounts {
    mutating func add(_ other: AuditCounts) {
        for field in Self.fields {
            self[keyPath: field] = self[keyPath: field].saturating(other[keyPath: field])
        }
    }

    private static var fields: [WritableKeyPath<AuditCounts, UInt64>] {
        [
            \.entries, \.batches, \.derived, \.signatures, \.proofs, \.votes, \.requests,
            \.approved, \.rejected, \.timedOut, \.refused, \.jobs, \.recomputed, \.results,
        ]
    }
}

extension AuditChecks {
    private static var levels: [WritableKeyPath<AuditChecks, CheckResult>] {
        [\.log, \.derivation, \.signatures, \.proofs, \.recomputation]
    }

    /// Marks what was not asked for.
    mutating func skip(_ options: AuditOptions) {
        if !options.derives { derivation = .skipped }
        if !options.checkSignatures { signatures = .skipped }
        if !options.verifyProofs { proofs = .skipped }
        if options.recompute == nil { recomputation = .skipped }
    }

    /// Whether the same was not asked for.
    func hasSkipped(asIn other: AuditChecks) -> Bool {
        Self.levels.dropFirst().allSatisfy {
            (self[keyPath: $0] == .skipped) == (other[keyPath: $0] == .skipped)
        }
    }

    /// Takes in how the checks of the next part ended: the worse of both.
    mutating func join(_ part: AuditChecks) {
        for level in Self.levels {
            self[keyPath: level] = self[keyPath: level].joined(part[keyPath: level])
        }
    }

    /// Starts where nothing is wrong, since nothing was looked at.
    mutating func begin(_ options: AuditOptions) {
        for level in Self.levels { self[keyPath: level] = .passed }
        skip(options)
    }

    /// Ends where nothing more can be looked at.
    mutating func breakOff() {
        for level in Self.levels where self[keyPath: level] == .passed {
            self[keyPath: level] = .incomplete
        }
    }
}

extension CheckResult {
    /// How a check ended of two parts of a log: the worse of both.
    fileprivate func joined(_ other: CheckResult) -> CheckResult {
        for worst in [CheckResult.failed, .incomplete, .passed] {
            if self == worst || other == worst { return worst }
        }
        return .skipped
    }
}

extension UInt64 {
    /// The sum, or the largest number where it is beyond that: what is added comes of files.
    func saturating(_ other: UInt64) -> UInt64 {
        let (sum, isBeyond) = addingReportingOverflow(other)
        return isBeyond ? .max : sum
    }
}
