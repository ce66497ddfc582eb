// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What the file of a segment holds, read by itself, so that several are read side by side.
///
/// Invariants, where leaves are hashed: `head.count + 256 * tiles.count + tail.count ==
/// endIndex - header.firstIndex`, `head.count < 256`, `tail.count < 256`.
struct SegmentScan {
    let file: any DiskFile
    let size: UInt64
    let header: SegmentHeader
    private(set) var frames: [FrameLocation] = []
    /// The hashes of the leaves before the first boundary of a tile, the roots of the whole tiles
    /// after it, and the hashes of the leaves after those.
    private(set) var head: [Digest] = []
    private(set) var tiles: [Digest] = []
    private(set) var tail: [Digest] = []
    /// Where the frames end, the index of the entry after them, and the checksum of the last.
    private(set) var end: UInt64
    private(set) var endIndex: UInt64
    private(set) var lastChecksum: UInt64
    /// What is wrong with the frame that would start at `end`.
    private(set) var problem: FrameProblem?

    /// Reads the header of the file anew; frames are added as pieces.
    init(_ segment: Segment) throws(LogError) {
        try self.init(segment.file, segment)
    }

    /// Reads the file up to where the log knows its frames to end.
    ///
    /// `tree` is whether leaves are hashed.
    init(_ segment: Segment, disk: any Disk, tree: Bool) throws(LogError) {
        let file = try onDisk { () throws(DiskError) in try disk.open(segment.file.path, .read) }
        try self.init(file, segment)
        var scanner = FrameScanner(file, header: header, limit: min(size, segment.framesEnd))
        while try readFrame(from: &scanner, tree: tree) {
            end = scanner.offset
            endIndex = scanner.index
            lastChecksum = scanner.lastChecksum
        }
        invariant(
            frames.isEmpty == (endIndex == header.firstIndex),
            "\(frames.count) frames for entries \(header.firstIndex) to \(endIndex)")
        if tree { checkTree() }
    }

    private init(_ file: any DiskFile, _ segment: Segment) throws(LogError) {
        let (size, bytes) = try onDisk { () throws(DiskError) in
            (try file.size(), try file.read(at: 0, count: SegmentHeader.bytesCount))
        }
        self.file = file
        self.size = size
        do { header = try SegmentHeader(bytes.span) } catch {
            throw error.error(
                file: file.path, offset: 0, entry: segment.header.firstIndex)
        }
        let index = segment.header.firstIndex
        guard header.firstIndex == index else {
            throw .damaged(
                file: file.path, offset: 8, entry: index,
                .firstIndex(expected: index, found: header.firstIndex))
        }
        end = UInt64(SegmentHeader.bytesCount)
        endIndex = header.firstIndex
        lastChecksum = header.checksum
    }

    /// Reads the next frame; false at the end, or where a frame is bad.
    private mutating func readFrame(
        from scanner: inout FrameScanner, tree: Bool
    ) throws(LogError) -> Bool {
        guard tree else {
            switch try scanner.skip() {
            case nil: return false
            case .failure(let problem):
                self.problem = problem
                return false
            case .success(let location):
                frames.append(location)
                return true
            }
        }
        switch try scanner.next() {
        case .end: return false
        case .problem(let problem):
            self.problem = problem
            return false
        case .frame(let frame, let location):
            frames.append(location)
            append(frame.leafHashes()[...], from: frame.firstIndex)
            return true
        }
    }

    /// Adds a piece that follows the frames so far, and was checked by itself.
    mutating func add(_ piece: LogPiece) throws(FrameProblem) {
        guard piece.firstIndex == endIndex else {
            throw .flaw(.firstIndex(expected: endIndex, found: piece.firstIndex))
        }
        guard piece.previous == lastChecksum else {
            throw .flaw(.chain(expected: lastChecksum, found: piece.previous))
        }
        let offset = piece.locations.first?.offset ?? 0
        invariant(offset == end, "a piece at \(offset) behind frames up to \(end)")
        frames += piece.locations
        end = piece.end
        endIndex = piece.endIndex
        lastChecksum = piece.lastChecksum
        guard !piece.leaves.isEmpty else { return }
        let before = Int(min(piece.firstTile, piece.endIndex) - piece.firstIndex)
        let behind = before + piece.tiles.count * LogLimits.tileLeaves
        append(piece.leaves[..<before], from: piece.firstIndex)
        invariant(piece.tiles.isEmpty || tail.isEmpty, "a tile that does not begin at a boundary")
        tiles += piece.tiles
        append(piece.leaves[behind...], from: piece.firstIndex + UInt64(behind))
        checkTree()
    }

    /// Stops the process where the parts of the tree are not those of the entries.
    private func checkTree() {
        let width = LogLimits.tileLeaves
        let entries = endIndex - header.firstIndex
        invariant(
            UInt64(head.count + width * tiles.count + tail.count) == entries,
            "\(head.count), \(tiles.count) tiles and \(tail.count) for \(entries) entries")
        invariant(
            max(head.count, tail.count) < width,
            "\(head.count) and \(tail.count) leaves beside the tiles")
    }

    private mutating func append(_ leaves: ArraySlice<Digest>, from index: UInt64) {
        for (place, leaf) in leaves.enumerated() { append(leaf, at: index + UInt64(place)) }
    }

    private mutating func append(_ leaf: Digest, at index: UInt64) {
        let leaves = UInt64(LogLimits.tileLeaves)
        let boundary = (header.firstIndex + leaves - 1) / leaves * leaves
        guard index >= boundary else { return head.append(leaf) }
        tail.append(leaf)
        if tail.count == LogLimits.tileLeaves {
            tiles.append(merkleRoot(tail[...]))
            tail.removeAll(keepingCapacity: true)
        }
    }
}
