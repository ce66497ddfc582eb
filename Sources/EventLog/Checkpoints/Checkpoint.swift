// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The size and the root of a log.
package struct TreeHead: Hashable, Sendable {
    /// The number of entries.
    package let size: UInt64
    /// The RFC 6962 root of them.
    package let root: Digest

    /// The head with these parts.
    package init(size: UInt64, root: Digest) {
        self.size = size
        self.root = root
    }
}

/// What a log says of itself: its origin, its size and its root.
///
/// As text three lines: the origin, the size in decimal, the root in base64. Other logs may have
/// more lines after these (extension lines), which are signed with the rest and mean nothing here;
/// a ledger's has none. Source: C2SP tlog-checkpoint, section Note text.
package struct Checkpoint: Hashable, Sendable {
    /// Which log it is, as bytes of UTF-8 without a newline; at least one.
    package let originUTF8: [UInt8]
    /// The size and the root.
    package let head: TreeHead
    /// The lines after the root, as bytes of UTF-8 without newlines; none is empty.
    package let extensionLines: [[UInt8]]

    /// The checkpoint with these parts; throws `.checkpoint(.origin)` for an origin that is empty
    /// or holds a newline.
    package init(origin: String, head: TreeHead) throws(NoteError) {
        originUTF8 = Array(origin.utf8)
        guard !originUTF8.isEmpty, !originUTF8.contains(0x0A) else { throw .checkpoint(.origin) }
        self.head = head
        extensionLines = []
    }

    /// The checkpoint of the ledger with this id.
    package init(ledger id: Digest, head: TreeHead) {
        originUTF8 = Array(Self.origin(ofLedger: id).utf8)
        self.head = head
        extensionLines = []
    }

    /// Reads the text of a note.
    ///
    /// Throws `.notUTF8`, or `.checkpoint` with the first flaw of: number of lines, origin, size,
    /// root, extension lines.
    package init(text: [UInt8]) throws(NoteError) {
        guard String(validating: text, as: UTF8.self) != nil else { throw .notUTF8 }
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 4, lines[lines.count - 1].isEmpty else {
            throw .checkpoint(.lines(found: lines.count - (text.last == 0x0A ? 1 : 0)))
        }
        guard !lines[0].isEmpty else { throw .checkpoint(.origin) }
        guard let size = UInt64(plainDecimal: lines[1]) else { throw .checkpoint(.size) }
        guard let bytes = [UInt8](base64: Array(lines[2])), let root = Bytes32(bytes) else {
            throw .checkpoint(.root)
        }
        extensionLines = lines[3...].dropLast().map { Array($0) }
        if !extensionLines.isEmpty, Self.isOfLedger(lines[0]) {
            throw .checkpoint(.lines(found: lines.count - 1))
        }
        if extensionLines.contains([]) { throw .checkpoint(.emptyLine) }
        originUTF8 = Array(lines[0])
        head = TreeHead(size: size, root: Digest(root))
    }

    /// Which log it is.
    package var origin: String { String(decoding: originUTF8, as: UTF8.self) }

    /// The number of entries.
    package var size: UInt64 { head.size }

    /// The root of the entries.
    package var root: Digest { head.root }

    /// The three lines, and the extension lines.
    package var text: [UInt8] {
        originUTF8 + Array("\n\(head.size)\n".utf8) + head.root.bytes.base64Bytes + [0x0A]
            + extensionLines.flatMap { $0 + [0x0A] }
    }

    /// Whether an origin is that of a ledger of this program.
    private static func isOfLedger(_ origin: ArraySlice<UInt8>) -> Bool {
        let prefix = Array("recount/".utf8)
        guard origin.starts(with: prefix) else { return false }
        return Bytes32(hex: String(decoding: origin.dropFirst(prefix.count), as: UTF8.self)) != nil
    }

    /// The origin of the checkpoints of a ledger: `recount/` and its id in hexadecimal.
    package static func origin(ofLedger id: Digest) -> String { "recount/\(id.hex)" }

    /// The key of the signature that a log puts under its own checkpoint: its name is the origin.
    ///
    /// Throws `.keyName` where an origin cannot be a name.
    package static func logKey(
        origin: String, publicKey: PublicKey
    ) throws(NoteError) -> NoteKey {
        NoteKey(name: try NoteName(origin), type: .ed25519, publicKey: publicKey)
    }

    /// The key of a validator's cosignatures: its name is `<origin>/<public key in hexadecimal>`.
    ///
    /// Throws `.keyName` where an origin cannot be a name.
    package static func cosignerKey(
        origin: String, publicKey: PublicKey
    ) throws(NoteError) -> NoteKey {
        let name = try NoteName("\(origin)/\(publicKey.hex)")
        return NoteKey(name: name, type: .cosignature, publicKey: publicKey)
    }
}

/// A checkpoint and the note that signs it.
package struct SignedCheckpoint: Hashable, Sendable {
    /// What is signed.
    package let checkpoint: Checkpoint
    /// The note, of which the text is the checkpoint.
    package private(set) var note: SignedNote

    /// Signs a checkpoint as the log does: Ed25519, under the origin as the name.
    ///
    /// Throws `.keyName` where the origin cannot be a name, or what makes it no text of a note.
    package init(signing checkpoint: Checkpoint, with key: SigningKey) throws(NoteError) {
        self.checkpoint = checkpoint
        let text = checkpoint.text
        let name = try NoteName(checkpoint.origin)
        note = try SignedNote(
            text: text, signatures: [NoteSignature(of: text, name: name, with: key)])
    }

    /// Reads bytes of any kind; checks no signature. Throws as `SignedNote` and `Checkpoint` do.
    package init(_ bytes: [UInt8]) throws(NoteError) { try self.init(SignedNote(bytes)) }

    /// Reads the checkpoint of a note. Throws as `Checkpoint` does.
    package init(_ note: SignedNote) throws(NoteError) {
        checkpoint = try Checkpoint(text: note.text)
        self.note = note
    }

    /// The note as it is stored and sent.
    package var bytes: [UInt8] { note.bytes }

    /// The size and the root.
    package var head: TreeHead { checkpoint.head }

    /// Adds the cosignature of a validator's key as of `seconds` since 1970 UTC.
    ///
    /// Returns false where the key has cosigned already; a line that is no signature of the key is
    /// replaced. Whether it may cosign, `Cosigner` says. Throws `.tooManySignatures`, `.tooLong`.
    package mutating func cosign(
        with key: SigningKey, seconds: UInt64
    ) throws(NoteError) -> Bool {
        let noteKey = try Checkpoint.cosignerKey(
            origin: checkpoint.origin, publicKey: key.publicKey)
        if let present = note.signature(of: noteKey), noteKey.verifies(present, of: note.text) {
            return false
        }
        try note.replace(
            with: NoteSignature(
                cosigning: note.text, name: noteKey.name, with: key, seconds: seconds))
        let made = note.signature(of: noteKey)?.cosignatureSeconds ?? 0
        invariant(made == seconds, "a cosignature as of \(seconds), and one of \(made) is there")
        return true
    }

    /// Adds the signatures of another note of the same checkpoint; returns how many were new.
    ///
    /// The line that a key has here stays. Nothing is verified: see `CheckpointPolicy`. Throws
    /// `.otherText`, `.tooManySignatures`, `.tooLong`.
    package mutating func merge(_ other: SignedCheckpoint) throws(NoteError) -> Int {
        try note.merge(other.note)
    }
}
