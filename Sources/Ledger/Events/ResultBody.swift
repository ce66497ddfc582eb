// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// How a job ended on one validator. Failures match only with the same kind and code.
package struct JobStatus: Hashable, Sendable, BorshCodable {
    /// The ways in which a job ends.
    package enum Kind: UInt8, NamedCase {
        /// The module returned; `code` is 0.
        case success = 0
        /// The module trapped; `code` is the engine's trap code.
        case trap = 1
        /// The fuel ran out; `code` is 0.
        case fuelExhausted = 2
        /// Memory growth was refused at the limit; `code` is 0.
        case memoryLimit = 3
        /// The module cannot run or breaks its interface; `code` is an `InvalidModule`.
        case invalidModule = 4
        /// The validator gives no result; `code` is a `JobAbstention`. It matches nothing.
        case abstained = 5

        package static let names = namesOfCases()
    }

    /// How it ended.
    package let kind: Kind
    /// What `kind` says that it is.
    package let code: UInt8

    /// Joins kind and code.
    package init(_ kind: Kind, code: UInt8 = 0) {
        self.kind = kind
        self.code = code
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(kind.rawValue)
        writer.write(code)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        kind = try reader.tag()
        code = try reader.integer()
    }
}

/// What a result of a job says, in a message and in the log.
package struct ResultBody<JobName: Naming, ValidatorName: Naming>: BorshCodable, Hashable, Sendable
{
    /// The job: its id in a message, in the log the entry that introduced it.
    package var job: JobName
    /// Who reports.
    package var validator: ValidatorName
    /// How the job ended.
    package var status: JobStatus
    /// SHA-256 of the output; zero where there is none.
    package var output: Digest
    /// Fuel used; not compared.
    package var fuel: UInt64
    /// The validator's, on `ResultMessage.signedBytes`.
    package var signature: Signature

    /// An output beside a status that has none is for the rules to refuse.
    package init(
        job: JobName, validator: ValidatorName, status: JobStatus, output: Digest, fuel: UInt64,
        signature: Signature
    ) {
        self.job = job
        self.validator = validator
        self.status = status
        self.output = output
        self.fuel = fuel
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        encodeContent(to: &writer)
        writer.write(signature)
    }

    /// Appends every field but the signature: what a message's own covers.
    package func encodeContent(to writer: inout BorshWriter) {
        writer.write(job)
        writer.write(validator)
        writer.write(status)
        writer.write(output)
        writer.write(fuel)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        job = try JobName(from: &reader)
        validator = try ValidatorName(from: &reader)
        status = try JobStatus(from: &reader)
        output = try reader.digest()
        fuel = try reader.integer()
        signature = try reader.signature()
    }

    /// The same, with job and validator named as the message or the log names them.
    package func naming<J, V>(job: J, validator: V) -> ResultBody<J, V> {
        ResultBody<J, V>(
            job: job, validator: validator, status: status, output: output, fuel: fuel,
            signature: signature)
    }
}

/// A validator reports the result of a job.
package typealias ResultMessage = ResultBody<JobID, PublicKey>

/// A validator's result of a job as it stands in the log.
package typealias ResultReported = ResultBody<EntryIndex, ValidatorIndex>

extension ResultMessage: Signed, SignedByOne {
    package static var domain: String { "recount/result/v1" }
    package var signer: PublicKey { validator }
}
