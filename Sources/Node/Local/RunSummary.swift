// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a run did.
package struct RunSummary: Codable, Sendable, Equatable {
    /// A validator before and after.
    package struct ValidatorSummary: Codable, Sendable, Equatable {
        /// The validator's number, from 0.
        package var validator: UInt16
        /// What people call it.
        package var name: String
        /// Its key, in hexadecimal.
        package var key: String
        /// How it behaved: a word of `Behaviour`, or `byzantine`.
        package var behaviour: String
        /// Reputation before the run, in thousandths of a point.
        package var reputationBefore: UInt64
        /// Reputation after it, in thousandths of a point.
        package var reputationAfter: UInt64

        private enum CodingKeys: String, CodingKey {
            case validator, name, key, behaviour
            case reputationBefore = "reputation_before"
            case reputationAfter = "reputation_after"
        }
    }

    /// How far the projections came.
    package struct ProjectionsSummary: Codable, Sendable, Equatable {
        /// Entries that they hold.
        package var entries: UInt64
        /// Entries of the ledger that they do not.
        package var behind: UInt64
        /// Why they stopped; nil where they did not.
        package var failure: String?
    }

    /// Lines of input.
    package var requests = 0
    /// Requests whose round opened.
    package var accepted = 0
    /// Requests that were not taken.
    package var refused = 0
    /// Lines answered with an existing decision.
    package var answered = 0
    /// Requests approved, in this run, as the next ones.
    package var approved = 0
    /// Requests rejected.
    package var rejected = 0
    /// Requests that timed out.
    package var timedOut = 0
    /// Payments made.
    package var settled = 0
    /// Payments that failed for good.
    package var failed = 0
    /// Votes recorded.
    package var votes = 0
    /// Contradictions that convicted.
    package var equivocations = 0
    /// Refused messages that stand in the ledger.
    package var refusalsRecorded = 0
    /// Refused messages beyond the limit of a minute.
    package var refusalsDropped = 0
    /// Jobs that the ledger took.
    package var jobsAccepted = 0
    /// Jobs that were not taken.
    package var jobsRefused = 0
    /// Jobs on whose result two validators agree.
    package var jobsAgreed = 0
    /// Jobs of which no two results are equal.
    package var jobsDisagreed = 0
    /// Jobs that timed out.
    package var jobsTimedOut = 0
    /// Batches sealed.
    package var batches = 0
    /// Entries of the ledger at the end.
    package var entries: UInt64 = 0
    /// Rounds that are still open.
    package var openRounds = 0
    /// Settlements that are still to be reported.
    package var openSettlements = 0
    /// Jobs that are still open.
    package var openJobs = 0
    /// Whether the run was stopped before its end.
    package var stopped = false
    /// How long it took.
    package var seconds = 0.0
    /// Decisions by that.
    package var decisionsPerSecond = 0.0
    /// How far the projections came; nil where they were not followed.
    package var projections: ProjectionsSummary?
    /// The validators, by index.
    package var validators: [ValidatorSummary] = []

    private enum CodingKeys: String, CodingKey {
        case requests, accepted, refused, answered, approved, rejected
        case timedOut = "timed_out"
        case settled, failed, votes, equivocations
        case refusalsRecorded = "refusals_recorded"
        case refusalsDropped = "refusals_dropped"
        case jobsAccepted = "jobs_accepted"
        case jobsRefused = "jobs_refused"
        case jobsAgreed = "jobs_agreed"
        case jobsDisagreed = "jobs_disagreed"
        case jobsTimedOut = "jobs_timed_out"
        case batches, entries
        case openRounds = "open_rounds"
        case openSettlements = "open_settlements"
        case openJobs = "open_jobs"
        case stopped, seconds
        case decisionsPerSecond = "decisions_per_second"
        case projections, validators
    }

    /// Jobs taken or refused, or decided, in this run.
    package var hasJobs: Bool {
        jobsAccepted + jobsRefused + jobsAgreed + jobsDisagreed + jobsTimedOut + openJobs > 0
    }

    /// Requests decided.
    package var decided: Int { approved + rejected + timedOut }
}

extension RunSummary: CustomStringConvertible {
    /// A few lines for people.
    package var description: String {
        var lines = [
            "\(requests) requests: \(accepted) accepted, \(refused) refused, \(answered) known",
            "\(decided) decided: \(approved) approved, \(rejected) rejected, \(timedOut) timed out;"
                + " \(settled) paid, \(failed) not payable",
            "\(votes) votes, \(equivocations) equivocations; "
                + "\(batches) batches, \(entries) entries",
            "\(Self.fixed(seconds, 2)) s, \(Self.fixed(decisionsPerSecond, 1)) decisions a second",
        ]
        if hasJobs {
            lines.append(
                "\(jobsAccepted) jobs accepted, \(jobsRefused) refused; \(jobsAgreed) agreed,"
                    + " \(jobsDisagreed) disagreed, \(jobsTimedOut) timed out")
        }
        if refusalsRecorded + refusalsDropped > 0 {
            lines.append(
                "\(refusalsRecorded) refusals recorded, \(refusalsDropped) beyond the limit")
        }
        if openRounds + openSettlements + openJobs > 0 {
            lines.append(
                "left open: \(openRounds) rounds, \(openJobs) jobs, \(openSettlements) settlements;"
                    + " the next run"
                    + " takes them up")
        }
        let width = validators.map(\.name.count).max() ?? 0
        for validator in validators {
            let name = validator.name + String(repeating: " ", count: width - validator.name.count)
            let before = Decimals.text(millionths: validator.reputationBefore * 1000)
            let after = Decimals.text(millionths: validator.reputationAfter * 1000)
            let isHonest = validator.behaviour == Behaviour.honest.rawValue
            let note = isHonest ? "" : "  (\(validator.behaviour))"
            lines.append("  \(name)  \(before) -> \(after)\(note)")
        }
        return lines.joined(separator: "\n")
    }

    /// A number with so many decimals, rounded to the nearest.
    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        guard value.isFinite, value >= 0, value * scale < 1e15 else { return "\(value)" }
        let whole = UInt64((value * scale).rounded())
        let rest = String(whole % UInt64(scale))
        return "\(whole / UInt64(scale))."
            + String(repeating: "0", count: decimals - rest.utf8.count) + rest
    }
}
