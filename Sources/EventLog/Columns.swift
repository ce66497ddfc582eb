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
    static let width = 32
    /// Fewer entries stay in rows: there is nothing to gain.
    static let entriesMin = 8

    /// The entries of one length, shortest first.
    private struct Group {
        let length: Int
        /// Where the group starts in columns.
        let start: Int
        /// Its entries, as places in `Groups.rows`.
        let entries: Range<Int>

        var count: Int { entries.count }
        /// How many bytes of each lie in columns.
        var width: Int { min(length, Columns.width) }
        /// How many bytes of each do not.
        var restBytes: Int { length - width }
        /// Where the rest of the first entry starts in columns.
        var rest: Int { start + width * count }
    }

    /// Where the entries of each length lie.
    ///
    /// Invariants: the groups follow one another up to `end`, in `rows` as well as in columns.
    private struct Groups {
        private var all: [Group] = []
        /// Where each entry starts in rows; those of a group stand together, in their order.
        private var rows: [Int]
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

        /// Hands on each group, with where its entries start in rows.
        func forEach(_ body: (Group, UnsafePointer<Int>) -> Void) {
            // SAFETY: the entries of a group are places in `rows`.
            unsafe rows.withUnsafeBufferPointer { rows in
                guard let rows = rows.baseAddress else { return }
                for group in all { unsafe body(group, rows + group.entries.lowerBound) }
            }
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
                unsafe groups.forEach { group, rows in
                    unsafe recount_columns(
                        source, rows, group.count, group.width, target + group.start)
                    var rest = group.rest
                    for entry in 0..<group.count {
                        let row = unsafe source + rows[entry] + group.width
                        unsafe (target + rest).update(from: row, count: group.restBytes)
                        rest += group.restBytes
                    }
                }
            }
        }
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
        let groups = Groups(lengths)
        invariant(groups.end == rows.count, "groups of \(groups.end) bytes of \(rows.count)")
        // SAFETY: lengths and groups add up to the payload, which was checked above.
        unsafe columns.withUnsafeBufferPointer { source in
            unsafe rows.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else {
                    return
                }
                unsafe groups.forEach { group, rows in
                    unsafe recount_rows(
                        source + group.start, group.count, group.width, target, rows)
                    var rest = group.rest
                    for entry in 0..<group.count {
                        let row = unsafe target + rows[entry] + group.width
                        unsafe row.update(from: source + rest, count: group.restBytes)
                        rest += group.restBytes
                    }
                }
            }
        }
        return rows
    }
}
