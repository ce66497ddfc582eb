// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What can still be read of a log, however damaged: every whole frame that its files hold.
///
/// A file is read from frame to frame; after a place that is no frame, the next one is searched for
/// byte by byte. Where the header of a segment is damaged, the salt of its frames is lost with it,
/// and a frame counts by the checksum of its payload alone: it is not certain, since an entry might
/// hold bytes that look like a frame. Names of files and footers are not asked. Whether the entries
/// are the right ones, the caller must know from elsewhere: from the roots of tiles, or by folding.
///
/// Keeps the place of each frame in memory, and one frame. A file that the disk fails to read is
/// given up from there on. Not for several threads at once.
///
/// Invariants: `frames` do not descend in the index of their first entry; the places in `bad` and
/// `decoded` are among them, and `decoded` is of the frame there.
package final class LogSalvage {
    /// The directory of the log.
    package let directory: String
    /// Files that could not be read to their end, with the reason; ascending.
    package private(set) var unreadable: [(file: String, error: DiskError)] = []

    private let disk: any Disk
    private var files: [String] = []
    /// By index of the first entry; of the same index those that are certain first.
    private var frames: [Place] = []
    private var opened: (number: Int, file: any DiskFile)?
    private var decoded: (position: Int, frame: LogFrame)?
    /// Frames that turned out to be damaged. Only looked up.
    private var bad: Set<Int> = []

    /// How many frames that begin before an entry are asked whether they hold it.
    private static let candidatesMax = 16

    private struct Place {
        let file: Int
        let offset: UInt64
        let header: FrameHeader
        let isCertain: Bool

        var endIndex: UInt64 { header.firstIndex + UInt64(header.count) }
    }

    /// Finds the frames of a log; a directory that is missing has none. Throws `.disk` where the
    /// disk does more than fail to read a file.
    package init(directory: String, disk: any Disk) throws(LogError) {
        self.directory = directory
        self.disk = disk
        let names: [String]
        do { names = try disk.list("\(directory)/segments") } catch {
            if case .notFound = error { return }
            throw .disk(error)
        }
        for name in names {
            let path = "\(directory)/segments/\(name)"
            files.append(path)
            do throws(LogError) { try scan(path, number: files.count - 1) } catch {
                guard case .disk(let cause) = error else { throw error }
                switch cause {
                case .failed, .notFound: unreadable.append((path, cause))
                default: throw error
                }
            }
        }
        frames.sort { left, right in
            let (a, b) = (left.header, right.header)
            if a.firstIndex != b.firstIndex { return a.firstIndex < b.firstIndex }
            // The last is asked first.
            if left.isCertain != right.isCertain { return right.isCertain }
            return (left.file, left.offset) > (right.file, right.offset)
        }
    }

    /// The index after the last entry that a certain frame claims to hold.
    package var endIndex: UInt64 {
        frames.reduce(0) { $1.isCertain ? max($0, $1.endIndex) : $0 }
    }

    private func scan(_ path: String, number: Int) throws(LogError) {
        let file = try onDisk { () throws(DiskError) in try disk.open(path, .read) }
        let size = try onDisk { () throws(DiskError) in try file.size() }
        let start = try onDisk { () throws(DiskError) in
            try file.read(at: 0, count: SegmentHeader.bytesCount)
        }
        var salt: UInt64?
        do throws(FrameProblem) { salt = try SegmentHeader(start.span).salt } catch {}
        var reader = WindowReader(file, limit: size)
        // Without a salt each candidate costs a hash of what it claims; in all no more than this.
        var budget = size < UInt64.max / 8 ? size * 4 : size
        var offset = UInt64(SegmentHeader.bytesCount)
        while offset < size {
            var found = try header(at: offset, &reader, salt)
            if let header = found, salt == nil {
                let isGood = try isPayloadGood(of: header, at: offset, &reader, &budget)
                if !isGood { found = nil }
            }
            if let header = found {
                frames.append(
                    Place(file: number, offset: offset, header: header, isCertain: salt != nil))
                offset += header.frameBytes
                invariant(offset <= size, "a frame up to \(offset) in \(size) bytes")
            } else if let next = try nextMagic(after: offset, &reader) {
                invariant(next > offset, "a frame is searched for behind \(offset), and at \(next)")
                offset = next
            } else {
                return
            }
        }
    }

    /// The header of a frame at this place, if there is one and the file could hold the frame.
    private func header(
        at offset: UInt64, _ reader: inout WindowReader, _ salt: UInt64?
    ) throws(LogError) -> FrameHeader? {
        let count = FrameHeader.bytesCount
        guard let position = try reader.position(of: offset, count: count) else { return nil }
        do throws(FrameProblem) {
            let header = try FrameHeader(
                reader.bytes.span.extracting(position..<position + count), salt: salt)
            return header.frameBytes <= reader.limit - offset ? header : nil
        } catch {
            return nil
        }
    }

    private func isPayloadGood(
        of header: FrameHeader, at offset: UInt64, _ reader: inout WindowReader,
        _ budget: inout UInt64
    ) throws(LogError) -> Bool {
        guard header.frameBytes <= budget else { return false }
        budget -= header.frameBytes
        let count = Int(header.frameBytes)
        guard let start = try reader.position(of: offset, count: count) else { return false }
        let payload = reader.bytes.span.extracting(
            start + FrameHeader.bytesCount..<start + count)
        return sha64(payload) == header.payloadChecksum
    }

    /// Looks for the first bytes of a frame after a place.
    private func nextMagic(
        after offset: UInt64, _ reader: inout WindowReader
    ) throws(LogError) -> UInt64? {
        let first = UInt8(truncatingIfNeeded: FrameHeader.magic)
        var at = offset + 1
        while let start = try reader.position(of: at, count: FrameHeader.bytesCount) {
            let bytes = reader.bytes.span
            var position = start
            while position + 4 <= bytes.count {
                if bytes[position] == first,
                    bytes.integer(at: position, as: UInt32.self) == FrameHeader.magic
                {
                    return at + UInt64(position - start)
                }
                position += 1
            }
            invariant(position > start, "the search for a frame stays at \(at)")
            at += UInt64(position - start)
        }
        return nil
    }

    /// Returns the entries with these indexes, or nil where one of them is in no good frame.
    ///
    /// Throws `.disk` where the disk does more than fail to read a file.
    package func entries(_ range: Range<UInt64>) throws(LogError) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        for index in range {
            guard let entry = try entry(at: index) else { return nil }
            entries.append(entry)
        }
        return entries
    }

    /// Returns an entry, or nil where it is in no good frame.
    ///
    /// With `isCertain` only frames count of which the header was checked with the salt. Throws
    /// `.disk` where the disk does more than fail to read a file.
    package func entry(at index: UInt64, isCertain: Bool = false) throws(LogError) -> [UInt8]? {
        if let (position, frame) = decoded, frame.firstIndex <= index, index < frame.endIndex,
            frames[position].isCertain || !isCertain
        {
            return Array(frame.bytes[frame.range(of: Int(index - frame.firstIndex))])
        }
        var position = firstAfter(index)
        let last = max(0, position - Self.candidatesMax)
        while position > last {
            position -= 1
            let place = frames[position]
            guard index < place.endIndex, place.isCertain || !isCertain, !bad.contains(position)
            else { continue }
            guard let frame = try read(place) else {
                bad.insert(position)
                continue
            }
            decoded = (position, frame)
            return Array(frame.bytes[frame.range(of: Int(index - frame.firstIndex))])
        }
        return nil
    }

    /// The number of frames that begin at an entry or before it.
    private func firstAfter(_ index: UInt64) -> Int {
        var low = 0
        var high = frames.count
        while low < high {
            let middle = (low + high) / 2
            if frames[middle].header.firstIndex <= index { low = middle + 1 } else { high = middle }
        }
        invariant(
            low == 0 || frames[low - 1].header.firstIndex <= index,
            "frame \(low) of \(frames.count) is taken for the first behind entry \(index)")
        invariant(
            low == frames.count || frames[low].header.firstIndex > index,
            "frame \(low) of \(frames.count) is taken for one behind entry \(index)")
        return low
    }

    private func read(_ place: Place) throws(LogError) -> LogFrame? {
        do {
            if opened?.number != place.file {
                opened = (place.file, try disk.open(files[place.file], .read))
            }
            guard let file = opened?.file else { return nil }
            let stored = try file.read(
                at: place.offset + UInt64(FrameHeader.bytesCount),
                count: Int(place.header.storedBytes))
            guard stored.count == Int(place.header.storedBytes) else { return nil }
            return try LogFrame(place.header, stored: stored.span)
        } catch let error as DiskError {
            switch error {
            case .failed, .notFound: return nil
            default: throw .disk(error)
            }
        } catch {
            return nil
        }
    }
}

extension EventLog {
    /// The size and the root that the end mark in a directory names; nil where none can be read.
    ///
    /// Throws `.disk` where the disk does more than fail to read it.
    package static func endMark(
        in directory: String, disk: any Disk
    ) throws(LogError) -> TreeHead? {
        let bytes: [UInt8]
        do {
            bytes = try disk.contents(of: "\(directory)/END", max: LogLimits.endMarkBytesMax)
        } catch {
            switch error {
            case .notFound, .failed: return nil
            default: throw .disk(error)
            }
        }
        do throws(FrameProblem) {
            let mark = try EndMark(bytes.span)
            return TreeHead(size: mark.size, root: mark.root)
        } catch {
            return nil
        }
    }

    /// The roots of the first `count` complete tiles of 256 entries, in order.
    ///
    /// Those of sealed segments are as the footers tell, unless `verifyAll` was asked. Throws
    /// `.outOfRange`.
    package func tileRoots(_ count: UInt64) throws(LogError) -> [Digest] {
        try monitor.locked { () throws(LogError) in
            try checkUsable()
            let found = UInt64(contents.tiles.count)
            guard count <= found else { throw .outOfRange(index: count, size: found) }
            return contents.tiles.tiles(0..<Int(count))
        }
    }

    /// The file that holds a committed entry. Throws `.outOfRange`.
    package func file(holding index: UInt64) throws(LogError) -> String {
        try monitor.locked { () throws(LogError) in
            let size = contents.edge.count
            guard index < size else { throw .outOfRange(index: index, size: size) }
            return contents.segments[contents.segment(holding: index)].file.path
        }
    }
}
