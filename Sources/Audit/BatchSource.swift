// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger

/// The entries of some frames, read, checked, hashed and decoded on another thread.
private struct DecodedPiece: Sendable {
    let piece: LogPiece
    var entries: [LoggedEntry] = []
    /// Where batches end and begin in `entries`, in order.
    var bounds: [Int] = []
    /// Why the entry after them cannot be read.
    var failure: ReadingError?

    /// Decodes the entries from an index on.
    init(_ piece: LogPiece, from start: UInt64) {
        self.piece = piece
        let first = piece.firstIndex
        entries.reserveCapacity(Int(piece.endIndex - max(start, first)))
        for frame in piece.frames {
            for place in 0..<frame.count where frame.firstIndex + UInt64(place) >= start {
                let index = frame.firstIndex + UInt64(place)
                let leaf = piece.leaves.isEmpty ? nil : piece.leaves[Int(index - first)]
                do throws(DecodingError) {
                    append(
                        LoggedEntry(
                            index: index,
                            entry: try Entry(
                                decoding: frame.bytes, in: frame.range(of: place), leafHash: leaf)
                        ))
                } catch {
                    failure = .undecodable(entry: index, error)
                    return
                }
            }
        }
    }

    private mutating func append(_ entry: LoggedEntry) {
        if case .batchOpened = entry.event, bounds.last != entries.count {
            bounds.append(entries.count)
        }
        entries.append(entry)
        if case .batchSealed = entry.event { bounds.append(entries.count) }
    }
}

/// The batches of a log, which is read once: workers read, check, decompress, hash and decode the
/// frames ahead of whoever takes the batches. At most `piecesAhead` pieces of 256 KiB wait.
struct BatchSource {
    private static let piecesAhead = 12
    private static let batchEntriesMax = 1 << 22

    private let ahead: WorkAhead<Result<DecodedPiece, LogError>>
    /// What the whole log is held against; nil where only entries are read.
    private var verifier: SweepVerifier?
    /// The tree of the entries that were handed out, and those of the pieces at hand.
    let tree: LogTree
    private var piece: DecodedPiece?
    /// The entry of the piece that comes next, and the bound.
    private var place = 0
    private var bound = 0

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - start: The first entry.
    ///   - stop: Pieces that begin behind it are not read ahead.
    ///   - tree: The tree of the entries before `start`; nil where the log's own is believed.
    ///   - verifying: The same log, where the whole of it is verified on the way.
    init(
        _ log: any SweptLog, _ options: AuditOptions, from start: UInt64, to stop: UInt64,
        tree: PieceTree?, verifying: EventLog?
    ) throws(LogError) {
        let sweep = try log.sweep(
            from: start, tree: tree != nil, pieceBytes: options.pieceBytes)
        if let verifying { verifier = try SweepVerifier(verifying, tree: tree != nil) }
        self.tree = LogTree(log, tree)
        ahead = WorkAhead(
            count: sweep.count, ahead: Self.piecesAhead, eagerCount: sweep.count(before: stop)
        ) { number in
            Result { () throws(LogError) in DecodedPiece(try sweep.read(number), from: start) }
        }
    }

    /// Ends the reading.
    func stop() { ahead.stop() }

    /// Returns the entries up to the next `BatchSealed`, inclusive, or before the next
    /// `BatchOpened`, or to the end of the log; nil at the end.
    ///
    /// An entry that cannot be read ends the batch before it, and is thrown at the next call.
    mutating func next() throws(ReadingError) -> ArraySlice<LoggedEntry>? {
        var batch: ArraySlice<LoggedEntry> = []
        while batch.count < Self.batchEntriesMax {
            guard try hasEntry() else {
                if batch.isEmpty, let failure = piece?.failure { throw failure }
                break
            }
            guard let piece else { break }
            while bound < piece.bounds.count, piece.bounds[bound] < place + (batch.isEmpty ? 1 : 0)
            { bound += 1 }
            let isWhole = bound < piece.bounds.count
            let end = isWhole ? piece.bounds[bound] : piece.entries.count
            let limit = min(end, place + Self.batchEntriesMax - batch.count)
            // Nearly every batch lies in one piece, and is not copied.
            if batch.isEmpty {
                batch = piece.entries[place..<limit]
            } else {
                batch += piece.entries[place..<limit]
            }
            place = limit
            if isWhole { break }
        }
        return batch.isEmpty ? nil : batch
    }

    /// Whether there is a next entry; it is in the piece then.
    private mutating func hasEntry() throws(ReadingError) -> Bool {
        while true {
            if let piece {
                if place < piece.entries.count { return true }
                if piece.failure != nil { return false }
            }
            do throws(LogError) { guard try advance() else { return false } } catch {
                throw .log(error)
            }
        }
    }

    /// Goes on to the next piece; false at the end.
    private mutating func advance() throws(LogError) -> Bool {
        guard let next = ahead.next() else { return false }
        let decoded = try next.get()
        try verifier?.add(decoded.piece)
        tree.add(decoded.piece)
        piece = decoded
        place = 0
        bound = 0
        return true
    }

    /// Verifies what was not handed out, and returns what the whole log was found to be.
    ///
    /// - Precondition: It verifies.
    mutating func finish() throws(LogError) -> LogVerification? {
        tree.forget()
        while let next = ahead.next() { try verifier?.add(try next.get().piece) }
        return try verifier?.finish()
    }
}

/// The roots of the log as the entries are taken in.
final class LogTree {
    private let log: any SweptLog
    /// The tree of the entries so far, computed from their bytes; nil where the log is believed.
    private(set) var computed: PieceTree?
    /// The pieces whose entries are not all in it.
    private var pieces: ArraySlice<LogPiece> = []

    /// Begins with the tree before the first piece, or believes the log.
    init(_ log: any SweptLog, _ computed: PieceTree?) {
        self.log = log
        self.computed = computed
    }

    /// The root of the first `size` entries. Sizes only grow, and end with the pieces added.
    func root(at size: UInt64) throws(LogError) -> Digest {
        guard computed != nil else { return try log.root(at: size) }
        advance(to: size)
        return computed?.root ?? .zero
    }

    /// Takes in the entries before an index.
    func advance(to size: UInt64) {
        while let piece = pieces.first, let count = computed?.count, count < size {
            computed?.advance(to: size, in: piece)
            if computed?.count == piece.endIndex { pieces.removeFirst() }
        }
    }

    fileprivate func add(_ piece: LogPiece) {
        if computed != nil { pieces.append(piece) }
    }

    fileprivate func forget() { pieces = [] }
}
