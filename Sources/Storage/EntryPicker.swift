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

        /// The index counts from 0.
        package init(index: UInt64, event: Event) { (self.index, self.event) = (index, event) }
    }

    /// Entries that are read in one go.
    private static let pieceEntries: UInt64 = 65_536

    private typealias Piece = Result<[Picked], FoldFailure>

    /// Returns the entries whose encoding begins so, in their order.
    ///
    /// - Parameters:
    ///   - beginnings: The first bytes, of which the first is an `Event.tag`; none is empty.
    ///   - range: The entries to look through; they are in the log.
    ///   - isMeant: Whether an entry with an index is picked; called from several threads at once.
    package static func pick(
        _ beginnings: [[UInt8]], from log: EventLog, in range: Range<UInt64>,
        where isMeant: @Sendable (UInt64, Event) -> Bool = { _, _ in true }
    ) throws(FoldFailure) -> FlattenSequence<[[Picked]]> {
        var byTag = [[[UInt8]]](repeating: [], count: 256)
        for beginning in beginnings {
            guard let tag = beginning.first else { continue }
            byTag[Int(tag)].append(beginning)
        }
        let wanted = byTag
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
        of log: EventLog, _ range: Range<UInt64>, _ wanted: [[[UInt8]]],
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
                    let beginnings = wanted[Int(frame.bytes[bytes.lowerBound])]
                    guard !beginnings.isEmpty else { continue }
                    let encoding = frame.bytes[bytes]
                    guard beginnings.contains(where: encoding.starts(with:)) else { continue }
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
