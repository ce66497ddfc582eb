// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What is wrong with a signature line of a note.
package enum NoteLineFlaw: Equatable, Sendable {
    /// The line does not start with an em dash and a space.
    case prefix
    /// There is no key name, or it holds a space, a plus or a control character.
    case name
    /// What follows the name is not canonical base64.
    case base64
    /// There are no bytes after the four of the key id.
    case length(bytes: Int)
}

/// What is wrong with the text of a checkpoint.
package enum CheckpointFlaw: Equatable, Sendable {
    /// A line is missing, or the checkpoint of a ledger has extension lines.
    case lines(found: Int)
    /// An extension line is empty.
    case emptyLine
    /// The origin is empty.
    case origin
    /// The size is not a decimal number below 2^64 without leading zeros.
    case size
    /// The root is not the base64 of thirty-two bytes.
    case root
}

/// Why a note, a key of notes or a checkpoint was refused.
package enum NoteError: Error, Equatable, Sendable {
    /// The note is too long to be looked at.
    case tooLong(bytes: Int, max: Int)
    /// The note is not valid UTF-8.
    case notUTF8
    /// A character below U+0020 other than a newline.
    case controlCharacter(UInt8, offset: Int)
    /// There is no blank line with a signature after it.
    case noSignatures
    /// The last line does not end in a newline.
    case unfinishedLine
    /// The text to be signed does not end in a newline.
    case unfinishedText
    /// A signature line is wrong; lines are counted from 1.
    case signatureLine(number: Int, NoteLineFlaw)
    /// There are more signature lines than a note may have.
    case tooManySignatures(max: Int)
    /// The name of a key is empty, or holds a space, a plus or a control character.
    case keyName
    /// The text is not a key: `name+keyid+base64`.
    case verifierKey
    /// The key is of a type that this program does not check.
    case keyType(UInt8)
    /// The key id that the text states is not the key's.
    case keyID(stated: UInt32, computed: UInt32)
    /// The key is not a canonical point of the prime-order group.
    case invalidKey(PublicKey)
    /// The text of the note is no checkpoint of ours.
    case checkpoint(CheckpointFlaw)
    /// The checkpoint is of another log.
    case otherOrigin(expected: String, found: String)
    /// The note signs another text.
    case otherText
    /// A line of a key that is known is no signature of that key.
    case invalidSignature(name: String, keyID: UInt32)
    /// The key that should have signed did not.
    case notSigned(by: PublicKey)
    /// Fewer keys of the policy signed than it asks for.
    case tooFewSigners(signers: Int, threshold: Int, count: Int)
}

extension NoteError: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .tooLong(let bytes, let max): "a note of \(bytes) bytes: \(max) are possible"
        case .notUTF8: "the note is not valid UTF-8"
        case .controlCharacter(let byte, let offset):
            "the note holds the control character \(byte) at byte \(offset)"
        case .noSignatures: "the note has no signature after a blank line"
        case .unfinishedLine: "the last line of the note does not end in a newline"
        case .unfinishedText: "the text to be signed does not end in a newline"
        case .signatureLine(let number, let flaw): "signature line \(number): \(flaw)"
        case .tooManySignatures(let max): "the note has more than \(max) signatures"
        case .keyName: "the name of a key is empty or holds a space, a plus or a control character"
        case .verifierKey: "the text is not a key of the form name+keyid+base64"
        case .keyType(let type):
            "it is a key of \(NoteSignatureType.name(of: type)), and only Ed25519 (1) and Ed25519"
                + " cosignatures (4) are checked here; leave it out, or name the signer's key of"
                + " such a type"
        case .keyID(let stated, let computed):
            "the key states the id \(stated.keyIDText) and has \(computed.keyIDText)"
        case .invalidKey(let key): "\(key.hex) is not a valid Ed25519 key"
        case .checkpoint(let flaw): "the note is not a checkpoint: \(flaw)"
        case .otherOrigin(let expected, let found):
            "the checkpoint is of \(found), and one of \(expected) was due"
        case .otherText: "the notes have different texts"
        case .invalidSignature(let name, let keyID):
            "the signature of \(name) (key id \(keyID.keyIDText)) is wrong"
        case .notSigned(let key): "the note has no signature of \(key.hex)"
        case .tooFewSigners(let signers, let threshold, let count):
            "\(signers) keys signed; \(threshold) of \(count) are needed"
        }
    }
}

extension NoteLineFlaw: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .prefix: "it does not start with an em dash and a space"
        case .name: "the key name is missing or holds a space, a plus or a control character"
        case .base64: "the signature is not canonical base64"
        case .length(let bytes): "\(bytes) bytes are no key id and signature"
        }
    }
}

extension CheckpointFlaw: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .lines(let found): "\(found) lines where origin, size and root were due"
        case .emptyLine: "an empty line stands before its end"
        case .origin: "the origin is empty"
        case .size: "the size is not a decimal number without leading zeros"
        case .root: "the root is not the base64 of 32 bytes"
        }
    }
}

extension UInt32 {
    /// Eight hexadecimal digits, most significant first, as in the text of a key.
    var keyIDText: String {
        [UInt8](bigEndian: self).hex
    }
}

extension [UInt8] {
    /// The bytes of an integer, most significant first.
    init<T: FixedWidthInteger & UnsignedInteger>(bigEndian value: T) {
        self = stride(from: T.bitWidth - 8, through: 0, by: -8).map { shift in
            UInt8(truncatingIfNeeded: value >> T(truncatingIfNeeded: shift))
        }
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// The integer of which `bytes` are the last digits, most significant first.
    init(bigEndian bytes: some Sequence<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | Self($1) }
    }

    /// Reads ASCII decimal digits; nil for none, for leading zeros and for what does not fit.
    init?(plainDecimal digits: some Collection<UInt8>) {
        guard let first = digits.first, first != 0x30 || digits.count == 1 else { return nil }
        var value: Self = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            let (tens, tooBig) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooBigNow) = tens.addingReportingOverflow(Self(digit - 0x30))
            guard !tooBig, !tooBigNow else { return nil }
            value = sum
        }
        self = value
    }
}
