// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import NIOCore
internal import NIOHTTP1
internal import Node
internal import Projections

/// Handing in jobs, and fetching what they gave.
extension Routes {
    /// `POST /jobs` and `GET /jobs/ID/result`.
    static func addJobs(to router: inout Router, _ desk: NodeDesk) {
        router.post("jobs", bodyBytesMax: JobUpload.bytesMax) { request in
            _ = try Query(request, known: [])
            guard try isBinary(request) else { throw binaryWanted }
            let body = request.body
            let upload = try await desk.reading.run {
                do throws(Ledger.DecodingError) {
                    return try JobUpload(decoding: Array(buffer: body))
                } catch {
                    throw APIError.wrong("body", "it is no job with its module and input: \(error)")
                }
            }
            return try await handIn(upload, desk)
        }
        router.get("jobs/:id/result") { request in
            _ = try Query(request, known: [])
            let name = request.parameter("id")
            let job = try await desk.ask { views throws(ViewError) in
                try views.job(at: try views.job(called: name))
            }
            guard let job else { throw APIError.notFound("nothing is called so") }
            let output = try output(of: job)
            let directory = desk.node.home.ledgerDirectory
            return .bytes(
                try await desk.reading.run { try blob(output, in: directory) }, isForEver: true)
        }
    }

    private static func handIn(_ upload: JobUpload, _ desk: NodeDesk) async throws -> Response {
        let job: JobMessage
        do throws(UploadProblem) { job = try upload.job() } catch {
            throw APIError.wrong(error.field, error.description)
        }
        let message = Message.job(job)
        // A stranger's bytes are not even hashed.
        try await checkSender(of: message, desk)
        try await desk.reading.run {
            do throws(UploadProblem) { try upload.check(job) } catch {
                throw APIError.wrong(error.field, error.description)
            }
        }
        try await store(upload, desk)
        let response = try await submit(message, desk)
        // Were they there before, the node may have removed them in between, as nobody's.
        try await store(upload, desk)
        return response
    }

    private static func store(_ upload: JobUpload, _ desk: NodeDesk) async throws {
        let directory = desk.node.home.ledgerDirectory
        try await desk.reading.run {
            do throws(LogError) { try upload.store(in: directory) } catch {
                throw APIError.failed("module and input cannot be stored: \(error)")
            }
        }
    }

    /// The hash of the output that a job's validators agreed on.
    private static func output(of job: JobView) throws -> Digest {
        guard job.decision != "open" else {
            throw APIError(
                status: .conflict, reason: "tooEarly", message: "the job is not decided yet",
                retryAfterSeconds: 1)
        }
        guard job.decision == JobDecision.agreed.jsonName,
            job.status == JobStatus.Kind.success.jsonName,
            let hash = job.output.flatMap({ Bytes32(hex: $0) })
        else {
            throw APIError.notFound("the job has no output: \(job.status ?? job.decision)")
        }
        return Digest(hash)
    }

    private static func blob(_ hash: Digest, in directory: String) throws -> [UInt8] {
        guard hash != Digest(hashing: []) else { return [] }
        do throws(LogError) {
            return try BlobStore(logDirectory: directory, disk: POSIXDisk()).get(hash)
        } catch {
            guard case .blobMissing = error else {
                throw APIError.failed("the output cannot be read: \(error)")
            }
            throw APIError.notFound(
                "this node does not keep the output \(hash.hex); the validators of the job do")
        }
    }
}
