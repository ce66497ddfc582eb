// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Dispatch
internal import Synchronization

/// Hashing of many leaves.
enum LeafHashing {
    /// Fewer entries are hashed faster than another core is woken.
    static let parallelMin = 256

    /// The hashes of entries as leaves of the log's tree, in order.
    static func leaves(of entries: ArraySlice<[UInt8]>) -> [Digest] {
        guard entries.count >= parallelMin else {
            return hashed(entries)
        }
        let middle = entries.startIndex + entries.count / 2
        let halves = [entries[..<middle], entries[middle...]]
        let results = Mutex<[[Digest]]>([[], []])
        DispatchQueue.concurrentPerform(iterations: 2) { half in
            let leaves = hashed(halves[half])
            results.withLock { $0[half] = leaves }
        }
        return results.withLock { $0[0] + $0[1] }
    }

    /// The hashes of the entries of a frame from one on, in order.
    static func leaves(of frame: LogFrame, from first: Int = 0) -> [Digest] {
        guard frame.count - first >= parallelMin else { return hashed(frame, first..<frame.count) }
        let middle = (first + frame.count) / 2
        let halves = [first..<middle, middle..<frame.count]
        let results = Mutex<[[Digest]]>([[], []])
        DispatchQueue.concurrentPerform(iterations: 2) { half in
            let leaves = hashed(frame, halves[half])
            results.withLock { $0[half] = leaves }
        }
        let leaves = results.withLock { $0[0] + $0[1] }
        invariant(
            leaves.count == frame.count - first,
            "\(leaves.count) leaves of \(frame.count - first) entries")
        return leaves
    }

    /// On this core, two at a time.
    private static func hashed(_ frame: LogFrame, _ range: Range<Int>) -> [Digest] {
        var leaves: [Digest] = []
        leaves.reserveCapacity(range.count)
        let bytes = frame.bytes.span
        var place = range.lowerBound
        while place + 1 < range.upperBound {
            let (one, other) = MerkleFrontier.leafHashes(
                bytes.extracting(frame.range(of: place)),
                bytes.extracting(frame.range(of: place + 1)))
            leaves.append(one)
            leaves.append(other)
            place += 2
        }
        if place < range.upperBound { leaves.append(frame.leafHash(of: place)) }
        invariant(leaves.count == range.count, "\(leaves.count) leaves of \(range.count)")
        return leaves
    }

    /// The index of the first leaf from one on with which a tile begins; the largest number where
    /// none does.
    static func firstTile(from index: UInt64) -> UInt64 {
        let leaves = UInt64(LogLimits.tileLeaves)
        let (end, isBeyond) = index.addingReportingOverflow(leaves - 1)
        return isBeyond ? .max : end / leaves * leaves
    }

    /// The roots of the whole tiles among leaves of which the first has this index.
    ///
    /// - Parameter parallel: Whether on several cores.
    static func tiles(
        of leaves: [Digest], from index: UInt64, parallel: Bool = false
    ) -> [Digest] {
        let width = LogLimits.tileLeaves
        let start = Int(min(firstTile(from: index) - index, UInt64(leaves.count)))
        let count = (leaves.count - start) / width
        @Sendable func tile(_ number: Int) -> Digest {
            merkleRoot(leaves[start + number * width..<start + (number + 1) * width])
        }
        guard parallel, count > 1 else { return (0..<count).map(tile) }
        let results = Mutex([Digest](repeating: .zero, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { number in
            let root = tile(number)
            results.withLock { $0[number] = root }
        }
        return results.withLock { $0 }
    }

    /// On this core, two at a time.
    private static func hashed(_ entries: ArraySlice<[UInt8]>) -> [Digest] {
        var leaves: [Digest] = []
        leaves.reserveCapacity(entries.count)
        var place = entries.startIndex
        while place + 1 < entries.endIndex {
            let (left, right) = (entries[place], entries[place + 1])
            let (one, other) = MerkleFrontier.leafHashes(left.span, right.span)
            leaves.append(one)
            leaves.append(other)
            place += 2
        }
        for last in entries[place...] { leaves.append(MerkleFrontier.leafHash(last.span)) }
        invariant(leaves.count == entries.count, "\(leaves.count) leaves of \(entries.count)")
        return leaves
    }
}
