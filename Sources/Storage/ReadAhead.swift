// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import EventLog
internal import Ledger

/// Reads and decodes the entries of a log on a thread of its own, while others take those before
/// them into a state.
///
/// At most `piecesMax` pieces of `pieceEntriesMax` entries wait, with the frames that they lie in.
/// A piece ends with a frame: entries of one frame count their holds on it in one place, which two
/// threads would take from each other with every entry.
/// `@unchecked`: what changes is changed within the monitor.
final class ReadAhead: @unchecked Sendable {
    /// Entries in a row, and why there are no more of them.
    struct Piece: Sendable {
        let first: UInt64
        var entries: [Entry] = []
        var failure: FoldFailure?
    }

    /// From how many entries on a piece ends with the frame.
    private static let pieceEntries = 4_096
    /// How many entries a piece has where frames have too many.
    private static let pieceEntriesMax = 4 * pieceEntries
    private static let piecesMax = 4

    private let monitor = Monitor()
    private var pieces: [Piece] = []
    private var isStopped = false

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - base: The index in the ledger of the log's first entry.
    ///   - range: The entries to read, by their index in the ledger.
    init(_ log: EventLog, base: UInt64, _ range: Range<UInt64>) {
        DispatchQueue.global(qos: .userInitiated).async { self.read(log, base, range) }
    }

    /// The next piece; one without entries ends them.
    func next() -> Piece {
        monitor.locked {
            while pieces.isEmpty { monitor.wait() }
            monitor.wakeAll()
            return pieces.removeFirst()
        }
    }

    /// Ends the reading; what was read is forgotten.
    func stop() {
        monitor.locked {
            isStopped = true
            pieces = []
            monitor.wakeAll()
        }
    }

    private func read(_ log: EventLog, _ base: UInt64, _ range: Range<UInt64>) {
        var piece = Self.piece(from: range.lowerBound)
        var goesOn = true
        do throws(LogError) {
            try log.forEachFrame(from: range.lowerBound - base, to: range.upperBound - base) {
                frame in
                let next = piece.first + UInt64(piece.entries.count)
                let low = next - base - frame.firstIndex
                let high = min(range.upperBound - base, frame.endIndex) - frame.firstIndex
                for place in Int(low)..<Int(high) where goesOn {
                    let index = base + frame.firstIndex + UInt64(place)
                    do throws(FoldFailure) {
                        piece.entries.append(
                            try LedgerFold.read(frame.bytes, in: frame.range(of: place), index))
                    } catch {
                        piece.failure = error
                        goesOn = false
                    }
                    if piece.entries.count == Self.pieceEntriesMax {
                        goesOn = goesOn && put(&piece)
                    }
                }
                if piece.entries.count >= Self.pieceEntries { goesOn = goesOn && put(&piece) }
                return goesOn
            }
        } catch { piece.failure = .log(error) }
        if !piece.entries.isEmpty || piece.failure != nil { _ = put(&piece) }
        _ = put(&piece)
    }

    private static func piece(from first: UInt64) -> Piece {
        var piece = Piece(first: first)
        piece.entries.reserveCapacity(pieceEntries * 3 / 2)
        return piece
    }

    /// Hands a piece over, once there is room, and begins the next; false where nobody reads on.
    private func put(_ piece: inout Piece) -> Bool {
        let done = piece
        piece = Self.piece(from: done.first + UInt64(done.entries.count))
        return monitor.locked {
            while pieces.count >= Self.piecesMax, !isStopped { monitor.wait() }
            guard !isStopped else { return false }
            pieces.append(done)
            monitor.wakeAll()
            return true
        }
    }
}
