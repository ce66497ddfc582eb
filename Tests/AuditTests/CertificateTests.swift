// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import TestSupport
import Testing

private let skip: Comment = "no file at \(Vectors.folder.path)/\(Paraloom.folder)"

@Suite(.enabled(if: Paraloom.isThere, skip))
struct CertificateTests {
    private typealias Kind = CertificateCase.Kind

    @Test(arguments: [
        (CertificateCase.Kind.approved, "approved", "quorumApproved", (7, 1, 0), true),
        (.rejected, "rejected", "approvalOutOfReach", (2, 4, 0), false),
        (.deadline, "rejected", "deadlineWithQuorum", (5, 1, 1), true),
        (.timedOut, "timedOut", "deadlineWithoutQuorum", (4, 1, 0), true),
        (.nullifierSpent, "rejected", "nullifierSpent", (2, 1, 0), true),
        (.trueRejection, "rejected", "approvalOutOfReach", (0, 4, 0), true),
    ])
    func `a decision of every kind is recounted from its file alone`(
        _ kind: CertificateCase.Kind, _ outcome: String, _ reason: String,
        _ tally: (Int, Int, Int), _ proofHolds: Bool
    ) throws {
        let item = try CertificateCase.make(kind)
        let made = try item.certificate()
        let file = made.bytes
        let certificate = try Certificate(file)
        #expect(certificate == made)
        #expect(certificate.bytes == file)
        let report = try item.report(certificate)
        #expect(report.flaw == nil)
        #expect(report.isValid)
        #expect(
            report.checks.map(\.check).sorted { "\($0)" < "\($1)" }
                == CertificateCheck.allCases.sorted { "\($0)" < "\($1)" })
        #expect(report.signers.count == 10)
        let decision = try #require(report.decision)
        #expect(decision.requestID == item.request.hex)
        #expect(decision.outcome == outcome)
        #expect(decision.reason == reason)
        #expect(decision.approvals == tally.0)
        #expect(decision.rejections == tally.1)
        #expect(decision.abstentions == tally.2)
        #expect(decision.proofHolds == proofHolds)
        #expect((report.conflict != nil) == (kind == .nullifierSpent))
        let absence = report.checks.first { $0.check == .absence }
        let restsOnAbsence = kind == .deadline || kind == .timedOut
        #expect(absence?.result == (restsOnAbsence ? .passed : .skipped))
        #expect(
            report.notes.contains { $0.contains("although its proof holds") }
                == (kind == .trueRejection || kind == .deadline))
    }

    @Test func `votes that were signed in lists are shown with their ways`() throws {
        for (item, outcome) in zip(
            try CertificateCase.makeWithLists(), ["approved", "rejected"])
        {
            let made = try item.certificate()
            #expect(made.bytes[4] == 2)
            #expect(try Certificate(made.bytes) == made)
            let report = try item.report(made)
            #expect(report.flaw == nil && report.isValid)
            #expect(report.decision?.outcome == outcome)
            #expect(report.decision?.approvals == 7)
            #expect(made.paths.count == (outcome == "approved" ? 7 : 14))
            var other = made
            other.paths.removeFirst()
            #expect(try item.report(other).flaw?.field.hasSuffix("path") == true)
            other = made
            other.paths[0].path = VotePath(of: 0, in: Self.tree(of: 3))
            #expect(try item.report(other).flaw?.field.hasSuffix("path") == true)
            other.paths[0].path = VotePath(
                of: Int(made.paths[0].path.index), in: Self.tree(of: 2))
            #expect(try item.report(other).flaw?.field.hasSuffix("signature") == true)
        }
    }

    /// A tree of so many votes on other requests.
    private static func tree(of count: Int) -> VoteTree {
        VoteListMessage(
            validator: PublicKey(.zero), timestamp: Time(0),
            votes: (0..<count).map {
                .shown(
                    request: RequestID(Digest(hashing: [UInt8($0)])), vote: .approve,
                    reason: .proofHolds)
            }, signature: .zero
        ).tree
    }

    @Test func `an approval whose proof does not hold is no valid certificate`() throws {
        let item = try CertificateCase.make(.falseApproval)
        let report = try item.report(try item.certificate())
        #expect(!report.isValid)
        #expect(report.flaw?.check == .proof)
        #expect(report.checks.filter { $0.result == .failed }.map(\.check) == [.proof])
    }

    @Test func `votes that contradict the proof are named`() throws {
        let item = try CertificateCase.make(.approved)
        let report = try item.report(try item.certificate())
        #expect(report.notes.count == 1)
        #expect(report.notes[0].contains(item.scenario.keys[9].publicKey.hex))
        #expect(report.decision?.votes.map(\.contradictsProof).filter { $0 == true }.count == 1)
    }

    @Test func `a request that is not decided has no certificate`() throws {
        var scenario = try LedgerScenario(.paraloom("native"))
        var id = RequestID(.zero)
        try scenario.batch(seconds: 1) { scenario in
            id = try scenario.submit(try Paraloom.request("native"))
        }
        let folder = try TemporaryFolder()
        let log = try LedgerDirectory.open(try folder.write(scenario.entries))
        #expect(throws: CertificateMakingError.self) {
            try CertificateMaker(.prefix(id.hex), in: log)
        }
    }

    @Test func `a checkpoint before the decision or of another log is refused`() throws {
        let item = try CertificateCase.make(.approved)
        let folder = try TemporaryFolder()
        let entries = item.scenario.entries
        let log = try LedgerDirectory.open(try folder.write(entries))
        let maker = try CertificateMaker(.prefix(item.request.hex), in: log)
        let needed = Int(maker.neededEntries)
        let early = try item.checkpoint(of: Array(entries[..<(needed - 1)]))
        #expect(throws: CertificateMakingError.self) { try maker.certificate(under: early) }
        let exact = try item.checkpoint(of: Array(entries[..<needed]))
        #expect(try item.report(try maker.certificate(under: exact)).isValid)
        let other = try item.checkpoint(of: entries.dropLast() + [[9]])
        #expect(throws: CertificateMakingError.self) { try maker.certificate(under: other) }
        let foreign = try item.checkpoint(of: entries, ledger: .zero)
        #expect(throws: CertificateMakingError.self) { try maker.certificate(under: foreign) }
    }

    // MARK: Checkpoint

    @Test func `too few signatures of the policy's keys are not enough`() throws {
        let item = try CertificateCase.make(.approved)
        let seven = try item.certificate(signers: 3..<10)
        #expect(try item.report(seven).isValid)
        let six = try item.certificate(signers: 0..<6)
        #expect(try item.report(six).flaw?.check == .checkpoint)
        #expect(try six.verify(try item.policy("6-of-10")).isValid)
        #expect(throws: PolicyError.self) { try six.verify(try item.policy("6-of-9")) }
    }

    @Test func `listed keys serve as well, and strangers' signatures do not count`() throws {
        let item = try CertificateCase.make(.approved)
        let certificate = try item.certificate()
        func report(_ keys: [SigningKey], _ quorum: String) throws -> CertificateReport {
            try certificate.verify(
                try CertificatePolicy(
                    quorum: try Quorum(quorum),
                    keys: .listed(keys.map { .validator($0.publicKey) }, ledger: nil)))
        }
        let validators = item.scenario.keys
        #expect(try report(validators, "7-of-10").isValid)
        #expect(try report(Array(validators[..<3]), "3-of-3").isValid)
        let strangers = (250..<260).map { Fixture.key($0) }
        #expect(try report(strangers, "1-of-10").flaw?.check == .checkpoint)
        #expect(try report(strangers + validators[..<2], "3-of-12").flaw?.check == .checkpoint)
    }

    @Test func `a line of the note that nobody can check is refused`() throws {
        let item = try CertificateCase.make(.approved)
        let right = try item.certificate()
        var signed = try SignedCheckpoint(right.note)
        let stranger = Fixture.key(277)
        let text = signed.note.text
        var note = signed.note
        _ = try note.add(
            NoteSignature(of: text, name: try NoteName("witness.example"), with: stranger))
        var certificate = right
        certificate.note = note.bytes
        #expect(try item.report(certificate).flaw?.check == .checkpoint)
        // The maker leaves such a line out, or keeps it for a reader who knows the key.
        let folder = try TemporaryFolder()
        let log = try LedgerDirectory.open(try folder.write(item.scenario.entries))
        let maker = try CertificateMaker(.prefix(item.request.hex), in: log)
        let witnessed = try SignedCheckpoint(note)
        #expect(try maker.certificate(under: witnessed) == right)
        let key = NoteKey(
            name: try NoteName("witness.example"), type: .ed25519, publicKey: stranger.publicKey)
        let kept = try maker.certificate(under: witnessed, keeping: [.named(key)])
        #expect(kept == certificate)
        // A cosignature by a name of ours states its key, so it can be checked.
        _ = try signed.cosign(with: stranger, seconds: 5)
        certificate.note = signed.bytes
        #expect(try item.report(certificate).isValid)
        // The same line twice.
        let lines = signed.note.signatures
        certificate.note = try SignedNote(text: text, signatures: lines + [lines[3]]).bytes
        #expect(try item.report(certificate).flaw?.check == .checkpoint)
    }

    @Test func `a certificate of another ledger is refused`() throws {
        let item = try CertificateCase.make(.approved)
        let certificate = try item.certificate()
        let other = try LedgerScenario(.of(10, 8)).ledger
        let policy = try CertificatePolicy(
            quorum: try Quorum("7-of-10"), keys: .validators(of: other))
        #expect(try certificate.verify(policy).flaw?.check == .ledger)
        let forged = try item.forged(certificate) { events in
            guard case .ledgerOpened(var opened) = events[0] else { return }
            opened.name = "recount.example/other"
            events[0] = .ledgerOpened(opened)
        }
        #expect(try item.report(forged).flaw?.check == .ledger)
        // Under keys alone it is found by what was signed for the ledger.
        let keys = item.scenario.keys.map { PolicyKey.validator($0.publicKey) }
        let listed = try CertificatePolicy(
            quorum: try Quorum("7-of-10"), keys: .listed(keys, ledger: nil))
        #expect(try forged.verify(listed).flaw?.check == .request)
    }

    // MARK: Bytes

    @Test func `every changed byte of a certificate makes it fail`() throws {
        for kind in [Kind.approved, .nullifierSpent] {
            let item = try CertificateCase.make(kind)
            let policy = try item.policy("3-of-10")
            let file = try item.certificate(signers: 0..<3).bytes
            func isValid(_ bytes: [UInt8]) throws -> Bool {
                guard let certificate = certificate(bytes) else { return false }
                return try certificate.verify(policy).isValid
            }
            #expect(try isValid(file))
            for offset in file.indices {
                let bit = UInt8(1) << (offset % 8)
                for pattern in kind == .approved ? [bit, 0xFF] : [bit] {
                    var changed = file
                    changed[offset] ^= pattern
                    #expect(try !isValid(changed), "\(kind): byte \(offset) ^ \(pattern)")
                }
            }
        }
    }

    @Test func `a cut, longer or shifted certificate fails and never traps`() throws {
        let item = try CertificateCase.make(.timedOut)
        let policy = try item.policy()
        let file = try item.certificate(signers: 0..<7).bytes
        func isValid(_ bytes: [UInt8]) throws -> Bool {
            guard let certificate = certificate(bytes) else { return false }
            return try certificate.verify(policy).isValid
        }
        for length in 0..<file.count {
            #expect(certificate(Array(file[..<length])) == nil, "cut to \(length)")
        }
        #expect(certificate(file + [0]) == nil)
        var random = SplitMix64(seed: 3)
        for offset in stride(from: 0, to: file.count, by: 7) {
            var changed = file
            changed.remove(at: offset)
            #expect(try !isValid(changed), "byte \(offset) dropped")
            changed = file
            changed.insert(file[offset], at: offset)
            #expect(try !isValid(changed), "byte \(offset) twice")
            changed = file
            for _ in 0..<4 {
                changed[Int.random(in: changed.indices, using: &random)] = UInt8(
                    truncatingIfNeeded: random.next())
            }
            #expect(try !isValid(changed) || changed == file, "noise, round \(offset)")
        }
    }

    private func certificate(_ bytes: [UInt8]) -> Certificate? {
        do { return try Certificate(bytes) } catch { return nil }
    }

    @Test func `a version or a magic of another kind is named`() throws {
        let file = try CertificateCase.make(.rejected).certificate().bytes
        var changed = file
        changed[4] = 3
        #expect(throws: CertificateFormatError.unknownVersion(3)) { try Certificate(changed) }
        changed[0] = 0x52 ^ 1
        #expect(throws: CertificateFormatError.notACertificate) { try Certificate(changed) }
        #expect(throws: CertificateFormatError.notACertificate) { try Certificate([]) }
    }
}
