// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
package import EventLog
package import Ledger

/// A job with what it needs, as clients hand it in over a network.
///
/// Bytes: the Borsh of the signed `Message`, of the module and of the input, each after its length
/// (four bytes, little-endian).
package struct JobUpload: BorshCodable, Sendable {
    /// The most bytes that one has.
    package static let bytesMax =
        3 * 4 + NodeLimits.spooledMessageBytesMax + EngineLimits.moduleBytesMax
        + EngineLimits.inputBytesMax

    /// The Borsh of the message.
    package let message: [UInt8]
    /// The module.
    package let module: [UInt8]
    /// The input.
    package let input: [UInt8]

    /// Joins a job and what it needs.
    package init(_ job: JobMessage, module: [UInt8], input: [UInt8]) {
        message = Message.job(job).encoded
        self.module = module
        self.input = input
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        message = try reader.blob(of: "message", bound: NodeLimits.spooledMessageBytesMax)
        module = try reader.blob(of: "module", bound: EngineLimits.moduleBytesMax)
        input = try reader.blob(of: "input", bound: EngineLimits.inputBytesMax)
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(message)
        writer.write(module)
        writer.write(input)
    }

    /// The job; neither its signature nor what it needs is checked.
    package func job() throws(UploadProblem) -> JobMessage {
        let message: Message
        do throws(DecodingError) { message = try Message(decoding: self.message) } catch {
            throw UploadProblem(field: "message", description: "it is no message: \(error)")
        }
        guard case .job(let job) = message else {
            throw UploadProblem(field: "message", description: "it is no job")
        }
        return job
    }

    /// Throws where module or input is not the one that the job names.
    package func check(_ job: JobMessage) throws(UploadProblem) {
        for (field, bytes, count, hash) in [
            ("module", module, job.moduleBytes, job.module),
            ("input", input, job.inputBytes, job.input),
        ] where UInt64(bytes.count) != count || Digest(hashing: bytes) != hash {
            throw UploadProblem(
                field: field, description: "it is not the one that the job names, \(hash.hex)")
        }
    }

    /// Stores module and input with the blobs of a ledger.
    package func store(in directory: String) throws(LogError) {
        let blobs = BlobStore(logDirectory: directory, disk: POSIXDisk())
        _ = try blobs.put(all: [module, input])
    }
}

/// Why an upload is no job.
package struct UploadProblem: Error, Equatable, Sendable {
    /// The part that is wrong.
    package let field: String
    /// What is wrong with it.
    package let description: String
}
