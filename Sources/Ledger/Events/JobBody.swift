// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a compute job asks for, in a message and in the log.
package struct JobBody<SubmitterName: Naming>: BorshCodable, Hashable, Sendable {
    /// SHA-256 of the WASM module in the blob store.
    package var module: Digest
    /// SHA-256 of the input in the blob store.
    package var input: Digest
    /// Bytes of the module.
    package var moduleBytes: UInt64
    /// Bytes of the input.
    package var inputBytes: UInt64
    /// Fuel that ends the job.
    package var fuel: UInt64
    /// Memory that it may have.
    package var memoryBytes: UInt64
    /// Ledger time that it may take; 0 for the ledger's own limit.
    package var milliseconds: UInt64
    /// The engine that must run it.
    package var engine: String
    /// The version of the engine.
    package var engineVersion: String
    /// The submitter's own time.
    package var timestamp: Time
    /// Who submits it.
    package var submitter: SubmitterName
    /// The submitter's, on `JobMessage.signedBytes`.
    package var signature: Signature

    /// The texts may be of any length: bounds are kept where they are read.
    package init(
        module: Digest, input: Digest, moduleBytes: UInt64, inputBytes: UInt64, fuel: UInt64,
        memoryBytes: UInt64, milliseconds: UInt64, engine: String, engineVersion: String,
        timestamp: Time, submitter: SubmitterName, signature: Signature
    ) {
        self.module = module
        self.input = input
        self.moduleBytes = moduleBytes
        self.inputBytes = inputBytes
        self.fuel = fuel
        self.memoryBytes = memoryBytes
        self.milliseconds = milliseconds
        self.engine = engine
        self.engineVersion = engineVersion
        self.timestamp = timestamp
        self.submitter = submitter
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        encodeContent(to: &writer)
        writer.write(signature)
    }

    /// Appends every field but the signature: what a message's own covers.
    package func encodeContent(to writer: inout BorshWriter) {
        writer.write(module)
        writer.write(input)
        writer.write(moduleBytes)
        writer.write(inputBytes)
        writer.write(fuel)
        writer.write(memoryBytes)
        writer.write(milliseconds)
        writer.write(engine)
        writer.write(engineVersion)
        writer.write(timestamp)
        writer.write(submitter)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        module = try reader.digest()
        input = try reader.digest()
        moduleBytes = try reader.integer()
        inputBytes = try reader.integer()
        fuel = try reader.integer()
        memoryBytes = try reader.integer()
        milliseconds = try reader.integer()
        engine = try reader.text(of: "Job.engine", bound: Limits.nameBytesMax)
        engineVersion = try reader.text(of: "Job.engineVersion", bound: Limits.nameBytesMax)
        timestamp = try Time(from: &reader)
        submitter = try SubmitterName(from: &reader)
        signature = try reader.signature()
    }

    /// The same, with the submitter named as the message or the log names it.
    package func naming<S>(submitter: S) -> JobBody<S> {
        JobBody<S>(
            module: module, input: input, moduleBytes: moduleBytes, inputBytes: inputBytes,
            fuel: fuel, memoryBytes: memoryBytes, milliseconds: milliseconds, engine: engine,
            engineVersion: engineVersion, timestamp: timestamp, submitter: submitter,
            signature: signature)
    }
}

/// A submitter asks for a computation.
package typealias JobMessage = JobBody<PublicKey>

/// A compute job as it stands in the log.
package typealias JobSubmitted = JobBody<SubmitterIndex>

extension JobMessage: Signed, SignedByOne {
    package static var domain: String { "recount/job/v1" }
    package var signer: PublicKey { submitter }

    /// The identity: SHA-256 of what the signature covers.
    package func id(in ledger: LedgerID) -> JobID {
        JobID(Digest(hashing: signedBytes(in: ledger)))
    }
}
