// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// Runs a file operation and wraps its error.
func onDisk<R>(_ body: () throws(DiskError) -> R) throws(LogError) -> R {
    do { return try body() } catch { throw .disk(error) }
}

/// A part of a file in memory that moves along with what is read.
///
/// Invariant: `start + bytes.count <= limit`.
struct WindowReader {
    let file: any DiskFile
    /// Where reading ends.
    let limit: UInt64
    private(set) var start: UInt64 = 0
    private(set) var bytes: [UInt8] = []

    init(_ file: any DiskFile, limit: UInt64) {
        self.file = file
        self.limit = limit
    }

    /// Makes sure that `count` bytes from `offset` are in `bytes`, and returns where they start.
    ///
    /// Nil where the file ends before. Memory is taken for what the file holds, never for more.
    mutating func position(of offset: UInt64, count: Int) throws(LogError) -> Int? {
        guard offset <= limit, UInt64(count) <= limit - offset else { return nil }
        if offset < start || offset + UInt64(count) > start + UInt64(bytes.count) {
            let wanted = min(UInt64(max(count, LogLimits.readBytes)), limit - offset)
            bytes = try onDisk { () throws(DiskError) in
                try file.read(at: offset, count: Int(wanted))
            }
            start = offset
            invariant(
                UInt64(bytes.count) <= limit - start,
                "\(bytes.count) bytes from \(start) of \(limit)")
            guard bytes.count >= count else { return nil }
        }
        invariant(
            Int(offset - start) + count <= bytes.count,
            "\(count) bytes from \(offset) in \(bytes.count) from \(start)")
        return Int(offset - start)
    }
}

/// Reads the frames of a segment one after the other.
///
/// Invariants: `64 <= offset`, and after a frame `offset <= limit`; all before `offset` is whole
/// frames that follow one another, with the entries before `index`.
struct FrameScanner {
    /// What comes next.
    enum Step {
        case frame(LogFrame, FrameLocation)
        case end
        case problem(FrameProblem)
    }

    private var reader: WindowReader
    private let salt: UInt64
    /// Where the next frame starts.
    private(set) var offset = UInt64(SegmentHeader.bytesCount)
    /// The index of the next entry.
    private(set) var index: UInt64
    /// The checksum of the last frame, or of the segment's header.
    private(set) var lastChecksum: UInt64

    init(_ file: any DiskFile, header: SegmentHeader, limit: UInt64) {
        reader = WindowReader(file, limit: limit)
        salt = header.salt
        index = header.firstIndex
        lastChecksum = header.checksum
    }

    /// What was found at the current offset.
    private enum Located {
        case frame(FrameHeader, payloadAt: Int)
        case end
        case problem(FrameProblem)
    }

    /// Reads and checks the next frame, and that it follows the last.
    mutating func next() throws(LogError) -> Step {
        switch try locate() {
        case .end: return .end
        case .problem(let problem): return .problem(problem)
        case .frame(let header, let start):
            let frame: LogFrame
            do throws(FrameProblem) {
                frame = try LogFrame(
                    header,
                    stored: reader.bytes.span.extracting(start..<start + Int(header.storedBytes)))
            } catch {
                return .problem(error)
            }
            return .frame(frame, advance(over: header))
        }
    }

    /// Checks the checksums of the next frame, and that it follows the last, without restoring
    /// its entries; returns where it is, nil at the end, or what is wrong with it.
    mutating func skip() throws(LogError) -> Result<FrameLocation, FrameProblem>? {
        switch try locate() {
        case .end: return nil
        case .problem(let problem): return .failure(problem)
        case .frame(let header, let start):
            let computed = sha64(
                reader.bytes.span.extracting(start..<start + Int(header.storedBytes)))
            guard computed == header.payloadChecksum else {
                return .failure(
                    .flaw(
                        .checksum(
                            of: "frame's payload", stored: header.payloadChecksum,
                            computed: computed)))
            }
            return .success(advance(over: header))
        }
    }

    private mutating func advance(over header: FrameHeader) -> FrameLocation {
        let location = FrameLocation(firstIndex: index, offset: offset)
        offset += header.frameBytes
        index += UInt64(header.count)
        lastChecksum = header.checksum
        invariant(offset <= reader.limit, "a frame up to \(offset) in \(reader.limit) bytes")
        return location
    }

    private mutating func locate() throws(LogError) -> Located {
        guard offset < reader.limit else { return .end }
        let left = reader.limit - offset
        guard let position = try reader.position(of: offset, count: FrameHeader.bytesCount) else {
            return .problem(
                .flaw(
                    .endsEarly(
                        neededBytes: UInt64(FrameHeader.bytesCount), availableBytes: left)))
        }
        let header: FrameHeader
        do throws(FrameProblem) {
            header = try FrameHeader(
                reader.bytes.span.extracting(position..<position + FrameHeader.bytesCount),
                salt: salt)
            guard header.firstIndex == index else {
                throw .flaw(.firstIndex(expected: index, found: header.firstIndex))
            }
            guard header.previous == lastChecksum else {
                throw .flaw(.chain(expected: lastChecksum, found: header.previous))
            }
        } catch { return .problem(error) }
        guard let whole = try reader.position(of: offset, count: Int(header.frameBytes)) else {
            return .problem(
                .flaw(.endsEarly(neededBytes: header.frameBytes, availableBytes: left)))
        }
        return .frame(header, payloadAt: whole + FrameHeader.bytesCount)
    }

    /// Looks for a whole frame of this segment anywhere after the current offset.
    mutating func laterFrame() throws(LogError) -> UInt64? {
        let magic = UInt8(truncatingIfNeeded: FrameHeader.magic)
        var at = offset + 1
        while let first = try reader.position(of: at, count: FrameHeader.bytesCount) {
            let window = reader.bytes
            let bytes = window.span
            let base = at
            var position = first
            while position + FrameHeader.bytesCount <= bytes.count {
                defer { position += 1 }
                guard bytes[position] == magic,
                    bytes.integer(at: position, as: UInt32.self) == FrameHeader.magic
                else { continue }
                let candidate = base + UInt64(position - first)
                invariant(candidate > offset, "a frame at \(candidate) is behind \(offset)")
                if try isFrame(at: candidate) { return candidate }
            }
            at = base + UInt64(position - first)
            invariant(at > base, "the search for a frame stays at \(base)")
        }
        return nil
    }

    private mutating func isFrame(at offset: UInt64) throws(LogError) -> Bool {
        guard let start = try reader.position(of: offset, count: FrameHeader.bytesCount) else {
            return false
        }
        let header: FrameHeader
        do throws(FrameProblem) {
            header = try FrameHeader(
                reader.bytes.span.extracting(start..<start + FrameHeader.bytesCount), salt: salt)
        } catch { return false }
        guard let whole = try reader.position(of: offset, count: Int(header.frameBytes)) else {
            return false
        }
        let payload = reader.bytes.span.extracting(
            whole + FrameHeader.bytesCount..<whole + Int(header.frameBytes))
        return sha64(payload) == header.payloadChecksum
    }
}
