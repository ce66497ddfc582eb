// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
package import Cryptography
package import EventLog
import Groth16
import Ledger

extension Certificate {
    /// Recounts the decision, without a ledger and without a network.
    ///
    /// Rests on the policy alone, and on nothing that the certificate says without proof. Throws
    /// where the policy does not fit the ledger: another number of validators than it speaks of.
    /// Checks in the order of `CertificateCheck`, and ends at the first flaw.
    package func verify(_ policy: CertificatePolicy) throws(PolicyError) -> CertificateReport {
        var verifier = CertificateVerifier(certificate: self, policy: policy)
        do throws(Stop) {
            try verifier.run()
            verifier.report.isValid = true
        } catch {
            switch error {
            case .policy(let error): throw error
            case .flaw(let flaw): verifier.report.fail(flaw)
            }
        }
        return verifier.report
    }
}

/// Why a verification ends early.
private enum Stop: Error {
    case flaw(CertificateFlaw)
    case policy(PolicyError)
}

private struct CertificateVerifier {
    let certificate: Certificate
    let policy: CertificatePolicy
    var report = CertificateReport()

    init(certificate: Certificate, policy: CertificatePolicy) {
        self.certificate = certificate
        self.policy = policy
    }

    mutating func run() throws(Stop) {
        let (ledger, genesis) = try flawed { () throws(CertificateFlaw) in try openLedger() }
        report.ledgerID = ledger.hex
        report.name = genesis.name
        report.pass(.ledger, "the first entry is that of \(ledger.hex)")
        let signed = try checkpoint(ledger, genesis)
        try flawed { () throws(CertificateFlaw) in try inclusion(signed.checkpoint) }
        report.pass(
            .inclusion,
            "\(certificate.entries.count) entries are in the log of \(signed.checkpoint.size)")
        try recount(ledger, genesis)
    }

    private func flawed<Value>(
        _ body: () throws(CertificateFlaw) -> Value
    ) throws(Stop) -> Value {
        do throws(CertificateFlaw) {
            return try body()
        } catch {
            throw .flaw(error)
        }
    }

    private func openLedger() throws(CertificateFlaw) -> (LedgerID, LedgerOpened) {
        func flaw(_ field: String, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .ledger, entry: 0, field: field, expected: expected, found: found)
        }
        guard let entry = certificate.entries.first, entry.index == 0 else {
            throw flaw("index", "the first entry of the ledger", "no entry 0")
        }
        let ledger = LedgerID(Digest(hashing: entry.bytes))
        if let expected = policy.ledger, expected != ledger {
            throw flaw("SHA-256", expected.hex, ledger.hex)
        }
        guard case .ledgerOpened(let opened) = try Self.event(of: entry, .ledger) else {
            throw flaw("kind", EventType.ledgerOpened.jsonName, "another event")
        }
        return (ledger, opened)
    }

    private static func event(
        of entry: Certificate.Entry, _ check: CertificateCheck
    ) throws(CertificateFlaw) -> Event {
        do throws(DecodingError) {
            return try Event(decoding: entry.bytes)
        } catch {
            throw CertificateFlaw(
                check: check, entry: entry.index, field: "encoding", expected: "an event",
                found: describe(error))
        }
    }

    // MARK: Checkpoint and inclusion

    private mutating func checkpoint(
        _ ledger: LedgerID, _ genesis: LedgerOpened
    ) throws(Stop) -> SignedCheckpoint {
        let keys: CheckpointPolicy
        do throws(PolicyError) {
            keys = try policy.checkpointPolicy(genesis)
        } catch {
            throw .policy(error)
        }
        let origin = Checkpoint.origin(ofLedger: ledger.digest)
        let signed: SignedCheckpoint
        let verdict: CheckpointVerdict
        do throws(NoteError) {
            signed = try SignedCheckpoint(certificate.note)
            verdict = try keys.require(signed, origin: origin)
        } catch {
            throw .flaw(
                Self.flaw(.checkpoint, "note", "a checkpoint under \(policy.quorum)", error))
        }
        report.checkpointSize = signed.checkpoint.size
        report.checkpointRoot = signed.checkpoint.root.hex
        report.policy = policy.quorum.description
        report.signers = verdict.signers.map(\.hex)
        try flawed { () throws(CertificateFlaw) in
            try checkLines(of: signed, verdict.unknown, origin, genesis)
        }
        report.pass(
            .checkpoint,
            "\(verdict.signers.count) of \(policy.quorum.count) keys signed, \(policy.quorum)"
                + " asked for")
        return signed
    }

    private static func flaw(
        _ check: CertificateCheck, _ field: String, _ expected: String, _ found: any Error
    ) -> CertificateFlaw {
        CertificateFlaw(
            check: check, entry: nil, field: field, expected: expected, found: "\(found)")
    }

    /// Checks that no signature line is without meaning: each is of a key of the policy, or of a
    /// validator of the first entry or a pinned one, or names its own key; and no key has two of a
    /// kind. So no byte of the note can change unseen.
    private func checkLines(
        of signed: SignedCheckpoint, _ unknown: [NoteSignature], _ origin: String,
        _ genesis: LedgerOpened
    ) throws(CertificateFlaw) {
        func flaw(_ line: NoteSignature, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .checkpoint, entry: nil, field: "signature line of \(line.name)",
                expected: expected, found: found)
        }
        guard signed.bytes == certificate.note else {
            throw CertificateFlaw(
                check: .checkpoint, entry: nil, field: "note", expected: "its one encoding",
                found: "another")
        }
        var seen: Set<String> = []
        for line in signed.note.signatures {
            guard seen.insert("\(line.name) \(line.keyID)").inserted else {
                throw flaw(line, "one line of each key", "a second one")
            }
        }
        guard !unknown.isEmpty else { return }
        let parts = [certificate.subject] + (certificate.conflict.map { [$0] } ?? [])
        let keys = CertificateSigners(
            origin: origin,
            validators: genesis.validators.map(\.key) + parts.flatMap { $0.pinned.map(\.key) })
        for line in unknown where keys.signer(of: line, text: signed.note.text) == nil {
            throw flaw(line, "a key that policy, first entry or pinned set names", "no such key's")
        }
    }

    private func inclusion(_ checkpoint: Checkpoint) throws(CertificateFlaw) {
        func flaw(_ entry: UInt64?, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .inclusion, entry: entry, field: "multi-proof", expected: expected,
                found: found)
        }
        if let beyond = certificate.entries.first(where: { $0.index >= checkpoint.size }) {
            throw flaw(beyond.index, "an entry below size \(checkpoint.size)", "\(beyond.index)")
        }
        let leaves = certificate.entries.map { IndexedLeaf(index: $0.index, bytes: $0.bytes) }
        let root = MultiProof.root(
            leaves: leaves, size: checkpoint.size, proof: certificate.proof)
        guard root == checkpoint.root else {
            throw flaw(
                nil, "root \(checkpoint.root.hex)",
                root.map { "root \($0.hex)" } ?? "too few or too many hashes")
        }
    }

    // MARK: The decision

    private mutating func recount(
        _ ledger: LedgerID, _ genesis: LedgerOpened
    ) throws(Stop) {
        let entries = try flawed { () throws(CertificateFlaw) in
            var events: [(index: UInt64, event: Event)] = []
            events.reserveCapacity(certificate.entries.count)
            for entry in certificate.entries {
                events.append((entry.index, try Self.event(of: entry, .entries)))
            }
            return CertifiedEntries(
                ledger: ledger, genesis: genesis, events: events, paths: certificate.paths)
        }
        let (round, other) = try flawed { () throws(CertificateFlaw) in
            let round = try entries.round(of: certificate.subject)
            guard let part = certificate.conflict else {
                return (round, CertifiedRound?.none)
            }
            return (
                round,
                try Self.conflicting { () throws(CertificateFlaw) in
                    let other = try entries.round(of: part)
                    try entries.checkDecision(other, .votes)
                    return other
                }
            )
        }
        let ground = ground(of: round, other)
        try flawed { () throws(CertificateFlaw) in
            try entries.checkDecision(round, ground)
            if let other { try entries.checkConflict(round, other) }
            if case .deadline = ground {
                try entries.checkAbsence(round)
            } else {
                try entries.checkNoOther([round] + (other.map { [$0] } ?? []))
            }
        }
        report.pass(.entries, "\(entries.events.count) events, none without a part in it")
        passed(round, other, ground)
        let isTrue = try flawed { () throws(CertificateFlaw) in try judge(round) }
        report.decision = CertifiedDecision(round, proofHolds: isTrue)
        if let other {
            let isTrue = try flawed { () throws(CertificateFlaw) in try judge(other) }
            report.conflict = CertifiedDecision(other, proofHolds: isTrue)
        }
        report.pass(.proof, isTrue ? "the proof holds" : "the proof does not hold")
        let names = LedgerNames(genesis)
        note(round, proofHolds: isTrue, names)
        if let other { note(other, proofHolds: report.conflict?.proofHolds == true, names) }
    }

    private static func conflicting<Value>(
        _ body: () throws(CertificateFlaw) -> Value
    ) throws(CertificateFlaw) -> Value {
        do throws(CertificateFlaw) {
            return try body()
        } catch {
            var flaw = error
            flaw.field = "\(error.check.rawValue) of the conflicting request, \(error.field)"
            flaw.check = .conflict
            throw flaw
        }
    }

    /// What the decision can rest on: what the certificate shows says it, not what it states.
    private func ground(of round: CertifiedRound, _ other: CertifiedRound?) -> DecisionGround {
        if let other { return .conflict(vote: other.decided.deciding.rawValue) }
        return round.decidedByVotes == nil ? .deadline : .votes
    }

    private mutating func passed(
        _ round: CertifiedRound, _ other: CertifiedRound?, _ ground: DecisionGround
    ) {
        report.pass(
            .request, "\(round.id.hex), submitted and signed by \(round.part.submitter.hex)")
        report.pass(
            .pinnedSet,
            "\(round.part.pinned.count) validators, threshold \(round.opened.threshold)")
        report.pass(
            .votes,
            "\(round.votes.count) signed: \(round.tally.approvals) approve,"
                + " \(round.tally.rejections) reject, \(round.tally.abstentions) abstain")
        report.pass(
            .decision,
            "\(round.decided.outcome), \(round.decided.reason), by entry"
                + " \(round.decided.deciding.rawValue)")
        if case .deadline = ground {
            let last = certificate.entries.last?.index ?? round.entry
            report.pass(
                .absence, "every entry from \(round.entry) to \(last), and no further vote")
        } else {
            report.skip(.absence, "the decision rests on no absent vote")
        }
        if let other {
            report.pass(.conflict, "entry \(other.entry) spent a nullifier of this request")
        } else {
            report.skip(.conflict, "no other request decided it")
        }
    }

    // MARK: The proof

    /// Verifies the proof of a request; throws where it is none, or where it was approved and does
    /// not hold.
    private func judge(_ round: CertifiedRound) throws(CertificateFlaw) -> Bool {
        func flaw(_ field: String, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .proof, entry: round.entry, field: field, expected: expected, found: found)
        }
        let holds: Bool
        do {
            let key = try VerifyingKey(bytes: round.part.circuit.verifyingKey)
            if let fault = round.part.circuit.soundnessFault(of: key) {
                throw flaw("verifying key", "one that proves something", "\(fault)")
            }
            let proof = try Proof(compressed: round.request.proof)
            let inputs = try PublicInputs.parse(
                littleEndian: round.request.publicInputs.map(\.bytes))
            holds = try key.verifyOnce(proof, inputs: inputs)
        } catch let error as CertificateFlaw {
            throw error
        } catch {
            throw flaw("proof", "one that can be verified", "\(error)")
        }
        guard holds || round.decided.outcome != .approved else {
            throw flaw("proof", "one that holds, since it was approved", "one that does not")
        }
        return holds
    }

    private mutating func note(_ round: CertifiedRound, proofHolds: Bool, _ names: LedgerNames) {
        let byVotes = round.decided.reason != .nullifierSpent
        if proofHolds, byVotes, round.decided.outcome == .rejected {
            report.notes.append(
                "entry \(round.entry) was rejected although its proof holds: the rules were"
                    + " followed, and the mathematics is contradicted")
        }
        for vote in round.votes where vote.cast.vote == (proofHolds ? .reject : .approve) {
            report.notes.append(
                "validator \(Field(vote.cast.validator).named(by: names).text()), \(vote.key.hex),"
                    + " contradicts the mathematics at entry \(vote.entry): \(vote.cast.vote)")
        }
    }
}

/// The keys that may sign a checkpoint beside those of a policy.
package struct CertificateSigners {
    private let origin: String
    private let keys: [NoteKey]

    /// Those of these validators, and others that a policy names.
    package init(origin: String, validators: [PublicKey], keeping others: [PolicyKey] = []) {
        self.origin = origin
        keys =
            validators.flatMap { Self.noteKeys(of: $0, origin) }
            + others.flatMap { key in
                switch key {
                case .validator(let key): Self.noteKeys(of: key, origin)
                case .named(let key): [key]
                }
            }
    }

    /// Whose signature of the text the line is: that of one of the keys, or of the one that its own
    /// name states; nil where it is none of theirs.
    package func signer(of line: NoteSignature, text: [UInt8]) -> PublicKey? {
        let name = line.name.description
        var named: [NoteKey] = []
        if name.hasPrefix(origin + "/"), let key = Bytes32(hex: name.dropFirst(origin.count + 1)),
            PublicKey(key).isValid
        {
            named = Self.noteKeys(of: PublicKey(key), origin)
        }
        return (keys + named).first { $0.verifies(line, of: text) }?.publicKey
    }

    private static func noteKeys(of key: PublicKey, _ origin: String) -> [NoteKey] {
        do throws(NoteError) {
            return [
                try Checkpoint.logKey(origin: origin, publicKey: key),
                try Checkpoint.cosignerKey(origin: origin, publicKey: key),
            ]
        } catch {
            return []  // An origin of ours is always a name.
        }
    }
}

extension CertifiedDecision {
    init(_ round: CertifiedRound, proofHolds: Bool?) {
        requestID = round.id.hex
        entry = round.entry
        circuit = round.part.circuit.name
        circuitID = round.part.circuit.id.hex
        submitter = round.part.submitter.hex
        amount = round.request.amount.rawValue
        recipient = round.request.recipient.hex
        nullifiers = round.request.nullifiers.map(\.hex)
        validators = round.part.pinned.count
        threshold = round.opened.threshold
        deadline = round.opened.deadline.rawValue
        votes = round.votes.map { vote in
            CertifiedVote(
                entry: vote.entry, validator: vote.cast.validator.rawValue, key: vote.key.hex,
                vote: "\(vote.cast.vote)", reason: "\(vote.cast.reason)",
                timestamp: vote.cast.timestamp.rawValue,
                contradictsProof: proofHolds.map {
                    vote.cast.vote == ($0 ? .reject : .approve)
                })
        }
        outcome = "\(round.decided.outcome)"
        reason = "\(round.decided.reason)"
        approvals = round.tally.approvals
        rejections = round.tally.rejections
        abstentions = round.tally.abstentions
        margin = round.decided.margin
        deciding = round.decided.deciding.rawValue
        decisionEntry = round.decisionEntry
        time = round.decided.time.rawValue
        self.proofHolds = proofHolds
    }
}
