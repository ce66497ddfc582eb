// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// Reads a directory into what is committed, and tells a torn tail from damage.
///
/// Invariants: a segment is to be sealed (`segmentToSeal`), or bytes are torn, only where there is
/// no `mark`; `tornBytes > 0` just where `tornFile` names the file.
struct LogLoader {
    let directory: String
    let disk: any Disk
    let access: LogAccess
    let options: LogOptions

    var contents = LogContents()
    var recovery = Recovery(
        wasClosed: false, tornBytes: 0, tornFile: nil, tornOffset: 0, keptIn: nil, removed: [],
        resealed: nil)
    /// The segment before the last, where its footer is missing or torn.
    var segmentToSeal: Int?

    private(set) var mark: EndMark?
    /// The root after the last segment that was read, as its footer tells.
    private var rootDue = Digest.ofNothing

    init(directory: String, disk: any Disk, access: LogAccess, options: LogOptions) {
        self.directory = directory
        self.disk = disk
        self.access = access
        self.options = options
    }

    var segmentsPath: String { "\(directory)/segments" }
    private var markPath: String { "\(directory)/END" }

    /// Reads everything; returns whether there is an end mark.
    mutating func load() throws(LogError) -> Bool {
        try readMark()
        let indices = try listSegments()
        for (number, index) in indices.enumerated() {
            let next = number + 1 < indices.count ? indices[number + 1] : nil
            try readSegment(index, next: next, isSecondToLast: number + 2 == indices.count)
        }
        try checkMark()
        let size = contents.edge.count
        if size < options.knownSize, let last = contents.segments.last {
            throw .damaged(
                file: last.file.path, offset: last.framesEnd, entry: size,
                .shorterThanKnown(known: options.knownSize, found: size))
        }
        checkFound(indices.count)
        contents.check()
        try cutTornTail()
        recovery.wasClosed = mark != nil
        return mark != nil
    }

    /// Stops the process where what was found of the end contradicts itself.
    private func checkFound(_ segments: Int) {
        let read = contents.segments.count
        invariant(read == segments, "\(read) of \(segments) segments are read")
        invariant(
            (recovery.tornBytes > 0) == (recovery.tornFile != nil),
            "\(recovery.tornBytes) bytes are torn of \(recovery.tornFile ?? "no file")")
        invariant(
            (segmentToSeal != nil) == (recovery.resealed != nil),
            "\(recovery.resealed ?? "nothing") is said to be sealed again")
        invariant(
            segmentToSeal == nil || mark == nil, "a log that was closed has a segment to seal")
    }

    private mutating func readMark() throws(LogError) {
        let bytes: [UInt8]
        do { bytes = try disk.contents(of: markPath, max: LogLimits.endMarkBytesMax) } catch {
            if case .notFound = error { return }
            throw .disk(error)
        }
        do { mark = try EndMark(bytes.span) } catch {
            throw error.error(file: markPath, offset: 0, entry: 0)
        }
    }

    private mutating func listSegments() throws(LogError) -> [UInt64] {
        var indices: [UInt64] = []
        let names = try onDisk { () throws(DiskError) in try disk.list(segmentsPath) }
        for name in names {
            if let index = SegmentName.index(in: name) {
                indices.append(index)
            } else if name.hasSuffix(".tmp"), SegmentName.index(in: String(name.dropLast(4))) != nil
            {
                recovery.removed.append(name)
            } else {
                throw .damaged(
                    file: "\(segmentsPath)/\(name)", offset: 0, entry: 0, .unexpectedFile)
            }
        }
        guard indices.isEmpty else { return indices }
        guard let mark else { throw .notALog(path: directory) }
        throw .damaged(
            file: "\(segmentsPath)/\(SegmentName.of(0))", offset: 0, entry: 0,
            .size(stored: mark.size, found: 0))
    }

    private mutating func readSegment(
        _ index: UInt64, next: UInt64?, isSecondToLast: Bool
    ) throws(LogError) {
        let path = "\(segmentsPath)/\(SegmentName.of(index))"
        let due = contents.segments.last?.endIndex ?? 0
        guard index == due else {
            throw .damaged(
                file: path, offset: 0, entry: due, .firstIndex(expected: due, found: index))
        }
        let file = try onDisk { () throws(DiskError) in
            try disk.open(path, access == .readWrite ? .write : .read)
        }
        let size = try onDisk { () throws(DiskError) in try file.size() }
        let header = try readHeader(file, index)
        var segment = Segment(header, file: file)
        let footer = try readFooter(file, size, salt: header.salt)
        guard let next else {
            if case .whole = footer {
                throw .damaged(file: path, offset: size, entry: index, .segmentMissing)
            }
            if try !skipClosed(&segment, size: size) { try scanLast(&segment, size: size) }
            contents.segments.append(segment)
            return
        }
        if case .whole(let footer, let offset) = footer {
            try check(footer, segment, next: next)
            segment.frames = footer.frames
            segment.framesEnd = offset
            segment.endIndex = footer.endIndex
            segment.lastChecksum = footer.lastChecksum
            segment.isSealed = true
            contents.segments.append(segment)
            for tile in footer.tiles { contents.tiles.append(tile) }
            rootDue = footer.root
            if isSecondToLast { try readTail(from: header.firstIndex, to: footer.endIndex) }
        } else {
            try scanUnsealed(&segment, size: size, next: next, isSecondToLast: isSecondToLast)
        }
    }

    private func readHeader(_ file: any DiskFile, _ index: UInt64) throws(LogError) -> SegmentHeader
    {
        let bytes = try onDisk { () throws(DiskError) in
            try file.read(at: 0, count: SegmentHeader.bytesCount)
        }
        let header: SegmentHeader
        do { header = try SegmentHeader(bytes.span) } catch {
            throw error.error(file: file.path, offset: 0, entry: index)
        }
        guard header.firstIndex == index else {
            throw .damaged(
                file: file.path, offset: 8, entry: index,
                .firstIndex(expected: index, found: header.firstIndex))
        }
        guard header.root == rootDue else {
            throw .damaged(
                file: file.path, offset: 16, entry: index,
                .root(of: "log before the segment", stored: header.root, computed: rootDue))
        }
        return header
    }

    private enum Footer {
        case none
        case bad(FrameProblem, offset: UInt64)
        case whole(SegmentFooter, offset: UInt64)
    }

    private func readFooter(
        _ file: any DiskFile, _ size: UInt64, salt: UInt64
    ) throws(LogError) -> Footer {
        let trailerBytes = UInt64(SegmentFooter.trailerBytes)
        guard size >= UInt64(SegmentHeader.bytesCount) + trailerBytes else { return .none }
        let trailer = try onDisk { () throws(DiskError) in
            try file.read(at: size - trailerBytes, count: SegmentFooter.trailerBytes)
        }
        guard let length = SegmentFooter.length(trailer: trailer.span) else { return .none }
        guard length <= size - UInt64(SegmentHeader.bytesCount),
            length >= trailerBytes + UInt64(SegmentFooter.fixedBytes)
        else {
            return .bad(
                .flaw(.outOfBounds("length of the footer", value: length, max: size)),
                offset: size - trailerBytes)
        }
        let bytes = try onDisk { () throws(DiskError) in
            try file.read(at: size - length, count: Int(length))
        }
        do {
            return .whole(
                try SegmentFooter(bytes.span, at: size - length, salt: salt), offset: size - length)
        } catch { return .bad(error, offset: size - length) }
    }

    private func check(
        _ footer: SegmentFooter, _ segment: Segment, next: UInt64
    ) throws(LogError) {
        guard footer.firstIndex == segment.header.firstIndex else {
            throw .damaged(
                file: segment.file.path, offset: 0, entry: segment.header.firstIndex,
                .firstIndex(expected: segment.header.firstIndex, found: footer.firstIndex))
        }
        guard footer.endIndex == next else {
            throw .damaged(
                file: "\(segmentsPath)/\(SegmentName.of(next))", offset: 0, entry: footer.endIndex,
                .firstIndex(expected: footer.endIndex, found: next))
        }
    }
}

extension LogLoader {
    /// Rebuilds the edge of the tree after the sealed segments, of which the tiles are known.
    private mutating func readTail(from first: UInt64, to end: UInt64) throws(LogError) {
        var edge = TreeEdge()
        for tile in contents.tiles.tiles(0..<contents.tiles.count) { edge.append(tile: tile) }
        invariant(
            contents.tailLeaves.isEmpty, "\(contents.tailLeaves.count) leaves are read twice")
        contents.edge = edge
        var index = edge.count
        while index < end {
            let segment = contents.segments[contents.segment(holding: index)]
            let frame = try segment.readFrame(segment.frame(holding: index))
            guard frame.firstIndex <= index, index < frame.endIndex else {
                throw .damaged(
                    file: segment.file.path, offset: segment.framesEnd, entry: index,
                    .firstIndex(expected: index, found: frame.firstIndex))
            }
            contents.append(
                leafHashes: LeafHashing.leaves(of: frame, from: Int(index - frame.firstIndex)))
            index = frame.endIndex
        }
        guard index == end else {
            throw .damaged(
                file: contents.segments.last?.file.path ?? segmentsPath,
                offset: contents.segments.last?.framesEnd ?? 0, entry: end,
                .size(stored: end, found: index))
        }
        guard contents.edge.root == rootDue, let last = contents.segments.last else {
            throw .damaged(
                file: contents.segments.last?.file.path ?? segmentsPath,
                offset: contents.segments.last?.framesEnd ?? 0, entry: first,
                .root(of: "log after the segment", stored: rootDue, computed: contents.edge.root))
        }
        invariant(last.endIndex == end, "the last sealed segment ends elsewhere")
    }

    /// Reads the frames of a segment into `segment`; returns what stopped it before `size`.
    private mutating func scan(
        _ segment: inout Segment, size: UInt64
    ) throws(LogError) -> (FrameProblem, FrameScanner)? {
        var scanner = FrameScanner(segment.file, header: segment.header, limit: size)
        while true {
            switch try scanner.next() {
            case .frame(let frame, let location):
                segment.frames.append(location)
                contents.append(leafHashes: LeafHashing.leaves(of: frame))
                segment.framesEnd = scanner.offset
                segment.endIndex = scanner.index
                segment.lastChecksum = scanner.lastChecksum
            case .end: return nil
            case .problem(let problem): return (problem, scanner)
            }
        }
    }

    /// Reads a segment that others follow and that has no good footer.
    ///
    /// Without an end mark this is what a crash while sealing leaves, provided that every entry is
    /// there. The footer is then written again.
    private mutating func scanUnsealed(
        _ segment: inout Segment, size: UInt64, next: UInt64, isSecondToLast: Bool
    ) throws(LogError) {
        let path = segment.file.path
        guard isSecondToLast, mark == nil else {
            if case .bad(let problem, let offset) = try readFooter(
                segment.file, size, salt: segment.header.salt)
            {
                throw problem.error(file: path, offset: offset, entry: segment.header.firstIndex)
            }
            throw .damaged(
                file: path, offset: size, entry: segment.header.firstIndex, .footerMissing)
        }
        if contents.edge.count < segment.header.firstIndex {
            try readTail(from: contents.edge.count, to: segment.header.firstIndex)
        }
        let stopped = try scan(&segment, size: size)
        guard segment.endIndex == next else {
            if let (problem, scanner) = stopped {
                throw problem.error(file: path, offset: scanner.offset, entry: scanner.index)
            }
            throw .damaged(
                file: path, offset: size, entry: segment.endIndex,
                .firstIndex(expected: segment.endIndex, found: next))
        }
        rootDue = contents.edge.root
        segmentToSeal = contents.segments.count
        recovery.resealed = path
        contents.segments.append(segment)
    }

    /// Checks the frames of the last segment of a log that was closed, and takes its part of the
    /// tree from `EDGE`; false where that is of no use, or a frame is bad: then all is read.
    private mutating func skipClosed(
        _ segment: inout Segment, size: UInt64
    ) throws(LogError) -> Bool {
        guard let mark, size == mark.lastSegmentBytes, let closed = try readEdge(),
            closed.belongs(to: mark)
        else { return false }
        var skipped = segment
        var scanner = FrameScanner(segment.file, header: segment.header, limit: size)
        scanning: while true {
            switch try scanner.skip() {
            case .success(let location): skipped.frames.append(location)
            case .failure: return false
            case nil: break scanning
            }
        }
        guard scanner.index == mark.size, scanner.lastChecksum == mark.lastChecksum,
            contents.adopt(closed)
        else { return false }
        skipped.framesEnd = scanner.offset
        skipped.endIndex = scanner.index
        skipped.lastChecksum = scanner.lastChecksum
        invariant(
            contents.edge.count == skipped.endIndex,
            "a tree of \(contents.edge.count) for entries to \(skipped.endIndex)")
        segment = skipped
        return true
    }

    private func readEdge() throws(LogError) -> ClosedEdge? {
        do throws(DiskError) {
            let bytes = try disk.contents(
                of: "\(directory)/\(ClosedEdge.name)", max: LogLimits.edgeBytesMax)
            return ClosedEdge(bytes.span)
        } catch {
            if case .notFound = error { return nil }
            throw .disk(error)
        }
    }

    /// Reads the last segment, and finds out what its end is.
    private mutating func scanLast(_ segment: inout Segment, size: UInt64) throws(LogError) {
        guard case (let problem, var scanner)? = try scan(&segment, size: size) else { return }
        let path = segment.file.path
        let damage = problem.error(file: path, offset: scanner.offset, entry: scanner.index)
        if case .newer = problem { throw damage }
        if mark != nil { throw damage }
        if let later = try scanner.laterFrame() {
            throw .damaged(
                file: path, offset: scanner.offset, entry: scanner.index,
                .frameFollows(offset: later))
        }
        // No crash leaves more than one frame unsynced.
        guard size - scanner.offset <= UInt64(LogLimits.tornBytesMax) else { throw damage }
        recovery.tornBytes = size - scanner.offset
        recovery.tornFile = path
        recovery.tornOffset = scanner.offset
    }

    private func checkMark() throws(LogError) {
        guard let mark, let last = contents.segments.last else { return }
        let edge = contents.edge
        guard mark.size == edge.count else {
            throw .damaged(
                file: last.file.path, offset: last.framesEnd, entry: min(mark.size, edge.count),
                .size(stored: mark.size, found: edge.count))
        }
        guard mark.root == edge.root else {
            throw .damaged(
                file: markPath, offset: 16, entry: edge.count,
                .root(of: "log", stored: mark.root, computed: edge.root))
        }
        guard mark.lastSegmentBytes == last.framesEnd else {
            throw .damaged(
                file: last.file.path, offset: last.framesEnd, entry: edge.count,
                .size(stored: mark.lastSegmentBytes, found: last.framesEnd))
        }
        guard mark.lastChecksum == last.lastChecksum else {
            throw .damaged(
                file: markPath, offset: 56, entry: edge.count,
                .chain(expected: mark.lastChecksum, found: last.lastChecksum))
        }
    }
}
