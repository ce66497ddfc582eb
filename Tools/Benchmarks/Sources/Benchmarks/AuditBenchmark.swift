// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Figures
import Foundation
import Ledger

/// Every frame, leaf, signature, derived event and root again, on all cores; no proofs.
///
/// Beside it libsodium checks the same signatures one by one, on one core.
struct AuditBenchmark {
    let entries: UInt64

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            let path = folder.appendingPathComponent("ledger").path
            try LedgerGenerator.make(entries: entries, at: path, signing: true, note)
            let sample = try Self.votes(of: path, count: 20_000)
            var audited: [Double] = []
            var signatures: [Double] = []
            var alone: [Double] = []
            for _ in 0..<runs {
                let options = AuditOptions(verifyProofs: false)
                let (seconds, report) = try timed {
                    try Auditor.run(directory: path, options: options)
                }
                guard report.findings.isEmpty else {
                    fatalError("a generated ledger has findings: \(report.findings[0])")
                }
                audited.append(Double(report.size) / seconds)
                signatures.append(Double(report.counts.signatures) / seconds)
                let (other, isGood) = timed {
                    sample.allSatisfy { $0.key.verifies($0.signature, of: $0.bytes) }
                }
                guard isGood else { fatalError("libsodium refuses a generated signature") }
                alone.append(Double(sample.count) / other)
            }
            let ratio = zip(signatures, alone).map { $0 / $1 / Double(options.cores) }
            return [
                Figure("audit without proofs, all cores", unit: "entries/s", values: audited),
                Figure("  signatures checked in it", unit: "signatures/s", values: signatures),
                Figure(
                    "  beside: libsodium one by one, one core", unit: "signatures/s",
                    values: alone),
                Figure("  ratio for each core", unit: "times", values: ratio),
            ]
        }
    }

    private var options: AuditOptions { AuditOptions(verifyProofs: false) }

    private struct SignedVote {
        let key: PublicKey
        let signature: Signature
        let bytes: [UInt8]
    }

    /// Votes of the ledger with what was signed.
    private static func votes(of path: String, count: Int) throws -> [SignedVote] {
        let log = try EventLog.open(
            directory: path, disk: POSIXDisk(), access: .readOnly, options: LogOptions())
        var votes: [SignedVote] = []
        var state = LedgerState()
        var reader = EntryReader(log)
        while votes.count < count, let entry = try reader.entry() {
            if case .voteCast = entry.event,
                case .vote(let message)? = state.message(of: entry.event)
            {
                votes.append(
                    SignedVote(
                        key: message.validator, signature: message.signature,
                        bytes: message.signedBytes(in: state.ledger)))
            }
            try state.apply(entry.entry)
        }
        return votes
    }
}
