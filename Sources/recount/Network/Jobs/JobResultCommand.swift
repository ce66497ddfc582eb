// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Compute
import Cryptography
import EventLog
import Ledger
import Projections

/// `recount job result`.
struct JobResultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result", abstract: "Fetch the output that a job's validators agreed on.",
        discussion: """
            The output comes from the ledger's blobs, and its hash is checked against the
            decision. A file is written whole or not at all.

              recount job result home 9c41 --out words.txt
              recount job result home 812 | wc -c
              recount job result --node http://127.0.0.1:5100 9c41 --out words.txt

            With --json one object says what it is; without --out the output stands in it,
            in base64, and as text where it is UTF-8.

            Two of three validators agreed on it; recount audit home --recompute runs the
            job again and says whether they were right.

            Exit codes: 0 the output is written; 1 the job has none: its validators
            disagreed, were late, or agreed that it failed; 2 it is not decided yet, or
            something cannot be read or written.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The first digits of the identity, or the entry of the job.",
        completion: Completions.jobs)
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Where the output goes; - is standard output, as without it.", valueName: "file"),
        completion: .file())
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Answer: Encodable {
        var jobID: String
        var output: String
        var outputBytes: Int
        var path: String?
        var base64: String?
        var text: String?
    }

    mutating func validate() throws {
        id = try place.check(id, "id")
        guard !json || out != "-" else {
            throw ValidationError("--json and --out - both want standard output")
        }
    }

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force)
        let (job, hash, bytes) = try result(id ?? "")
        if json {
            if let out { try OutputFile.write(bytes, to: out, force: replacing.force) }
            return try Output.json(
                Answer(
                    jobID: job, output: hash.hex, outputBytes: bytes.count, path: out,
                    base64: out == nil ? bytes.base64 : nil,
                    text: out == nil ? String(validating: bytes, as: UTF8.self) : nil))
        }
        try OutputFile.write(bytes, to: out ?? "-", force: replacing.force)
        guard let out, out != "-" else { return }
        Output.line("\(out): \(Text.count(UInt64(bytes.count), "byte")), SHA-256 \(hash.hex)")
    }

    private func result(_ id: String) throws(Failure) -> (job: String, hash: Digest, bytes: [UInt8])
    {
        switch try place.source() {
        case .node(let node):
            let job = try JobPage.find(id, node)
            let hash = try Self.agreedOutput(job)
            return (job.jobID, hash, try Self.output(hash, of: job, at: node))
        case .ledger(let path):
            let jobs = try Jobs(path)
            guard case .logged(let job) = try jobs.find(id) else {
                throw Failure(
                    "job \(id) waits for a node; recount run \(Place.network(path))"
                        + " --requests /dev/null takes it")
            }
            let hash = try Self.agreedOutput(job)
            return (job.jobID, hash, try Self.output(hash, of: job, in: jobs.views.log))
        }
    }

    /// The output of a job, from a node: only the bytes that the hash is of.
    private static func output(
        _ hash: Digest, of job: JobView, at node: AskedNode
    ) throws(Failure) -> [UInt8] {
        let bytes = try node.ask { node throws(ClientError) in
            try node.bytes(["jobs", job.jobID, "result"], bytesMax: EngineLimits.outputBytesMax)
        }
        guard Digest(hashing: bytes) == hash else {
            throw Failure("\(node.name) gives other bytes than the validators agreed on")
        }
        return bytes
    }

    /// The hash of the output that was agreed on, or why there is none.
    private static func agreedOutput(_ job: JobView) throws(Failure) -> Digest {
        let name = "job \(Text.short(job.jobID))"
        switch job.decision {
        case JobDecision.agreed.jsonName: break
        case "open":
            throw Failure(
                job.assigned == nil
                    ? "\(name) is not decided yet: its validators are not drawn"
                    : "\(name) is not decided yet: \(job.reports.count { $0.entry != nil }) of"
                        + " \(job.reports.count) validators have reported")
        case JobDecision.disagreed.jsonName:
            throw Failure(
                "\(name) has no result: no two of its validators agreed; recount job show tells"
                    + " what each reported", .wrong)
        default:
            throw Failure(
                "\(name) has no result: too few of its validators reported in time", .wrong)
        }
        guard job.status == "success", let output = job.output else {
            let status = JobText.status(
                job.status ?? "", code: job.statusCode, reason: job.reason)
            throw Failure("\(name) has no output: its validators agreed on \(status)", .wrong)
        }
        guard let hash = Bytes32(hex: output) else {
            throw Failure("the projections name \(output), which is no hash")
        }
        return Digest(hash)
    }

    private static func output(
        _ hash: Digest, of job: JobView, in log: EventLog
    ) throws(Failure) -> [UInt8] {
        // No bytes need no file.
        guard hash != Digest(hashing: []) else { return [] }
        do throws(LogError) {
            return try BlobStore(logDirectory: log.directory, disk: POSIXDisk()).get(hash)
        } catch {
            let what =
                switch error {
                case .blobMissing: "is not in \(log.directory)/blobs"
                case .damaged: "in \(log.directory)/blobs is damaged: its bytes have another hash"
                default: "cannot be read: \(error)"
                }
            throw Failure(
                "the output \(hash.hex) of job \(Text.short(job.jobID)) \(what); recount recover"
                    + " fetches it from a backup, and running the job again makes it anew, unless"
                    + " its validators lied")
        }
    }
}
