// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
package import EventLog
package import Ledger
internal import Synchronization

/// Picks the entries of some kinds out of a log, on all cores, without decoding the others.
///
/// The log's own checks are made: checksums of its frames, and how they follow one another. What an
/// entry says is not folded, so whoever picks checks what it rests on.
package enum EntryPicker {
    /// Entries that are read in one go.
    private static let pieceEntries: UInt64 = 65_536

    private typealias Piece<Found> = Result<[Found], FoldFailure>

    /// Returns what `body` makes of each entry of these kinds, in their order.
    ///
    /// - Parameters:
    ///   - tags: The kinds, by `Event.tag`.
    ///   - range: The entries to look through; they are in the log.
    ///   - body: Called from several threads at once, with an entry and its index; nil picks
    ///     nothing.
    package static func pick<Found: Sendable>(
        _ tags: [UInt8], from log: EventLog, in range: Range<UInt64>,
        _ body: @Sendable (UInt64, Event) -> Found?
    ) throws(FoldFailure) -> [Found] {
        var isWanted = [Bool](repeating: false, count: 256)
        for tag in tags { isWanted[Int(tag)] = true }
        let wanted = isWanted
        let starts = Array(
            stride(from: range.lowerBound, to: range.upperBound, by: Int(pieceEntries)))
        let found = Mutex<[Int: Piece<Found>]>([:])
        DispatchQueue.concurrentPerform(iterations: starts.count) { number in
            let end = min(starts[number] + pieceEntries, range.upperBound)
            let piece = piece(of: log, starts[number]..<end, wanted, body)
            found.withLock { $0[number] = piece }
        }
        let pieces = found.withLock { $0 }
        var all: [Found] = []
        for number in starts.indices {
            guard let piece = pieces[number] else { continue }
            all += try piece.get()
        }
        return all
    }

    private static func piece<Found: Sendable>(
        of log: EventLog, _ range: Range<UInt64>, _ isWanted: [Bool],
        _ body: (UInt64, Event) -> Found?
    ) -> Piece<Found> {
        var found: [Found] = []
        var failure: FoldFailure?
        do throws(LogError) {
            try log.forEachFrame(from: range.lowerBound, to: range.upperBound) { frame in
                let low = Int(max(range.lowerBound, frame.firstIndex) - frame.firstIndex)
                let high = Int(min(range.upperBound, frame.endIndex) - frame.firstIndex)
                for place in low..<high {
                    let bytes = frame.range(of: place)
                    guard isWanted[Int(frame.bytes[bytes.lowerBound])] else { continue }
                    let index = frame.firstIndex + UInt64(place)
                    do throws(DecodingError) {
                        let event = try Event(decoding: frame.bytes, in: bytes)
                        if let one = body(index, event) { found.append(one) }
                    } catch {
                        failure = .undecodable(entry: index, error)
                        return false
                    }
                }
                return true
            }
        } catch { failure = .log(error) }
        return failure.map { .failure($0) } ?? .success(found)
    }
}
