// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Dispatch
import Groth16
import Ledger
import Synchronization

/// What was handed in and signed for an entry. Votes, which most entries are, stand by themselves:
/// an `Input` is more than twice as large.
enum SignedContent: Sendable {
    case vote(VoteMessage)
    indirect case input(Input)

    /// That of an entry which can follow a state, which is `inout` only so that it is not copied;
    /// nil where the rules derive the entry.
    init?(of event: Event, in state: inout LedgerState) throws(UnknownParty) {
        if case .voteCast(let cast) = event, let message = state.voteMessage(of: cast) {
            self = .vote(message)
        } else {
            guard let input = try state.input(of: event) else { return nil }
            self = .input(input)
        }
    }

    /// The signatures; nil where they cannot hold.
    func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        switch self {
        case .vote(let message): message.signatureChecks(in: ledger)
        case .input(let input): input.signatureChecks(in: ledger)
        }
    }

    /// How many signatures there are.
    var signatureCount: Int {
        switch self {
        case .vote: 1
        case .input(let input): input.signatureCount
        }
    }

    /// The keys that are said to have signed, in hexadecimal.
    var signers: [String] {
        switch self {
        case .vote(let message): [message.validator.hex]
        case .input(let input): input.signers
        }
    }
}

/// A signature, or several of one message, to be checked.
struct SignatureTask: Sendable {
    /// The entry that carries the signatures.
    let entry: UInt64
    let content: SignedContent
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

    /// What a chunk weighs at most, in signatures; a proof counts as thirty. Of ten keys, each has
    /// three times the 64 signatures that share an inversion.
    static let chunkWeight = 2000
    static let proofWeight = 30

    private let ledger: LedgerID
    private let jury: Jury
    private let checker: SignatureChecker
    private let results = Mutex(Results())
    private let group = DispatchGroup()
    private let room: DispatchSemaphore

    init(ledger: LedgerID, jury: Jury, _ options: AuditOptions) {
        self.ledger = ledger
        self.jury = jury
        checker = options.checker
        room = DispatchSemaphore(value: options.cores * 4)
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
        var checks: [SignatureCheck] = []
        checks.reserveCapacity(tasks.count)
        // Where the signatures of each task end; nil where it cannot hold.
        var ends: [Int?] = []
        ends.reserveCapacity(tasks.count)
        for task in tasks {
            guard let own = task.content.signatureChecks(in: ledger) else {
                ends.append(nil)
                continue
            }
            checks += own
            ends.append(checks.count)
        }
        let verdicts = checker.verdicts(checks)
        var start = 0
        var count: UInt64 = 0
        var findings: [Finding] = []
        for (task, end) in zip(tasks, ends) {
            count += UInt64(task.content.signatureCount)
            guard let end, verdicts[start..<end].allSatisfy({ $0 }) else {
                findings.append(Self.finding(task.entry, task.content.signers))
                start = end ?? start
                continue
            }
            start = end
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

extension Input {
    /// How many signatures it carries.
    var signatureCount: Int {
        switch self {
        case .ledger: 0
        case .batch(let opening): 1 + opening.precommitKeys.count
        case .message(let message, isRefused: _): message.signatureCount
        }
    }

    /// The keys that are said to have signed, in hexadecimal.
    var signers: [String] {
        switch self {
        case .ledger: []
        case .batch(let opening): ([opening.proposer] + opening.precommitKeys).map(\.hex)
        case .message(let message, isRefused: _): message.signers
        }
    }
}

extension Message {
    /// How many signatures it carries.
    var signatureCount: Int {
        switch self {
        case .request, .vote, .votes, .job, .result, .settlement, .announcement: 1
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
