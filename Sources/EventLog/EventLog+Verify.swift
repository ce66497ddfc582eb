// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

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
    /// roots in headers, the end mark and the files of torn bytes. `progress` is told the entries
    /// that are done, after each frame. Commits wait meanwhile. Throws the first deviation.
    package func verifyAll(
        progress: (UInt64) -> Void = { _ in }
    ) throws(LogError) -> LogVerification {
        let (segments, size, root, mark) = try monitor.locked {
            () throws(LogError) -> ([Segment], UInt64, Digest, Bool) in
            while isWriting { monitor.wait() }
            try checkUsable()
            isWriting = true
            return (contents.segments, contents.edge.count, contents.edge.root, hasEndMark)
        }
        defer {
            monitor.locked {
                isWriting = false
                monitor.wakeAll()
            }
        }
        try verifyNames(segments)
        var verifier = SegmentVerifier(disk: disk)
        for (number, segment) in segments.enumerated() {
            let isLast = number == segments.count - 1
            try verifier.verify(
                segment, isLast: isLast, mayGrow: isLast && access == .readOnly && !mark,
                progress: progress)
        }
        let edge = verifier.edge
        guard edge.count == size, edge.root == root else {
            throw .damaged(
                file: segments.last?.file.path ?? segmentsPath, offset: 0, entry: edge.count,
                .root(of: "log", stored: root, computed: edge.root))
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

    /// The names in `segments/` are those of the segments; a reader passes over newer ones.
    private func verifyNames(_ segments: [Segment]) throws(LogError) {
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

/// Goes through segments one after the other and computes the tree.
private struct SegmentVerifier {
    let disk: any Disk
    private(set) var edge = TreeEdge()
    private(set) var result = LogVerification()

    init(disk: any Disk) { self.disk = disk }

    mutating func verify(
        _ segment: Segment, isLast: Bool, mayGrow: Bool, progress: (UInt64) -> Void
    ) throws(LogError) {
        let path = segment.file.path
        let (file, size) = try onDisk { () throws(DiskError) in
            let file = try disk.open(path, .read)
            return (file, try file.size())
        }
        let bytes = try onDisk { () throws(DiskError) in
            try file.read(at: 0, count: SegmentHeader.bytesCount)
        }
        let header: SegmentHeader
        do { header = try SegmentHeader(bytes.span) } catch {
            throw error.error(file: path, offset: 0, entry: edge.count)
        }
        guard header.firstIndex == edge.count else {
            throw .damaged(
                file: path, offset: 8, entry: edge.count,
                .firstIndex(expected: edge.count, found: header.firstIndex))
        }
        let before = edge.root
        guard header.root == before else {
            throw .damaged(
                file: path, offset: 16, entry: edge.count,
                .root(of: "log before the segment", stored: header.root, computed: before))
        }
        var scanner = FrameScanner(file, header: header, limit: min(size, segment.framesEnd))
        var frames: [FrameLocation] = []
        var tiles: [Digest] = []
        reading: while true {
            switch try scanner.next() {
            case .end: break reading
            case .problem(let problem):
                throw problem.error(file: path, offset: scanner.offset, entry: scanner.index)
            case .frame(let frame, let location):
                frames.append(location)
                for entry in 0..<frame.count {
                    if let tile = edge.append(leafHash: frame.leafHash(of: entry)) {
                        tiles.append(tile)
                    }
                }
                progress(edge.count)
            }
        }
        let end = scanner.offset
        guard end == segment.framesEnd, edge.count == segment.endIndex else {
            throw .damaged(
                file: path, offset: end, entry: edge.count,
                .endsEarly(neededBytes: segment.framesEnd, availableBytes: end))
        }
        result.frames += UInt64(frames.count)
        result.bytes += size
        guard segment.isSealed else {
            // A writer may have torn or unsealed bytes after what a reader sees; the last segment
            // of a closed log ends with its frames.
            if size != end, isLast, !mayGrow {
                throw .damaged(
                    file: path, offset: end, entry: edge.count, .bytesAfterEnd(count: size - end))
            }
            return
        }
        let wanted = SegmentFooter(
            firstIndex: header.firstIndex, endIndex: edge.count, root: edge.root,
            lastChecksum: scanner.lastChecksum, frames: frames, tiles: tiles)
        try verify(wanted, file, at: end, size: size, salt: header.salt)
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
