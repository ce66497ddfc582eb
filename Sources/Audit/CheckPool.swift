// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Dispatch
import Groth16
import Ledger
import Synchronization

/// A signature, or several of one message, to be checked.
enum SignatureTask: Sendable {
    case message(UInt64, Message)
    case opening(UInt64, BatchOpening)
}

/// A proof to be verified.
struct ProofTask: Sendable {
    let request: UInt64
    let key: PreparedVerifyingKey
    let proof: [UInt8]
    let inputs: [[UInt8]]
}

/// Checks signatures and proofs on all cores while the fold runs ahead by a bounded distance.
final class CheckPool: Sendable {
    private struct Results {
        var findings: [Finding] = []
        var signatures: UInt64 = 0
        var proofs: UInt64 = 0
    }

    /// What a chunk weighs at most, in signatures; a proof counts as twenty.
    static let chunkWeight = 400
    static let proofWeight = 20

    private let ledger: LedgerID
    private let jury: Jury
    private let results = Mutex(Results())
    private let group = DispatchGroup()
    private let room: DispatchSemaphore

    init(ledger: LedgerID, jury: Jury, cores: Int) {
        self.ledger = ledger
        self.jury = jury
        room = DispatchSemaphore(value: cores * 4)
    }

    /// Hands tasks to another core; waits while four chunks for each core are under way.
    func submit(_ signatures: [SignatureTask], _ proofs: [ProofTask]) {
        guard !signatures.isEmpty || !proofs.isEmpty else { return }
        room.wait()
        DispatchQueue.global().async(group: group) {
            self.check(signatures)
            self.verify(proofs)
            self.room.signal()
        }
    }

    /// Waits for everything that was submitted, and returns what was found.
    func finish() -> (findings: [Finding], signatures: UInt64, proofs: UInt64) {
        group.wait()
        return results.withLock { ($0.findings, $0.signatures, $0.proofs) }
    }

    private func check(_ tasks: [SignatureTask]) {
        var findings: [Finding] = []
        var count: UInt64 = 0
        for task in tasks {
            switch task {
            case .message(let entry, let message):
                count += UInt64(message.signatureCount)
                if !message.isSigned(in: ledger) {
                    findings.append(Self.finding(entry, message.signers))
                }
            case .opening(let entry, let opening):
                count += 1 + UInt64(opening.precommitKeys.count)
                if !opening.isSigned(in: ledger) {
                    let keys = [opening.proposer] + opening.precommitKeys
                    findings.append(Self.finding(entry, keys.map(\.hex)))
                }
            }
        }
        results.withLock {
            $0.findings += findings
            $0.signatures += count
        }
    }

    private static func finding(_ entry: UInt64, _ keys: [String]) -> Finding {
        let names = keys.map { $0.prefix(16) + "…" }.joined(separator: ", ")
        return Finding(
            entry: entry, kind: .signature,
            expected: "signed by \(keys.count == 1 ? "key" : "keys") \(names)",
            found: "a signature that does not hold")
    }

    private func verify(_ tasks: [ProofTask]) {
        for (task, verdict) in zip(tasks, ProofChecks.verdicts(tasks)) {
            jury.hear(verdict, on: task.request)
        }
        results.withLock { $0.proofs += UInt64(tasks.count) }
    }
}

extension Message {
    /// How many signatures it carries.
    var signatureCount: Int {
        switch self {
        case .request, .vote, .job, .result, .settlement: 1
        case .governance(let message): message.endorsements.count
        case .evidence: 2
        }
    }

    /// The keys that signed it, in hexadecimal.
    var signers: [String] {
        switch self {
        case .governance(let message): message.endorsements.map(\.validator.hex)
        case .evidence(let message): [message.validator.hex]
        default: sender.map { [$0.hex] } ?? []
        }
    }
}
