// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension Segment {
    /// Reads and checks one frame.
    func readFrame(_ number: Int) throws(LogError) -> LogFrame {
        let location = frames[number]
        let bytes = try onDisk { () throws(DiskError) in
            try file.read(at: location.offset, count: Int(end(ofFrame: number) - location.offset))
        }
        return try decodeFrame(number, bytes.span)
    }

    /// Checks one frame of which the bytes were read.
    func decodeFrame(_ number: Int, _ bytes: Span<UInt8>) throws(LogError) -> LogFrame {
        try decode(number, bytes).1
    }

    /// The same, with the frame's header.
    func decode(
        _ number: Int, _ bytes: Span<UInt8>
    ) throws(LogError) -> (FrameHeader, LogFrame) {
        let location = frames[number]
        do throws(FrameProblem) {
            let header = try FrameHeader(bytes, salt: self.header.salt)
            guard header.firstIndex == location.firstIndex else {
                throw .flaw(
                    .firstIndex(expected: location.firstIndex, found: header.firstIndex))
            }
            let needed = end(ofFrame: number) - location.offset
            guard header.frameBytes == needed, bytes.count == Int(needed) else {
                throw .flaw(
                    .endsEarly(
                        neededBytes: header.frameBytes, availableBytes: UInt64(bytes.count)))
            }
            let frame = try LogFrame(header, stored: bytes.extracting(FrameHeader.bytesCount...))
            return (header, frame)
        } catch {
            throw error.error(
                file: file.path, offset: location.offset, entry: location.firstIndex)
        }
    }
}

extension EventLog {
    /// Returns the first entry of the log in a directory, without opening the log.
    ///
    /// Throws `.notALog` where there is no first segment, `.damaged` where it holds no entry.
    package static func firstEntry(
        in directory: String, disk: any Disk
    ) throws(LogError) -> [UInt8] {
        let path = "\(directory)/segments/\(SegmentName.of(0))"
        let file: any DiskFile
        let bytes: [UInt8]
        let size: UInt64
        do {
            file = try disk.open(path, .read)
            size = try file.size()
            bytes = try file.read(at: 0, count: SegmentHeader.bytesCount)
        } catch {
            if case .notFound = error { throw .notALog(path: directory) }
            throw .disk(error)
        }
        let header: SegmentHeader
        do { header = try SegmentHeader(bytes.span) } catch {
            throw error.error(file: path, offset: 0, entry: 0)
        }
        var scanner = FrameScanner(file, header: header, limit: size)
        switch try scanner.next() {
        case .end:
            throw FrameProblem.flaw(
                .endsEarly(neededBytes: UInt64(FrameHeader.bytesCount), availableBytes: 0)
            ).error(file: path, offset: scanner.offset, entry: 0)
        case .problem(let problem):
            throw problem.error(file: path, offset: scanner.offset, entry: 0)
        case .frame(let frame, _): return Array(frame.bytes[frame.range(of: 0)])
        }
    }

    /// Returns one entry. Costs the reading of its frame, of which the last is kept.
    package func entry(at index: UInt64) throws(LogError) -> [UInt8] {
        let (found, segment, number) = try monitor.locked {
            () throws(LogError) -> (LogFrame?, Segment?, Int) in
            try checkReadable(index, to: contents.edge.count)
            if let cached, cached.firstIndex <= index, index < cached.endIndex {
                return (cached, nil, 0)
            }
            let segment = contents.segments[contents.segment(holding: index)]
            return (nil, segment, segment.frame(holding: index))
        }
        let frame: LogFrame
        if let found {
            frame = found
        } else if let segment {
            frame = try segment.readFrame(number)
            monitor.locked { cached = frame }
        } else {
            fatalError("a frame was neither kept nor found")
        }
        guard frame.firstIndex <= index, index < frame.endIndex else {
            throw .damaged(
                file: segment?.file.path ?? segmentsPath, offset: 0, entry: index,
                .firstIndex(expected: index, found: frame.firstIndex))
        }
        return Array(frame.bytes[frame.range(of: Int(index - frame.firstIndex))])
    }

    private func checkReadable(_ index: UInt64, to end: UInt64) throws(LogError) {
        try checkUsable()
        guard index < end else { throw .outOfRange(index: index, size: end) }
    }

    /// Hands the committed frames that hold entries from `from` up to `to`, exclusive, to `body`,
    /// in order, until it returns false.
    ///
    /// The first and the last frame may hold entries outside the range. A frame is the entries of
    /// one commit, or in a sealed segment of several; the end of a frame means nothing. Checksums
    /// are checked on the way.
    package func forEachFrame(
        from: UInt64, to: UInt64, _ body: (LogFrame) -> Bool
    ) throws(LogError) {
        var next = from
        while next < to {
            let (segment, frames) = try monitor.locked {
                () throws(LogError) -> (Segment, Range<Int>) in
                try checkReadable(to - 1, to: contents.edge.count)
                let segment = contents.segments[contents.segment(holding: next)]
                return (segment, segment.run(from: segment.frame(holding: next), to: to))
            }
            let start = segment.frames[frames.lowerBound].offset
            let length = segment.end(ofFrame: frames.upperBound - 1) - start
            let bytes = try onDisk { () throws(DiskError) in
                try segment.file.read(at: start, count: Int(length))
            }
            for number in frames where next < to {
                let low = min(bytes.count, Int(segment.frames[number].offset - start))
                let high = min(bytes.count, Int(segment.end(ofFrame: number) - start))
                let frame = try segment.decodeFrame(number, bytes.span.extracting(low..<high))
                guard frame.firstIndex <= next, next < frame.endIndex else {
                    throw .damaged(
                        file: segment.file.path, offset: segment.frames[number].offset,
                        entry: next, .firstIndex(expected: next, found: frame.firstIndex))
                }
                // A segment that is sealed meanwhile has other frames: none is handed out twice.
                let rest = next > from ? frame.dropping(before: next) : frame
                next = frame.endIndex
                guard body(rest) else { return }
            }
        }
    }

    /// Hands each committed entry from `from` up to `to`, exclusive, with its index to `body`.
    ///
    /// Throws a `LogError`, or what `body` throws, which ends it.
    package func forEach(
        from: UInt64, to: UInt64, _ body: (UInt64, Span<UInt8>) throws -> Void
    ) throws {
        var failure: (any Error)?
        try forEachFrame(from: from, to: to) { frame in
            let low = max(from, frame.firstIndex) - frame.firstIndex
            let high = min(to, frame.endIndex) - frame.firstIndex
            invariant(low < high, "entries \(from) to \(to), and a frame of none of them")
            let bytes = frame.bytes.span
            for entry in Int(low)..<Int(high) {
                do {
                    try body(
                        frame.firstIndex + UInt64(entry),
                        bytes.extracting(frame.range(of: entry)))
                } catch {
                    failure = error
                    return false
                }
            }
            return true
        }
        if let failure { throw failure }
    }

    /// The same for who throws one kind of error, which a failure of the log becomes.
    package func forEach<E: Error>(
        from: UInt64, to: UInt64, orThrow error: (LogError) -> E,
        _ body: (UInt64, Span<UInt8>) throws(E) -> Void
    ) throws(E) {
        var failure: E?
        do throws(LogError) {
            try forEachFrame(from: from, to: to) { frame in
                let low = max(from, frame.firstIndex) - frame.firstIndex
                let high = min(to, frame.endIndex) - frame.firstIndex
                invariant(low < high, "entries \(from) to \(to), and a frame of none of them")
                let bytes = frame.bytes.span
                for entry in Int(low)..<Int(high) {
                    let range = frame.range(of: entry)
                    do throws(E) {
                        try body(frame.firstIndex + UInt64(entry), bytes.extracting(range))
                    } catch {
                        failure = error
                        return false
                    }
                }
                return true
            }
        } catch let flaw { throw error(flaw) }
        if let failure { throw failure }
    }
}

extension Segment {
    /// The frames from one on that are read at once: up to 1 MiB unless told, and none that starts
    /// after `to`.
    ///
    /// - Precondition: There is a frame of this number.
    func run(
        from first: Int, to end: UInt64, bytesMax: Int = LogLimits.readBytes
    ) -> Range<Int> {
        invariant(first < frames.count, "frame \(first) of \(frames.count) is to be read")
        var last = first + 1
        while last < frames.count, frames[last].firstIndex < end,
            self.end(ofFrame: last) - frames[first].offset <= UInt64(bytesMax)
        {
            last += 1
        }
        invariant(last <= frames.count, "frames up to \(last) of \(frames.count)")
        let bytes = self.end(ofFrame: last - 1) - frames[first].offset
        invariant(
            last == first + 1 || bytes <= UInt64(bytesMax),
            "\(last - first) frames of \(bytes) bytes are read at once")
        return first..<last
    }
}
