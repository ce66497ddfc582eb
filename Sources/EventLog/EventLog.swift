// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Whether a log is opened to be written.
package enum LogAccess: Sendable { case readWrite, readOnly }

/// What opening a log found.
package struct Recovery: Equatable, Sendable {
    /// Whether the log had been closed: its end mark was there and right.
    package var wasClosed: Bool
    /// How many bytes of an unfinished commit were cut off; for a reader, left out.
    package var tornBytes: UInt64
    /// The file that the torn bytes were in, if any were.
    package var tornFile: String?
    /// Where they started in it.
    package var tornOffset: UInt64
    /// Where they are kept; nil for a reader.
    package var keptIn: String?
    /// Files of an interrupted rewrite that were removed.
    package var removed: [String]
    /// The segment whose footer was missing or torn, and was written again (for a reader: will
    /// be), from its frames.
    package var resealed: String?
}

/// An append-only log of entries in segments of checksummed frames, under an RFC 6962 Merkle tree.
///
/// One process writes; it holds the lock on `LOCK`. Within it any thread may stage, commit and
/// read: entries staged by several threads are made durable by one sync. Readers in other
/// processes take no lock and see a prefix, as it was when they opened.
///
/// Directory: `segments/` (see `SegmentHeader`, `FrameHeader`, `SegmentFooter`), `END` (see
/// `EndMark`), `EDGE` (see `ClosedEdge`), `LOCK` (the writer's process id, empty after a close),
/// `blobs/` (see `BlobStore`) and, after a torn tail, `torn/` with the bytes that were cut off, in
/// files named by segment, offset and SHA-256.
///
/// A torn tail is what follows the last whole frame of the last segment where there is no end
/// mark, provided that no whole frame follows it: a commit returns only after its sync, so at most
/// one frame is ever unsynced. Every other deviation is damage and refused. Removing the end mark
/// itself looks like a crash and does no harm; a last frame damaged after a crash looks like a
/// torn tail, unless `LogOptions.knownSize` says more.
///
/// Invariants: `contents.edge.count <= stagedEdge.count`, and what lies between is in flight or in
/// `staged`; something is in flight (`inFlightEdge`) only while `isWriting`, and nothing is written
/// once `isClosed`.
package final class EventLog: @unchecked Sendable {
    /// The directory of the log.
    package let directory: String
    /// What opening found.
    package let recovery: Recovery
    /// Whether the log may be written.
    package let access: LogAccess

    let disk: any Disk
    let options: LogOptions
    let monitor = Monitor()

    // All below is used only within `monitor.locked`, but for what `isWriting` reserves.
    var contents: LogContents
    var staged = StagedEntries()
    var stagedEdge: TreeEdge
    var inFlightEdge: TreeEdge?
    var isWriting = false
    var hasEndMark: Bool
    var isClosed = false
    var failure: DiskError?
    var cached: LogFrame?
    /// The leaves of whole tiles that were asked for last, the newest first.
    var keptTiles: [(number: UInt64, leaves: [Digest])] = []
    let lock: (any DiskLock)?

    init(_ loaded: LogLoader, lock: (any DiskLock)?, hasEndMark: Bool) {
        directory = loaded.directory
        disk = loaded.disk
        access = loaded.access
        options = loaded.options
        recovery = loaded.recovery
        contents = loaded.contents
        stagedEdge = loaded.contents.edge
        self.hasEndMark = hasEndMark
        self.lock = lock
    }

    var segmentsPath: String { "\(directory)/segments" }

    /// The number of entries that are committed and durable.
    package var size: UInt64 { monitor.locked { contents.edge.count } }

    /// The RFC 6962 root of the entries that are committed and durable.
    package var root: Digest { monitor.locked { contents.edge.root } }

    /// The number of entries, staged ones included.
    package var stagedSize: UInt64 { monitor.locked { stagedEdge.count } }

    /// The RFC 6962 root, staged entries included.
    package var stagedRoot: Digest { monitor.locked { stagedEdge.root } }

    /// Throws where the log can no longer be used; called within `locked`.
    func checkUsable() throws(LogError) {
        if let failure { throw .unusable(failure) }
        if isClosed { throw .closed }
    }

    /// Adds an entry to the next commit and returns its index; see `stage(_:)` of several.
    package func stage(_ entry: [UInt8]) throws(LogError) -> UInt64 { try stage([entry][...]) }

    /// Adds entries to the next commit and returns the index of the first.
    ///
    /// Each has 1 to 65,535 bytes. Throws `.entryLength`, `.readOnly`, `.unusable`, `.closed`,
    /// `.commitFull`, in this order; nothing is staged then.
    /// - Parameter leafHashes: The leaf hashes of the entries where they are known, taken on trust;
    ///   otherwise those of many entries are computed on several cores.
    package func stage(
        _ entries: ArraySlice<[UInt8]>, leafHashes: [Digest]? = nil
    ) throws(LogError) -> UInt64 {
        invariant(
            leafHashes.map { $0.count == entries.count } ?? true, "a leaf hash for each entry")
        var bytes = 0
        for entry in entries {
            guard !entry.isEmpty, entry.count <= LogLimits.entryBytesMax else {
                throw .entryLength(bytes: entry.count, max: LogLimits.entryBytesMax)
            }
            bytes += entry.count
        }
        guard access == .readWrite else { throw .readOnly }
        let leaves = leafHashes ?? LeafHashing.leaves(of: entries)
        let expected = stagedSize
        let tiles = LeafHashing.tiles(of: leaves, from: expected, parallel: true)
        return try monitor.locked { () throws(LogError) -> UInt64 in
            try checkUsable()
            guard staged.hasRoom(for: bytes, in: entries.count) else {
                throw .commitFull(entries: staged.lengths.count, rawBytes: staged.rawBytes)
            }
            let index = stagedEdge.count
            let rawBytes = staged.rawBytes + bytes + 2 * entries.count
            invariant(leaves.count == entries.count, "\(leaves.count) leaves of \(entries.count)")
            // Where somebody else staged meanwhile, the tiles begin elsewhere.
            staged.append(
                entries, leaves: leaves, tiles: index == expected ? tiles : [], onto: &stagedEdge)
            invariant(
                staged.rawBytes == rawBytes, "\(staged.rawBytes) bytes are staged of \(rawBytes)")
            return index
        }
    }

    /// Forgets the entries that are staged and not being committed.
    package func discardStaged() {
        monitor.locked {
            invariant(inFlightEdge == nil || isWriting, "a commit is under way and nobody writes")
            staged = StagedEntries()
            stagedEdge = inFlightEdge ?? contents.edge
        }
    }
}

/// Entries on their way into a frame.
///
/// Invariants: `leaves.count == lengths.count <= frameEntriesMax`, `bytes.count` is the sum of
/// `lengths`, and `rawBytes <= frameRawBytesMax`, but after a commit that failed (see `abandon`);
/// `tiles` are those that become complete between the edge before and the edge after them.
struct StagedEntries {
    var lengths: [UInt16] = []
    var bytes: [UInt8] = []
    var leaves: [Digest] = []
    var tiles: [Digest] = []

    /// What a frame of them holds before compression.
    var rawBytes: Int { 2 * lengths.count + bytes.count }

    /// Whether a frame can hold them.
    var isFrame: Bool { !lengths.isEmpty && hasRoom(for: 0, in: 0) }

    func hasRoom(for bytes: Int, in count: Int) -> Bool {
        lengths.count + count <= LogLimits.frameEntriesMax
            && rawBytes + bytes + 2 * count <= LogLimits.frameRawBytesMax
    }

    /// Adds entries with their leaf hashes, and the roots of whole tiles among these where they are
    /// known.
    mutating func append(
        _ entries: ArraySlice<[UInt8]>, leaves hashes: [Digest], tiles known: [Digest],
        onto edge: inout TreeEdge
    ) {
        for entry in entries {
            lengths.append(UInt16(entry.count))
            bytes.append(contentsOf: entry)
        }
        leaves.append(contentsOf: hashes)
        let end = edge.count + UInt64(hashes.count)
        let tilesBefore = edge.tiles.count - UInt64(tiles.count)
        let before = Int(LeafHashing.firstTile(from: edge.count) - edge.count)
        let first = known.isEmpty ? hashes.count : before
        for leaf in hashes[..<first] { append(leaf, onto: &edge) }
        for tile in known { edge.append(tile: tile) }
        tiles += known
        for leaf in hashes[(first + known.count * LogLimits.tileLeaves)...] {
            append(leaf, onto: &edge)
        }
        invariant(edge.count == end, "a tree of \(edge.count) behind entries up to \(end)")
        invariant(
            leaves.count == lengths.count, "\(leaves.count) leaves of \(lengths.count) entries")
        invariant(
            tilesBefore + UInt64(tiles.count) == edge.tiles.count,
            "\(tiles.count) tiles behind \(tilesBefore) of \(edge.tiles.count)")
    }

    private mutating func append(_ leaf: Digest, onto edge: inout TreeEdge) {
        if let tile = edge.append(leafHash: leaf) { tiles.append(tile) }
    }

    /// The payload of the frame.
    var payload: [UInt8] {
        var payload: [UInt8] = []
        payload.reserveCapacity(rawBytes)
        for length in lengths { payload.append(littleEndian: length) }
        payload.append(contentsOf: bytes)
        invariant(payload.count == rawBytes, "\(payload.count) bytes, and not \(rawBytes)")
        return payload
    }
}

/// A segment in use.
///
/// Invariants: `frames` ascend in both fields; the first is `(header.firstIndex, 64)`, and the last
/// begins before `endIndex` and `framesEnd`; without frames these are `header.firstIndex` and 64.
struct Segment {
    let header: SegmentHeader
    var file: any DiskFile
    var frames: [FrameLocation] = []
    var framesEnd = UInt64(SegmentHeader.bytesCount)
    var endIndex: UInt64
    var lastChecksum: UInt64
    var isSealed = false

    init(_ header: SegmentHeader, file: any DiskFile) {
        self.header = header
        self.file = file
        endIndex = header.firstIndex
        lastChecksum = header.checksum
    }

    /// Where a frame ends in the file.
    func end(ofFrame number: Int) -> UInt64 {
        let end = number + 1 < frames.count ? frames[number + 1].offset : framesEnd
        invariant(
            end > frames[number].offset, "a frame from \(frames[number].offset) to \(end)")
        return end
    }

    /// Stops the process where the frames are not those of the segment; costs a few comparisons.
    func check() {
        invariant(
            frames.isEmpty == (endIndex == header.firstIndex),
            "\(frames.count) frames for entries \(header.firstIndex) to \(endIndex)")
        guard let first = frames.first, let last = frames.last else {
            let start = SegmentHeader.bytesCount
            invariant(framesEnd == UInt64(start), "no frames from \(start) to \(framesEnd)")
            return
        }
        invariant(
            first.offset == UInt64(SegmentHeader.bytesCount), "a first frame at \(first.offset)")
        invariant(
            first.firstIndex == header.firstIndex,
            "a first frame of entry \(first.firstIndex), not \(header.firstIndex)")
        invariant(
            last.firstIndex < endIndex, "a frame of \(last.firstIndex) in entries to \(endIndex)")
        invariant(last.offset < framesEnd, "a frame at \(last.offset) of \(framesEnd) bytes")
        guard frames.count > 1 else { return }
        let before = frames[frames.count - 2]
        invariant(
            before.firstIndex < last.firstIndex,
            "a frame of entry \(last.firstIndex) behind one of \(before.firstIndex)")
    }

    /// The number of the frame that holds an entry.
    ///
    /// - Precondition: The entry is in the segment.
    func frame(holding index: UInt64) -> Int {
        invariant(
            header.firstIndex <= index && index < endIndex,
            "entry \(index) is looked for among \(header.firstIndex) to \(endIndex)")
        var low = 0
        var high = frames.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if frames[middle].firstIndex <= index { low = middle } else { high = middle }
        }
        invariant(
            frames[low].firstIndex <= index, "entry \(index) before \(frames[low].firstIndex)")
        invariant(
            low + 1 == frames.count || index < frames[low + 1].firstIndex,
            "entry \(index) is not in frame \(low) of \(frames.count)")
        return low
    }
}

/// What is committed: segments, tree, and the leaves of the tile that is not complete.
///
/// Invariants: each segment begins where the one before it ends, and the last ends at `edge.count`;
/// none but the last two is unsealed, and the last is; `tiles.count == edge.count / 256` and
/// `tailLeaves.count == edge.count % 256`.
struct LogContents {
    var segments: [Segment] = []
    var tiles = TileTree()
    var edge = TreeEdge()
    var tailLeaves: [Digest] = []

    /// The number of the segment that holds an entry.
    ///
    /// - Precondition: The entry is committed.
    func segment(holding index: UInt64) -> Int {
        var low = 0
        var high = segments.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].header.firstIndex <= index { low = middle } else { high = middle }
        }
        invariant(
            segments[low].header.firstIndex <= index,
            "entry \(index) before \(segments[low].header.firstIndex)")
        invariant(
            index < segments[low].endIndex,
            "entry \(index) behind a segment up to \(segments[low].endIndex)")
        return low
    }

    /// Stops the process where the segments and the tree are not those of one log.
    func check() {
        var end: UInt64 = 0
        for segment in segments {
            invariant(
                segment.header.firstIndex == end,
                "a segment that begins at \(segment.header.firstIndex), and not at \(end)")
            segment.check()
            end = segment.endIndex
        }
        invariant(end == edge.count, "segments of \(end) entries, a tree of \(edge.count)")
        invariant(
            segments.dropLast(2).allSatisfy(\.isSealed), "a segment before the last two is open")
        invariant(segments.last?.isSealed != true, "the last segment is sealed")
        checkTree()
    }

    /// The same of the tree alone, at no cost that grows with it.
    func checkTree() {
        let tail = Int(edge.tail.count)
        invariant(
            UInt64(tiles.count) == edge.tiles.count,
            "\(tiles.count) tiles of \(edge.tiles.count) are kept")
        invariant(
            tailLeaves.count == tail, "\(tailLeaves.count) leaves of the last \(tail) are kept")
        guard tiles.count > 0 else { return }
        // The smallest complete subtree of tiles, which both keep.
        let level = tiles.count.trailingZeroBitCount
        invariant(
            edge.tiles.subtrees.last
                == tiles.node(level: level, number: (tiles.count >> level) - 1),
            "the last \(1 << level) of \(tiles.count) tiles have two roots")
    }

    /// Takes in a leaf that was read.
    mutating func append(leafHash: Digest) {
        tailLeaves.append(leafHash)
        if let tile = edge.append(leafHash: leafHash) {
            tiles.append(tile)
            tailLeaves.removeAll(keepingCapacity: true)
        }
    }

    /// Takes in leaves that were read: whole tiles two nodes at a time.
    mutating func append(leafHashes leaves: [Digest]) {
        var place = 0
        while place < leaves.count {
            let end = place + LogLimits.tileLeaves
            if tailLeaves.isEmpty, end <= leaves.count {
                let tile = MerkleFrontier.root(ofComplete: leaves[place..<end])
                edge.append(tile: tile)
                tiles.append(tile)
                place = end
            } else {
                append(leafHash: leaves[place])
                place += 1
            }
        }
        checkTree()
    }

    /// Takes in entries that were committed, of which the new edge is known.
    mutating func append(_ entries: StagedEntries, edge newEdge: TreeEdge) {
        for tile in entries.tiles { tiles.append(tile) }
        invariant(
            newEdge.count == edge.count + UInt64(entries.lengths.count),
            "a tree of \(newEdge.count) for \(entries.lengths.count) entries behind \(edge.count)")
        let tail = Int(newEdge.tail.count)
        if entries.tiles.isEmpty {
            tailLeaves.append(contentsOf: entries.leaves)
        } else {
            tailLeaves = Array(entries.leaves.suffix(tail))
        }
        edge = newEdge
        checkTree()
    }
}
