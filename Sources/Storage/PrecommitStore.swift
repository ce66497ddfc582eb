// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger

/// Why precommits could not be read.
package enum PrecommitStoreError: Error, Equatable, Sendable {
    /// The disk failed.
    case disk(DiskError)
    /// There is no file of this height.
    case missing(Height)
    /// The file is damaged or does not belong there.
    case damaged(PrecommitDamage)
}

/// A file of precommits that cannot be used.
package struct PrecommitDamage: Error, Equatable, Sendable {
    /// The path of the file.
    package let file: String
    /// What is wrong with it.
    package let reason: Reason

    /// What can be wrong with a file of precommits.
    package enum Reason: Equatable, Sendable {
        /// It has another length than its contents.
        case length(bytes: Int, expected: UInt64)
        /// It does not start as a file of precommits does.
        case magic
        /// A newer version of this program wrote it.
        case version(UInt16)
        /// Its hash is not that of its contents.
        case hash
        /// It cannot be decoded.
        case undecodable(DecodingError)
        /// It is of another height than its name says.
        case height(found: Height)
    }
}

extension PrecommitDamage: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch reason {
        case .length(let bytes, let expected):
            "\(file) has \(bytes) bytes where \(expected) were due"
        case .magic: "\(file) does not start as precommits do"
        case .version(let version): "\(file) has the version \(version), which is not known here"
        case .hash: "\(file) has another hash than it should"
        case .undecodable(let error): "\(file) cannot be decoded: \(error)"
        case .height(let found): "\(file) holds the precommits of height \(found.rawValue)"
        }
    }
}

/// The precommits of a ledger's last batches: files `checkpoints/<height, 20 digits>.precommits`.
///
/// The precommits of a batch are in the log only once the next batch is. A file has the magic
/// `RCPC` (4 bytes), version 1 (u16), 0 (u16), its length (u64), Borsh of `Precommits`, and
/// SHA-256 of all that (32). It is written under a temporary name, synced and renamed, so that it
/// is there whole or as it was before. Signatures are not verified here. One writer at a time.
package struct PrecommitStore: Sendable {
    private static let magic = Array("RCPC".utf8)
    private static let version: UInt16 = 1
    private static let headerBytes = 16
    private static let bytesMax = 128 << 10
    private static let suffix = ".precommits"

    /// The directory of the files.
    package let directory: String
    private let disk: any Disk

    /// The precommits of the ledger in `ledgerDirectory`.
    package init(ledgerDirectory: String, disk: any Disk) {
        directory = "\(ledgerDirectory)/checkpoints"
        self.disk = disk
    }

    /// The path of the file of a height.
    package func path(_ height: Height) -> String { "\(directory)/\(Self.name(height))" }

    /// Keeps precommits durably, in place of others of their height.
    ///
    /// Of the files of lower heights only the newest stays; what interrupted writing left goes.
    package func save(_ precommits: Precommits) throws(DiskError) {
        _ = try disk.makeDirectory(directory)
        try disk.place(Self.encoded(precommits), in: directory, as: Self.name(precommits.height))
        let names = try disk.list(directory)
        let lower = names.compactMap { Self.height(in: $0) }.filter { $0 < precommits.height }
        for height in lower.dropLast() { try disk.remove(path(height)) }
        for name in names where name.hasSuffix("\(Self.suffix).tmp") {
            try disk.remove("\(directory)/\(name)")
        }
    }

    /// The heights of which there is a file, ascending; other names are passed over.
    package func heights() throws(DiskError) -> [Height] {
        do {
            return try disk.list(directory).compactMap { Self.height(in: $0) }
        } catch {
            if case .notFound = error { return [] }
            throw error
        }
    }

    /// Reads the precommits of a height.
    ///
    /// Throws `.missing`, `.disk` or `.damaged`; of the reasons of that in this order: length of
    /// the header, magic, version, length, hash, decoding, height.
    package func load(_ height: Height) throws(PrecommitStoreError) -> Precommits {
        let bytes: [UInt8]
        do { bytes = try disk.contents(of: path(height), max: Self.bytesMax) } catch {
            if case .notFound = error { throw .missing(height) }
            throw .disk(error)
        }
        do throws(Flaw) {
            let precommits = try Self.decode(bytes)
            guard precommits.height == height else {
                throw Flaw(.height(found: precommits.height))
            }
            return precommits
        } catch {
            throw .damaged(PrecommitDamage(file: path(height), reason: error.reason))
        }
    }

    /// Reads the bytes of a file that lies anywhere; `file` is what it is called in an error.
    package static func precommits(
        in bytes: [UInt8], of file: String
    ) throws(PrecommitDamage) -> Precommits {
        do throws(Flaw) { return try decode(bytes) } catch {
            throw PrecommitDamage(file: file, reason: error.reason)
        }
    }

    /// Reads the newest precommits that can be used, and says which files cannot.
    ///
    /// Those of a height above `heightMax` are left out.
    package func newest(
        through heightMax: Height = Height(.max)
    ) throws(DiskError) -> (precommits: Precommits?, damaged: [PrecommitDamage]) {
        var damaged: [PrecommitDamage] = []
        for height in try heights().reversed() where height <= heightMax {
            do throws(PrecommitStoreError) {
                return (try load(height), damaged)
            } catch {
                switch error {
                case .damaged(let damage): damaged.append(damage)
                case .missing: break
                case .disk(let error): throw error
                }
            }
        }
        return (nil, damaged)
    }

    private struct Flaw: Error {
        let reason: PrecommitDamage.Reason
        init(_ reason: PrecommitDamage.Reason) { self.reason = reason }
    }

    private static func encoded(_ precommits: Precommits) -> [UInt8] {
        let body = precommits.encoded
        var writer = BorshWriter()
        writer.writeFixed(magic)
        writer.write(version)
        writer.write(UInt16(0))
        writer.write(UInt64(headerBytes + body.count + 32))
        writer.writeFixed(body)
        writer.write(Digest(hashing: writer.bytes))
        invariant(writer.bytes.count <= bytesMax, "more precommits than a file may hold")
        return writer.bytes
    }

    private static func decode(_ bytes: [UInt8]) throws(Flaw) -> Precommits {
        let least = headerBytes + 32
        guard bytes.count >= least else {
            throw Flaw(.length(bytes: bytes.count, expected: UInt64(least)))
        }
        guard Array(bytes[..<4]) == magic else { throw Flaw(.magic) }
        let version = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
        guard version == Self.version, bytes[6] == 0, bytes[7] == 0 else {
            throw Flaw(.version(version))
        }
        let length = bytes[8..<headerBytes].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length == UInt64(bytes.count) else {
            throw Flaw(.length(bytes: bytes.count, expected: length))
        }
        let covered = Array(bytes[..<(bytes.count - 32)])
        guard Digest(hashing: covered).bytes[...] == bytes[(bytes.count - 32)...] else {
            throw Flaw(.hash)
        }
        do throws(DecodingError) {
            return try Precommits(decoding: Array(covered[headerBytes...]))
        } catch {
            throw Flaw(.undecodable(error))
        }
    }

    private static func name(_ height: Height) -> String {
        let digits = String(height.rawValue)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits + suffix
    }

    private static func height(in name: String) -> Height? {
        guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)),
            self.name(Height(number)) == name
        else { return nil }
        return Height(number)
    }
}
