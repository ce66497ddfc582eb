// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger

/// Entries per second of append, replay and audit, on a generated ledger in a temporary folder.
struct LedgerBenchmark {
    let entries: UInt64

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Measurement] {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-benchmarks-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch {
                note("\(folder.path) could not be removed: \(error)")
            }
        }
        note("The generated ledger's signatures, decisions and roots are real; its proofs are not.")
        let disk = POSIXDisk()
        let path = folder.appendingPathComponent("ledger").path
        let log = try EventLog.create(directory: path, disk: disk, options: LogOptions())
        var generator = try LedgerGenerator()
        let (seconds, _) = try timed {
            try generator.open(log)
            while generator.entries < entries { try generator.addBatch(log) }
            try log.close()
        }
        note("generated \(generator.entries) entries in \(Int(seconds)) s, decided and signed")
        return try [
            append(in: folder, disk, runs: runs),
            appendSingly(in: folder, disk, runs: runs),
            replay(path, disk, runs: runs),
            audit(path, runs: runs),
        ]
    }

    /// Batches of 1,000 entries of a vote's size, durable, with the Merkle root.
    private func append(in folder: URL, _ disk: POSIXDisk, runs: Int) throws -> Measurement {
        let batches = 300
        var values: [Double] = []
        for run in 0..<runs {
            let path = folder.appendingPathComponent("append-\(run)").path
            let log = try EventLog.create(directory: path, disk: disk, options: LogOptions())
            let votes = Self.votes(1000)
            let (seconds, _) = try timed {
                for _ in 0..<batches {
                    for vote in votes { _ = try log.stage(vote) }
                    try log.commit()
                }
            }
            try log.close()
            values.append(Double(batches * 1000) / seconds)
        }
        return Measurement(
            "append, 1,000 vote entries a commit, durable, with root", unit: "entries/s",
            values: values)
    }

    /// One entry of a vote's size per durable commit.
    private func appendSingly(in folder: URL, _ disk: POSIXDisk, runs: Int) throws -> Measurement {
        var values: [Double] = []
        for run in 0..<runs {
            let path = folder.appendingPathComponent("single-\(run)").path
            let log = try EventLog.create(directory: path, disk: disk, options: LogOptions())
            let votes = Self.votes(1000)
            let (seconds, _) = try timed {
                for vote in votes {
                    _ = try log.stage(vote)
                    try log.commit()
                }
            }
            try log.close()
            values.append(1000 / seconds)
        }
        return Measurement(
            "append, one entry a durable commit", unit: "entries/s", values: values)
    }

    /// Entries of a vote's size; the signatures are random bytes, as incompressible as real ones.
    private static func votes(_ count: Int) -> [[UInt8]] {
        (0..<count).map { number in
            let vote = VoteCast(
                request: EntryIndex(UInt64(number / 10)),
                validator: ValidatorIndex(UInt16(number % 10)), vote: .approve,
                reason: .proofHolds, timestamp: Time(1_767_225_600_000 + UInt64(number)),
                signature: Signature(randomBytes(64)) ?? .zero)
            return Event.voteCast(vote).encoded
        }
    }

    /// Folding every entry into the full state; signatures and derived events are not checked.
    private func replay(_ path: String, _ disk: POSIXDisk, runs: Int) throws -> Measurement {
        var values: [Double] = []
        for _ in 0..<runs {
            let log = try EventLog.open(
                directory: path, disk: disk, access: .readOnly, options: LogOptions())
            let (seconds, size) = try timed {
                var state = LedgerState()
                try log.forEachFrame(from: 0, to: log.size) { frame in
                    for entry in 0..<frame.count {
                        let range = frame.range(of: entry)
                        do {
                            let event = try Event(decoding: Array(frame.bytes[range]))
                            try state.apply(event, encodedBytes: range.count)
                        } catch { fatalError("a generated entry does not replay: \(error)") }
                    }
                    return true
                }
                return state.size
            }
            values.append(Double(size) / seconds)
        }
        return Measurement(
            "replay into the full state, signatures not checked", unit: "entries/s",
            values: values)
    }

    /// Every frame, leaf, signature, derived event and root again, on all cores; no proofs.
    private func audit(_ path: String, runs: Int) throws -> Measurement {
        var values: [Double] = []
        for _ in 0..<runs {
            let options = AuditOptions(verifyProofs: false)
            let (seconds, report) = try timed {
                try Auditor.run(directory: path, options: options)
            }
            guard report.findings.isEmpty else {
                fatalError("a generated ledger has findings: \(report.findings[0])")
            }
            values.append(Double(report.size) / seconds)
        }
        return Measurement(
            "audit without proofs, all cores", unit: "entries/s", values: values)
    }
}
