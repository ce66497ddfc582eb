// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Synchronization

/// What the mathematics says of a proof.
enum ProofFinding: Sendable {
    case holds
    case fails
    /// It could not be judged, for this reason.
    case unjudged(String)
}

/// Compares votes and outcomes with the verdicts on the proofs, which come from other threads.
///
/// Keeps a request until it is both closed and judged: memory is bounded by the rounds that are
/// open and the proofs that are under way.
final class Jury: Sendable {
    private struct Case {
        var votes: [(entry: UInt64, validator: ValidatorIndex, vote: Vote)] = []
        var outcome: (entry: UInt64, decided: OutcomeDecided)?
        var provingRejections = Int.max
        var verdict: ProofFinding?
        var isClosed = false
    }

    private struct Results {
        var cases: [UInt64: Case] = [:]
        var findings: [Finding] = []
        var contradictions: [(vote: UInt64, request: UInt64, ValidatorIndex, Vote)] = []
        var votes: UInt64 = 0
        /// The entry from which on votes are compared; those before were compared before.
        var start: UInt64 = 0
    }

    private let results = Mutex(Results())

    /// Has only votes from an entry on compared.
    func compare(from start: UInt64) { results.withLock { $0.start = start } }

    /// Takes in what the log says; `round` is that of the request, where there is one.
    func hear(_ event: Event, at entry: UInt64, provingRejections: Int?) {
        results.withLock { results in
            switch event {
            case .requestSubmitted: results.cases[entry] = Case()
            case .roundOpened(let opened):
                results.cases[opened.request.rawValue]?.provingRejections =
                    provingRejections ?? Int.max
            case .voteCast, .votesCast:
                for cast in event.casts {
                    results.cases[cast.request.rawValue]?.votes.append(
                        (entry, cast.validator, cast.vote))
                }
            case .outcomeDecided(let decided):
                results.cases[decided.request.rawValue]?.outcome = (entry, decided)
            case .roundClosed(let closed):
                results.cases[closed.about.rawValue]?.isClosed = true
                Self.judge(closed.about.rawValue, in: &results, atEnd: false)
            default: break
            }
        }
    }

    /// Takes in the verdict on the proof of a request.
    func hear(_ verdict: ProofFinding, on request: UInt64) {
        results.withLock { results in
            results.cases[request]?.verdict = verdict
            Self.judge(request, in: &results, atEnd: false)
        }
    }

    /// Judges what is left, and returns everything that was found.
    func finish(
        named: (ValidatorIndex) -> (name: String, key: String)
    ) -> (findings: [Finding], contradictions: [ContradictedProof], votes: UInt64) {
        results.withLock { results in
            for request in results.cases.keys.sorted() {
                Self.judge(request, in: &results, atEnd: true)
            }
            let contradictions = results.contradictions.sorted { $0.vote < $1.vote }.map {
                vote, request, validator, said in
                let (name, key) = named(validator)
                return ContradictedProof(
                    entry: vote, request: request, validator: validator.rawValue, name: name,
                    key: key, vote: "\(said)", proofHolds: said == .reject)
            }
            return (results.findings, contradictions, results.votes)
        }
    }

    private static func judge(_ request: UInt64, in results: inout Results, atEnd: Bool) {
        guard let item = results.cases[request], let verdict = item.verdict,
            item.isClosed || atEnd
        else { return }
        results.cases[request] = nil
        let holds: Bool
        switch verdict {
        case .holds: holds = true
        case .fails: holds = false
        case .unjudged(let reason):
            results.findings.append(
                Finding(
                    entry: request, kind: .proofUnjudged,
                    expected: "a proof that can be verified", found: reason))
            return
        }
        for (entry, validator, vote) in item.votes where entry >= results.start {
            results.votes += 1
            if vote == (holds ? .reject : .approve) {
                results.contradictions.append((entry, request, validator, vote))
            }
        }
        guard let (entry, decided) = item.outcome else { return }
        if let finding = finding(item, decided, entry, holds) { results.findings.append(finding) }
    }

    private static func finding(
        _ item: Case, _ decided: OutcomeDecided, _ entry: UInt64, _ holds: Bool
    ) -> Finding? {
        let request = decided.request.rawValue
        if decided.outcome == .approved, !holds {
            return Finding(
                entry: entry, kind: .approvedFalseProof,
                expected: "no approval: the proof of entry \(request) is false",
                found: "approved by \(decided.approvals) validators, more than may fail")
        }
        let rejections = item.votes.count { $0.vote == .reject }
        if decided.outcome == .rejected, holds, item.isClosed,
            rejections >= item.provingRejections, decided.reason != .nullifierSpent
        {
            return Finding(
                entry: entry, kind: .rejectedTrueProof,
                expected: "no rejection by votes: the proof of entry \(request) holds",
                found: "rejected by \(rejections) validators, more than may fail")
        }
        return nil
    }
}
