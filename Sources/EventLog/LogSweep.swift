// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// One reading of a log in pieces: each is read and checked by itself, on any thread, and all are
/// put together in order.
///
/// Of a log that is open for reading, so that nothing changes meanwhile.
///
/// Invariant: the places follow one another without a gap, up to the end of the last segment.
package struct LogSweep: Sendable {
    /// Frames of one segment.
    private struct Place {
        let segment: Int
        let frames: Range<Int>
    }

    /// Bytes of one piece: what fits in a core's own cache when it is decoded.
    package static let pieceBytes = 256 << 10

    private let segments: [Segment]
    private let places: [Place]
    private let tree: Bool

    /// Plans the reading of the frames that hold entries from `start` on.
    ///
    /// - Parameters:
    ///   - tree: Whether leaves are hashed.
    ///   - pieceBytes: The most of the frames of one piece, unless it is one frame.
    package init(
        _ log: EventLog, from start: UInt64 = 0, tree: Bool, pieceBytes: Int = pieceBytes
    ) throws(LogError) {
        invariant(log.access == .readOnly, "a log that may grow while it is read")
        let contents = try log.monitor.locked { () throws(LogError) in
            try log.checkUsable()
            return log.contents
        }
        segments = contents.segments
        self.tree = tree
        var places: [Place] = []
        if start < contents.edge.count {
            let first = contents.segment(holding: start)
            for number in first..<segments.count {
                let segment = segments[number]
                var frame = number == first ? segment.frame(holding: start) : 0
                while frame < segment.frames.count {
                    let run = segment.run(
                        from: frame, to: .max, bytesMax: pieceBytes)
                    places.append(Place(segment: number, frames: run))
                    frame = run.upperBound
                }
                let end = segment.frames.count
                invariant(frame == end, "frames up to \(frame) of \(end) are planned")
            }
        }
        self.places = places
    }

    /// The number of pieces.
    package var count: Int { places.count }

    /// The index of the first entry of a piece.
    package func firstIndex(of piece: Int) -> UInt64 {
        segments[places[piece].segment].frames[places[piece].frames.lowerBound].firstIndex
    }

    /// Reads a piece; from any thread.
    package func read(_ piece: Int) throws(LogError) -> LogPiece {
        let place = places[piece]
        return try LogPiece(segments[place.segment], place.segment, place.frames, tree: tree)
    }
}

/// Puts the pieces of a whole log together, with the checks of `verifyAll` or, without the tree, of
/// `verifyChecksums`.
package struct SweepVerifier {
    private let log: EventLog
    private let contents: LogContents
    private let mark: Bool
    private let tree: Bool
    private var verifier = SegmentVerifier()
    /// The segment at hand, and its number.
    private var scan: SegmentScan?
    private var number = 0

    /// Begins before the first piece of a log that is open for reading.
    package init(_ log: EventLog, tree: Bool) throws(LogError) {
        self.log = log
        self.tree = tree
        (contents, mark) = log.monitor.locked { (log.contents, log.hasEndMark) }
        try log.verifyNames(contents.segments)
    }

    /// Adds the next piece.
    package mutating func add(_ piece: LogPiece) throws(LogError) {
        while number < piece.segment { try endSegment() }
        invariant(
            number == piece.segment, "a piece of segment \(piece.segment) in segment \(number)")
        var scan = try takeScan()
        do throws(FrameProblem) { try scan.add(piece) } catch {
            throw error.error(
                file: scan.file.path, offset: scan.end, entry: scan.endIndex)
        }
        self.scan = scan
    }

    /// Ends behind the last piece, and returns what was gone through.
    package mutating func finish() throws(LogError) -> LogVerification {
        while number < contents.segments.count { try endSegment() }
        return try log.end(verifier, of: contents, mark: mark, tree: tree)
    }

    /// What was found so far of the segment at hand; the caller gives it back.
    private mutating func takeScan() throws(LogError) -> SegmentScan {
        defer { scan = nil }
        if let scan { return scan }
        return try SegmentScan(contents.segments[number])
    }

    private mutating func endSegment() throws(LogError) {
        let segment = contents.segments[number]
        let scan = try takeScan()
        number += 1
        try verifier.verify(
            segment, scan, isLast: number == contents.segments.count,
            mayGrow: number == contents.segments.count && !mark, tree: tree)
    }
}
