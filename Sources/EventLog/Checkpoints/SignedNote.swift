// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// A text and the signatures under it, as C2SP signed-note writes them.
///
/// UTF-8: the text, which ends in a newline; an empty line; and one or more lines
/// `— <key name> base64(key id, big-endian || signature)`. There is one encoding of a note, and
/// nothing else is read. Whether a signature is good is not asked here.
///
/// Invariants: `1 <= signatures.count <= signaturesMax`; `bytes.count <= bytesMax`.
package struct SignedNote: Hashable, Sendable {
    /// The longest note that is read or made, in bytes: room for as many cosignatures of ours.
    package static let bytesMax = 288 << 10
    /// The most signature lines of a note.
    package static let signaturesMax = 1100

    /// The text with its last newline.
    package let text: [UInt8]
    /// The signatures in the order of their lines.
    package private(set) var signatures: [NoteSignature]

    private static let dash = Array("— ".utf8)
    private static let newline: UInt8 = 0x0A

    /// Makes a note.
    ///
    /// Throws, in this order: `.notUTF8` or `.controlCharacter` of the text, `.unfinishedText`,
    /// `.noSignatures`, `.tooManySignatures`, `.tooLong`.
    package init(text: [UInt8], signatures: [NoteSignature]) throws(NoteError) {
        try Self.checkCharacters(text)
        guard text.last == Self.newline else { throw .unfinishedText }
        guard !signatures.isEmpty else { throw .noSignatures }
        self.text = text
        self.signatures = signatures
        try checkBounds()
    }

    /// Reads a note from bytes of any kind.
    ///
    /// Throws, in this order: `.tooLong`, `.notUTF8`, `.controlCharacter`, `.noSignatures`,
    /// `.unfinishedLine`, then for each line `.tooManySignatures` or `.signatureLine`.
    package init(_ bytes: [UInt8]) throws(NoteError) {
        guard bytes.count <= Self.bytesMax else {
            throw .tooLong(bytes: bytes.count, max: Self.bytesMax)
        }
        try Self.checkCharacters(bytes)
        guard let blank = Self.lastBlankLine(of: bytes), blank + 1 < bytes.count else {
            throw .noSignatures
        }
        guard bytes.last == Self.newline else { throw .unfinishedLine }
        let lines = bytes[(blank + 1)...].dropLast().split(
            separator: Self.newline, omittingEmptySubsequences: false)
        var signatures: [NoteSignature] = []
        for (offset, line) in lines.enumerated() {
            guard offset < Self.signaturesMax else {
                throw .tooManySignatures(max: Self.signaturesMax)
            }
            signatures.append(try Self.signature(line, number: offset + 1))
        }
        text = Array(bytes[..<blank])
        self.signatures = signatures
    }

    /// The note as it is stored and sent.
    package var bytes: [UInt8] {
        var bytes = text + [Self.newline]
        for signature in signatures {
            bytes += Self.dash + signature.name.utf8 + [0x20]
            bytes += ([UInt8](bigEndian: signature.keyID) + signature.bytes).base64Bytes
            bytes.append(Self.newline)
        }
        let count = bytesCount
        invariant(bytes.count == count, "a note of \(count) bytes in \(bytes.count)")
        return bytes
    }

    /// The line of a key, by its name and id; nil where there is none.
    package func signature(of key: NoteKey) -> NoteSignature? {
        signatures.first { key.isNamed(by: $0) }
    }

    /// Adds a line, unless one of the same name and key id is there; returns whether it did.
    ///
    /// Throws `.tooManySignatures` or `.tooLong`; the note is as before then.
    package mutating func add(_ signature: NoteSignature) throws(NoteError) -> Bool {
        let isThere = signatures.contains {
            $0.name == signature.name && $0.keyID == signature.keyID
        }
        if isThere { return false }
        signatures.append(signature)
        do { try checkBounds() } catch {
            signatures.removeLast()
            throw error
        }
        return true
    }

    /// Adds a line in place of those of the same name and key id.
    ///
    /// Throws `.tooManySignatures` or `.tooLong`; the note is as before then.
    mutating func replace(with signature: NoteSignature) throws(NoteError) {
        var changed = self
        changed.signatures.removeAll {
            $0.name == signature.name && $0.keyID == signature.keyID
        }
        let isAdded = try changed.add(signature)
        invariant(isAdded, "a line of \(signature.name) was to be replaced, and is still there")
        self = changed
    }

    /// Adds the lines of another note of the same text, where their keys have none here.
    ///
    /// Returns how many were added. Throws `.otherText`, `.tooManySignatures` or `.tooLong`; the
    /// note is as before then.
    package mutating func merge(_ other: SignedNote) throws(NoteError) -> Int {
        guard other.text == text else { throw .otherText }
        var merged = self
        var count = 0
        for signature in other.signatures where try merged.add(signature) { count += 1 }
        invariant(
            merged.signatures.count == signatures.count + count,
            "\(merged.signatures.count) lines of \(signatures.count) and \(count) that are new")
        self = merged
        return count
    }

    private func checkBounds() throws(NoteError) {
        guard signatures.count <= Self.signaturesMax else {
            throw .tooManySignatures(max: Self.signaturesMax)
        }
        let count = bytesCount
        guard count <= Self.bytesMax else { throw .tooLong(bytes: count, max: Self.bytesMax) }
    }

    /// The length of `bytes`, which are not made for it.
    private var bytesCount: Int {
        signatures.reduce(text.count + 1) { sum, signature in
            let coded = (4 + signature.bytes.count + 2) / 3 * 4
            return sum + Self.dash.count + signature.name.utf8.count + 1 + coded + 1
        }
    }

    private static func checkCharacters(_ bytes: [UInt8]) throws(NoteError) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
        if let offset = bytes.firstIndex(where: { $0 < 0x20 && $0 != newline }) {
            throw .controlCharacter(bytes[offset], offset: offset)
        }
    }

    /// Where the last empty line is: the offset of its newline, after that of the text.
    private static func lastBlankLine(of bytes: [UInt8]) -> Int? {
        var offset = bytes.count - 1
        while offset > 0 {
            if bytes[offset] == newline && bytes[offset - 1] == newline { return offset }
            offset -= 1
        }
        return nil
    }

    private static func signature(
        _ line: ArraySlice<UInt8>, number: Int
    ) throws(NoteError) -> NoteSignature {
        guard line.starts(with: dash) else { throw .signatureLine(number: number, .prefix) }
        let rest = line.dropFirst(dash.count)
        guard let space = rest.firstIndex(of: 0x20) else {
            throw .signatureLine(number: number, .name)
        }
        let name: NoteName
        do { name = try NoteName(utf8: rest[..<space]) } catch {
            throw .signatureLine(number: number, .name)
        }
        guard let signed = [UInt8](base64: Array(rest[(space + 1)...])) else {
            throw .signatureLine(number: number, .base64)
        }
        guard signed.count > 4 else {
            throw .signatureLine(number: number, .length(bytes: signed.count))
        }
        return NoteSignature(
            name: name, keyID: UInt32(bigEndian: signed.prefix(4)), bytes: Array(signed[4...]))
    }
}
