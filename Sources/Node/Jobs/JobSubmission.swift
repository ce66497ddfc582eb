// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
package import Cryptography
internal import EventLog
package import Ledger

/// Submits compute jobs to a node's spool.
package enum JobSubmission {
    /// Puts module and input into the blob store of a node, signs the job, and hands it in.
    ///
    /// It pins the engine of this program, and needs no key of the node's. All is durable when it
    /// returns. `milliseconds` of ledger time, 0 for the ledger's own limit. The job is not judged:
    /// whether the module can run is told by its result.
    ///
    /// Checks, in order: module, input, fuel, memory, time; nothing is written before.
    package static func submit(
        module: [UInt8], input: [UInt8], fuel: UInt64, memoryBytes: UInt64, milliseconds: UInt64,
        to client: NodeClient, by key: SigningKey, now: Time
    ) throws(NodeError) -> JobID {
        let message = try message(
            module: module, input: input, fuel: fuel, memoryBytes: memoryBytes,
            milliseconds: milliseconds, in: client.ledger, by: key, now: now)
        _ = try put(module, input, client)
        try client.spool.put([.job(message)], in: client.ledger)
        // Were they there before, the node may have removed them in between, as nobody's.
        _ = try put(module, input, client)
        return message.id(in: client.ledger)
    }

    /// The signed message of a job; throws as `submit` does, and writes nothing.
    package static func message(
        module: [UInt8], input: [UInt8], fuel: UInt64, memoryBytes: UInt64, milliseconds: UInt64,
        in ledger: LedgerID, by key: SigningKey, now: Time
    ) throws(NodeError) -> JobMessage {
        do throws(JobProblem) {
            try check(module: module, input: input, fuel, memoryBytes, milliseconds)
        } catch { throw .job(error) }
        return JobMessage(
            module: Digest(hashing: module), input: Digest(hashing: input),
            moduleBytes: UInt64(module.count), inputBytes: UInt64(input.count), fuel: fuel,
            memoryBytes: memoryBytes, milliseconds: milliseconds, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version, timestamp: now, submitter: key.publicKey,
            signature: .zero
        ).signed(by: key, in: ledger)
    }

    private static func put(
        _ module: [UInt8], _ input: [UInt8], _ client: NodeClient
    ) throws(NodeError) -> (module: Digest, input: Digest) {
        let blobs = BlobStore(logDirectory: client.ledgerDirectory, disk: POSIXDisk())
        do throws(LogError) {
            let hashes = try blobs.put(all: [module, input])
            return (hashes[0], hashes[1])
        } catch {
            throw .log(of: "the blobs", path: blobs.directory, error)
        }
    }

    private static func check(
        module: [UInt8], input: [UInt8], _ fuel: UInt64, _ memoryBytes: UInt64,
        _ milliseconds: UInt64
    ) throws(JobProblem) {
        guard !module.isEmpty else { throw .emptyModule }
        guard module.count <= EngineLimits.moduleBytesMax else {
            throw .moduleTooLarge(bytes: module.count, max: EngineLimits.moduleBytesMax)
        }
        guard input.count <= EngineLimits.inputBytesMax else {
            throw .inputTooLarge(bytes: input.count, max: EngineLimits.inputBytesMax)
        }
        guard fuel > 0 else { throw .noFuel }
        guard (1...JobProblem.memoryBytesMax).contains(memoryBytes) else {
            throw .memoryOutOfRange(bytes: memoryBytes)
        }
        guard milliseconds <= Limits.timeoutMillisecondsMax else {
            throw .timeOutOfRange(milliseconds: milliseconds)
        }
    }
}
