// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Dispatch
import EventLog
import Figures
import Foundation
import Ledger

/// Proofs, checks and checkpoints of a long log, beside bare hashing and a short log.
struct LogBenchmark {
    let entries: UInt64

    func measure(
        runs: Int, _ note: (String) -> Void, _ report: ([Figure]) -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch {
                note("\(folder.path) could not be removed: \(error)")
            }
        }
        note("The log's entries have the size and shape of votes; their signatures are random.")
        let path = folder.appendingPathComponent("long").path
        let (seconds, _) = try timed { try Self.write(entries, to: path) }
        note("wrote \(entries) entries in \(Int(seconds)) s")
        let short = folder.appendingPathComponent("short").path
        try Self.write(1_000, to: short)
        report(try proofs(path, runs: runs))
        report(try checks(path, runs: runs))
        report(try [("1,000", short), ("\(entries)", path)].map { try checkpoint($0, runs: runs) })
    }

    private static func write(_ count: UInt64, to path: String) throws {
        let log = try EventLog.create(directory: path, disk: POSIXDisk(), options: LogOptions())
        var number: UInt64 = 0
        while number < count {
            for _ in 0..<min(10_000, count - number) {
                _ = try log.stage(vote(number))
                number += 1
            }
            try log.commit()
        }
        try log.close()
    }

    private static func vote(_ number: UInt64) -> [UInt8] {
        let vote = VoteCast(
            request: EntryIndex(number / 10), validator: ValidatorIndex(UInt16(number % 10)),
            vote: .approve, reason: .proofHolds, timestamp: Time(1_767_225_600_000 + number),
            signature: Signature(randomBytes(64)) ?? .zero)
        return Event.voteCast(vote).encoded
    }

    private func open(_ path: String, _ access: LogAccess = .readOnly) throws -> EventLog {
        try EventLog.open(
            directory: path, disk: POSIXDisk(), access: access, options: LogOptions())
    }

    /// An inclusion proof of an entry drawn at random, a cold frame each time, and its check.
    private func proofs(_ path: String, runs: Int) throws -> [Figure] {
        let log = try open(path)
        var random = SystemRandomNumberGenerator()
        var values: [Double] = []
        for _ in 0..<runs {
            let indices = (0..<200).map { _ in random.next() % log.size }
            let (seconds, isGood) = try timed {
                try indices.allSatisfy { try Self.isProved($0, in: log) }
            }
            guard isGood else { fatalError("a proof of the benchmark does not hold") }
            values.append(seconds / 200 * 1000)
        }
        return [
            Figure(
                "inclusion proof from \(log.size) entries, made and checked", unit: "ms",
                values: values)
        ]
    }

    /// Makes the proof of an entry and checks it.
    private static func isProved(_ index: UInt64, in log: EventLog) throws -> Bool {
        let proof = try log.inclusionProof(index: index, size: log.size)
        let entry = try log.entry(at: index)
        return MerkleProof.verifyInclusion(
            leafHash: MerkleFrontier.leafHash(entry.span), index: index, size: log.size,
            proof: proof, root: log.root)
    }

    /// Checksums alone and the whole tree, on all cores, beside hashing the same leaves and nodes.
    private func checks(_ path: String, runs: Int) throws -> [Figure] {
        var checksums: [Double] = []
        var tree: [Double] = []
        var bare: [Double] = []
        for _ in 0..<runs {
            let log = try open(path)
            let quick = try timed { try log.verifyChecksums() }
            checksums.append(Double(quick.result.bytes) / 1_048_576 / quick.seconds)
            let whole = try timed { try log.verifyAll() }
            tree.append(Double(whole.result.entries) / whole.seconds)
            bare.append(Self.bareHashing(entries: whole.result.entries))
        }
        return [
            Figure(
                "checksums of a copy, all cores", unit: "MiB/s", values: checksums,
                note: "in the page cache"),
            Figure("whole Merkle check, all cores", unit: "entries/s", values: tree),
            Figure(
                "  beside: hashing as many leaves and nodes, all cores", unit: "entries/s",
                values: bare, note: "in memory, nothing read"),
        ]
    }

    /// Entries per second of a leaf hash and a node hash for each entry, on all cores.
    private static func bareHashing(entries: UInt64) -> Double {
        let votes = (0..<1024).map { vote(UInt64($0)) }
        let parts = 64
        let each = Int(entries) / parts
        let (seconds, _) = timed {
            DispatchQueue.concurrentPerform(iterations: parts) { _ in
                var frontier = MerkleFrontier()
                for number in 0..<each { frontier.append(leaf: votes[number & 1023]) }
                if frontier.root == .zero { fatalError("impossible") }
            }
        }
        return Double(parts * each) / seconds
    }

    /// Root, signature, ten cosignatures with their consistency proofs, and a durable file.
    private func checkpoint(
        _ log: (name: String, path: String), runs: Int
    ) throws -> Figure {
        let opened = try open(log.path)
        let keys = (1...10).map { number in
            SigningKey(seed: Bytes32([UInt8](repeating: number, count: 32)) ?? .zero)
        }
        let ledger = Digest(hashing: try opened.entry(at: 0))
        let store = CheckpointStore(
            logDirectory: log.path, origin: Checkpoint.origin(ofLedger: ledger),
            disk: POSIXDisk())
        var values: [Double] = []
        for run in 0..<runs {
            let (seconds, _) = try timed {
                for step in 0..<20 {
                    let size = opened.size - UInt64(run * 20 + step)
                    let head = TreeHead(size: size, root: try opened.root(at: size))
                    let checkpoint = Checkpoint(ledger: ledger, head: head)
                    var signed = try SignedCheckpoint(signing: checkpoint, with: keys[0])
                    let last = TreeHead(size: size - 500, root: try opened.root(at: size - 500))
                    for key in keys {
                        let proof = try opened.consistencyProof(from: last.size, to: size)
                        try Cosigner.check(
                            checkpoint, after: last, origin: checkpoint.origin, proof: proof)
                        _ = try signed.cosign(with: key, seconds: 1_767_225_600)
                    }
                    _ = try store.save(signed)
                }
            }
            values.append(seconds / 20 * 1000)
        }
        return Figure(
            "checkpoint with 10 cosignatures, log of \(log.name) entries", unit: "ms",
            values: values)
    }
}
