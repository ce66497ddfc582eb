// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A component that only grows: the RFC 6962 root of its records stands for it.
///
/// Invariants: `frontier` has a subtree for each one bit of `count`, which never goes back.
package struct History: Equatable, Sendable {
    /// The right edge of the tree of the records.
    package private(set) var frontier = MerkleFrontier()

    /// No records.
    init() {}

    /// The history whose tree has this right edge.
    init(_ frontier: MerkleFrontier) { self.frontier = frontier }

    /// The number of records.
    package var count: UInt64 { frontier.count }

    /// The RFC 6962 root of the records.
    package var root: Digest { frontier.root }

    mutating func append(bytes: [UInt8]) { frontier.append(leaf: bytes) }

    mutating func append(leafHash: Digest) { frontier.append(leafHash: leafHash) }

    /// What appends have left behind: for whoever reads the edge.
    func checkEdge() {
        invariant(
            frontier.subtrees.count == count.nonzeroBitCount,
            "\(frontier.subtrees.count) subtrees of \(count) records")
    }
}

extension BorshWriter {
    /// Appends the number of records (u64) and the root of their tree.
    mutating func write(_ history: History) {
        history.checkEdge()
        write(history.count)
        write(history.root)
    }
}

/// A component that only grows, with its records at hand: what a snapshot keeps of it.
package struct RecordedHistory: Sendable {
    private(set) var history = History()
    /// The records.
    package private(set) var records = RecordStore()

    /// No records.
    init() {}

    /// The history of these records, whose tree is computed later; see `adopt`.
    init(unverified records: RecordStore) { self.records = records }

    /// The number of records.
    package var count: UInt64 { records.count }

    /// Takes over the tree that was computed from the records.
    mutating func adopt(_ frontier: MerkleFrontier) { history = History(frontier) }

    @discardableResult
    mutating func append(_ record: [UInt8]) -> RecordPosition {
        history.append(bytes: record)
        return records.append(record)
    }

    /// Appends the bytes of an entry, as they are.
    @discardableResult
    mutating func append(_ entry: Entry) -> RecordPosition {
        history.append(leafHash: entry.leafHash)
        return records.append(entry.bytes)
    }

    /// Decodes a record that was encoded, or checked, when it was taken in.
    func read<T: BorshCodable>(_ place: RecordPosition) -> T {
        do throws(DecodingError) {
            return try T(decoding: records.record(at: place))
        } catch {
            fatalError("a record of the state cannot be read: \(error)")
        }
    }

    /// Throws where the tree has not a leaf for each record.
    func checkTree(of component: any Component.Type) throws(Unsoundness) {
        guard history.count == records.count else {
            throw Unsoundness(
                component: component.kind,
                belief: "\(records.count) records have as many leaves, not \(history.count)")
        }
    }

    /// The records at these places, in the order in which they were appended.
    func records(at places: [RecordPosition?]) -> [[UInt8]] {
        places.compactMap(\.self).map(\.rawValue).sorted()
            .map { records.record(at: RecordPosition(rawValue: $0)) }
    }
}

/// Where a record is: the chunk in the upper half, the offset in it in the lower.
struct RecordPosition: Hashable, Sendable {
    let rawValue: UInt64
}

/// Records one after the other, each of at most 65,535 bytes behind its length (u16).
///
/// They lie in chunks of at most 1 MiB, none across two, so that a copy that another thread reads
/// costs the writer one chunk and not all of them.
///
/// Invariants: no chunk is empty or above `chunkBytesMax`, and each is its records and their
/// lengths, one behind the other; `firsts[i]` is the number of records before chunk i, so that it
/// rises strictly from 0 and stays below `count`.
package struct RecordStore: Sendable {
    /// The most bytes of a chunk.
    package static let chunkBytesMax = 1 << 20
    /// Keys that a table looks for at the same time while it is made of records.
    static let indexedTogether = 64

    /// The number of records.
    package private(set) var count: UInt64 = 0
    /// The chunks, each filled until the next record did not fit.
    package private(set) var chunks: [[UInt8]] = []
    /// By chunk: the number of records before it.
    private var firsts: [UInt64] = []

    /// No records.
    init() {}

    /// Takes chunks as they were kept.
    ///
    /// Throws `.malformed` where lengths do not add up, or a chunk could have held the next record.
    package init(count: UInt64, chunks: [[UInt8]], of what: String) throws(SnapshotError) {
        self.count = count
        self.chunks = chunks
        var found: UInt64 = 0
        var room = 0
        for chunk in chunks {
            guard !chunk.isEmpty, chunk.count <= Self.chunkBytesMax else {
                throw .malformed(part: what)
            }
            firsts.append(found)
            let bytes = chunk.span
            var offset = 0
            while offset < bytes.count {
                guard bytes.count - offset >= 2 else { throw .malformed(part: what) }
                let length = Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
                guard length > 0, length <= bytes.count - offset - 2,
                    offset > 0 || length + 2 > room
                else { throw .malformed(part: what) }
                offset += 2 + length
                found += 1
            }
            room = Self.chunkBytesMax - chunk.count
        }
        guard found == count else { throw .malformed(part: what) }
    }

    mutating func append(_ record: [UInt8]) -> RecordPosition {
        invariant(!record.isEmpty && record.count <= 65_535, "a record of \(record.count) bytes")
        if (chunks.last?.count ?? Self.chunkBytesMax) + 2 + record.count > Self.chunkBytesMax {
            chunks.append([])
            firsts.append(count)
        }
        let chunk = chunks.count - 1
        let position = RecordPosition(
            rawValue: UInt64(chunk) << 32 | UInt64(chunks[chunk].count))
        chunks[chunk].append(UInt8(truncatingIfNeeded: record.count))
        chunks[chunk].append(UInt8(truncatingIfNeeded: record.count >> 8))
        chunks[chunk] += record
        count += 1
        invariant(
            chunks[chunk].count <= Self.chunkBytesMax, "a chunk of \(chunks[chunk].count) bytes")
        invariant(firsts.count == chunks.count, "\(firsts.count) of \(chunks.count) chunks")
        invariant(firsts[chunk] < count, "chunk \(chunk) begins at \(firsts[chunk]) of \(count)")
        invariant(
            chunks[chunk].count == Int(position.rawValue & 0xFFFF_FFFF) + 2 + record.count,
            "a record of \(record.count) bytes does not end its chunk")
        return position
    }

    /// Returns a record.
    ///
    /// - Precondition: the position was given by this store.
    func record(at position: RecordPosition) -> [UInt8] {
        let range = range(at: position)
        return Array(chunks[Int(position.rawValue >> 32)][range])
    }

    /// Where a record lies in its chunk.
    private func range(at position: RecordPosition) -> Range<Int> {
        let chunk = Int(position.rawValue >> 32)
        let offset = Int(position.rawValue & 0xFFFF_FFFF)
        invariant(
            chunk < chunks.count && offset + 2 < chunks[chunk].count,
            "no record at byte \(offset) of chunk \(chunk)")
        let length = Int(chunks[chunk][offset]) | Int(chunks[chunk][offset + 1]) << 8
        let range = offset + 2..<offset + 2 + length
        invariant(
            !range.isEmpty && range.upperBound <= chunks[chunk].count,
            "a record at \(range) of \(chunks[chunk].count) bytes")
        return range
    }

    /// Hands each record with its position to `body`, in order.
    func forEach<E: Error>(
        _ body: (RecordPosition, Span<UInt8>) throws(E) -> Void
    ) throws(E) {
        try forEachRange { place, chunk, range throws(E) in
            try body(place, chunk.span.extracting(range))
        }
    }

    /// Hands each record with its position to `body`, in order: the chunk, and where it lies there.
    func forEachRange<E: Error>(
        _ body: (RecordPosition, [UInt8], Range<Int>) throws(E) -> Void
    ) throws(E) {
        for (number, chunk) in chunks.enumerated() {
            var offset = 0
            while offset < chunk.count {
                let range = Self.range(at: offset, in: chunk.span)
                try body(
                    RecordPosition(rawValue: UInt64(number) << 32 | UInt64(offset)), chunk, range)
                offset = range.upperBound
            }
            invariant(offset == chunk.count, "chunk \(number) of \(chunk.count) ends at \(offset)")
        }
    }

    /// Where the record lies whose length is at `offset`.
    private static func range(at offset: Int, in chunk: Span<UInt8>) -> Range<Int> {
        let length = Int(chunk[offset]) | Int(chunk[offset + 1]) << 8
        return offset + 2..<offset + 2 + length
    }

    /// Decodes a record where it lies, of a component that somebody outside has made.
    static func decode<T: BorshCodable>(
        _ chunk: [UInt8], _ range: Range<Int>, of component: StateComponent
    ) throws(SnapshotError) -> T {
        do throws(DecodingError) {
            return try T(decoding: chunk, in: range)
        } catch {
            throw .undecodable(part: component.label, error)
        }
    }

    /// All records, in order.
    package var all: [[UInt8]] {
        var all: [[UInt8]] = []
        forEach { place, _ in all.append(record(at: place)) }
        return all
    }

    /// Computes the right edge of the tree of the records. Costs two hashes for each.
    package func frontier() -> MerkleFrontier {
        var frontier = MerkleFrontier()
        for chunk in chunks.indices { frontier.append(run(ofChunk: chunk)) }
        invariant(frontier.count == count, "\(frontier.count) leaves of \(count) records")
        return frontier
    }

    /// Hashes the records of a chunk: what `frontier` joins, so that several cores may.
    package func run(ofChunk number: Int) -> MerkleRun {
        let chunk = chunks[number]
        let leafHashes = Self.leafHashes(chunk.span)
        let next = number + 1 < firsts.count ? firsts[number + 1] : count
        invariant(
            firsts[number] + UInt64(leafHashes.count) == next,
            "\(leafHashes.count) leaves from \(firsts[number]) on, the next is \(next)")
        return MerkleRun(first: firsts[number], leafHashes: leafHashes)
    }

    /// The hashes of the records in a chunk as leaves: two of one length in blocks at a time.
    private static func leafHashes(_ chunk: Span<UInt8>) -> [Digest] {
        var hashes: [Digest] = []
        hashes.reserveCapacity(chunk.count / 32)
        // By the number of blocks: a record that waits for one like it.
        var waiting = [(place: Int, range: Range<Int>)?](repeating: nil, count: 8)
        var offset = 0
        while offset < chunk.count {
            let range = Self.range(at: offset, in: chunk)
            offset = range.upperBound
            hashes.append(.zero)
            let place = hashes.count - 1
            let blocks = min((range.count + 9) / 64, waiting.count - 1)
            guard let other = waiting[blocks] else {
                waiting[blocks] = (place, range)
                continue
            }
            waiting[blocks] = nil
            (hashes[other.place], hashes[place]) = MerkleFrontier.leafHashes(
                chunk.extracting(other.range), chunk.extracting(range))
        }
        invariant(offset == chunk.count, "a chunk of \(chunk.count) bytes ends at \(offset)")
        for case let (place, range)? in waiting {
            hashes[place] = MerkleFrontier.leafHash(chunk.extracting(range))
        }
        return hashes
    }
}
