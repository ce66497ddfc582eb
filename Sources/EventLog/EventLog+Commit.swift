// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension EventLog {
    /// Makes all entries that are staged durable, as one frame.
    ///
    /// See `commit(through:)`. Nothing staged is nothing done.
    package func commit() throws(LogError) { try commit(through: stagedSize) }

    /// Returns when the first `size` entries are durable.
    ///
    /// Of several threads that wait, one writes all that is staged as one frame and syncs for all.
    /// A full disk (`.disk(.noSpace)`) leaves the entries staged and the log usable; of the waiting
    /// threads the next tries again. A failed sync, and every other failure, leaves the log
    /// unusable; what is durable is then found by opening it again.
    package func commit(through size: UInt64) throws(LogError) {
        guard access == .readWrite else { throw .readOnly }
        guard let job = try beginCommit(through: size) else { return }
        do {
            try prepareToWrite(before: job.edge)
            try write(job.entries, edge: job.edge)
        } catch {
            monitor.locked { abandon(job.entries, error) }
            throw error
        }
    }

    private func beginCommit(
        through size: UInt64
    ) throws(LogError) -> (entries: StagedEntries, edge: TreeEdge)? {
        try monitor.locked { () throws(LogError) in
            while true {
                try checkUsable()
                if contents.edge.count >= size { return nil }
                guard size <= stagedEdge.count else {
                    throw .outOfRange(index: size, size: stagedEdge.count)
                }
                if !isWriting { break }
                monitor.wait()
            }
            checkStaged()
            isWriting = true
            let entries = staged
            staged = StagedEntries()
            inFlightEdge = stagedEdge
            return (entries, stagedEdge)
        }
    }

    /// What is staged follows what is committed; called within `locked` while nobody writes.
    private func checkStaged() {
        invariant(inFlightEdge == nil, "two commits at once")
        invariant(staged.leaves.count == staged.lengths.count, "entries without a leaf hash")
        invariant(
            stagedEdge.count == contents.edge.count + UInt64(staged.lengths.count),
            "a tree of \(stagedEdge.count) for \(staged.lengths.count) entries behind"
                + " \(contents.edge.count)")
        invariant(
            stagedEdge.tiles.count == contents.edge.tiles.count + UInt64(staged.tiles.count),
            "\(staged.tiles.count) tiles of \(stagedEdge.tiles.count) are staged behind"
                + " \(contents.edge.tiles.count)")
    }

    /// Gives up writing: a full disk keeps the entries staged, all else ends the log's use; so does
    /// a full disk where what was staged since would make the frame too long.
    private func abandon(_ entries: StagedEntries, _ error: LogError) {
        invariant(isWriting, "a commit is given up that nobody began")
        var rest = entries
        rest.lengths += staged.lengths
        rest.bytes += staged.bytes
        rest.leaves += staged.leaves
        rest.tiles += staged.tiles
        staged = rest
        inFlightEdge = nil
        isWriting = false
        checkStaged()
        switch error {
        case .disk(.noSpace) where rest.isFrame: break
        case .disk(let error), .syncFailed(let error), .unusable(let error): failure = error
        default: failure = .failed(.write, path: directory, code: 0)
        }
        monitor.wakeAll()
    }

    /// Removes the end mark before the first write, and starts a new segment where one is full.
    private func prepareToWrite(before edge: TreeEdge) throws(LogError) {
        if monitor.locked({ hasEndMark }) {
            try orUnusable { () throws(DiskError) in
                try disk.remove("\(directory)/END")
                try disk.syncDirectory(directory)
            }
            monitor.locked { hasEndMark = false }
        }
        try sealLeftover()
        let (last, committed) = monitor.locked { (contents.segments.last, contents.edge) }
        guard let last, last.framesEnd >= options.segmentBytesMax, !last.frames.isEmpty else {
            return
        }
        let next = try Self.makeSegment(
            in: segmentsPath, disk: disk, firstIndex: committed.count, root: committed.root)
        monitor.locked { contents.segments.append(next) }
        try seal(monitor.locked { contents.segments.count - 2 })
    }

    /// Seals the segment before the last where a full disk prevented it.
    private func sealLeftover() throws(LogError) {
        let number = monitor.locked { contents.segments.count - 2 }
        if number >= 0, monitor.locked({ !contents.segments[number].isSealed }) {
            try seal(number)
        }
    }

    /// Runs file operations after whose failure the log cannot go on, but for a full disk where
    /// that is met before anything has changed its name.
    func orUnusable<R>(_ body: () throws(DiskError) -> R) throws(LogError) -> R {
        do { return try body() } catch { throw error.ofPreparation }
    }

    private func write(_ entries: StagedEntries, edge: TreeEdge) throws(LogError) {
        let (number, segment) = monitor.locked {
            (contents.segments.count - 1, contents.segments[contents.segments.count - 1])
        }
        invariant(entries.isFrame, "a frame of \(entries.rawBytes) bytes")
        invariant(!segment.isSealed, "a frame behind the footer of a segment")
        invariant(
            segment.endIndex + UInt64(entries.lengths.count) == edge.count,
            "a tree of \(edge.count) for a segment of \(segment.endIndex) and a frame")
        var (header, stored) = FrameHeader.make(
            payload: entries.payload, firstIndex: segment.endIndex, count: entries.lengths.count,
            previous: segment.lastChecksum)
        var bytes = header.encoded(salt: segment.header.salt)
        bytes.append(contentsOf: stored)
        header.checkAgain(bytes.span, salt: segment.header.salt)
        do {
            try segment.file.write(bytes, at: segment.framesEnd)
        } catch {
            // What was written of the frame goes, so that the next one finds a clean end.
            try orUnusable { () throws(DiskError) in
                try segment.file.truncate(to: segment.framesEnd)
            }
            throw .disk(error)
        }
        do { try segment.file.sync() } catch { throw .syncFailed(error) }
        monitor.locked {
            checkWritten(segment, number, edge)
            contents.segments[number].frames.append(
                FrameLocation(firstIndex: segment.endIndex, offset: segment.framesEnd))
            contents.segments[number].framesEnd += UInt64(bytes.count)
            contents.segments[number].endIndex += UInt64(entries.lengths.count)
            contents.segments[number].lastChecksum = header.checksum
            contents.append(entries, edge: edge)
            invariant(
                stagedEdge.count == edge.count + UInt64(staged.lengths.count),
                "a tree of \(stagedEdge.count) for \(staged.lengths.count) entries behind"
                    + " \(edge.count)")
            invariant(
                contents.segments[number].endIndex == contents.edge.count,
                "the last segment and the tree are of different sizes")
            contents.segments[number].check()
            inFlightEdge = nil
            isWriting = false
            monitor.wakeAll()
        }
    }

    /// Nobody else has written, or given up, since the segment was looked at, of which the frame
    /// is now durable; called within `locked`.
    private func checkWritten(_ segment: Segment, _ number: Int, _ edge: TreeEdge) {
        invariant(isWriting, "a frame is written and nobody writes")
        let inFlight = inFlightEdge?.count ?? 0
        invariant(inFlight == edge.count, "a tree of \(edge.count), and one of \(inFlight) was due")
        let last = contents.segments.count - 1
        invariant(number == last, "a frame in segment \(number), and the last is \(last)")
        let end = contents.segments[number].framesEnd
        invariant(end == segment.framesEnd, "a frame at \(segment.framesEnd), and not at \(end)")
    }

    /// Makes a durable, empty segment.
    static func makeSegment(
        in directory: String, disk: any Disk, firstIndex: UInt64, root: Digest
    ) throws(LogError) -> Segment {
        let header = SegmentHeader(
            firstIndex: firstIndex, root: root, salt: randomBytes(8).span.integer(at: 0))
        header.checkAgain()
        let name = SegmentName.of(firstIndex)
        invariant(
            SegmentName.index(in: name) == firstIndex, "\(name) is not read as \(firstIndex)")
        do {
            try disk.place(header.encoded, in: directory, as: name)
            return Segment(header, file: try disk.open("\(directory)/\(name)", .write))
        } catch { throw error.ofPreparation }
    }

    /// Writes the end mark and releases the lock. Entries that are staged are forgotten.
    ///
    /// A log that is closed, or was opened for reading, is left as it is. Throws `.unusable` after
    /// an earlier failure; the lock is released all the same.
    package func close() throws(LogError) {
        let isFirst = monitor.locked {
            while isWriting { monitor.wait() }
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        defer { lock?.release() }
        let end: (mark: EndMark, edge: ClosedEdge?)? = try monitor.locked { () throws(LogError) in
            invariant(!isWriting, "a log is closed while somebody writes it")
            cached = nil
            if let failure { throw .unusable(failure) }
            guard access == .readWrite, !hasEndMark, let last = contents.segments.last else {
                return nil
            }
            let mark = EndMark(
                size: contents.edge.count, root: contents.edge.root,
                lastSegmentBytes: last.framesEnd, lastChecksum: last.lastChecksum)
            mark.checkAgain()
            invariant(
                last.endIndex == mark.size,
                "an end mark of \(mark.size) entries behind a segment up to \(last.endIndex)")
            let edge = ClosedEdge(contents)
            edge?.checkAgain(beside: mark)
            return (mark, edge)
        }
        if let end {
            try sealLeftover()
            try onDisk { () throws(DiskError) in
                if let edge = end.edge {
                    try disk.place(edge.encoded, in: directory, as: ClosedEdge.name)
                }
                try disk.place(end.mark.encoded, in: directory, as: "END")
            }
        }
    }
}

extension DiskError {
    /// What a failure before a commit's frame means: a full disk can be tried again, for what is
    /// made under a temporary name or behind the frames is then made anew; all else is the end.
    var ofPreparation: LogError {
        switch self {
        case .noSpace(.write, _), .noSpace(.create, _): .disk(self)
        default: .unusable(self)
        }
    }
}
