// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// What was counted on the way.
package struct AuditCounts: Codable, Equatable, Sendable {
    /// Entries read.
    package var entries: UInt64 = 0
    /// Batches, the first included.
    package var batches: UInt64 = 0
    /// Derived events that were derived again and found equal.
    package var derived: UInt64 = 0
    /// Signatures checked.
    package var signatures: UInt64 = 0
    /// Proofs verified again.
    package var proofs: UInt64 = 0
    /// Votes compared with the verdict on their proof.
    package var votes: UInt64 = 0
    /// Requests in the log.
    package var requests: UInt64 = 0
    /// Requests approved.
    package var approved: UInt64 = 0
    /// Requests rejected.
    package var rejected: UInt64 = 0
    /// Requests that timed out.
    package var timedOut: UInt64 = 0
    /// Messages that the rules refused.
    package var refused: UInt64 = 0
    /// Jobs in the log.
    package var jobs: UInt64 = 0
    /// Jobs run again.
    package var recomputed: UInt64 = 0
    /// Results compared with what running their job again gave.
    package var results: UInt64 = 0

    mutating func count(_ event: Event) {
        entries += 1
        switch event {
        case .requestSubmitted: requests += 1
        case .jobSubmitted: jobs += 1
        case .messageRefused: refused += 1
        case .outcomeDecided(let decided):
            switch decided.outcome {
            case .approved: approved += 1
            case .rejected: rejected += 1
            case .timedOut: timedOut += 1
            }
        case .batchSealed: batches += 1
        default: break
        }
    }
}

/// How a check ended.
package enum CheckResult: String, Codable, Sendable {
    /// Everything was looked at and is right.
    case passed
    /// Something is wrong; the findings say what.
    case failed
    /// Not everything was looked at, since something before it is wrong, or a job could not be run.
    case incomplete
    /// It was not asked for.
    case skipped
}

/// The checks of an audit and how they ended.
package struct AuditChecks: Codable, Equatable, Sendable {
    /// Every byte of every frame and blob, and the Merkle tree.
    package var log = CheckResult.incomplete
    /// Every derived event, and every root that `BatchSealed` states.
    package var derivation = CheckResult.incomplete
    /// Every signature.
    package var signatures = CheckResult.incomplete
    /// Every proof, compared with the votes and the outcomes.
    package var proofs = CheckResult.incomplete
    /// Every decided job, run again and compared with what was agreed on.
    package var recomputation = CheckResult.incomplete
    /// Whether T precommits of the last batch are there; those of the others are signatures of the
    /// log. Incomplete where they are not: nobody but its proposer is known to have agreed to it.
    package var quorum = CheckResult.incomplete
}

/// What an audit has to say.
package struct AuditReport: Codable, Equatable, Sendable {
    /// The directory of the log.
    package var directory: String
    /// The identity of the ledger, in hexadecimal.
    package var ledgerID = ""
    /// Where the ledger comes from.
    package var name = ""
    /// The number of entries of the log.
    package var size: UInt64 = 0
    /// The root of the log, in hexadecimal.
    package var root = ""
    /// Files of frames.
    package var segments: UInt64 = 0
    /// Frames.
    package var frames: UInt64 = 0
    /// Blobs beside the log.
    package var blobs: UInt64 = 0
    /// The state root that the last batch seals, in hexadecimal.
    package var stateRoot = ""
    /// The number of the last batch.
    package var height: UInt64 = 0
    /// The time of the last batch, in milliseconds since 1970 UTC.
    package var time: UInt64 = 0
    /// Whether the log was closed in order.
    package var isClosed = false
    /// Bytes of an unfinished commit at the end, which are no part of the ledger.
    package var tornBytes: UInt64 = 0
    /// How each check ended.
    package var checks = AuditChecks()
    /// What was counted.
    package var counts = AuditCounts()
    /// What is wrong, by entry.
    package var findings: [Finding] = []
    /// Votes that contradict the mathematics, by entry.
    package var contradictions: [ContradictedProof] = []
    /// Signed results of jobs that running them again contradicts, by entry.
    package var resultContradictions: [ResultContradiction] = []
    /// Decided jobs with results that could not be run again, by entry.
    package var notRecomputed: [UnjudgedJob] = []
    /// What was found about those who made the ledger, by kind; the ledger may be right.
    package var network: [NetworkFinding] = []
    /// How often each validator answered, by number.
    package var participation: [Participation] = []
    /// Whether the projections beside the log are what it gives; nil where that was not looked at.
    package var projections: ProjectionsCheck?
    /// What else a reader should know.
    package var notes: [String] = []
    /// The part that was looked at; nil where that is the whole ledger.
    package var range: AuditRange?
    /// Of a part, SHA-256 of all that is said but for the directory and how long it took, in
    /// hexadecimal: it shows what was changed by accident, and binds nobody. Nil of a whole ledger.
    package var digest: String?
    /// What was joined, where this comes of the verdicts on several parts.
    package var pieces: AuditPieces?
    /// How long it took.
    package var seconds = 0.0
    /// Entries looked at in a second.
    package var entriesPerSecond = 0.0

    /// The members as they are called once snake case is read back.
    private enum CodingKeys: String, CodingKey {
        case directory, name, size, root, segments, frames, blobs, stateRoot, height, time
        case ledgerID = "ledgerId"
        case isClosed, tornBytes, checks, counts, findings, contradictions, resultContradictions
        case notRecomputed, network, participation, projections, notes, range, digest, pieces
        case seconds, entriesPerSecond
    }

    /// Starts with nothing looked at.
    package init(directory: String) { self.directory = directory }

    /// Whether the ledger is right. Votes that contradict the mathematics, and results that running
    /// the job again contradicts, do not make it wrong: the rules bear as many as may fail.
    package var isRight: Bool { findings.isEmpty }

    /// Whether everything was right, but nothing shows that a quorum agreed to the last batch.
    package var isWithoutQuorum: Bool { isRight && checks.quorum == .incomplete }

    /// Whether nothing was found about the network either, and every job asked for could be run
    /// again.
    package var isSpotless: Bool {
        isRight && network.isEmpty && contradictions.isEmpty && resultContradictions.isEmpty
            && notRecomputed.isEmpty
    }

    /// Whether an audit ends well: as strictly as asked, and with projections that are the log's.
    package func isGood(isStrict: Bool) -> Bool {
        (isStrict ? isSpotless : isRight) && projections?.outcome != .different
    }
}

/// How the projections beside a log compare with a fresh fold of it.
package struct ProjectionsCheck: Codable, Equatable, Sendable {
    /// What it came to.
    package enum Outcome: String, Codable, Sendable {
        /// Every row is what the log gives.
        case equal
        /// One is not.
        case different
        /// They are of other tables or of another log, and are built anew before anybody reads
        /// them.
        case unfit
        /// There are none.
        case absent
    }

    /// What it came to.
    package let outcome: Outcome
    /// The rows that were compared; nil where they are not equal.
    package let rows: UInt64?
    /// What is wrong; nil where nothing is.
    package let problem: String?

    /// Rows are counted where all are equal, and a problem is told where not.
    package init(_ outcome: Outcome, rows: UInt64? = nil, problem: String? = nil) {
        self.outcome = outcome
        self.rows = rows
        self.problem = problem
    }
}
