// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog

/// Where two histories part.
package enum Parting: Equatable, Sendable {
    /// Nowhere: they have one size and one root.
    case nowhere
    /// Nowhere: all of the shorter is the start of the longer.
    case atEnd
    /// At this entry, which both have, with other bytes.
    case entry(UInt64)
    /// At one of these entries; the forms of the copies do not tell which.
    case within(Range<UInt64>)
    /// Not before this entry; what follows cannot be compared.
    case unknown(from: UInt64)
}

extension Parting {
    /// Finds where two copies part, by descending both trees.
    ///
    /// Costs O(log n) nodes, and the frames of one tile of 256 leaves on either side.
    package init(_ one: HistoryCopy, _ other: HistoryCopy) throws(CopyError) {
        let size = min(one.head.size, other.head.size)
        let whole = 0..<size
        guard let left = try one.root(of: whole), let right = try other.root(of: whole) else {
            self = try Self.piecewise(one, other, size)
            return
        }
        guard left != right else {
            self = one.head.size == other.head.size ? .nowhere : .atEnd
            return
        }
        self = try Self.narrow(whole, one, other)
    }

    /// Compares subtree by subtree, where one of both knows no root of the shorter size.
    private static func piecewise(
        _ one: HistoryCopy, _ other: HistoryCopy, _ size: UInt64
    ) throws(CopyError) -> Parting {
        let longer = one.head.size > size ? one : other
        var start: UInt64 = 0
        while start < longer.head.size {
            let count: UInt64 = 1 << UInt64(63 - (longer.head.size - start).leadingZeroBitCount)
            let piece = start..<start + count
            guard let left = try one.root(of: piece), let right = try other.root(of: piece) else {
                break
            }
            if left != right { return try narrow(piece, one, other) }
            start += count
        }
        return .unknown(from: start)
    }

    /// - Precondition: the roots of the range differ.
    private static func narrow(
        _ range: Range<UInt64>, _ one: HistoryCopy, _ other: HistoryCopy
    ) throws(CopyError) -> Parting {
        let tile = UInt64(TilePath.fullWidth)
        var range = range
        while range.count > 1 {
            if range.lowerBound / tile == (range.upperBound - 1) / tile,
                let left = try one.leafHashes(in: range),
                let right = try other.leafHashes(in: range)
            {
                let place = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }
                return place.map { .entry(range.lowerBound + UInt64($0.offset)) } ?? .within(range)
            }
            let middle = range.lowerBound + splitPoint(UInt64(range.count))
            let half = range.lowerBound..<middle
            guard let left = try one.root(of: half), let right = try other.root(of: half) else {
                return .within(range)
            }
            range = left == right ? middle..<range.upperBound : half
        }
        return .entry(range.lowerBound)
    }

    /// The largest power of two below `count`, which is at least two.
    static func splitPoint(_ count: UInt64) -> UInt64 {
        1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }

    /// The first entry that may differ; nil where none does.
    package var first: UInt64? {
        switch self {
        case .nowhere, .atEnd, .unknown: nil
        case .entry(let entry): entry
        case .within(let range): range.lowerBound
        }
    }
}
