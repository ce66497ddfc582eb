// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Why a frame's bytes are not a frame.
enum FrameProblem: Error {
    case flaw(Flaw)
    case newer(UInt16)
}

/// The header of a frame: the entries of one commit, or of several in a sealed segment.
///
/// Layout, 52 bytes, integers little-endian: magic "RCFR" (0, 4), version 1 (4, u16), compression
/// (6, u16; see `Compression`), index of the first entry (8, u64), number of entries (16,
/// u32), bytes of the payload before (20, u32) and after (24, u32) compression, checksum of the
/// frame before it or of the segment's header (28, u64), checksum of the stored payload (36, u64),
/// checksum of the salt of the segment and bytes 0 to 43 (44, u64). The payload follows. Before
/// compression it is the length of each entry (u16), then the bytes of each.
///
/// The salt is random and never leaves the machine, so that no entry can hold bytes that pass for
/// a frame.
struct FrameHeader {
    static let bytesCount = 52
    static let version: UInt16 = 1
    static let magic: UInt32 = 0x5246_4352  // "RCFR"

    /// How a payload is stored.
    enum Compression: UInt16 {
        /// As it is.
        case raw = 0
        /// As an LZ4 block.
        case rows = 1
        /// In columns (see `Columns`), and then as an LZ4 block.
        case columns = 2
    }

    var compression: Compression
    var firstIndex: UInt64
    var count: UInt32
    var rawBytes: UInt32
    var storedBytes: UInt32
    var previous: UInt64
    var payloadChecksum: UInt64
    var checksum: UInt64 = 0

    /// The bytes of the frame, header included.
    var frameBytes: UInt64 { UInt64(Self.bytesCount) + UInt64(storedBytes) }

    /// Encodes the header and sets its checksum.
    mutating func encoded(salt: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.bytesCount)
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: compression.rawValue)
        bytes.append(littleEndian: firstIndex)
        bytes.append(littleEndian: count)
        bytes.append(littleEndian: rawBytes)
        bytes.append(littleEndian: storedBytes)
        bytes.append(littleEndian: previous)
        bytes.append(littleEndian: payloadChecksum)
        checksum = sha64(salt: salt, bytes.span)
        bytes.append(littleEndian: checksum)
        invariant(bytes.count == Self.bytesCount, "the header of a frame in \(bytes.count) bytes")
        return bytes
    }

    private init(
        compression: Compression, firstIndex: UInt64, count: UInt32, rawBytes: UInt32,
        storedBytes: UInt32, previous: UInt64, payloadChecksum: UInt64
    ) {
        self.compression = compression
        self.firstIndex = firstIndex
        self.count = count
        self.rawBytes = rawBytes
        self.storedBytes = storedBytes
        self.previous = previous
        self.payloadChecksum = payloadChecksum
    }

    /// Reads a header; checks, in order: length, magic, version, checksum, bounds.
    ///
    /// Without a salt the checksum cannot be checked, and anything may look like a header.
    init(_ bytes: Span<UInt8>, salt: UInt64?) throws(FrameProblem) {
        guard bytes.count >= Self.bytesCount else {
            throw .flaw(
                .endsEarly(
                    neededBytes: UInt64(Self.bytesCount), availableBytes: UInt64(bytes.count)))
        }
        guard bytes.integer(at: 0, as: UInt32.self) == Self.magic else {
            throw .flaw(.magic(expected: "a frame"))
        }
        let version = bytes.integer(at: 4, as: UInt16.self)
        guard version <= Self.version else { throw .newer(version) }
        guard version == Self.version else {
            throw .flaw(.field("version", value: UInt64(version)))
        }
        let stored: UInt64 = bytes.integer(at: 44)
        if let salt {
            let computed = sha64(salt: salt, bytes.extracting(0..<44))
            guard stored == computed else {
                throw .flaw(.checksum(of: "frame's header", stored: stored, computed: computed))
            }
        }
        let number: UInt16 = bytes.integer(at: 6)
        guard let compression = Compression(rawValue: number) else {
            throw .flaw(.field("compression", value: UInt64(number)))
        }
        self.init(
            compression: compression, firstIndex: bytes.integer(at: 8),
            count: bytes.integer(at: 16), rawBytes: bytes.integer(at: 20),
            storedBytes: bytes.integer(at: 24), previous: bytes.integer(at: 28),
            payloadChecksum: bytes.integer(at: 36))
        checksum = stored
        try checkBounds()
    }

    private func checkBounds() throws(FrameProblem) {
        func bound(_ name: String, _ value: UInt64, _ max: UInt64) throws(FrameProblem) {
            guard value <= max else { throw .flaw(.outOfBounds(name, value: value, max: max)) }
        }
        guard count > 0 else { throw .flaw(.field("number of entries", value: 0)) }
        try bound("number of entries", UInt64(count), UInt64(LogLimits.frameEntriesMax))
        try bound("payload", UInt64(rawBytes), UInt64(LogLimits.frameRawBytesMax))
        try bound("number of entries", UInt64(count), UInt64(rawBytes) / 3)
        try bound("index", firstIndex, UInt64.max - UInt64(count))
        if compression != .raw {
            try bound("stored payload", UInt64(storedBytes), UInt64(rawBytes) - 1)
            // No LZ4 block grows by more than 255 times.
            try bound("payload", UInt64(rawBytes), UInt64(storedBytes) * 255 + 64)
        } else {
            guard storedBytes == rawBytes else {
                throw .flaw(.field("stored payload", value: UInt64(storedBytes)))
            }
        }
    }

    /// Makes the header for a payload, compressing it where that gains; returns what is stored.
    static func make(
        payload raw: [UInt8], firstIndex: UInt64, count: Int, previous: UInt64
    ) -> (FrameHeader, [UInt8]) {
        var compression = count < Columns.entriesMin ? Compression.rows : .columns
        invariant(
            raw.count <= LogLimits.frameRawBytesMax, "a frame of \(raw.count) bytes is made")
        let arranged = compression == .rows ? raw : Columns.arrange(raw, count: count)
        invariant(
            arranged.count == raw.count, "\(raw.count) bytes are arranged in \(arranged.count)")
        var stored = LZ4.compress(arranged) ?? raw
        if stored.count >= raw.count {
            compression = .raw
            stored = raw
        }
        invariant(stored.count <= raw.count, "\(raw.count) bytes are stored as \(stored.count)")
        invariant(3 * count <= raw.count, "\(count) entries in \(raw.count) bytes")
        let header = FrameHeader(
            compression: compression, firstIndex: firstIndex, count: UInt32(count),
            rawBytes: UInt32(raw.count), storedBytes: UInt32(stored.count), previous: previous,
            payloadChecksum: sha64(stored.span))
        return (header, stored)
    }
}

/// The entries of one frame, decompressed and checked.
///
/// Invariants: `starts` ascend, and end at `bytes.count`.
package struct LogFrame: Sendable {
    /// The index of the first entry.
    package let firstIndex: UInt64
    /// The entries' bytes lie in `bytes` one after the other from `starts[0]`.
    package let bytes: [UInt8]
    /// Where each entry starts in `bytes`; one more, at the end of the last.
    package let starts: [UInt32]

    /// The number of entries.
    package var count: Int { starts.count - 1 }

    /// The positions of an entry in `bytes`.
    package func range(of entry: Int) -> Range<Int> {
        Int(starts[entry])..<Int(starts[entry + 1])
    }

    /// The index after the last entry.
    package var endIndex: UInt64 { firstIndex + UInt64(count) }

    /// The hash of an entry as a leaf of the log's tree.
    package func leafHash(of entry: Int) -> Digest {
        MerkleFrontier.leafHash(bytes.span.extracting(range(of: entry)))
    }

    /// The hashes of the entries as leaves of the log's tree, computed two at a time.
    package func leafHashes() -> [Digest] {
        let span = bytes.span
        var leaves: [Digest] = []
        leaves.reserveCapacity(count)
        for entry in stride(from: 0, to: count - 1, by: 2) {
            let (one, other) = MerkleFrontier.leafHashes(
                span.extracting(range(of: entry)), span.extracting(range(of: entry + 1)))
            leaves.append(one)
            leaves.append(other)
        }
        if !count.isMultiple(of: 2) { leaves.append(leafHash(of: count - 1)) }
        invariant(leaves.count == count, "\(leaves.count) leaves of \(count) entries")
        return leaves
    }

    /// The frame without its entries before one of them.
    func dropping(before index: UInt64) -> LogFrame {
        invariant(
            firstIndex <= index && index < endIndex,
            "entry \(index) of a frame of \(firstIndex) to \(endIndex)")
        guard index > firstIndex else { return self }
        return LogFrame(
            firstIndex: index, bytes: bytes, starts: Array(starts[Int(index - firstIndex)...]))
    }

    private init(firstIndex: UInt64, bytes: [UInt8], starts: [UInt32]) {
        self.firstIndex = firstIndex
        self.bytes = bytes
        self.starts = starts
    }

    /// Puts entries of a bundle of tiles together.
    ///
    /// - Precondition: Together they have less than 4 GiB.
    init(firstIndex: UInt64, entries: [[UInt8]]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.reduce(0) { $0 + $1.count })
        var starts: [UInt32] = [0]
        starts.reserveCapacity(entries.count + 1)
        for entry in entries {
            bytes += entry
            starts.append(UInt32(bytes.count))
        }
        self.firstIndex = firstIndex
        self.bytes = bytes
        self.starts = starts
        invariant(count == entries.count, "\(count) entries of \(entries.count)")
    }

    /// Checks the stored payload against its header and restores the entries.
    ///
    /// Checks, in order: checksum, decompression, lengths of the entries.
    init(_ header: FrameHeader, stored: Span<UInt8>) throws(FrameProblem) {
        invariant(stored.count == Int(header.storedBytes), "a payload of another length")
        let computed = sha64(stored)
        guard computed == header.payloadChecksum else {
            throw .flaw(
                .checksum(
                    of: "frame's payload", stored: header.payloadChecksum, computed: computed))
        }
        let rawBytes = Int(header.rawBytes)
        let payload: [UInt8]
        switch header.compression {
        case .raw: payload = copied(stored)
        case .rows, .columns:
            guard let raw = LZ4.decompress(stored, count: rawBytes) else {
                throw .flaw(.compression)
            }
            let count = Int(header.count)
            let rows = header.compression == .rows ? raw : Columns.restore(raw, count: count)
            guard let rows else { throw .flaw(.entryLengths) }
            payload = rows
        }
        starts = try Self.starts(of: Int(header.count), in: payload)
        bytes = payload
        firstIndex = header.firstIndex
        invariant(count == Int(header.count), "\(count) entries of \(header.count)")
        let end = Int(starts[count])
        invariant(end == bytes.count, "entries up to \(end) of \(bytes.count) bytes")
    }

    /// Finds where each entry starts from the lengths that the payload begins with.
    private static func starts(
        of count: Int, in bytes: [UInt8]
    ) throws(FrameProblem) -> [UInt32] {
        let payload = bytes.span
        // The header's check makes sure that the payload holds the lengths.
        var position = 2 * count
        var starts: [UInt32] = []
        starts.reserveCapacity(count + 1)
        for entry in 0..<count {
            starts.append(UInt32(position))
            let length = Int(payload[2 * entry]) | Int(payload[2 * entry + 1]) << 8
            position += length
            guard length > 0, position <= payload.count else { throw .flaw(.entryLengths) }
        }
        guard position == payload.count else { throw .flaw(.entryLengths) }
        starts.append(UInt32(position))
        return starts
    }
}
