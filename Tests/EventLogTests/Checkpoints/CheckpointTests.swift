// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import TestSupport
import Testing

@Suite struct CheckpointTests {
    @Test func aCheckpointIsThreeLines() throws {
        let made = Checkpoint(ledger: ledger, head: TreeHead(size: 20_852_163, root: .ofNothing))
        let text = "recount/\(ledger.hex)\n20852163\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
        #expect(made.text == Array(text.utf8))
        #expect(try Checkpoint(text: made.text) == made)
        #expect(try Checkpoint(origin: origin, head: made.head) == made)
    }

    @Test(arguments: [
        ("", CheckpointFlaw.lines(found: 1)), ("o\n1\n", .lines(found: 2)),
        ("o\n1\nROOT", .lines(found: 3)), ("\(origin)\n1\nROOT\next\n", .lines(found: 4)),
        ("o\n1\nROOT\n\n", .emptyLine), ("o\n1\nROOT\na\n\nb\n", .emptyLine),
        ("\n1\nROOT\n", .origin),
        ("o\n\nROOT\n", .size), ("o\n01\nROOT\n", .size), ("o\n+1\nROOT\n", .size),
        ("o\n-1\nROOT\n", .size), ("o\n1 \nROOT\n", .size), ("o\n٣\nROOT\n", .size),
        ("o\n18446744073709551616\nROOT\n", .size), ("o\n1\nAAAA\n", .root), ("o\n1\n\n", .root),
        ("o\n1\nROOT \n", .root),
    ])
    func whatIsNoCheckpointIsRefusedWithItsReason(text: String, flaw: CheckpointFlaw) {
        let root = Digest.ofNothing.bytes.base64
        let text = text.replacing("ROOT", with: root)
        #expect(throws: NoteError.checkpoint(flaw)) { try Checkpoint(text: Array(text.utf8)) }
    }

    @Test("lines that another log adds are kept, signed with the rest, and mean nothing here")
    func extensionLines() throws {
        let root = Digest.ofNothing.bytes.base64
        let text = Array("example.org/log\n5\n\(root)\nTimestamp: 17\n — \n".utf8)
        let read = try Checkpoint(text: text)
        #expect(read.extensionLines == [Array("Timestamp: 17".utf8), Array(" — ".utf8)])
        #expect(read.text == text)
        let plain = try Checkpoint(text: Array("example.org/log\n5\n\(root)\n".utf8))
        #expect(plain != read && plain.head == read.head)
    }

    @Test(
        "a foreign checkpoint with extension lines is verified by its own key",
        .enabled(if: Vectors.hasCase("checkpoints/extension.note"), "no checkpoints"))
    func foreign() throws {
        func bytes(_ file: String) throws -> [UInt8] {
            let path = Vectors.casePath("checkpoints/\(file)")
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        }
        let signed = try SignedCheckpoint(bytes("extension.note"))
        #expect(signed.bytes == (try bytes("extension.note")))
        // Keys of a file that begins with a byte order mark are those of the file without.
        let keys = try PolicyKey.list(bytes("keys.txt"))
        #expect(try PolicyKey.list(bytes("keys-bom.txt")) == keys)
        guard case .named(let key)? = keys.first else {
            Issue.record("no key")
            return
        }
        let line = try #require(signed.note.signature(of: key))
        #expect(key.verifies(line, of: signed.note.text))
        let cut = signed.note.text.prefix { $0 != UInt8(ascii: "T") }
        #expect(!key.verifies(line, of: Array(cut)))
    }

    @Test(arguments: [0, 1, 9, 10, UInt64.max - 1, .max])
    func sizesOfAnyKindAreReadBack(size: UInt64) throws {
        let made = checkpoint(size: size)
        #expect(try Checkpoint(text: made.text) == made)
    }

    @Test func anOriginOfNothingOrOfLinesIsRefused() {
        for bad in ["", "a\nb", "\n"] {
            #expect(throws: NoteError.checkpoint(.origin)) {
                try Checkpoint(origin: bad, head: TreeHead(size: 0, root: .zero))
            }
        }
    }

    /// The bytes are put together here from the specification, not by the code under test.
    @Test func aCosignatureSignsTheTimeAndTheText() throws {
        let note = try signed(cosigners: [3], seconds: 1_679_315_147).note
        let line = note.signatures[1]
        let publicKey = key(3).publicKey
        let name = "recount/\(ledger.hex)/\(publicKey.hex)"
        #expect(line.name.description == name)
        let id = Digest(hashing: Array("\(name)\n".utf8) + [4] + publicKey.bytes).bytes[..<4]
        #expect(line.keyID == id.reduce(0) { $0 << 8 | UInt32($1) })
        #expect(line.bytes.count == 72)
        #expect(Array(line.bytes[..<8]) == [0, 0, 0, 0, 0x64, 0x18, 0x50, 0xCB])
        let message = Array("cosignature/v1\ntime 1679315147\n".utf8) + note.text
        let signature = try #require(Signature(Array(line.bytes[8...])))
        #expect(publicKey.verifies(signature, of: message))
        #expect(line.cosignatureSeconds == 1_679_315_147)
    }

    @Test func aTimeOfTwoToTheSixtyThreeIsNoCosignature() throws {
        let signer = key(3)
        let noteKey = try Checkpoint.cosignerKey(origin: origin, publicKey: signer.publicKey)
        let last = UInt64(Int64.max)
        for (seconds, isGood) in [(last, true), (last + 1, false)] {
            let text = checkpoint().text
            let message = Array("cosignature/v1\ntime \(seconds)\n".utf8) + text
            let time = (0..<8).map { UInt8(truncatingIfNeeded: seconds >> UInt64(56 - 8 * $0)) }
            let id = (0..<4).map { UInt8(truncatingIfNeeded: noteKey.keyID >> UInt32(24 - 8 * $0)) }
            let line = "— \(noteKey.name) \((id + time + signer.sign(message).bytes).base64)\n"
            let note = try SignedNote(text + [10] + Array(line.utf8))
            #expect(noteKey.verifies(note.signatures[0], of: text) == isGood)
        }
    }

    @Test func aKeyCosignsOnce() throws {
        var made = try signed(cosigners: [1])
        #expect(try made.cosign(with: key(1), seconds: 5) == false)
        #expect(made.note.signatures.count == 2)
        #expect(try made.cosign(with: key(2), seconds: 5))
        #expect(made.note.signatures.count == 3)
        #expect(try SignedCheckpoint(made.bytes) == made)
    }

    @Test func aFalseLineOfAKeyGivesWayToItsCosignature() throws {
        let good = try signed(cosigners: [1])
        var text = String(decoding: good.bytes, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let line = lines[5]
        // Another signature under the same name and key id.
        let space = try #require(line.lastIndex(of: " "))
        var bytes = try #require([UInt8](base64: line[line.index(after: space)...]))
        bytes[70] ^= 1
        text = text.replacing(line, with: "\(line[...space])\(bytes.base64)")
        var bad = try SignedCheckpoint(Array(text.utf8))
        #expect(throws: NoteError.self) { try policy("1-of-2").verdict(on: bad, origin: origin) }
        #expect(try bad.cosign(with: key(1), seconds: 1_700_000_000))
        #expect(bad == good)
    }

    @Test func linesOfTwoNotesAreBroughtTogether() throws {
        var first = try signed(cosigners: [1, 2])
        let second = try signed(cosigners: [2, 3, 1], seconds: 9)
        let before = first.note.signatures
        #expect(try first.merge(second) == 1)
        #expect(Array(first.note.signatures[..<3]) == before)
        #expect(try first.merge(second) == 0)
        #expect(try policy("4-of-4").require(first, origin: origin).isReached)
        let other = try signed(checkpoint(size: 8))
        #expect(throws: NoteError.otherText) { _ = try first.merge(other) }
    }
}

@Suite struct CosignerTests {
    private let roots: [Digest]
    private let entries: [[UInt8]]
    private let log: EventLog

    init() throws {
        log = try EventLog.create(directory: "/log", disk: SimulatedDisk())
        entries = (0..<20).map { [UInt8($0)] }
        var roots = [Digest.ofNothing]
        for entry in entries {
            _ = try log.stage(entry)
            try log.commit()
            roots.append(log.root)
        }
        self.roots = roots
    }

    private func head(_ size: Int) -> TreeHead { TreeHead(size: UInt64(size), root: roots[size]) }

    private func check(
        _ new: TreeHead, after last: TreeHead?, proof: [Digest]
    ) throws(CosignRefusal) {
        try Cosigner.check(
            Checkpoint(ledger: ledger, head: new), after: last, origin: origin, proof: proof)
    }

    @Test func whatContinuesTheLogMayBeCosigned() throws {
        for old in 0...20 {
            for new in old...20 {
                let proof = try log.consistencyProof(from: UInt64(old), to: UInt64(new))
                try check(head(new), after: head(old), proof: proof)
                if !proof.isEmpty {
                    #expect(throws: CosignRefusal.notConsistent(last: head(old), head: head(new))) {
                        try check(head(new), after: head(old), proof: proof.dropLast())
                    }
                }
                #expect(throws: CosignRefusal.notConsistent(last: head(old), head: head(new))) {
                    try check(head(new), after: head(old), proof: proof + [.zero])
                }
            }
            try check(head(old), after: nil, proof: [])
        }
    }

    @Test func aLogThatShrankIsRefused() throws {
        for new in 0..<20 {
            #expect(throws: CosignRefusal.rollback(last: head(20), size: UInt64(new))) {
                try check(head(new), after: head(20), proof: [])
            }
        }
    }

    @Test func anotherRootAtTheSameSizeIsRefused() throws {
        let fork = Digest(hashing: [1])
        #expect(throws: CosignRefusal.fork(last: head(9), root: fork)) {
            try check(TreeHead(size: 9, root: fork), after: head(9), proof: [])
        }
    }

    @Test func aForkBelowALargerSizeIsRefused() throws {
        let forked = try EventLog.create(directory: "/fork", disk: SimulatedDisk())
        for (index, entry) in entries.enumerated() {
            _ = try forked.stage(index == 4 ? [99] : entry)
        }
        try forked.commit()
        for old in 5...19 {
            let new = TreeHead(size: 20, root: forked.root)
            let proof = try forked.consistencyProof(from: UInt64(old), to: 20)
            #expect(throws: CosignRefusal.notConsistent(last: head(old), head: new)) {
                try check(new, after: head(old), proof: proof)
            }
        }
        // The fork does continue what came before it.
        let proof = try forked.consistencyProof(from: 4, to: 20)
        try check(TreeHead(size: 20, root: forked.root), after: head(4), proof: proof)
    }

    @Test func anotherLogAndAFalseRootOfNothingAreRefused() throws {
        let other = Checkpoint.origin(ofLedger: .zero)
        #expect(throws: CosignRefusal.otherOrigin(expected: other, found: origin)) {
            try Cosigner.check(checkpoint(), after: nil, origin: other, proof: [])
        }
        #expect(throws: CosignRefusal.emptyRoot(.zero)) {
            try check(TreeHead(size: 0, root: .zero), after: nil, proof: [])
        }
    }
}
