// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import TestSupport
import Testing

private struct NoteVector: Decodable {
    let vkey: String
    let note: String?
}

private let vectors = "merkle/signed_notes.json"

private func note(_ text: String) -> [UInt8] { Array(text.utf8) }

private func nameAndSignature(_ name: String, _ count: Int = 5) -> String {
    "— \(name) \([UInt8](repeating: 7, count: count).base64)\n"
}

@Suite struct SignedNoteTests {
    @Test(.enabled(if: Vectors.has(vectors), "no file at \(vectors)"))
    func theNotesOfOthersVerify() throws {
        let cases = try Vectors.json(vectors, as: [NoteVector].self)
        var verified = 0
        for vector in cases {
            let key = try NoteKey(vkey: vector.vkey)
            #expect(key.vkey == vector.vkey)
            guard let text = vector.note else { continue }
            let signed = try SignedNote(note(text))
            #expect(signed.bytes == note(text))
            #expect(signed.signatures.count == 1)
            #expect(key.verifies(signed.signatures[0], of: signed.text))
            verified += 1
        }
        #expect(verified == 2)
    }

    @Test(.enabled(if: Vectors.has(vectors), "no file at \(vectors)"))
    func theCheckpointOfOthersIsRead() throws {
        let cases = try Vectors.json(vectors, as: [NoteVector].self)
        let vector = try #require(cases.first { $0.note?.hasPrefix("go.sum database") == true })
        let signed = try SignedCheckpoint(note(try #require(vector.note)))
        #expect(signed.checkpoint.origin == "go.sum database tree")
        #expect(signed.checkpoint.size == 35_225_469)
        #expect(signed.checkpoint.text == signed.note.text)
        let policy = try CheckpointPolicy(
            quorum: Quorum("1-of-1"), keys: [.named(NoteKey(vkey: vector.vkey))])
        #expect(try policy.require(signed, origin: "go.sum database tree").isReached)
    }

    /// Every value of every byte, in the notes of others.
    @Test(.enabled(if: Vectors.has(vectors), "no file at \(vectors)"))
    func aNoteWithAnyByteChangedIsRefused() throws {
        for vector in try Vectors.json(vectors, as: [NoteVector].self) {
            guard let text = vector.note else { continue }
            let key = try NoteKey(vkey: vector.vkey)
            let good = note(text)
            for offset in good.indices {
                for change in 1...255 {
                    var bytes = good
                    bytes[offset] ^= UInt8(change)
                    #expect(!isSigned(bytes, by: key), "byte \(offset) changed by \(change)")
                }
            }
        }
    }

    private func isSigned(_ bytes: [UInt8], by key: NoteKey) -> Bool {
        guard let signed = try? SignedNote(bytes) else { return false }
        #expect(signed.bytes == bytes)
        return signed.signatures.contains { key.verifies($0, of: signed.text) }
    }

    @Test func aNoteIsCutShortOnlyWithAnError() throws {
        let good = try signed(cosigners: [0, 1]).bytes
        for count in good.indices {
            if let note = try? SignedNote(Array(good[..<count])) {
                // A note with fewer lines is a note.
                #expect(note.bytes == Array(good[..<count]))
                #expect(note.signatures.count < 3)
            }
        }
    }

    @Test func theTextIsWhatPrecedesTheLastEmptyLine() throws {
        for text in [
            "\n", "a\n", "a\n\nb\n", "a\n\n", "\n\n\n", "— a AAAAAAA=\n", "é\u{85}\u{2028}\n",
        ] {
            let bytes = note(text + "\n" + nameAndSignature("k"))
            let read = try SignedNote(bytes)
            #expect(read.text == note(text))
            #expect(read.bytes == bytes)
            #expect(try SignedNote(text: note(text), signatures: read.signatures) == read)
        }
    }

    @Test(arguments: [
        ("", NoteError.noSignatures), ("\n", .noSignatures), ("\n\n", .noSignatures),
        ("a\n\n", .noSignatures), ("a\n— k AAAAAAA=\n", .noSignatures),
        ("a\n\n— k AAAAAAA=", .unfinishedLine),
        ("a\r\n\n— k AAAAAAA=\n", .controlCharacter(13, offset: 1)),
        ("a\t\n\n— k AAAAAAA=\n", .controlCharacter(9, offset: 1)),
        ("a\u{0}\n\n— k AAAAAAA=\n", .controlCharacter(0, offset: 1)),
        ("a\n\n-- k AAAAAAA=\n", .signatureLine(number: 1, .prefix)),
        ("a\n\n—k AAAAAAA=\n", .signatureLine(number: 1, .prefix)),
        ("a\n\n— k AAAAAAA=\nb\n", .signatureLine(number: 2, .prefix)),
        ("a\n\n— k\n", .signatureLine(number: 1, .name)),
        ("a\n\n—  AAAAAAA=\n", .signatureLine(number: 1, .name)),
        ("a\n\n— k+ AAAAAAA=\n", .signatureLine(number: 1, .name)),
        ("a\n\n— k\u{A0} AAAAAAA=\n", .signatureLine(number: 1, .name)),
        ("a\n\n— k\u{2003}k AAAAAAA=\n", .signatureLine(number: 1, .name)),
        ("a\n\n— k  AAAAAAA=\n", .signatureLine(number: 1, .base64)),
        ("a\n\n— k AAAAAAA= \n", .signatureLine(number: 1, .base64)),
        ("a\n\n— k AAAAAAB=\n", .signatureLine(number: 1, .base64)),
        ("a\n\n— k AAAAAAA\n", .signatureLine(number: 1, .base64)),
        ("a\n\n— k \n", .signatureLine(number: 1, .length(bytes: 0))),
        ("a\n\n— k AAAAAA==\n", .signatureLine(number: 1, .length(bytes: 4))),
    ])
    func whatIsNoNoteIsRefusedWithItsReason(text: String, error: NoteError) {
        #expect(throws: error) { try SignedNote(note(text)) }
    }

    @Test func textThatIsNotUTF8IsRefused() {
        for bad: [UInt8] in [[0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] {
            let bytes = bad + note("\n\n" + nameAndSignature("k"))
            #expect(throws: NoteError.notUTF8) { try SignedNote(bytes) }
        }
    }

    @Test func theBoundsAreThoseStated() throws {
        let line = nameAndSignature("k")
        let most = String(repeating: line, count: SignedNote.signaturesMax)
        #expect(try SignedNote(note("a\n\n" + most)).signatures.count == SignedNote.signaturesMax)
        #expect(throws: NoteError.tooManySignatures(max: SignedNote.signaturesMax)) {
            try SignedNote(note("a\n\n" + most + line))
        }
        let room = SignedNote.bytesMax - 2 - line.utf8.count
        let long = String(repeating: "a", count: room)
        #expect(try SignedNote(note(long + "\n\n" + line)).bytes.count == SignedNote.bytesMax)
        let tooLong = NoteError.tooLong(bytes: SignedNote.bytesMax + 1, max: SignedNote.bytesMax)
        #expect(throws: tooLong) { try SignedNote(note(long + "a\n\n" + line)) }
        let signature = try SignedNote(note("a\n\n" + line)).signatures
        #expect(throws: tooLong) {
            try SignedNote(text: note(long + "a\n"), signatures: signature)
        }
    }

    @Test func noteOfAsManyCosignaturesAsCanBeFits() throws {
        var full = try signed()
        for number in 0..<SignedNote.signaturesMax - 1 {
            let seed = Digest(hashing: [UInt8(number & 255), UInt8(number >> 8)]).value
            #expect(try full.cosign(with: SigningKey(seed: seed), seconds: 1))
        }
        #expect(full.note.signatures.count == SignedNote.signaturesMax)
        #expect(full.bytes.count <= SignedNote.bytesMax)
        let before = full
        #expect(throws: NoteError.tooManySignatures(max: SignedNote.signaturesMax)) {
            _ = try full.cosign(with: key(200), seconds: 1)
        }
        #expect(full == before)
        #expect(try SignedCheckpoint(full.bytes) == full)
    }

    @Test func bytesOfAnyKindAreReadOrRefused() {
        var random = SplitMix64(seed: 77)
        let alphabet = note("— k+AAAA=\n\n ") + [0, 0xE2, 0xFF]
        var read = 0
        for _ in 0..<20_000 {
            var bytes = note("a\n\n— k ")
            let count = Int(random.next() % 12)
            for _ in 0..<count {
                bytes.append(alphabet[Int(random.next() % UInt64(alphabet.count))])
            }
            bytes.append(10)
            if let signed = try? SignedNote(bytes) {
                read += 1
                #expect(signed.bytes == bytes)
            }
        }
        #expect(read < 20_000)
    }
}

@Suite struct NoteKeyTests {
    @Test func theTextOfAKeyIsReadBack() throws {
        for type in [NoteSignatureType.ed25519, .cosignature] {
            let noteKey = NoteKey(
                name: try NoteName("exämple.com/a"), type: type, publicKey: key(1).publicKey)
            #expect(try NoteKey(vkey: noteKey.vkey) == noteKey)
        }
    }

    @Test(.enabled(if: Vectors.has(vectors), "no file at \(vectors)"))
    func aKeyWithAnyByteChangedIsRefused() throws {
        let vector = try #require(try Vectors.json(vectors, as: [NoteVector].self).first)
        let good = Array(vector.vkey.utf8)
        for offset in good.indices {
            for change in 1..<UInt8(128) {
                var bytes = good
                bytes[offset] ^= change
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(throws: NoteError.self, "\(text)") { try NoteKey(vkey: text) }
            }
        }
    }

    @Test func eachFlawHasItsReason() throws {
        let name = try NoteName("k")
        let good = NoteKey(name: name, type: .ed25519, publicKey: key(1).publicKey)
        func text(_ name: String, _ id: String, _ bytes: [UInt8]) -> String {
            "\(name)+\(id)+\(bytes.base64)"
        }
        let id = [UInt8](
            Digest(hashing: Array("k\n".utf8) + [1] + good.publicKey.bytes).bytes[..<4]
        )
        .hex
        let bytes = [1] + good.publicKey.bytes
        #expect(good.vkey == text("k", id, bytes))
        for bad in [
            "", "k", "k+\(id)", "k++", text("k", id, Array(bytes.dropLast())),
            text("k", id, bytes + [0]), text("k", id.uppercased() + "0", bytes),
            text("k", String(id.dropLast()), bytes), text("k", id, bytes) + "\n",
        ] {
            #expect(throws: NoteError.verifierKey, "\(bad)") { try NoteKey(vkey: bad) }
        }
        for bad in ["", " ", "a b", "a\n", "\u{7}"] {
            #expect(throws: NoteError.keyName, "\(bad)") {
                try NoteKey(vkey: text(bad, id, bytes))
            }
            #expect(throws: NoteError.keyName, "\(bad)") { try NoteName(bad) }
        }
        #expect(throws: NoteError.keyType(2)) {
            try NoteKey(vkey: text("k", id, [2] + bytes.dropFirst()))
        }
        // Keys of other types are longer, and named all the same.
        for (type, word) in [(2, "ECDSA"), (6, "ML-DSA-44"), (5, "RFC 6962"), (9, "type 9")] {
            let other = text("k", id, [UInt8(type)] + [UInt8](repeating: 7, count: 1312))
            #expect(throws: NoteError.keyType(UInt8(type))) { try NoteKey(vkey: other) }
            #expect("\(NoteError.keyType(UInt8(type)))".contains(word))
        }
        #expect(throws: NoteError.keyID(stated: 0, computed: good.keyID)) {
            try NoteKey(vkey: text("k", "00000000", bytes))
        }
        let weak = NoteKey(name: name, type: .ed25519, publicKey: PublicKey(.zero))
        #expect(throws: NoteError.invalidKey(PublicKey(.zero))) { try NoteKey(vkey: weak.vkey) }
    }

    @Test func namesThatLookAlikeAreDifferent() throws {
        // The same letter, composed and decomposed: equal as strings, different as names.
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(composed == decomposed)
        #expect(try NoteName(composed) != NoteName(decomposed))
        let head = TreeHead(size: 1, root: .zero)
        #expect(
            try Checkpoint(origin: composed, head: head)
                != Checkpoint(origin: decomposed, head: head))
    }
}
