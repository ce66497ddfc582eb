// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension EventLog {
    /// Seals a full segment: appends its footer, or rewrites it in large frames and with a footer.
    ///
    /// It is rewritten where its frames are short or long, under a temporary name that then
    /// replaces it.
    /// The next segment is there already. On a full disk it is left as it was, to be sealed before
    /// the next commit. Called by whoever has `isWriting`, or when opening.
    func seal(_ number: Int) throws(LogError) {
        let (segment, next, tiles) = monitor.locked {
            let segment = contents.segments[number]
            let leaves = UInt64(LogLimits.tileLeaves)
            let range = Int(segment.header.firstIndex / leaves)..<Int(segment.endIndex / leaves)
            return (segment, contents.segments[number + 1], contents.tiles.tiles(range))
        }
        invariant(!segment.isSealed, "a segment is sealed twice")
        invariant(
            segment.endIndex == next.header.firstIndex,
            "a segment ends at \(segment.endIndex), the next begins at \(next.header.firstIndex)")
        invariant(!segment.frames.isEmpty, "an empty segment is sealed")
        let body = segment.framesEnd - UInt64(SegmentHeader.bytesCount)
        let average = body / UInt64(max(1, segment.frames.count))
        var sealed = segment
        let isShort = average < UInt64(LogLimits.rewriteBelowFrameBytes)
        let isLong = average > UInt64(LogLimits.rewriteAboveFrameBytes)
        if isShort && segment.frames.count > 1 || isLong {
            try rewrite(&sealed, root: next.header.root, tiles: tiles)
        } else {
            let footer = SegmentFooter(segment, root: next.header.root, tiles: tiles)
                .encodedAndChecked(at: segment.framesEnd, salt: segment.header.salt)
            try orUnusable { () throws(DiskError) in
                try segment.file.truncate(to: segment.framesEnd)
                try segment.file.write(footer, at: segment.framesEnd)
                try segment.file.sync()
            }
        }
        sealed.isSealed = true
        monitor.locked {
            let end = contents.segments[number].endIndex
            invariant(
                sealed.endIndex == end, "a segment up to \(end) is sealed at \(sealed.endIndex)")
            contents.segments[number] = sealed
        }
    }

    private func rewrite(
        _ segment: inout Segment, root: Digest, tiles: [Digest]
    ) throws(LogError) {
        let name = SegmentName.of(segment.header.firstIndex)
        let temporary = "\(segmentsPath)/\(name).tmp"
        let file = try orUnusable { () throws(DiskError) in try disk.open(temporary, .create) }
        var writer = SegmentWriter(segment.header, file: file)
        var scanner = FrameScanner(segment.file, header: segment.header, limit: segment.framesEnd)
        var pending = StagedEntries()
        reading: while true {
            switch try scanner.next() {
            case .end: break reading
            case .problem(let problem):
                throw problem.error(
                    file: segment.file.path, offset: scanner.offset, entry: scanner.index)
            case .frame(let frame, _):
                for entry in 0..<frame.count {
                    let range = frame.range(of: entry)
                    pending.lengths.append(UInt16(range.count))
                    pending.bytes.append(contentsOf: frame.bytes[range])
                    if pending.rawBytes >= LogLimits.sealedFrameRawBytes {
                        try writer.append(pending)
                        pending = StagedEntries()
                    }
                }
            }
        }
        if !pending.lengths.isEmpty { try writer.append(pending) }
        invariant(writer.segment.endIndex == segment.endIndex, "a rewrite lost entries")
        invariant(
            writer.bytesCount == writer.segment.framesEnd,
            "\(writer.bytesCount) bytes of frames that end at \(writer.segment.framesEnd)")
        try writer.finish(SegmentFooter(writer.segment, root: root, tiles: tiles))
        segment = writer.segment
        segment.file = try orUnusable { () throws(DiskError) in
            try file.sync()
            try disk.rename(temporary, to: "\(segmentsPath)/\(name)")
            try disk.syncDirectory(segmentsPath)
            return try disk.open("\(segmentsPath)/\(name)", .write)
        }
    }
}

extension SegmentFooter {
    /// The footer for a segment.
    init(_ segment: Segment, root: Digest, tiles: [Digest]) {
        self.init(
            firstIndex: segment.header.firstIndex, endIndex: segment.endIndex, root: root,
            lastChecksum: segment.lastChecksum, frames: segment.frames, tiles: tiles)
    }
}

extension FrameProblem {
    /// The error that names the place.
    func error(file: String, offset: UInt64, entry: UInt64) -> LogError {
        switch self {
        case .flaw(let flaw): .damaged(file: file, offset: offset, entry: entry, flaw)
        case .newer(let version):
            .newerFormat(file: file, version: version, known: FrameHeader.version)
        }
    }
}

/// Writes the frames of a segment anew, in large pieces.
///
/// Invariants: `bytesCount == segment.framesEnd` until the footer; each frame holds less than one
/// entry more than `sealedFrameRawBytes`.
private struct SegmentWriter {
    private(set) var segment: Segment
    private var buffer: [UInt8]
    private var written: UInt64 = 0

    init(_ header: SegmentHeader, file: any DiskFile) {
        segment = Segment(header, file: file)
        buffer = header.encoded
    }

    /// Of what was written, and of what is to be.
    var bytesCount: UInt64 { written + UInt64(buffer.count) }

    mutating func append(_ entries: StagedEntries) throws(LogError) {
        invariant(entries.isFrame, "a frame of \(entries.rawBytes) bytes")
        invariant(
            entries.rawBytes < LogLimits.sealedFrameRawBytes + LogLimits.entryBytesMax + 2,
            "a sealed frame of \(entries.rawBytes) bytes")
        var (header, stored) = FrameHeader.make(
            payload: entries.payload, firstIndex: segment.endIndex, count: entries.lengths.count,
            previous: segment.lastChecksum)
        let bytes = header.encoded(salt: segment.header.salt) + stored
        header.checkAgain(bytes.span, salt: segment.header.salt)
        buffer += bytes
        segment.frames.append(
            FrameLocation(firstIndex: segment.endIndex, offset: segment.framesEnd))
        segment.endIndex += UInt64(entries.lengths.count)
        segment.framesEnd += header.frameBytes
        segment.lastChecksum = header.checksum
        segment.check()
        if buffer.count >= LogLimits.readBytes { try flush() }
    }

    mutating func finish(_ footer: SegmentFooter) throws(LogError) {
        buffer += footer.encodedAndChecked(at: segment.framesEnd, salt: segment.header.salt)
        try flush()
    }

    private mutating func flush() throws(LogError) {
        do { try segment.file.write(buffer, at: written) } catch { throw error.ofPreparation }
        written += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
}
