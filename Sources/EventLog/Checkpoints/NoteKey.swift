// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The name of a key of signed notes: UTF-8 without spaces, plus and control characters.
///
/// Names are equal where their bytes are. Source: C2SP signed-note, section Format.
package struct NoteName: Hashable, Sendable, CustomStringConvertible {
    /// The bytes of the name.
    package let utf8: [UInt8]

    /// Accepts a name; throws `.keyName`.
    package init(_ text: String) throws(NoteError) {
        let isGood = text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && scalar != "+" && !scalar.properties.isWhitespace
        }
        guard isGood, !text.isEmpty else { throw .keyName }
        utf8 = Array(text.utf8)
    }

    /// Accepts a name by its bytes; throws `.keyName`.
    package init(utf8 bytes: some Collection<UInt8>) throws(NoteError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .keyName }
        try self.init(text)
    }

    /// The name as text.
    package var description: String { String(decoding: utf8, as: UTF8.self) }
}

/// The types of signatures that this program makes and checks.
///
/// Source: C2SP signed-note, section Signature types.
package enum NoteSignatureType: UInt8, Sendable {
    /// Ed25519 over the text of the note.
    case ed25519 = 0x01
    /// A timestamped Ed25519 cosignature (C2SP tlog-cosignature, `cosignature/v1`).
    case cosignature = 0x04

    /// What a person calls a type, also one that is not checked here.
    static func name(of type: UInt8) -> String {
        switch type {
        case 0x01: "Ed25519 (type 1)"
        case 0x02: "ECDSA (type 2)"
        case 0x04: "Ed25519 cosignatures (type 4)"
        case 0x05: "RFC 6962 tree heads (type 5)"
        case 0x06: "ML-DSA-44 cosignatures (type 6)"
        case 0xFF: "a type without a number (type 255)"
        default: "an unknown type (type \(type))"
        }
    }
}

/// A public key of signed notes, with the name and the type that make its key id.
///
/// Its text is `name+keyid+base64(type || key)`, the key id in eight hexadecimal digits. Source:
/// C2SP signed-note, sections Signatures and Verifier keys.
package struct NoteKey: Hashable, Sendable {
    /// The name in signature lines.
    package let name: NoteName
    /// What its signatures are.
    package let type: NoteSignatureType
    /// The Ed25519 key.
    package let publicKey: PublicKey

    /// The key with these parts.
    package init(name: NoteName, type: NoteSignatureType, publicKey: PublicKey) {
        self.name = name
        self.type = type
        self.publicKey = publicKey
    }

    /// Reads the text of a key.
    ///
    /// Throws, in this order: `.verifierKey`, `.keyName`, `.keyType`, `.keyID`, `.invalidKey`.
    /// Only lower-case digits are taken, so that `vkey` gives back what was read.
    package init(vkey text: String) throws(NoteError) {
        let parts = Array(text.utf8).split(
            separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let key = [UInt8](base64: Array(parts[2])), key.count > 1,
            let idText = String(validating: parts[1], as: UTF8.self),
            let id = [UInt8](hex: idText), id.count == 4, id.hex.utf8.elementsEqual(parts[1])
        else { throw .verifierKey }
        let name = try NoteName(utf8: parts[0])
        // Keys of other types have other lengths: the type comes first.
        guard let type = NoteSignatureType(rawValue: key[0]) else { throw .keyType(key[0]) }
        guard let value = Bytes32(Array(key[1...])) else { throw .verifierKey }
        self.init(name: name, type: type, publicKey: PublicKey(value))
        let stated = UInt32(bigEndian: id)
        guard stated == keyID else { throw .keyID(stated: stated, computed: keyID) }
        guard publicKey.isValid else { throw .invalidKey(publicKey) }
    }

    /// The first four bytes of SHA-256(name || 0x0A || type || key), as a big-endian integer.
    package var keyID: UInt32 {
        let hashed = name.utf8 + [0x0A, type.rawValue] + publicKey.bytes
        return UInt32(bigEndian: Digest(hashing: hashed).bytes.prefix(4))
    }

    /// The text of the key.
    package var vkey: String {
        "\(name)+\(keyID.keyIDText)+\(([type.rawValue] + publicKey.bytes).base64)"
    }

    /// Whether a signature line names this key.
    package func isNamed(by signature: NoteSignature) -> Bool {
        signature.name == name && signature.keyID == keyID
    }

    /// Whether `signature` names this key and is its signature of `text`.
    ///
    /// A cosignature of a time above 2^63 - 1 is none (C2SP tlog-cosignature, section Format).
    package func verifies(_ signature: NoteSignature, of text: [UInt8]) -> Bool {
        guard isNamed(by: signature) else { return false }
        switch type {
        case .ed25519:
            guard let value = Signature(signature.bytes) else { return false }
            return publicKey.verifies(value, of: text)
        case .cosignature:
            guard let seconds = signature.cosignatureSeconds,
                let value = Signature(Array(signature.bytes[8...]))
            else { return false }
            return publicKey.verifies(
                value, of: NoteSignature.cosignedMessage(of: text, seconds: seconds))
        }
    }
}

/// One signature line of a note: `— <name> base64(keyid || signature)`.
package struct NoteSignature: Hashable, Sendable {
    /// The name of the key.
    package let name: NoteName
    /// The id of the key.
    package let keyID: UInt32
    /// The bytes after the key id, at least one; what they mean depends on the key's type.
    package let bytes: [UInt8]

    /// The latest time of a cosignature, in seconds.
    static let secondsMax = UInt64(Int64.max)

    init(name: NoteName, keyID: UInt32, bytes: [UInt8]) {
        invariant(!bytes.isEmpty, "a signature line of \(name) without a signature")
        self.name = name
        self.keyID = keyID
        self.bytes = bytes
    }

    /// Signs `text` with Ed25519 under this name (type 0x01).
    package init(of text: [UInt8], name: NoteName, with key: SigningKey) {
        let noteKey = NoteKey(name: name, type: .ed25519, publicKey: key.publicKey)
        self.init(name: name, keyID: noteKey.keyID, bytes: key.sign(text).bytes)
    }

    /// Cosigns `text` under this name (type 0x04) as of `seconds` since 1970 UTC.
    ///
    /// The bytes are the time as a big-endian `u64` and the signature.
    /// - Precondition: `seconds` is below 2^63.
    package init(cosigning text: [UInt8], name: NoteName, with key: SigningKey, seconds: UInt64) {
        invariant(seconds <= Self.secondsMax, "a cosignature as of second \(seconds)")
        let noteKey = NoteKey(name: name, type: .cosignature, publicKey: key.publicKey)
        let message = Self.cosignedMessage(of: text, seconds: seconds)
        self.init(
            name: name, keyID: noteKey.keyID,
            bytes: [UInt8](bigEndian: seconds) + key.sign(message).bytes)
        let read = cosignatureSeconds ?? 0
        invariant(read == seconds, "a cosignature as of \(seconds) is read as one of \(read)")
    }

    /// When a cosignature was made, in seconds since 1970 UTC; nil where the bytes are none.
    package var cosignatureSeconds: UInt64? {
        guard bytes.count == 72 else { return nil }
        let seconds = UInt64(bigEndian: bytes.prefix(8))
        return seconds <= Self.secondsMax ? seconds : nil
    }

    /// What a cosignature signs: two lines, and the text of the note.
    ///
    /// Source: C2SP tlog-cosignature, section Ed25519 signed message.
    package static func cosignedMessage(of text: [UInt8], seconds: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n".utf8) + text
    }
}
