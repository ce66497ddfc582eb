// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Dispatch
internal import Synchronization

/// What `verifyAll` went through, all of it good.
package struct LogVerification: Equatable, Sendable {
    /// The entries, and the root of their tree as computed from them.
    package var entries: UInt64 = 0
    package var root = Digest.ofNothing
    /// Files, frames and stored bytes.
    package var segments = 0
    package var frames: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Whether an end mark vouches for the end of the log.
    package var hasEndMark = false
}

extension EventLog {
    /// Reads every file of the log again and computes the whole tree, trusting nothing in memory.
    ///
    /// Checks each segment's name, header, frames, chain, footer, list of frames and tiles, the
    /// roots in headers, the end mark and the files of torn bytes; segments side by side on all
    /// cores. `progress` is told the entries that are done, after each
    /// segment. Commits wait
    /// meanwhile. Throws the first deviation.
    package func verifyAll(
        progress: (UInt64) -> Void = { _ in }
    ) throws(LogError) -> LogVerification {
        try verify(tree: true, progress)
    }

    /// As `verifyAll`, but for the tree: checks every checksum, chain and footer, and takes the
    /// leaves for what the checksums say of them. For copies that were good once.
    package func verifyChecksums(
        progress: (UInt64) -> Void = { _ in }
    ) throws(LogError) -> LogVerification {
        try verify(tree: false, progress)
    }

    private func verify(
        tree: Bool, _ progress: (UInt64) -> Void
    ) throws(LogError) -> LogVerification {
        let (segments, contents, mark) = try monitor.locked {
            () throws(LogError) -> ([Segment], LogContents, Bool) in
            while isWriting { monitor.wait() }
            try checkUsable()
            invariant(inFlightEdge == nil, "a log is read again while it is written")
            isWriting = true
            return (self.contents.segments, self.contents, hasEndMark)
        }
        defer {
            monitor.locked {
                invariant(isWriting, "commits did not wait while the log was read again")
                isWriting = false
                monitor.wakeAll()
            }
        }
        try verifyNames(segments)
        var verifier = SegmentVerifier()
        for start in stride(from: 0, to: segments.count, by: Self.verifiedAtOnce) {
            let group = Array(segments[start...].prefix(Self.verifiedAtOnce))
            for (segment, scan) in zip(group, scans(of: group, tree: tree)) {
                let isLast = segment.header.firstIndex == segments.last?.header.firstIndex
                let mayGrow = isLast && access == .readOnly && !mark
                try verifier.verify(
                    segment, try scan.get(), isLast: isLast, mayGrow: mayGrow, tree: tree)
                progress(segment.endIndex)
            }
        }
        return try end(verifier, of: contents, mark: mark, tree: tree)
    }

    /// Checks what stands at the end of the log and beside it, and returns what was gone through.
    func end(
        _ verifier: SegmentVerifier, of contents: LogContents, mark: Bool, tree: Bool
    ) throws(LogError) -> LogVerification {
        let segments = contents.segments
        // Without the tree its edge is what opening found.
        let edge = tree ? verifier.edge : contents.edge
        guard edge.count == contents.edge.count, edge.root == contents.edge.root else {
            throw .damaged(
                file: segments.last?.file.path ?? segmentsPath, offset: 0, entry: edge.count,
                .root(of: "log", stored: contents.edge.root, computed: edge.root))
        }
        if mark, let last = segments.last { try verifyMark(last, edge) }
        try verifyTorn()
        var result = verifier.result
        result.entries = edge.count
        result.root = edge.root
        result.segments = segments.count
        result.hasEndMark = mark
        return result
    }

    /// Segments that are read before the next are: what their scans hold is then let go.
    private static let verifiedAtOnce = 16

    /// Reads segments side by side, on all cores.
    private func scans(of segments: [Segment], tree: Bool) -> [Result<SegmentScan, LogError>] {
        let results = Mutex<[Result<SegmentScan, LogError>?]>(
            Array(repeating: nil, count: segments.count))
        let disk = disk
        DispatchQueue.concurrentPerform(iterations: segments.count) { number in
            let result = Result { () throws(LogError) in
                try SegmentScan(segments[number], disk: disk, tree: tree)
            }
            results.withLock { $0[number] = result }
        }
        let scans = results.withLock { $0.compactMap(\.self) }
        invariant(scans.count == segments.count, "\(scans.count) of \(segments.count) are read")
        return scans
    }

    /// The names in `segments/` are those of the segments; a reader passes over newer ones.
    func verifyNames(_ segments: [Segment]) throws(LogError) {
        let names = try onDisk { () throws(DiskError) in try disk.list(segmentsPath) }
        let wanted = segments.map { SegmentName.of($0.header.firstIndex) }
        for (segment, name) in zip(segments, wanted) where !names.contains(name) {
            throw .damaged(
                file: "\(segmentsPath)/\(name)", offset: 0, entry: segment.header.firstIndex,
                .segmentMissing)
        }
        for name in names where !wanted.contains(name) {
            let index = SegmentName.index(
                in: name.hasSuffix(".tmp") ? String(name.dropLast(4)) : name)
            let end = segments.last?.endIndex ?? 0
            // An interrupted sealing leaves temporary names until the next one or an opening.
            if let index, name.hasSuffix(".tmp") || access == .readOnly && index >= end { continue }
            throw .damaged(
                file: "\(segmentsPath)/\(name)", offset: 0, entry: index ?? 0, .unexpectedFile)
        }
    }

    private func verifyMark(_ last: Segment, _ edge: TreeEdge) throws(LogError) {
        let path = "\(directory)/END"
        let bytes = try onDisk { () throws(DiskError) in
            try disk.contents(of: path, max: LogLimits.endMarkBytesMax)
        }
        let mark: EndMark
        do { mark = try EndMark(bytes.span) } catch {
            throw error.error(file: path, offset: 0, entry: edge.count)
        }
        let wanted = EndMark(
            size: edge.count, root: edge.root, lastSegmentBytes: last.framesEnd,
            lastChecksum: last.lastChecksum)
        guard mark == wanted else {
            throw .damaged(
                file: path, offset: 8, entry: edge.count,
                .root(of: "log", stored: mark.root, computed: edge.root))
        }
    }

    private func verifyTorn() throws(LogError) {
        let folder = "\(directory)/torn"
        let names: [String]
        do { names = try disk.list(folder) } catch {
            if case .notFound = error { return }
            throw .disk(error)
        }
        for name in names where !name.hasSuffix(".tmp") {
            let path = "\(folder)/\(name)"
            guard let hash = TornName.hash(in: name) else {
                throw .damaged(file: path, offset: 0, entry: 0, .unexpectedFile)
            }
            let bytes = try onDisk { () throws(DiskError) in
                try disk.contents(of: path, max: LogLimits.tornBytesMax)
            }
            guard Digest(hashing: bytes) == hash else {
                throw .damaged(file: path, offset: 0, entry: 0, .nameIsNotHash)
            }
        }
    }
}

/// Puts together what the segments hold, one after the other.
///
/// Invariant, where leaves are hashed: `edge.count` is the index after the segments so far.
struct SegmentVerifier {
    private(set) var edge = TreeEdge()
    private(set) var result = LogVerification()

    /// Takes in what the next segment holds; `tree` is whether leaves were hashed.
    mutating func verify(
        _ segment: Segment, _ scan: SegmentScan, isLast: Bool, mayGrow: Bool, tree: Bool
    ) throws(LogError) {
        if tree {
            try verifyTree(segment, scan, isLast: isLast, mayGrow: mayGrow)
        } else {
            try verifyChecksums(segment, scan, isLast: isLast, mayGrow: mayGrow)
        }
    }

    private mutating func verifyTree(
        _ segment: Segment, _ scan: SegmentScan, isLast: Bool, mayGrow: Bool
    ) throws(LogError) {
        let path = segment.file.path
        guard scan.header.firstIndex == edge.count else {
            throw .damaged(
                file: path, offset: 8, entry: edge.count,
                .firstIndex(expected: edge.count, found: scan.header.firstIndex))
        }
        let before = edge.root
        guard scan.header.root == before else {
            throw .damaged(
                file: path, offset: 16, entry: edge.count,
                .root(of: "log before the segment", stored: scan.header.root, computed: before))
        }
        let tiles = append(scan)
        try verifyEnd(segment, scan, isLast: isLast, mayGrow: mayGrow)
        guard segment.isSealed else { return }
        let wanted = SegmentFooter(
            firstIndex: scan.header.firstIndex, endIndex: edge.count, root: edge.root,
            lastChecksum: scan.lastChecksum, frames: scan.frames, tiles: tiles)
        try verify(wanted, scan.file, at: scan.end, size: scan.size, salt: scan.header.salt)
    }

    /// Checks all but what rests on the tree.
    private mutating func verifyChecksums(
        _ segment: Segment, _ scan: SegmentScan, isLast: Bool, mayGrow: Bool
    ) throws(LogError) {
        let path = segment.file.path
        guard scan.header == segment.header else {
            throw .damaged(
                file: path, offset: 0, entry: segment.header.firstIndex,
                .firstIndex(
                    expected: segment.header.firstIndex, found: scan.header.firstIndex))
        }
        try verifyEnd(segment, scan, isLast: isLast, mayGrow: mayGrow)
        guard segment.isSealed else { return }
        let bytes = try onDisk { () throws(DiskError) in
            try scan.file.read(at: scan.end, count: Int(scan.size - scan.end))
        }
        let footer: SegmentFooter
        do { footer = try SegmentFooter(bytes.span, at: scan.end, salt: scan.header.salt) } catch {
            throw error.error(file: path, offset: scan.end, entry: scan.endIndex)
        }
        guard footer.frames == scan.frames, footer.lastChecksum == scan.lastChecksum else {
            throw .damaged(
                file: path, offset: scan.end, entry: scan.endIndex, .frameList(frame: 0))
        }
    }

    /// Checks that the frames are whole and end where they should.
    private mutating func verifyEnd(
        _ segment: Segment, _ scan: SegmentScan, isLast: Bool, mayGrow: Bool
    ) throws(LogError) {
        let path = segment.file.path
        if let problem = scan.problem {
            throw problem.error(file: path, offset: scan.end, entry: scan.endIndex)
        }
        guard scan.end == segment.framesEnd, scan.endIndex == segment.endIndex else {
            throw .damaged(
                file: path, offset: scan.end, entry: scan.endIndex,
                .endsEarly(neededBytes: segment.framesEnd, availableBytes: scan.end))
        }
        result.frames += UInt64(scan.frames.count)
        result.bytes += scan.size
        // A writer may have torn or unsealed bytes after what a reader sees; the last segment of a
        // closed log ends with its frames.
        if !segment.isSealed, scan.size != scan.end, isLast, !mayGrow {
            throw .damaged(
                file: path, offset: scan.end, entry: scan.endIndex,
                .bytesAfterEnd(count: scan.size - scan.end))
        }
    }

    /// Appends the leaves of a segment; returns the tiles that it completes.
    private mutating func append(_ scan: SegmentScan) -> [Digest] {
        var tiles: [Digest] = []
        for leaf in scan.head {
            if let tile = edge.append(leafHash: leaf) { tiles.append(tile) }
        }
        for tile in scan.tiles {
            edge.append(tile: tile)
            tiles.append(tile)
        }
        for leaf in scan.tail { _ = edge.append(leafHash: leaf) }
        invariant(
            edge.count == scan.endIndex, "a tree of \(edge.count) for entries to \(scan.endIndex)")
        return tiles
    }

    /// A footer is determined by its segment, so it is compared byte by byte.
    private func verify(
        _ wanted: SegmentFooter, _ file: any DiskFile, at offset: UInt64, size: UInt64,
        salt: UInt64
    ) throws(LogError) {
        let expected = wanted.encoded(salt: salt)
        let bytes = try onDisk { () throws(DiskError) in
            try file.read(at: offset, count: expected.count)
        }
        let end = offset + UInt64(expected.count)
        guard size <= end else {
            throw .damaged(
                file: file.path, offset: end, entry: wanted.endIndex,
                .bytesAfterEnd(count: size - end))
        }
        guard bytes.count == expected.count else {
            throw .damaged(
                file: file.path, offset: size, entry: wanted.endIndex,
                .endsEarly(
                    neededBytes: UInt64(expected.count), availableBytes: UInt64(bytes.count)))
        }
        for position in expected.indices where bytes[position] != expected[position] {
            throw .damaged(
                file: file.path, offset: offset + UInt64(position), entry: wanted.endIndex,
                .field("byte of the footer", value: UInt64(bytes[position])))
        }
    }
}
