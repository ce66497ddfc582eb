// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite struct CheckpointPolicyTests {
    @Test func aQuorumIsReadAsItIsWritten() throws {
        for text in ["1-of-1", "7-of-10", "65535-of-65535"] {
            #expect(try Quorum(text).description == text)
        }
        for bad in [
            "", "7", "7-10", "7-of", "7-of-", "-of-10", "07-of-10", "7-of-010", "7 of 10",
            "7-of-10 ", "7-of-10-", "+7-of-10", "7-OF-10", "7--of-10", "99999999999-of-1",
        ] {
            #expect(throws: PolicyError.quorumText, "\(bad)") { try Quorum(bad) }
        }
        for (bad, threshold, count) in [
            ("0-of-1", 0, 1), ("2-of-1", 2, 1), ("0-of-0", 0, 0), ("1-of-65536", 1, 65_536),
        ] {
            #expect(throws: PolicyError.quorum(threshold: threshold, count: count)) {
                try Quorum(bad)
            }
        }
    }

    @Test func distinctKeysAreCounted() throws {
        let policy = try policy("3-of-4")
        func signers(_ cosigners: [UInt8]) throws -> (count: Int, isReached: Bool) {
            let verdict = try policy.verdict(on: signed(cosigners: cosigners), origin: origin)
            return (verdict.signers.count, verdict.isReached)
        }
        // The signature of the log counts for its key, once.
        #expect(try signers([]) == (1, false))
        #expect(try signers([0]) == (1, false))
        #expect(try signers([0, 1]) == (2, false))
        #expect(try signers([1, 2]) == (3, true))
        #expect(try signers([0, 1, 2]) == (3, true))
        #expect(try signers([3, 2, 1, 0]) == (4, true))
        let verdict = try policy.verdict(on: signed(cosigners: [2, 1], seconds: 7), origin: origin)
        #expect(verdict.signers == [key(0), key(1), key(2)].map(\.publicKey).sorted())
        #expect(verdict.cosignatures.map(\.publicKey) == [key(2).publicKey, key(1).publicKey])
        #expect(verdict.cosignatures.map(\.seconds) == [7, 7])
        #expect(throws: NoteError.tooFewSigners(signers: 2, threshold: 3, count: 4)) {
            try policy.require(signed(cosigners: [0, 1]), origin: origin)
        }
    }

    @Test func linesOfOthersDoNotCount() throws {
        let policy = try policy("2-of-2")
        let signed = try signed(cosigners: [5, 6, 7])
        let verdict = try policy.verdict(on: signed, origin: origin)
        #expect(verdict.signers == [key(0).publicKey])
        #expect(verdict.unknown == Array(signed.note.signatures[1...]))
        #expect(!verdict.isReached)
    }

    @Test func anotherLogIsRefused() throws {
        let other = Checkpoint.origin(ofLedger: .zero)
        #expect(throws: NoteError.otherOrigin(expected: other, found: origin)) {
            try policy("1-of-1").verdict(on: signed(), origin: other)
        }
    }

    /// With exactly as many signers as are needed no byte can be changed.
    @Test func aCheckpointWithAnyByteChangedIsRefused() throws {
        let policy = try policy("3-of-3")
        let good = try signed(cosigners: [1, 2]).bytes
        #expect(try policy.require(SignedCheckpoint(good), origin: origin).isReached)
        for offset in good.indices {
            for change: UInt8 in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                var bytes = good
                bytes[offset] ^= change
                #expect(throws: NoteError.self, "byte \(offset) changed by \(change)") {
                    try policy.require(SignedCheckpoint(bytes), origin: origin)
                }
            }
        }
    }

    @Test func oneFalseLineOfAKnownKeyRefusesTheNote() throws {
        let policy = try policy("1-of-3")
        let other = try signed(checkpoint(size: 8), cosigners: [2])
        let good = try signed(cosigners: [1])
        let note = try SignedNote(
            text: good.note.text, signatures: good.note.signatures + [other.note.signatures[1]])
        let line = other.note.signatures[1]
        let error = NoteError.invalidSignature(name: line.name.description, keyID: line.keyID)
        let bad = try SignedCheckpoint(note)
        #expect(throws: error) { try policy.verdict(on: bad, origin: origin) }
        // Twice in one note, once right and once wrong: refused as well.
        let twice = try SignedNote(
            text: good.note.text,
            signatures: try signed(cosigners: [2]).note.signatures + [line])
        #expect(throws: error) {
            try policy.verdict(on: SignedCheckpoint(twice), origin: origin)
        }
    }

    @Test func aCosignatureIsNoSignatureOfTheLogAndTheOtherWayRound() throws {
        let text = checkpoint().text
        let name = try NoteName(origin)
        let cosignature = NoteSignature(cosigning: text, name: name, with: key(0), seconds: 1)
        let policy = try policy("1-of-1")
        let swapped = try SignedNote(text: text, signatures: [cosignature])
        // Another type is another key id, so the line is of no known key.
        let verdict = try policy.verdict(on: SignedCheckpoint(swapped), origin: origin)
        #expect(verdict.signers.isEmpty)
        #expect(verdict.unknown.count == 1)
        let named = NoteKey(name: name, type: .cosignature, publicKey: key(0).publicKey)
        let asNamed = try CheckpointPolicy(quorum: Quorum("1-of-1"), keys: [.named(named)])
        #expect(try asNamed.require(SignedCheckpoint(swapped), origin: origin).isReached)
    }

    /// A key id has four bytes, so that two keys of one name can be made to share it. These two
    /// were found by trying some 2^17 seeds.
    @Test func keysThatShareANameAndAKeyIDAreToldApartByTheirSignatures() throws {
        let name = try NoteName("n")
        let signers = [numbered(103_712), numbered(114_567)]
        let keys = signers.map {
            NoteKey(name: name, type: .ed25519, publicKey: $0.publicKey)
        }
        #expect(keys[0].keyID == keys[1].keyID)
        let text = checkpoint().text
        let lines = signers.map { NoteSignature(of: text, name: name, with: $0) }
        let note = try SignedCheckpoint(SignedNote(text: text, signatures: lines))
        for order in [keys, keys.reversed()] {
            let policy = try CheckpointPolicy(
                quorum: Quorum("2-of-2"), keys: order.map { .named($0) })
            #expect(try policy.require(note, origin: origin).isReached)
        }
    }

    private func numbered(_ number: UInt32) -> SigningKey {
        let seed = (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        return SigningKey(seed: Digest(hashing: seed).value)
    }

    @Test func keysThatMakeNoPolicyAreRefused() throws {
        let quorum = try Quorum("1-of-2")
        let first = key(1).publicKey
        #expect(throws: PolicyError.keyCount(expected: 2, found: 1)) {
            try CheckpointPolicy(quorum: quorum, validators: [first])
        }
        #expect(throws: PolicyError.duplicateKey(first)) {
            try CheckpointPolicy(quorum: quorum, validators: [first, first])
        }
        let named = NoteKey(name: try NoteName("n"), type: .cosignature, publicKey: first)
        #expect(throws: PolicyError.duplicateKey(first)) {
            try CheckpointPolicy(quorum: quorum, keys: [.validator(first), .named(named)])
        }
        #expect(throws: PolicyError.invalidKey(PublicKey(.zero))) {
            try CheckpointPolicy(quorum: quorum, validators: [first, PublicKey(.zero)])
        }
    }

    @Test func aFileOfKeysIsRead() throws {
        let named = NoteKey(
            name: try NoteName("example.com/w"), type: .cosignature, publicKey: key(2).publicKey)
        let text = "# ours\n\(key(1).publicKey.hex)\r\n\n  \(named.vkey)\t\n#\n"
        #expect(
            try PolicyKey.list(Array(text.utf8)) == [.validator(key(1).publicKey), .named(named)])
        #expect(try PolicyKey.list([]) == [])
        for (bad, number, error) in [
            ("x\n", 1, NoteError.verifierKey), ("\n\nx", 3, .verifierKey),
            ("\(key(1).publicKey.hex) \(key(2).publicKey.hex)", 1, .verifierKey),
            (String(repeating: "0", count: 64), 1, .invalidKey(PublicKey(.zero))),
        ] {
            #expect(throws: PolicyError.keyLine(number: number, error)) {
                try PolicyKey.list(Array(bad.utf8))
            }
        }
        #expect(throws: PolicyError.keyLine(number: 1, .notUTF8)) { try PolicyKey.list([0xFF]) }
    }
}
