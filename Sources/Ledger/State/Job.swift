// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A result that a job has recorded.
package struct RecordedResult: Equatable, Sendable {
    /// Its entry.
    package let entry: EntryIndex
    /// What it says.
    package let event: ResultReported
}

extension RecordedResult: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(entry)
        writer.write(event)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        entry = try EntryIndex(from: &reader)
        event = try ResultReported(from: &reader)
    }
}

/// A compute job, from its submission to its close.
///
/// Invariants: `results` has a place for each of `assigned.validators`, and none before they are
/// drawn; a decision stays.
package struct Job: Equatable, Sendable {
    /// The entry that introduced the job.
    package let entry: EntryIndex
    /// The identity of the job.
    package let id: JobID
    /// The job.
    package let submitted: JobSubmitted
    /// Who runs it, once drawn, and by when.
    package internal(set) var assigned: JobAssigned?
    /// The results so far, by place in `assigned.validators`.
    package internal(set) var results: [RecordedResult?] = []
    /// The decision, once there is one.
    package internal(set) var decided: JobDecided?

    /// Whether everybody asked has reported.
    package var isComplete: Bool { assigned != nil && results.allSatisfy { $0 != nil } }
}

/// What is kept of a job once it is closed, for ever.
package struct ClosedJob: Equatable, Sendable {
    /// The identity of the job.
    package let id: JobID
    /// The decision.
    package let decision: JobDecided
    /// Who ran it, in rank.
    package let validators: [ValidatorIndex]
    /// SHA-256 of what each reported, status and output, by place in `validators`.
    package let results: [Digest?]
}

extension ResultReported {
    /// SHA-256 of status and output: what two results must share.
    package var resultDigest: Digest {
        var writer = BorshWriter(domain: "recount/result-value/v1")
        writer.write(status)
        writer.write(output)
        return Digest(hashing: writer.bytes)
    }
}
