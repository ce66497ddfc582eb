// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
import EventLog
package import Ledger

/// One decision with everything that a stranger needs to recount it: a self-contained file.
///
/// The bytes are `RCCT`, the version as `u16`, and Borsh of the fields in order. Version 2 has the
/// ways of votes that were signed in lists, version 1 has none; there is one encoding of a
/// certificate. The article "Certificates" has the tables.
package struct Certificate: Equatable, Sendable {
    /// The first bytes of the file.
    package static let magic = Array("RCCT".utf8)
    /// The highest version that this program writes and reads.
    package static let version: UInt16 = 2
    /// Bytes of a file.
    package static let bytesMax = 64 << 20
    /// Entries of a certificate, and hashes of its proof.
    package static let entriesMax = 1 << 22

    /// The checkpoint: a C2SP signed note.
    package var note: [UInt8]
    /// The request that the certificate is about.
    package var subject: Part
    /// The request whose approval rejected the subject, where that is so.
    package var conflict: Part?
    /// The entries, by index.
    package var entries: [Entry]
    /// The multi-proof that the entries are in the tree of the checkpoint.
    package var proof: [Digest]
    /// For each vote that is counted and was signed in a list, its way to the root of the list; by
    /// request and entry.
    package var paths: [ListedPath] = []

    /// The way from a vote to the root of its list.
    package struct ListedPath: Equatable, Sendable {
        /// The entry of the request.
        package var request: EntryIndex
        /// The entry of the list.
        package var entry: UInt64
        /// The way.
        package var path: VotePath
    }

    /// What the entries about a request name only by number.
    package struct Part: Equatable, Sendable {
        /// The entry that introduced the request.
        package var request: EntryIndex
        /// The circuit of its proof.
        package var circuit: Circuit
        /// The key that submitted it.
        package var submitter: PublicKey
        /// Who could vote, by index.
        package var pinned: [Pinned]
    }

    /// A pinned validator, as the digest in `RoundOpened` covers it.
    package struct Pinned: Hashable, Sendable {
        /// The validator.
        package var index: ValidatorIndex
        /// Its key.
        package var key: PublicKey
        /// Its stake when the round opened.
        package var stake: Stake
        /// Its reputation then.
        package var reputation: Reputation

        /// Stake and reputation are those at the opening, whatever they are now.
        package init(
            index: ValidatorIndex, key: PublicKey, stake: Stake, reputation: Reputation
        ) {
            self.index = index
            self.key = key
            self.stake = stake
            self.reputation = reputation
        }
    }

    /// An entry of the log.
    package struct Entry: Hashable, Sendable {
        /// Its position.
        package var index: UInt64
        /// Its canonical bytes.
        package var bytes: [UInt8]

        /// Joins the two.
        package init(index: UInt64, bytes: [UInt8]) {
            self.index = index
            self.bytes = bytes
        }
    }
}

/// Why bytes are no certificate that can be looked into.
package enum CertificateFormatError: Error, Equatable {
    /// The file does not start with `RCCT`.
    case notACertificate
    /// A version that this program does not know.
    case unknownVersion(UInt16)
    /// The file is longer than a certificate may be.
    case tooLong(bytes: Int, max: Int)
    /// The bytes are not the encoding of a certificate; offsets count from the start of the file.
    case malformed(DecodingError)
}

extension CertificateFormatError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .notACertificate: "it does not start with RCCT, as a certificate does"
        case .unknownVersion(let version):
            "it has version \(version); this program reads versions 1 to \(Certificate.version)"
        case .tooLong(let bytes, let max): "it has \(bytes) bytes; at most \(max) are read"
        case .malformed(let error): describe(error)
        }
    }
}

extension Certificate {
    /// The file.
    package var bytes: [UInt8] {
        var writer = BorshWriter()
        writer.writeFixed(Self.magic)
        writer.write(paths.isEmpty ? UInt16(1) : Self.version)
        writer.write(note)
        writer.write(subject)
        writer.write(optional: conflict)
        writer.write(entries)
        writer.write(proof.map(\.value))
        if !paths.isEmpty { writer.write(paths) }
        return writer.bytes
    }

    /// Reads a file; checks its form and nothing else.
    ///
    /// Throws, in this order: `tooLong`, `notACertificate`, `unknownVersion`, `malformed`.
    package init(_ bytes: [UInt8]) throws(CertificateFormatError) {
        guard bytes.count <= Self.bytesMax else {
            throw .tooLong(bytes: bytes.count, max: Self.bytesMax)
        }
        guard bytes.starts(with: Self.magic) else { throw .notACertificate }
        let unknown: UInt16
        do throws(DecodingError) {
            var reader = BorshReader(bytes)
            _ = try reader.fixed(Self.magic.count)
            let version = try reader.integer(UInt16.self)
            if (1...Self.version).contains(version) {
                try self.init(from: &reader, hasPaths: version > 1)
                try reader.end()
                return
            }
            unknown = version
        } catch {
            throw .malformed(error)
        }
        throw .unknownVersion(unknown)
    }

    private init(from reader: inout BorshReader, hasPaths: Bool) throws(DecodingError) {
        note = try reader.blob(of: "Certificate.note", bound: SignedNote.bytesMax)
        subject = try Part(from: &reader)
        conflict = try reader.optional()
        let start = reader.offset
        entries = try reader.list(bound: Self.entriesMax)
        guard zip(entries, entries.dropFirst()).allSatisfy({ $0.index < $1.index }) else {
            throw .notCanonical(type: "Certificate.entries, by index", offset: start)
        }
        proof = try reader.list32(of: "Certificate.proof", bound: Self.entriesMax)
            .map { Digest($0) }
        guard hasPaths else { return }
        let place = reader.offset
        paths = try reader.list(bound: Self.entriesMax)
        guard !paths.isEmpty,
            zip(paths, paths.dropFirst()).allSatisfy({
                ($0.request, $0.entry) < ($1.request, $1.entry)
            })
        else { throw .notCanonical(type: "Certificate.paths, by place", offset: place) }
    }

    /// The way of the vote on a request that a list holds.
    func path(to request: EntryIndex, in entry: UInt64) -> VotePath? {
        paths.first { $0.request == request && $0.entry == entry }?.path
    }

    /// The entry with this index, or nil where the certificate does not hold it.
    package func entry(_ index: UInt64) -> Entry? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].index == index ? entries[low] : nil
    }
}

extension Certificate.ListedPath: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(entry)
        writer.write(path)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        entry = try reader.integer()
        path = try VotePath(from: &reader)
    }
}

extension Certificate.Part: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(circuit)
        writer.write(submitter)
        writer.write(pinned)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        circuit = try Circuit(from: &reader)
        submitter = try reader.publicKey()
        let start = reader.offset
        pinned = try reader.list(bound: Limits.membersMax)
        guard zip(pinned, pinned.dropFirst()).allSatisfy({ $0.index < $1.index }) else {
            throw .notCanonical(type: "Certificate.pinned, by index", offset: start)
        }
    }

    /// `PinnedSet.digest` of these validators.
    package var pinnedDigest: Digest {
        var writer = BorshWriter(domain: "recount/pinned/v1")
        writer.write(pinned)
        return Digest(hashing: writer.bytes)
    }
}

extension Certificate.Pinned: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(index)
        writer.write(key)
        writer.write(stake)
        writer.write(reputation)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        index = try ValidatorIndex(from: &reader)
        key = try reader.publicKey()
        stake = try Stake(from: &reader)
        reputation = try Reputation(from: &reader)
    }
}

extension Certificate.Entry: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(index)
        writer.write(bytes)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        index = try reader.integer()
        bytes = try reader.blob(of: "Certificate.entry", bound: Limits.entryBytesMax)
    }
}
