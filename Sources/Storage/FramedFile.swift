// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// A kind of file that holds one value: the magic (4 bytes), the version (u16), 0 (u16), the length
/// of the whole file (u64), the Borsh of the value, and SHA-256 of all that (32).
///
/// The hash tells a file that was cut or damaged on its way; nobody is believed for it.
package struct FramedFile: Sendable {
    /// Why bytes are no file of a kind.
    package enum Flaw: Error, Equatable, Sendable {
        /// It has another length than its contents, in bytes.
        case length(bytes: Int, expected: UInt64)
        /// It does not start as a file of this kind does.
        case magic
        /// It has a version that is not known here.
        case version(UInt16)
        /// Its hash is not that of its contents.
        case hash
        /// Its contents are no encoding of the value; offsets count from their start.
        case undecodable(DecodingError)
    }

    private static let headerBytes = 16
    private static let hashBytes = 32

    /// What a file begins with.
    package let magic: [UInt8]
    /// The version that is written and read.
    package let version: UInt16

    /// A kind of file.
    ///
    /// - Precondition: `magic` is four bytes of ASCII.
    package init(_ magic: String, version: UInt16) {
        self.magic = Array(magic.utf8)
        self.version = version
        invariant(self.magic.count == 4, "a magic of \(self.magic.count) bytes")
    }

    /// The bytes of a file.
    package func encoded(_ value: some BorshCodable) -> [UInt8] {
        let body = value.encoded
        var writer = BorshWriter()
        writer.writeFixed(magic)
        writer.write(version)
        writer.write(UInt16(0))
        writer.write(UInt64(Self.headerBytes + body.count + Self.hashBytes))
        writer.writeFixed(body)
        writer.write(Digest(hashing: writer.bytes))
        return writer.bytes
    }

    /// Reads a file; checks the length of the header, magic, version, length, hash, contents.
    package func decode<Value: BorshCodable>(
        _: Value.Type, from bytes: [UInt8]
    ) throws(Flaw) -> Value {
        let least = Self.headerBytes + Self.hashBytes
        guard bytes.count >= least else {
            throw .length(bytes: bytes.count, expected: UInt64(least))
        }
        guard bytes.starts(with: magic) else { throw .magic }
        let version = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
        guard version == self.version, bytes[6] == 0, bytes[7] == 0 else { throw .version(version) }
        let length = bytes[8..<Self.headerBytes].reversed()
            .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length == UInt64(bytes.count) else {
            throw .length(bytes: bytes.count, expected: length)
        }
        let end = bytes.count - Self.hashBytes
        guard Digest(hashing: Array(bytes[..<end])).bytes[...] == bytes[end...] else {
            throw .hash
        }
        do throws(DecodingError) {
            return try Value(decoding: bytes, in: Self.headerBytes..<end)
        } catch {
            throw .undecodable(error)
        }
    }
}

extension FramedFile.Flaw: CustomStringConvertible {
    /// What is wrong, for a person; the file is named by whoever asked.
    package var description: String {
        switch self {
        case .length(let bytes, let expected):
            "it has \(bytes) bytes where \(expected) were due: it was cut short, or is another file"
        case .magic: "it does not start as such a file does"
        case .version(let version): "it has the version \(version), which is not known here"
        case .hash: "it has another hash than it should: it was damaged or changed"
        case .undecodable(let error): "it cannot be decoded: \(error)"
        }
    }
}
