// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// How a compute job stands, as JSON.
package struct ComputeVerification: Codable, Sendable, Equatable {
    /// The result of one validator.
    package struct Result: Codable, Sendable, Equatable {
        /// The validator's key, in hexadecimal.
        package var validatorID: String
        /// How the job ended, as `JobStatus.Kind` calls it.
        package var status: String
        /// What `status` says that it is.
        package var code: UInt8
        /// SHA-256 of the output, in hexadecimal; zeros where there is none.
        package var output: String
        /// Fuel used.
        package var fuel: UInt64

        private enum CodingKeys: String, CodingKey {
            case validatorID = "validator_id"
            case status, code, output, fuel
        }
    }

    /// The job, in hexadecimal.
    package var jobID: String
    /// The keys of the validators that run it, in rank, in hexadecimal.
    package var validators: [String]
    /// The results so far, by rank.
    package var results: [Result]
    /// Equal results that decide.
    package var requiredAgreement: Int

    private enum CodingKeys: String, CodingKey {
        case jobID = "job_id"
        case validators, results
        case requiredAgreement = "required_agreement"
    }
}

extension ComputeVerification {
    /// Joins a job, the validators drawn for it, in rank, and their results.
    package init(job: JobID, validators: [PublicKey], results: [ResultMessage]) {
        jobID = job.hex
        self.validators = validators.map(\.hex)
        self.results = results.map { result in
            Result(
                validatorID: result.validator.hex, status: result.status.kind.jsonName,
                code: result.status.code, output: result.output.hex, fuel: result.fuel)
        }
        requiredAgreement = Limits.jobAgreement
    }
}
