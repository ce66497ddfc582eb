// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
package import Ledger

/// A signed result that running the job again does not give.
///
/// The result names the job by a hash that covers the hashes of module and input, which are in the
/// file. Fuel alone convicts nobody: two results are equal where status and output are.
package struct FalseResult: Hashable, Sendable, BorshCodable {
    /// Real milliseconds that running it again may take: whoever judges is not in a hurry.
    private static let millisecondsMax: UInt64 = 600_000

    /// The job, as it was signed.
    package let job: JobMessage
    /// The module, in WebAssembly's binary form.
    package let module: [UInt8]
    /// The input.
    package let input: [UInt8]
    /// The result.
    package let result: ResultMessage

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(job: JobMessage, module: [UInt8], input: [UInt8], result: ResultMessage) {
        self.job = job
        self.module = module
        self.input = input
        self.result = result
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(job)
        writer.write(module)
        writer.write(input)
        writer.write(result)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        job = try JobMessage(from: &reader)
        module = try reader.blob(
            of: "FalseResult.module", bound: Int(Limits.jobModuleBytesMax))
        input = try reader.blob(of: "FalseResult.input", bound: Int(Limits.jobInputBytesMax))
        result = try ResultMessage(from: &reader)
    }
}

extension FalseResult {
    /// Checks, in order: the result's signature, job, module, input, that it is a result, and what
    /// running the job gives.
    func check(
        in ledger: LedgerID, run: (ComputeJob, UInt64) -> JobOutcome
    ) throws(EvidenceFlaw) -> [PublicKey] {
        guard result.validator.isValid, result.isSigned(in: ledger) else {
            throw .notSigned(field: "result")
        }
        guard job.id(in: ledger) == result.job else { throw .unrelated(field: "job") }
        guard Digest(hashing: module) == job.module else { throw .unrelated(field: "module") }
        guard Digest(hashing: input) == job.input else { throw .unrelated(field: "input") }
        guard result.status.kind != .abstained else {
            throw .innocent("an abstention is no result")
        }
        let outcome = run(
            ComputeJob(
                module: module, moduleHash: job.module, input: input, fuel: job.fuel,
                memoryBytes: job.memoryBytes, engine: job.engine,
                engineVersion: job.engineVersion), Self.millisecondsMax)
        guard outcome.status.kind != .abstained else {
            throw .unjudged(
                "the job cannot be run: \(outcome.detail ?? outcome.status.reasonName ?? "")")
        }
        guard outcome.status != result.status || outcome.outputHash != result.output else {
            throw .innocent("running the job again gives this result")
        }
        return [result.validator]
    }

    func sentence(_ names: [String]) -> String {
        "\(names.listed) signed a result of job \(result.job.hex) that running it again does not"
            + " give."
    }
}
