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
    /// An entry that was picked.
    package struct Picked: Sendable {
        /// Its position.
        package let index: UInt64
        /// What it says.
        package let event: Event
    }

    /// Entries that are read in one go.
    private static let pieceEntries: UInt64 = 65_536

    private typealias Piece = Result<[Picked], FoldFailure>

    /// Returns the entries of these kinds, in their order.
    ///
    /// - Parameters:
    ///   - tags: The kinds, by `Event.tag`.
    ///   - range: The entries to look through; they are in the log.
    ///   - isMeant: Whether an entry with an index is picked; called from several threads at once.
    package static func pick(
        _ tags: [UInt8], from log: EventLog, in range: Range<UInt64>,
        where isMeant: @Sendable (UInt64, Event) -> Bool = { _, _ in true }
    ) throws(FoldFailure) -> FlattenSequence<[[Picked]]> {
        var isWanted = [Bool](repeating: false, count: 256)
        for tag in tags { isWanted[Int(tag)] = true }
        let wanted = isWanted
        let starts = Array(
            stride(from: range.lowerBound, to: range.upperBound, by: Int(pieceEntries)))
        let found = Mutex<[Int: Piece]>([:])
        DispatchQueue.concurrentPerform(iterations: starts.count) { number in
            let end = min(starts[number] + pieceEntries, range.upperBound)
            let piece = piece(of: log, starts[number]..<end, wanted, isMeant)
            found.withLock { $0[number] = piece }
        }
        // Joining them in one array would take as long as finding them.
        let pieces = found.withLock { $0 }
        var all: [[Picked]] = []
        for number in starts.indices {
            guard let piece = pieces[number] else { continue }
            all.append(try piece.get())
        }
        return all.joined()
    }

    private static func piece(
        of log: EventLog, _ range: Range<UInt64>, _ isWanted: [Bool],
        _ isMeant: (UInt64, Event) -> Bool
    ) -> Piece {
        var found: [Picked] = []
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
                        if isMeant(index, event) {
                            found.append(Picked(index: index, event: event))
                        }
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
