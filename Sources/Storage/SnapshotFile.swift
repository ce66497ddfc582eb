// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// What a snapshot says of itself: the start of its file.
///
/// Layout, integers little-endian: magic "RCSN" (0, 4), version 1 (4, u16), zero (6, u16), bytes of
/// the header (8, u64), ledger id (16, 32), height of the last sealed batch (48, u64), size (56,
/// u64) and root (64, 32) of the log after its seal, root of each of the thirteen components (96,
/// 416), bytes of the fixed part (512, u64); the roots of the complete subtrees of the log's tree,
/// largest first, as many as the size has one bits (32 each); for each of the six components whose
/// records are kept, the number of records (u64), the number of chunks (u32) and the bytes of each
/// chunk (u32); the first eight bytes of SHA-256 of the header so far.
///
/// The fixed part follows, then the chunks. Nothing else checks them: loading computes every root.
package struct SnapshotHeader: Equatable, Sendable {
    static let magic = Array("RCSN".utf8)
    static let version: UInt16 = 1
    static let startBytes = 520
    static let headerBytesMax: UInt64 = 64 << 20

    /// The ledger: SHA-256 of its first entry.
    package let ledger: LedgerID
    /// The last batch that the state holds.
    package let height: Height
    /// The size of the log after its seal.
    package let size: UInt64
    /// The root of the log then.
    package let root: Digest
    /// The roots of the components, as the seal names them.
    package let components: [Digest]
    /// The roots of the complete subtrees of the log's tree, largest first.
    package let subtrees: [Digest]
    /// The bytes of the fixed part.
    let fixedBytes: UInt64
    /// The number of records and the bytes of each chunk, by component.
    let stores: [Store]

    /// What the header says of the records of a component.
    struct Store: Equatable, Sendable {
        let count: UInt64
        let chunkBytes: [UInt32]
    }

    /// The root of the whole state.
    package var stateRoot: Digest { StateRoot.combined(components) }

    /// The bytes of the file behind the header.
    var bodyBytes: UInt64 {
        stores.reduce(fixedBytes) { sum, store in
            store.chunkBytes.reduce(sum) { $0 + UInt64($1) }
        }
    }

    init(
        ledger: LedgerID, height: Height, size: UInt64, root: Digest, components: [Digest],
        subtrees: [Digest], _ snapshot: StateSnapshot
    ) {
        self.ledger = ledger
        self.height = height
        self.size = size
        self.root = root
        self.components = components
        self.subtrees = subtrees
        fixedBytes = UInt64(snapshot.fixed.count)
        stores = snapshot.records.map { store in
            Store(count: store.count, chunkBytes: store.chunks.map { UInt32($0.count) })
        }
    }

    /// The bytes of the header.
    var encoded: [UInt8] {
        var writer = BorshWriter()
        writer.writeFixed(Self.magic)
        writer.write(Self.version)
        writer.write(UInt16(0))
        let lists = stores.reduce(0) { $0 + 12 + 4 * $1.chunkBytes.count }
        writer.write(UInt64(Self.startBytes + 32 * subtrees.count + lists + 8))
        writer.write(ledger)
        writer.write(height)
        writer.write(size)
        writer.write(root)
        for component in components { writer.write(component) }
        writer.write(fixedBytes)
        for subtree in subtrees { writer.write(subtree) }
        for store in stores {
            writer.write(store.count)
            writer.write(UInt32(store.chunkBytes.count))
            for length in store.chunkBytes { writer.write(length) }
        }
        return writer.bytes + Digest(hashing: writer.bytes).bytes[..<8]
    }

    /// Returns the length of the header that these first sixteen bytes of a file speak of.
    ///
    /// Checks, in order: length, magic, version, the bound.
    static func length(start bytes: [UInt8]) throws(SnapshotFlaw) -> Int {
        guard bytes.count >= 16 else { throw .short(neededBytes: 16, foundBytes: bytes.count) }
        guard Array(bytes[..<4]) == magic else { throw .notASnapshot }
        var reader = BorshReader(Array(bytes[4..<16]))
        do throws(DecodingError) {
            let version = try reader.integer(UInt16.self)
            guard version <= Self.version else { return try tooNew(version) }
            let reserved = try reader.integer(UInt16.self)
            let length = try reader.integer(UInt64.self)
            guard version == Self.version, reserved == 0, length >= UInt64(startBytes),
                length <= headerBytesMax
            else { throw .notCanonical(type: "header", offset: 4) }
            return Int(length)
        } catch {
            throw .undecodable(error)
        }
    }

    private static func tooNew(_ version: UInt16) throws(DecodingError) -> Int {
        throw .unknownTag(type: "version", tag: UInt8(truncatingIfNeeded: version), offset: 4)
    }

    /// Reads a header whose length is known.
    ///
    /// Checks, in order: checksum, fields, that they take up all of it.
    init(_ bytes: [UInt8]) throws(SnapshotFlaw) {
        guard bytes.count == (try Self.length(start: bytes)) else {
            throw .short(neededBytes: try Self.length(start: bytes), foundBytes: bytes.count)
        }
        let covered = Array(bytes[..<(bytes.count - 8)])
        guard Digest(hashing: covered).bytes[..<8] == bytes[(bytes.count - 8)...] else {
            throw .headerChecksum
        }
        var reader = BorshReader(Array(covered[16...]))
        do throws(DecodingError) {
            ledger = try LedgerID(from: &reader)
            height = try Height(from: &reader)
            size = try reader.integer()
            root = try reader.digest()
            components = try Self.digests(StateComponent.allCases.count, &reader)
            fixedBytes = try reader.integer()
            subtrees = try Self.digests(size.nonzeroBitCount, &reader)
            var stores: [Store] = []
            for _ in StateSnapshot.grown {
                let count = try reader.integer(UInt64.self)
                // Each length has its own bytes, so a count beyond them ends the reading early.
                var lengths: [UInt32] = []
                for _ in 0..<(try reader.integer(UInt32.self)) {
                    lengths.append(try reader.integer())
                }
                stores.append(Store(count: count, chunkBytes: lengths))
            }
            self.stores = stores
            try reader.end()
        } catch {
            throw .undecodable(error)
        }
        guard MerkleFrontier(count: size, subtrees: subtrees)?.root == root,
            stores.allSatisfy({ store in
                store.chunkBytes.allSatisfy { $0 <= UInt32(RecordStore.chunkBytesMax) }
            }), fixedBytes <= UInt64(Int32.max)
        else { throw .contradictsItself }
    }

    private static func digests(
        _ count: Int, _ reader: inout BorshReader
    ) throws(DecodingError) -> [Digest] {
        var digests: [Digest] = []
        for _ in 0..<count { digests.append(try reader.digest()) }
        return digests
    }
}

/// What is wrong with a snapshot.
package enum SnapshotFlaw: Error, Equatable, Sendable {
    /// The file ends before its contents do.
    case short(neededBytes: Int, foundBytes: Int)
    /// There are bytes where the file should have ended.
    case long(bytes: UInt64)
    /// The file does not start as a snapshot does.
    case notASnapshot
    /// The header cannot be decoded.
    case undecodable(DecodingError)
    /// The checksum of the header is wrong.
    case headerChecksum
    /// The fields of the header contradict each other.
    case contradictsItself
    /// The name of the file is not that of its height.
    case wrongName(Height)
    /// It is of another ledger.
    case otherLedger(LedgerID)
    /// The state is not the one that the roots stand for.
    case state(SnapshotError)
    /// The seal in the log names other roots.
    case otherSeal(entry: UInt64)
    /// It is another one than a moment before.
    case changed
    /// The disk failed.
    case disk(DiskError)
}

extension SnapshotFlaw: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .short(let needed, let found): "\(needed) bytes were due and \(found) are there"
        case .long(let bytes): "\(bytes) bytes follow where it should end"
        case .notASnapshot: "it does not start as a snapshot does"
        case .undecodable(let error): "its header cannot be decoded: \(error)"
        case .headerChecksum: "the checksum of its header is wrong"
        case .contradictsItself: "its header contradicts itself"
        case .wrongName(let height): "it holds height \(height.rawValue), which is not its name"
        case .otherLedger(let ledger): "it is of another ledger, \(ledger.hex)"
        case .state(let error): "\(error)"
        case .otherSeal(let entry): "the seal in entry \(entry) of the log names other roots"
        case .changed: "it was replaced while it was read"
        case .disk(let error): "\(error)"
        }
    }
}
