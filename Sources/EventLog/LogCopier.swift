// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What copying a log did.
package struct LogCopyReport: Equatable, Sendable {
    /// Segments that were there and equal, that were made longer, and that were copied whole.
    package var segmentsReused = 0
    package var segmentsExtended = 0
    package var segmentsCopied = 0
    /// Bytes of segments that were written, and that were there.
    package var bytesCopied: UInt64 = 0
    package var bytesReused: UInt64 = 0
    /// Files in the copy's `segments/` that the log has no more, and that were removed.
    package var removed: [String] = []
    /// The entries of what was written, in ranges, ascending.
    package var written: [Range<UInt64>] = []

    /// Nothing so far.
    package init() {}
}

/// Copies a log, as it was when it was opened, into another directory, which it brings up to date.
///
/// Works on the open files of a reader: a writer only appends to them, or gives others their names.
/// The copy has the same segments; one that has the same header and the same end is not copied
/// again, so that a change in its middle is not seen here (`verifyAll` of the copy sees it).
///
/// Invariants: each target begins where the one before it ends, and the last ends at `size`; all
/// but the last have a footer.
package struct LogCopier {
    /// The number of entries that are copied; a frame ends there.
    package let size: UInt64

    private let log: EventLog
    private var targets: [Target] = []
    private let mark: EndMark

    /// A segment as the copy is to have it.
    private struct Target {
        var segment: Segment
        /// What follows the frames; nothing in the last segment.
        let footer: [UInt8]

        var name: String { SegmentName.of(segment.header.firstIndex) }
        var bytes: UInt64 { segment.framesEnd + UInt64(footer.count) }
    }

    /// What is done to a segment of the copy.
    private enum Action {
        case reuse
        case extend(from: UInt64, first: UInt64)
        case copy

        var isReuse: Bool {
            if case .reuse = self { true } else { false }
        }
    }

    /// Prepares to copy the first `size` entries of a log, where a frame must end.
    ///
    /// Throws `.outOfRange`, or `.damaged` or `.disk` where a frame's header cannot be read.
    package init(_ log: EventLog, upTo size: UInt64) throws(LogError) {
        self.log = log
        self.size = size
        let (segments, tiles) = try log.monitor.locked { () throws(LogError) in
            try log.checkUsable()
            guard size <= log.contents.edge.count else {
                throw .outOfRange(index: size, size: log.contents.edge.count)
            }
            return (
                log.contents.segments.filter { $0.header.firstIndex <= size }, log.contents.tiles
            )
        }
        for (number, segment) in segments.enumerated() {
            guard number + 1 < segments.count else {
                targets.append(Target(segment: try Self.cut(segment, at: size), footer: []))
                continue
            }
            let leaves = UInt64(LogLimits.tileLeaves)
            let range = Int(segment.header.firstIndex / leaves)..<Int(segment.endIndex / leaves)
            let footer = SegmentFooter(
                segment, root: segments[number + 1].header.root, tiles: tiles.tiles(range))
            targets.append(
                Target(segment: segment, footer: footer.encoded(salt: segment.header.salt)))
        }
        guard let last = targets.last?.segment else {
            throw .outOfRange(index: size, size: 0)
        }
        invariant(last.endIndex == size, "a copy of \(last.endIndex) entries, not of \(size)")
        last.check()
        mark = EndMark(
            size: size, root: try log.root(at: size), lastSegmentBytes: last.framesEnd,
            lastChecksum: last.lastChecksum)
        mark.checkAgain()
    }

    /// The segment with no frames from `size` on.
    private static func cut(_ segment: Segment, at size: UInt64) throws(LogError) -> Segment {
        invariant(
            segment.header.firstIndex <= size && size <= segment.endIndex,
            "entries \(segment.header.firstIndex) to \(segment.endIndex) are cut at \(size)")
        guard segment.endIndex != size else { return segment }
        var cut = segment
        cut.frames = segment.frames.filter { $0.firstIndex < size }
        cut.framesEnd =
            cut.frames.count < segment.frames.count
            ? segment.frames[cut.frames.count].offset : segment.framesEnd
        cut.endIndex = size
        guard let last = cut.frames.last else {
            cut.lastChecksum = segment.header.checksum
            return cut
        }
        let bytes = try onDisk { () throws(DiskError) in
            try segment.file.read(at: last.offset, count: FrameHeader.bytesCount)
        }
        do throws(FrameProblem) {
            let header = try FrameHeader(bytes.span, salt: segment.header.salt)
            guard header.firstIndex + UInt64(header.count) == size else {
                throw .flaw(
                    .firstIndex(expected: size, found: header.firstIndex + UInt64(header.count)))
            }
            cut.lastChecksum = header.checksum
        } catch {
            throw error.error(
                file: segment.file.path, offset: last.offset, entry: last.firstIndex)
        }
        return cut
    }

    /// Brings the segments of a copy up to date, checks what was written, and writes the end mark.
    ///
    /// The directory has `segments/`, and nobody else writes to it. The end mark goes before the
    /// first change and comes back last, after `beforeMark`, so that a copy with one is whole; one
    /// without is completed by the next call. `progress` is told the bytes that were written, and
    /// `error` makes an error of the caller's of one of the log.
    package func copy<E: Error>(
        to directory: String, disk: any Disk, progress: (UInt64) -> Void = { _ in },
        orThrow error: (LogError) -> E, beforeMark: () throws(E) -> Void
    ) throws(E) -> LogCopyReport {
        let copied: (report: LogCopyReport, isMarked: Bool)
        do throws(LogError) {
            copied = try copySegments(to: directory, disk, progress)
        } catch let flaw { throw error(flaw) }
        try beforeMark()
        guard !copied.isMarked else { return copied.report }
        do throws(LogError) {
            try onDisk { () throws(DiskError) in
                try disk.place(mark.encoded, in: directory, as: "END")
            }
        } catch let flaw { throw error(flaw) }
        return copied.report
    }

    /// The same with nothing before the mark.
    package func copy(to directory: String, disk: any Disk) throws(LogError) -> LogCopyReport {
        try copy(to: directory, disk: disk, orThrow: { $0 }) { () throws(LogError) in }
    }

    /// All but the mark; returns whether it is there and right.
    private func copySegments(
        to directory: String, _ disk: any Disk, _ progress: (UInt64) -> Void
    ) throws(LogError) -> (report: LogCopyReport, isMarked: Bool) {
        var report = LogCopyReport()
        let folder = "\(directory)/segments"
        let names = try onDisk { () throws(DiskError) in try disk.list(folder) }
        var actions: [Action] = []
        for target in targets {
            actions.append(try action(for: target, in: folder, names, disk))
        }
        let wanted = targets.map(\.name)
        report.removed = names.filter { !wanted.contains($0) }
        let isSame = report.removed.isEmpty && actions.allSatisfy { $0.isReuse }
        let oldMark = try markBytes(directory, disk)
        if oldMark != nil, !isSame || oldMark != mark.encoded {
            try onDisk { () throws(DiskError) in
                try disk.remove("\(directory)/END")
                try disk.syncDirectory(directory)
            }
        }
        for (target, action) in zip(targets, actions) {
            try perform(action, target, in: folder, disk, &report)
            progress(report.bytesCopied)
        }
        let bytes = targets.reduce(0) { $0 + $1.bytes }
        invariant(
            report.bytesCopied + report.bytesReused == bytes,
            "\(report.bytesCopied) bytes copied and \(report.bytesReused) there, of \(bytes)")
        let done = report.segmentsCopied + report.segmentsExtended + report.segmentsReused
        invariant(done == targets.count, "\(done) segments done of \(targets.count)")
        invariant(
            zip(report.written, report.written.dropFirst())
                .allSatisfy { $0.upperBound <= $1.lowerBound }, "ranges that overlap are written")
        try onDisk { () throws(DiskError) in
            // What an interrupted copy left under a temporary name may have been used up by now.
            for name in try disk.list(folder) where !wanted.contains(name) {
                try disk.remove("\(folder)/\(name)")
            }
            if !isSame { try disk.syncDirectory(folder) }
        }
        try verify(directory, disk, report.written)
        return (report, isSame && oldMark == mark.encoded)
    }

    private func markBytes(_ directory: String, _ disk: any Disk) throws(LogError) -> [UInt8]? {
        do {
            return try disk.contents(of: "\(directory)/END", max: LogLimits.endMarkBytesMax)
        } catch {
            if case .notFound = error { return nil }
            throw .disk(error)
        }
    }

    /// Compares a segment of the copy with what it should be, by its header and its end.
    private func action(
        for target: Target, in folder: String, _ names: [String], _ disk: any Disk
    ) throws(LogError) -> Action {
        guard names.contains(target.name) else { return .copy }
        let segment = target.segment
        return try onDisk { () throws(DiskError) in
            let file = try disk.open("\(folder)/\(target.name)", .read)
            let size = try file.size()
            let start = try file.read(at: 0, count: SegmentHeader.bytesCount)
            guard start == segment.header.encoded else { return .copy }
            if size == target.bytes, !target.footer.isEmpty {
                let end = try file.read(at: segment.framesEnd, count: target.footer.count)
                if end == target.footer { return .reuse }
            }
            // The frames form a chain, so an equal one follows equal ones. A torn last one is not.
            var number = segment.frames.count - 1
            while number >= 0, segment.end(ofFrame: number) > size { number -= 1 }
            for number in stride(from: number, to: max(-1, number - 2), by: -1) {
                let offset = segment.frames[number].offset
                let end = segment.end(ofFrame: number)
                let count = Int(end - offset)
                guard
                    try file.read(at: offset, count: count)
                        == segment.file.read(at: offset, count: count)
                else { continue }
                if end == size, size == target.bytes { return .reuse }
                let next = number + 1 < segment.frames.count ? segment.frames[number + 1] : nil
                return .extend(from: end, first: next?.firstIndex ?? segment.endIndex)
            }
            if segment.frames.isEmpty, size == target.bytes { return .reuse }
            return .copy
        }
    }

    private func perform(
        _ action: Action, _ target: Target, in folder: String, _ disk: any Disk,
        _ report: inout LogCopyReport
    ) throws(LogError) {
        let path = "\(folder)/\(target.name)"
        let end = target.segment.endIndex
        switch action {
        case .reuse:
            report.segmentsReused += 1
            report.bytesReused += target.bytes
        case .extend(let offset, let first):
            let file = try onDisk { () throws(DiskError) in
                let file = try disk.open(path, .write)
                try file.truncate(to: offset)
                return file
            }
            try write(target, from: offset, to: file)
            report.segmentsExtended += 1
            report.bytesReused += offset
            report.bytesCopied += target.bytes - offset
            if first < end { report.written.append(first..<end) }
        case .copy:
            let file = try onDisk { () throws(DiskError) in
                try disk.open(path + ".tmp", .create)
            }
            try write(target, from: 0, to: file)
            try onDisk { () throws(DiskError) in try disk.rename(path + ".tmp", to: path) }
            report.segmentsCopied += 1
            report.bytesCopied += target.bytes
            if target.segment.header.firstIndex < end {
                report.written.append(target.segment.header.firstIndex..<end)
            }
        }
    }

    /// Writes frames and footer from an offset on, and syncs.
    private func write(
        _ target: Target, from start: UInt64, to file: any DiskFile
    ) throws(LogError) {
        let segment = target.segment
        var offset = start
        while offset < segment.framesEnd {
            let count = Int(min(segment.framesEnd - offset, UInt64(LogLimits.readBytes)))
            let bytes = try onDisk { () throws(DiskError) in
                try segment.file.read(at: offset, count: count)
            }
            guard bytes.count == count else {
                throw .damaged(
                    file: segment.file.path, offset: offset, entry: segment.header.firstIndex,
                    .endsEarly(
                        neededBytes: UInt64(count), availableBytes: UInt64(bytes.count)))
            }
            try onDisk { () throws(DiskError) in try file.write(bytes, at: offset) }
            offset += UInt64(count)
        }
        invariant(
            offset == segment.framesEnd,
            "frames up to \(offset) of \(segment.framesEnd) are copied")
        try onDisk { () throws(DiskError) in
            if !target.footer.isEmpty { try file.write(target.footer, at: offset) }
            try file.sync()
        }
    }

    /// Opens the copy and reads what was written; its size and root are those of the log.
    private func verify(
        _ directory: String, _ disk: any Disk, _ written: [Range<UInt64>]
    ) throws(LogError) {
        let copy = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
        guard copy.size == size, copy.root == mark.root, copy.recovery.tornBytes == 0 else {
            throw .damaged(
                file: "\(directory)/segments", offset: 0, entry: min(size, copy.size),
                .root(of: "copy", stored: mark.root, computed: copy.root))
        }
        for range in written {
            try copy.forEachFrame(from: range.lowerBound, to: range.upperBound) { _ in true }
        }
    }
}

extension EventLog {
    /// The largest size below `size` at which a frame ends; zero before the first frame.
    package func frameEnd(below size: UInt64) -> UInt64 {
        monitor.locked {
            guard size > 0, size <= contents.edge.count else { return 0 }
            let index = size - 1
            let segment = contents.segments[contents.segment(holding: index)]
            // The frame that holds the last entry begins where the one before it ended.
            return segment.frames.isEmpty
                ? segment.header.firstIndex
                : segment.frames[segment.frame(holding: index)].firstIndex
        }
    }
}
