// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The order in which the bytes of a frame's payload lie before compression.
///
/// Entries of one length are mostly of one kind, and the same byte of each says much the same, so
/// their first bytes are laid column by column. A payload in columns has as many bytes as in rows:
///
/// - the lower byte of each entry's length, then the upper byte of each;
/// - for each length that occurs, shortest first, with the entries of that length in their order:
///   for each of the first 32 bytes of an entry (or fewer, where the entries are shorter) that byte
///   of each entry; then the rest of each entry.
enum Columns {
    /// How many bytes of an entry lie in columns.
    static let width = 32
    /// Fewer entries stay in rows: there is nothing to gain.
    static let entriesMin = 8

    /// Where the entries of each length lie.
    ///
    /// Invariants: by length `seen <= counts`, and the groups follow one another up to `end`.
    private struct Groups {
        /// By length: where its group starts.
        private var starts: [Int]
        /// By length: the entries of that length.
        private var counts: [Int]
        /// By length: the entries of that length seen so far.
        private var seen: [Int]
        /// Where the last group ends.
        let end: Int

        init(_ lengths: [Int]) {
            let most = lengths.max() ?? 0
            starts = Array(repeating: 0, count: most + 1)
            counts = starts
            seen = starts
            for length in lengths { counts[length] += 1 }
            var start = 2 * lengths.count
            for length in counts.indices {
                starts[length] = start
                start += length * counts[length]
            }
            end = start
        }

        /// The place of the next entry of a length: of its first byte, from each of its first bytes
        /// to the next, and of the rest.
        mutating func next(_ length: Int) -> (first: Int, step: Int, rest: Int) {
            let place = seen[length]
            seen[length] = place + 1
            let start = starts[length]
            let step = counts[length]
            invariant(place < step, "entry \(place) of the \(step) of \(length) bytes")
            let width = min(length, Columns.width)
            return (start + place, step, start + step * width + place * (length - width))
        }
    }

    /// Lays a payload in columns.
    ///
    /// - Precondition: The payload holds `count` lengths and entries of these lengths.
    static func arrange(_ rows: [UInt8], count: Int) -> [UInt8] {
        var columns = [UInt8](repeating: 0, count: rows.count)
        var target = columns.mutableSpan
        let source = rows.span
        var lengths: [Int] = []
        lengths.reserveCapacity(count)
        for entry in 0..<count {
            target[entry] = source[2 * entry]
            target[count + entry] = source[2 * entry + 1]
            lengths.append(Int(source[2 * entry]) | Int(source[2 * entry + 1]) << 8)
        }
        invariant(
            lengths.reduce(2 * count, +) == rows.count, "entries that are not the payload's")
        var groups = Groups(lengths)
        invariant(groups.end == rows.count, "groups of \(groups.end) bytes of \(rows.count)")
        var from = 2 * count
        // SAFETY: lengths and groups add up to the payload, which both arrays have room for.
        unsafe rows.withUnsafeBufferPointer { source in
            unsafe columns.withUnsafeMutableBufferPointer { target in
                for length in lengths {
                    var (place, step, rest) = groups.next(length)
                    let width = min(length, Self.width)
                    for byte in from..<from + width {
                        unsafe target[place] = source[byte]
                        place += step
                    }
                    unsafe copy(source, from + width, to: target, rest, length - width)
                    from += length
                }
            }
        }
        invariant(from == rows.count, "\(from) bytes of \(rows.count) are in columns")
        return columns
    }

    /// Lays a payload in rows again; nil where the lengths do not add up to it.
    ///
    /// - Precondition: The payload holds `count` lengths.
    static func restore(_ columns: [UInt8], count: Int) -> [UInt8]? {
        let source = columns.span
        var lengths: [Int] = []
        lengths.reserveCapacity(count)
        var total = 2 * count
        for entry in 0..<count {
            let length = Int(source[entry]) | Int(source[count + entry]) << 8
            lengths.append(length)
            total += length
        }
        guard total == columns.count else { return nil }
        var rows = [UInt8](repeating: 0, count: columns.count)
        var target = rows.mutableSpan
        for entry in 0..<count {
            target[2 * entry] = source[entry]
            target[2 * entry + 1] = source[count + entry]
        }
        var groups = Groups(lengths)
        invariant(groups.end == rows.count, "groups of \(groups.end) bytes of \(rows.count)")
        var to = 2 * count
        // SAFETY: lengths and groups add up to the payload, which was checked above.
        unsafe columns.withUnsafeBufferPointer { source in
            unsafe rows.withUnsafeMutableBufferPointer { target in
                for length in lengths {
                    var (place, step, rest) = groups.next(length)
                    let width = min(length, Self.width)
                    for byte in to..<to + width {
                        unsafe target[byte] = source[place]
                        place += step
                    }
                    unsafe copy(source, rest, to: target, to + width, length - width)
                    to += length
                }
            }
        }
        invariant(to == rows.count, "\(to) bytes of \(rows.count) are in rows")
        return rows
    }

    /// Copies `count` bytes between places that both have them.
    private static func copy(
        _ source: UnsafeBufferPointer<UInt8>, _ from: Int,
        to target: UnsafeMutableBufferPointer<UInt8>, _ to: Int, _ count: Int
    ) {
        guard count > 0, let source = source.baseAddress, let target = target.baseAddress else {
            return
        }
        unsafe (target + to).update(from: source + from, count: count)
    }
}
