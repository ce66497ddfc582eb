// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The header of a segment: a file of frames named by the index of its first entry.
///
/// Layout, 64 bytes, integers little-endian: magic "RCSG" (0, 4), version 1 (4, u16), zero (6,
/// u16), size of the log before it, which is the index of its first entry (8, u64), root of the
/// log before it (16, 32), salt of its frames' checksums (48, u64), checksum of bytes 0 to 55 (56,
/// u64). Frames follow, and once the segment is full and sealed, a footer.
struct SegmentHeader: Equatable {
    static let bytesCount = 64
    static let version: UInt16 = 1
    static let magic: UInt32 = 0x4753_4352  // "RCSG"

    let firstIndex: UInt64
    let root: Digest
    let salt: UInt64
    let checksum: UInt64

    /// The header of a new segment after a log of this size and root.
    init(firstIndex: UInt64, root: Digest, salt: UInt64) {
        self.firstIndex = firstIndex
        self.root = root
        self.salt = salt
        checksum = sha64(Self.fields(firstIndex, root, salt).span)
    }

    /// The bytes of the header.
    var encoded: [UInt8] {
        var bytes = Self.fields(firstIndex, root, salt)
        bytes.append(littleEndian: checksum)
        invariant(bytes.count == Self.bytesCount, "the header of a segment in \(bytes.count) bytes")
        return bytes
    }

    private static func fields(_ firstIndex: UInt64, _ root: Digest, _ salt: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: magic)
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: firstIndex)
        root.value.append(to: &bytes)
        bytes.append(littleEndian: salt)
        return bytes
    }

    /// Reads a header; checks, in order: length, magic, version, checksum, reserved field.
    init(_ bytes: Span<UInt8>) throws(FrameProblem) {
        try checkStart(
            bytes, count: Self.bytesCount, magic: Self.magic, version: Self.version,
            name: "a segment")
        let stored: UInt64 = bytes.integer(at: 56)
        let computed = sha64(bytes.extracting(0..<56))
        guard stored == computed else {
            throw .flaw(.checksum(of: "segment's header", stored: stored, computed: computed))
        }
        let reserved: UInt16 = bytes.integer(at: 6)
        guard reserved == 0 else { throw .flaw(.field("reserved", value: UInt64(reserved))) }
        firstIndex = bytes.integer(at: 8)
        root = bytes.digest(at: 16)
        salt = bytes.integer(at: 48)
        checksum = stored
    }
}

/// Checks that a structure of `count` bytes starts here, in a version that is known.
func checkStart(
    _ bytes: Span<UInt8>, count: Int, magic: UInt32, version known: UInt16, name: String
) throws(FrameProblem) {
    guard bytes.count >= count else {
        throw .flaw(
            .endsEarly(neededBytes: UInt64(count), availableBytes: UInt64(bytes.count)))
    }
    guard bytes.integer(at: 0, as: UInt32.self) == magic else {
        throw .flaw(.magic(expected: name))
    }
    let version: UInt16 = bytes.integer(at: 4)
    guard version <= known else { throw .newer(version) }
    guard version == known else { throw .flaw(.field("version", value: UInt64(version))) }
}

/// The names of segment files.
enum SegmentName {
    /// Twenty decimal digits and ".segment".
    static func of(_ firstIndex: UInt64) -> String {
        let digits = String(firstIndex)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits + ".segment"
    }

    /// The index in a name; nil for names that `of` never gives.
    static func index(in name: String) -> UInt64? {
        guard name.hasSuffix(".segment"), let index = UInt64(name.dropLast(8)),
            of(index) == name
        else { return nil }
        return index
    }
}

/// Where a frame is.
struct FrameLocation: Equatable {
    let firstIndex: UInt64
    let offset: UInt64
}

/// The end of a sealed segment: where its frames are, and the roots of the tiles it completes.
///
/// Layout, integers little-endian: magic "RCFT" (0, 4), version 1 (4, u16), zero (6, u16), index
/// of the segment's first entry (8, u64), size (16, u64) and root (24, 32) of the log after the
/// segment, checksum of the last frame (56, u64), number of frames f (64, u32), number of tiles t
/// (68, u32); for each frame index of its first entry and offset in the file (two u64); for each
/// tile of 256 leaves whose last leaf is in this segment its root (32); bytes of the footer (u64),
/// magic "RCFE", zero (u32), checksum of the segment's salt and of the footer so far (u64). The
/// file ends with it.
///
/// It repeats what the frames say, so that opening and proofs need not read them. It is written
/// after the next segment was made, so that a segment with a footer is never the last.
///
/// Invariants: `firstIndex < endIndex`; the first frame is that of `firstIndex`;
/// `tiles.count == endIndex / 256 - firstIndex / 256`.
struct SegmentFooter {
    static let fixedBytes = 72
    static let trailerBytes = 24
    static let version: UInt16 = 1
    static let magic: UInt32 = 0x5446_4352  // "RCFT"
    static let endMagic: UInt32 = 0x4546_4352  // "RCFE"

    var firstIndex: UInt64
    var endIndex: UInt64
    var root: Digest
    var lastChecksum: UInt64
    var frames: [FrameLocation]
    var tiles: [Digest]

    /// The bytes of the footer.
    func encoded(salt: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            Self.fixedBytes + 16 * frames.count + 32 * tiles.count + Self.trailerBytes)
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: firstIndex)
        bytes.append(littleEndian: endIndex)
        root.value.append(to: &bytes)
        bytes.append(littleEndian: lastChecksum)
        bytes.append(littleEndian: UInt32(frames.count))
        bytes.append(littleEndian: UInt32(tiles.count))
        for frame in frames {
            bytes.append(littleEndian: frame.firstIndex)
            bytes.append(littleEndian: frame.offset)
        }
        for tile in tiles { tile.value.append(to: &bytes) }
        bytes.append(littleEndian: UInt64(bytes.count + Self.trailerBytes))
        bytes.append(littleEndian: Self.endMagic)
        bytes.append(littleEndian: UInt32(0))
        bytes.append(littleEndian: sha64(salt: salt, bytes.span))
        let body = Self.fixedBytes + 16 * frames.count + 32 * tiles.count
        invariant(
            bytes.count == body + Self.trailerBytes, "a footer of \(body) bytes in \(bytes.count)")
        return bytes
    }

    /// Returns the length of the footer that the last 24 bytes of a file speak of, if they do.
    static func length(trailer: Span<UInt8>) -> UInt64? {
        guard trailer.count == trailerBytes, trailer.integer(at: 8, as: UInt32.self) == endMagic
        else { return nil }
        return trailer.integer(at: 0)
    }

    /// Reads a footer; checks, in order: length, magic, version, checksum, numbers against the
    /// length, order of the frames, number of tiles. `offset` is where it starts in the file.
    init(_ bytes: Span<UInt8>, at offset: UInt64, salt: UInt64) throws(FrameProblem) {
        try checkStart(
            bytes, count: Self.fixedBytes + Self.trailerBytes, magic: Self.magic,
            version: Self.version, name: "a footer")
        let stored: UInt64 = bytes.integer(at: bytes.count - 8)
        let computed = sha64(salt: salt, bytes.extracting(0..<bytes.count - 8))
        guard stored == computed else {
            throw .flaw(.checksum(of: "footer", stored: stored, computed: computed))
        }
        firstIndex = bytes.integer(at: 8)
        endIndex = bytes.integer(at: 16)
        root = bytes.digest(at: 24)
        lastChecksum = bytes.integer(at: 56)
        let frameCount = Int(bytes.integer(at: 64, as: UInt32.self))
        let tileCount = Int(bytes.integer(at: 68, as: UInt32.self))
        let wanted = Self.fixedBytes + 16 * frameCount + 32 * tileCount + Self.trailerBytes
        guard wanted == bytes.count else {
            throw .flaw(
                .endsEarly(neededBytes: UInt64(wanted), availableBytes: UInt64(bytes.count)))
        }
        guard bytes.integer(at: 6, as: UInt16.self) == 0,
            bytes.integer(at: bytes.count - 12, as: UInt32.self) == 0
        else { throw .flaw(.field("reserved", value: 1)) }
        frames = []
        frames.reserveCapacity(frameCount)
        var position = Self.fixedBytes
        for number in 0..<frameCount {
            let frame = FrameLocation(
                firstIndex: bytes.integer(at: position), offset: bytes.integer(at: position + 8))
            let follows = frames.last.map {
                $0.firstIndex < frame.firstIndex && $0.offset < frame.offset
            }
            let fits =
                follows
                ?? (frame.firstIndex == firstIndex
                    && frame.offset == UInt64(SegmentHeader.bytesCount))
            guard fits, frame.firstIndex < endIndex, frame.offset < offset else {
                throw .flaw(.frameList(frame: UInt64(number)))
            }
            frames.append(frame)
            position += 16
        }
        tiles = []
        tiles.reserveCapacity(tileCount)
        for _ in 0..<tileCount {
            tiles.append(bytes.digest(at: position))
            position += 32
        }
        invariant(
            position == bytes.count - Self.trailerBytes,
            "a footer of \(bytes.count) bytes is read up to \(position)")
        guard firstIndex < endIndex, frameCount > 0,
            endIndex / UInt64(LogLimits.tileLeaves) - firstIndex / UInt64(LogLimits.tileLeaves)
                == UInt64(tileCount)
        else { throw .flaw(.field("number of tiles", value: UInt64(tileCount))) }
    }

    init(
        firstIndex: UInt64, endIndex: UInt64, root: Digest, lastChecksum: UInt64,
        frames: [FrameLocation], tiles: [Digest]
    ) {
        invariant(firstIndex < endIndex, "a footer for entries \(firstIndex) to \(endIndex)")
        invariant(
            frames.first?.firstIndex == firstIndex,
            "a footer of \(frames.count) frames, the first not of entry \(firstIndex)")
        let width = UInt64(LogLimits.tileLeaves)
        invariant(
            UInt64(tiles.count) == endIndex / width - firstIndex / width,
            "a footer of \(tiles.count) tiles for entries \(firstIndex) to \(endIndex)")
        self.firstIndex = firstIndex
        self.endIndex = endIndex
        self.root = root
        self.lastChecksum = lastChecksum
        self.frames = frames
        self.tiles = tiles
    }
}

/// What a clean close leaves in the file `END`, and the first write after it removes.
///
/// Layout, 72 bytes, integers little-endian: magic "RCEM" (0, 4), version 1 (4, u16), zero (6,
/// u16), size (8, u64) and root (16, 32) of the log, bytes of its last segment (48, u64), checksum
/// of the last frame or, where the last segment has none, of its header (56, u64), checksum of
/// bytes 0 to 63 (64, u64).
struct EndMark: Equatable {
    static let bytesCount = 72
    static let version: UInt16 = 1
    static let magic: UInt32 = 0x4D45_4352  // "RCEM"

    let size: UInt64
    let root: Digest
    let lastSegmentBytes: UInt64
    let lastChecksum: UInt64

    /// The bytes of the mark.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: size)
        root.value.append(to: &bytes)
        bytes.append(littleEndian: lastSegmentBytes)
        bytes.append(littleEndian: lastChecksum)
        bytes.append(littleEndian: sha64(bytes.span))
        invariant(bytes.count == Self.bytesCount, "an end mark in \(bytes.count) bytes")
        return bytes
    }

    init(size: UInt64, root: Digest, lastSegmentBytes: UInt64, lastChecksum: UInt64) {
        self.size = size
        self.root = root
        self.lastSegmentBytes = lastSegmentBytes
        self.lastChecksum = lastChecksum
    }

    /// Reads a mark; checks, in order: length, magic, version, checksum, reserved field.
    init(_ bytes: Span<UInt8>) throws(FrameProblem) {
        try checkStart(
            bytes, count: Self.bytesCount, magic: Self.magic, version: Self.version,
            name: "an end mark")
        guard bytes.count == Self.bytesCount else {
            throw .flaw(.bytesAfterEnd(count: UInt64(bytes.count - Self.bytesCount)))
        }
        let stored: UInt64 = bytes.integer(at: 64)
        let computed = sha64(bytes.extracting(0..<64))
        guard stored == computed else {
            throw .flaw(.checksum(of: "end mark", stored: stored, computed: computed))
        }
        let reserved: UInt16 = bytes.integer(at: 6)
        guard reserved == 0 else { throw .flaw(.field("reserved", value: UInt64(reserved))) }
        size = bytes.integer(at: 8)
        root = bytes.digest(at: 16)
        lastSegmentBytes = bytes.integer(at: 48)
        lastChecksum = bytes.integer(at: 56)
    }
}
