// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Ledger

/// A job with everything that was signed on it.
struct JobCase: Sendable {
    /// A result with its entry, and the name and key of who signed it.
    struct Report: Sendable {
        let entry: UInt64
        let event: ResultReported
        let name: String
        let key: String
    }

    /// What a case comes to.
    struct Judgement: Sendable {
        var contradictions: [ResultContradiction] = []
        var finding: Finding?
        var results: UInt64 = 0
    }

    /// The least real time that running it again may take: an auditor is not in a hurry.
    private static let millisecondsMin: UInt64 = 60_000
    /// How many times as long as a validator an auditor takes.
    private static let patience: UInt64 = 10

    let entry: UInt64
    let id: String
    let submitted: JobSubmitted
    /// The time from its assignment to its deadline.
    var milliseconds: UInt64 = 0
    var reports: [Report] = []
    var decision: (entry: UInt64, event: JobDecided)?

    /// Whether anybody signed something that running it again can contradict.
    var hasResults: Bool { reports.contains { $0.isResult } }

    /// Real milliseconds that running it again may take.
    var patientMilliseconds: UInt64 {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: Self.patience)
        return overflow ? .max : max(product, Self.millisecondsMin)
    }

    /// Compares every result, and the decision, with what running the job gave.
    ///
    /// - Precondition: The outcome is no abstention.
    func judge(_ outcome: JobOutcome) -> Judgement {
        invariant(outcome.status.kind != .abstained, "an abstention is no verdict")
        var judgement = Judgement()
        let truth = JobResult(outcome)
        for report in reports where report.isResult {
            judgement.results += 1
            let event = report.event
            guard
                event.status != outcome.status || event.output != outcome.outputHash
                    || event.fuel != outcome.fuel
            else { continue }
            judgement.contradictions.append(
                ResultContradiction(
                    entry: report.entry, job: entry, jobID: id,
                    validator: event.validator.rawValue, name: report.name, key: report.key,
                    signed: JobResult(event), recomputed: truth))
        }
        judgement.finding = finding(outcome, truth)
        return judgement
    }

    private func finding(_ outcome: JobOutcome, _ truth: JobResult) -> Finding? {
        guard let (place, decided) = decision, decided.decision == .agreed,
            decided.status != outcome.status || decided.output != outcome.outputHash
        else { return nil }
        let liars = reports.filter {
            $0.event.status == decided.status && $0.event.output == decided.output
        }
        let names = liars.map {
            "\($0.event.validator.rawValue) (\($0.name), key \($0.key.prefix(16))…)"
        }
        let agreed = JobResult(decided.status, output: decided.output, fuel: 0)
        return Finding(
            entry: place, kind: .agreedFalseResult,
            expected: "the result of job \(entry) as running it again gives it: \(truth.text)",
            found: "agreed on \(agreed.text), signed by "
                + (names.isEmpty
                    ? "nobody" : "validators \(names.joined(separator: " and "))"))
    }
}

extension JobCase.Report {
    /// Whether it says more than that the validator gives no result.
    var isResult: Bool { event.status.kind != .abstained }
}
