// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CKernels
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
    static let width = Int(RECOUNT_COLUMN_COUNT)
    /// Fewer entries stay in rows: there is nothing to gain.
    static let entriesMin = 8
    /// Entries that are laid in columns at once.
    private static let rowsAtOnce = Int(RECOUNT_COLUMN_ROWS)

    /// The entries of one length, shortest first.
    private struct Group {
        let length: Int
        /// Where the group starts in columns.
        let start: Int
        /// Its entries, as places in `Groups.rows`.
        let entries: Range<Int>

        /// How many bytes of each lie in columns.
        var width: Int { min(length, Columns.width) }
        /// Where the rest of the first entry starts in columns.
        var rest: Int { start + width * entries.count }
    }

    /// Where the entries of each length lie.
    ///
    /// Invariants: the groups follow one another up to `end`, in `rows` as well as in columns.
    private struct Groups {
        private(set) var all: [Group] = []
        /// Where each entry starts in rows; those of a group stand together, in their order.
        private(set) var rows: [Int]
        /// Where the last group ends.
        let end: Int

        init(_ lengths: [Int]) {
            var places = [Int](repeating: 0, count: (lengths.max() ?? 0) + 1)
            for length in lengths { places[length] += 1 }
            var (start, first) = (2 * lengths.count, 0)
            for length in places.indices where places[length] > 0 {
                let count = places[length]
                all.append(Group(length: length, start: start, entries: first..<first + count))
                places[length] = first
                first += count
                start += length * count
            }
            end = start
            rows = Array(repeating: 0, count: lengths.count)
            var row = 2 * lengths.count
            for length in lengths {
                rows[places[length]] = row
                places[length] += 1
                row += length
            }
            invariant(row == end, "rows of \(row) bytes for columns of \(end)")
            invariant(
                all.allSatisfy { places[$0.length] == $0.entries.upperBound },
                "the entries of \(all.count) lengths do not fill their groups")
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
        let groups = Groups(lengths)
        invariant(groups.end == rows.count, "groups of \(groups.end) bytes of \(rows.count)")
        // SAFETY: lengths and groups add up to the payload, which both arrays have room for.
        unsafe rows.withUnsafeBufferPointer { source in
            unsafe columns.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else {
                    return
                }
                for group in groups.all { unsafe arrange(group, groups.rows, source, target) }
            }
        }
        return columns
    }

    private static func arrange(
        _ group: Group, _ rows: [Int], _ source: UnsafePointer<UInt8>,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        let (count, width) = (group.entries.count, group.width)
        let done = unsafe eachTogether(group, rows) { place, starts in
            unsafe recount_columns(source, starts, target + group.start + place, count)
        }
        var rest = group.rest
        for (place, entry) in group.entries.enumerated() {
            let row = rows[entry]
            if place >= done {
                for byte in 0..<width {
                    unsafe target[group.start + byte * count + place] = source[row + byte]
                }
            }
            let length = group.length - width
            unsafe (target + rest).update(from: source + row + width, count: length)
            rest += length
        }
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
        let groups = Groups(lengths)
        invariant(groups.end == rows.count, "groups of \(groups.end) bytes of \(rows.count)")
        // SAFETY: lengths and groups add up to the payload, which was checked above.
        unsafe columns.withUnsafeBufferPointer { source in
            unsafe rows.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else {
                    return
                }
                for group in groups.all { unsafe restore(group, groups.rows, source, target) }
            }
        }
        return rows
    }

    private static func restore(
        _ group: Group, _ rows: [Int], _ source: UnsafePointer<UInt8>,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        let (count, width) = (group.entries.count, group.width)
        let done = unsafe eachTogether(group, rows) { place, starts in
            unsafe recount_rows(source + group.start + place, count, target, starts)
        }
        var rest = group.rest
        for (place, entry) in group.entries.enumerated() {
            let row = rows[entry]
            if place >= done {
                for byte in 0..<width {
                    unsafe target[row + byte] = source[group.start + byte * count + place]
                }
            }
            let length = group.length - width
            unsafe (target + row + width).update(from: source + rest, count: length)
            rest += length
        }
    }

    /// Hands on where the rows start of as many entries as are laid in columns at once, again and
    /// again, with the place of the first; returns how many entries these are.
    private static func eachTogether(
        _ group: Group, _ rows: [Int], _ body: (_ place: Int, _ starts: UnsafePointer<Int>) -> Void
    ) -> Int {
        guard group.length >= width else { return 0 }
        let together = group.entries.count / rowsAtOnce * rowsAtOnce
        // SAFETY: the group's entries are places in `rows`, and so are those of each step.
        unsafe rows.withUnsafeBufferPointer { rows in
            guard let rows = rows.baseAddress else { return }
            for place in stride(from: 0, to: together, by: rowsAtOnce) {
                unsafe body(place, rows + group.entries.lowerBound + place)
            }
        }
        return together
    }
}
