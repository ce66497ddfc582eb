// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
internal import Cryptography
package import Ledger

/// What a job gave: as a validator signed it, or as running it again gives it.
package struct JobResult: Codable, Equatable, Sendable {
    /// How the job ended: the name of a `JobStatus.Kind`.
    package let status: String
    /// What the code of the status is called, or the code where it has no name; nil where the
    /// status says everything.
    package let reason: String?
    /// SHA-256 of the output, in hexadecimal; zeros unless it succeeded.
    package let output: String
    /// Fuel used.
    package let fuel: UInt64

    /// What a validator signed.
    package init(_ event: ResultReported) {
        self.init(event.status, output: event.output, fuel: event.fuel)
    }

    /// What running the job gave.
    package init(_ outcome: JobOutcome) {
        self.init(outcome.status, output: outcome.outputHash, fuel: outcome.fuel)
    }

    init(_ status: JobStatus, output: Digest, fuel: UInt64) {
        self.status = "\(status.kind)"
        reason = status.reasonName ?? (status.code == 0 ? nil : "\(status.code)")
        self.output = output.hex
        self.fuel = fuel
    }

    /// Status and output in words; the fuel is no part of what an agreement is about.
    package var text: String {
        let ending = reason.map { "\(status) \($0)" } ?? status
        return output.contains { $0 != "0" } ? "\(ending), output \(output.prefix(16))…" : ending
    }
}

/// A signed result that is not what running the job again gives.
package struct ResultContradiction: Codable, Equatable, Sendable {
    /// The entry of the result.
    package let entry: UInt64
    /// The entry of the job.
    package let job: UInt64
    /// The identity of the job, in hexadecimal.
    package let jobID: String
    /// The number of the validator.
    package let validator: UInt16
    /// Its name.
    package let name: String
    /// Its key, in hexadecimal.
    package let key: String
    /// What it signed.
    package let signed: JobResult
    /// What is true.
    package let recomputed: JobResult

    private enum CodingKeys: String, CodingKey {
        case entry, job, validator, name, key, signed, recomputed
        case jobID = "jobId"
    }

    /// Says in what the two differ: in status, else in output, else in fuel.
    package var difference: String {
        if signed.status != recomputed.status || signed.reason != recomputed.reason {
            return "\(words(signed)), not \(words(recomputed))"
        }
        if signed.output != recomputed.output {
            return "output \(signed.output.prefix(8))…, not \(recomputed.output.prefix(8))…"
        }
        return "fuel \(signed.fuel), not \(recomputed.fuel)"
    }

    private func words(_ result: JobResult) -> String {
        result.reason.map { "\(result.status) \($0)" } ?? result.status
    }
}

/// A decided job with signed results that could not be run again.
package struct UnjudgedJob: Codable, Equatable, Sendable {
    /// The entry of the job.
    package let job: UInt64
    /// The identity of the job, in hexadecimal.
    package let jobID: String
    /// What stood in the way.
    package let obstacle: JobObstacle
    /// What exactly, in words.
    package let reason: String

    private enum CodingKeys: String, CodingKey {
        case job, obstacle, reason
        case jobID = "jobId"
    }
}
