// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// How many of how many keys must sign, as text `7-of-10`.
package struct Quorum: Hashable, Sendable, CustomStringConvertible {
    /// The most keys of a policy.
    package static let countMax = 65_535

    /// How many distinct keys must sign; at least one.
    package let threshold: Int
    /// How many keys there are.
    package let count: Int

    /// Accepts 1 <= threshold <= count <= 65,535; throws `.quorum`.
    package init(threshold: Int, count: Int) throws(PolicyError) {
        guard threshold >= 1, threshold <= count, count <= Self.countMax else {
            throw .quorum(threshold: threshold, count: count)
        }
        self.threshold = threshold
        self.count = count
    }

    /// Reads `T-of-N`, decimal without leading zeros; throws `.quorumText` or `.quorum`.
    package init(_ text: String) throws(PolicyError) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].elementsEqual("of".utf8),
            let threshold = UInt32(plainDecimal: parts[0]),
            let count = UInt32(plainDecimal: parts[2])
        else { throw .quorumText }
        try self.init(threshold: Int(threshold), count: Int(count))
    }

    /// The text.
    package var description: String { "\(threshold)-of-\(count)" }
}

/// Why a policy was refused.
package enum PolicyError: Error, Equatable, Sendable {
    /// The text is not of the form `7-of-10`.
    case quorumText
    /// A threshold of none, or above the number of keys, or too many keys.
    case quorum(threshold: Int, count: Int)
    /// There are more or fewer keys than the policy speaks of.
    case keyCount(expected: Int, found: Int)
    /// A public key is there twice; a key counts once, whatever its names.
    case duplicateKey(PublicKey)
    /// The key is not a canonical point of the prime-order group.
    case invalidKey(PublicKey)
    /// A line of a file of keys, counted from 1, is neither 64 hexadecimal digits nor a key's text.
    case keyLine(number: Int, NoteError)
}

extension PolicyError: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .quorumText: "a policy is written like 7-of-10"
        case .quorum(let threshold, let count): "\(threshold) of \(count) keys is no policy"
        case .keyCount(let expected, let found):
            "the policy speaks of \(expected) keys, and \(found) are known"
        case .duplicateKey(let key): "the key \(key.hex) is there twice"
        case .invalidKey(let key): "\(key.hex) is not a valid Ed25519 key"
        case .keyLine(let number, let error): "line \(number) of the keys: \(error)"
        }
    }
}

/// A key that a policy counts.
package enum PolicyKey: Hashable, Sendable {
    /// A validator's: known by the names that a ledger's checkpoints give it.
    case validator(PublicKey)
    /// Somebody's with a name and a type of its own, as a key's text states them.
    case named(NoteKey)

    /// The key itself.
    package var publicKey: PublicKey {
        switch self {
        case .validator(let key): key
        case .named(let key): key.publicKey
        }
    }

    /// What may stand in signature lines of a checkpoint with this origin.
    ///
    /// A validator signs as the log, under the origin, or cosigns. Throws `.keyName` where the
    /// origin cannot be a name.
    func noteKeys(origin: String) throws(NoteError) -> [NoteKey] {
        switch self {
        case .validator(let key):
            [
                try Checkpoint.logKey(origin: origin, publicKey: key),
                try Checkpoint.cosignerKey(origin: origin, publicKey: key),
            ]
        case .named(let key): [key]
        }
    }

    /// Reads one key: 64 hexadecimal digits, or the text of a key (`name+keyid+base64`).
    ///
    /// Throws as `NoteKey` does, and `.invalidKey`.
    package init(_ text: String) throws(NoteError) {
        guard let value = Bytes32(hex: text) else {
            self = .named(try NoteKey(vkey: text))
            return
        }
        guard PublicKey(value).isValid else { throw .invalidKey(PublicKey(value)) }
        self = .validator(PublicKey(value))
    }

    /// Reads a file of keys, one a line; empty lines and those that start with `#` are passed over,
    /// and so is a byte order mark before the first.
    ///
    /// Throws `.keyLine`, or `.quorum` for more keys than a policy may have.
    package static func list(_ bytes: [UInt8]) throws(PolicyError) -> [PolicyKey] {
        var keys: [PolicyKey] = []
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let lines = bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0)
            .split(separator: 0x0A, omittingEmptySubsequences: false)
        for (offset, line) in lines.enumerated() {
            let spaces: Set<UInt8> = [0x20, 0x09, 0x0D]
            let start = line.drop { spaces.contains($0) }
            guard let first = start.first, first != UInt8(ascii: "#") else { continue }
            let end = start.lastIndex { !spaces.contains($0) } ?? start.startIndex
            guard let text = String(validating: start[...end], as: UTF8.self) else {
                throw .keyLine(number: offset + 1, .notUTF8)
            }
            do { keys.append(try PolicyKey(text)) } catch {
                throw .keyLine(number: offset + 1, error)
            }
            guard keys.count <= Quorum.countMax else {
                throw .quorum(threshold: 1, count: keys.count)
            }
        }
        return keys
    }
}

/// Who signed a checkpoint.
package struct CheckpointVerdict: Equatable, Sendable {
    /// What was asked for.
    package let quorum: Quorum
    /// The keys of the policy with a valid signature, ascending, each once.
    package let signers: [PublicKey]
    /// The valid cosignatures: whose and as of which second since 1970 UTC, in order of lines.
    package let cosignatures: [Cosignature]
    /// The lines of keys that the policy does not know; nothing is known of them.
    package let unknown: [NoteSignature]

    /// A valid cosignature.
    package struct Cosignature: Equatable, Sendable {
        /// Whose it is.
        package let publicKey: PublicKey
        /// When it was made by its maker's clock, in seconds since 1970 UTC.
        package let seconds: UInt64
    }

    /// Whether as many distinct keys signed as the policy asks for.
    package var isReached: Bool { signers.count >= quorum.threshold }
}

/// A rule that makes a checkpoint trusted: T signatures of N keys.
///
/// Counted are distinct public keys, as C2SP tlog-policy has it for witnesses: over valid
/// cosignatures, and over the signature of the log itself, which counts for its key.
///
/// Invariants: `keys.count == quorum.count`; no key is there twice.
package struct CheckpointPolicy: Sendable {
    /// How many of how many.
    package let quorum: Quorum
    /// The keys, in the order given.
    package let keys: [PolicyKey]

    /// Throws, in this order: `.keyCount`, `.invalidKey`, `.duplicateKey`.
    package init(quorum: Quorum, keys: [PolicyKey]) throws(PolicyError) {
        guard keys.count == quorum.count else {
            throw .keyCount(expected: quorum.count, found: keys.count)
        }
        var seen: Set<PublicKey> = []
        for key in keys.map(\.publicKey) {
            guard key.isValid else { throw .invalidKey(key) }
            guard seen.insert(key).inserted else { throw .duplicateKey(key) }
        }
        self.quorum = quorum
        self.keys = keys
    }

    /// A policy over validators' keys. Throws as the other.
    package init(quorum: Quorum, validators: [PublicKey]) throws(PolicyError) {
        try self.init(quorum: quorum, keys: validators.map { .validator($0) })
    }

    /// Verifies every signature of a known key.
    ///
    /// Throws `.otherOrigin`, `.keyName` (of an origin that cannot be a name), `.invalidSignature`
    /// for the first line of a known key that is not its signature: the whole note is refused then.
    /// Lines of unknown keys are passed over, as C2SP signed-note demands. That too few signed is
    /// an answer, not an error.
    package func verdict(
        on signed: SignedCheckpoint, origin: String
    ) throws(NoteError) -> CheckpointVerdict {
        guard signed.checkpoint.originUTF8 == Array(origin.utf8) else {
            throw .otherOrigin(expected: origin, found: signed.checkpoint.origin)
        }
        // Two keys of one name can share a key id, by chance or by effort: a line is then the
        // signature of the one that verifies it.
        var known: [KeyLabel: [NoteKey]] = [:]
        for key in keys {
            for noteKey in try key.noteKeys(origin: origin) {
                known[KeyLabel(name: noteKey.name, keyID: noteKey.keyID), default: []]
                    .append(noteKey)
            }
        }
        let text = signed.note.text
        var signers: Set<PublicKey> = []
        var cosignatures: [CheckpointVerdict.Cosignature] = []
        var unknown: [NoteSignature] = []
        for line in signed.note.signatures {
            guard let candidates = known[KeyLabel(name: line.name, keyID: line.keyID)] else {
                unknown.append(line)
                continue
            }
            guard let key = candidates.first(where: { $0.verifies(line, of: text) }) else {
                throw .invalidSignature(name: line.name.description, keyID: line.keyID)
            }
            signers.insert(key.publicKey)
            if key.type == .cosignature, let seconds = line.cosignatureSeconds {
                cosignatures.append(.init(publicKey: key.publicKey, seconds: seconds))
            }
        }
        let lines = signed.note.signatures.count
        invariant(signers.count <= keys.count, "\(signers.count) of \(keys.count) keys signed")
        invariant(
            signers.count + unknown.count <= lines,
            "\(signers.count) keys, known by \(lines - unknown.count) of \(lines) lines")
        invariant(
            cosignatures.count + unknown.count <= lines,
            "\(cosignatures.count) cosignatures and \(unknown.count) others in \(lines) lines")
        return CheckpointVerdict(
            quorum: quorum, signers: signers.sorted(), cosignatures: cosignatures,
            unknown: unknown)
    }

    /// Verifies a checkpoint and demands that enough signed.
    ///
    /// Throws as `verdict` does, then `.tooFewSigners`.
    package func require(
        _ signed: SignedCheckpoint, origin: String
    ) throws(NoteError) -> CheckpointVerdict {
        let verdict = try verdict(on: signed, origin: origin)
        guard verdict.isReached else {
            throw .tooFewSigners(
                signers: verdict.signers.count, threshold: quorum.threshold, count: quorum.count)
        }
        return verdict
    }
}

/// What a signature line tells of its key.
private struct KeyLabel: Hashable {
    let name: NoteName
    let keyID: UInt32
}
