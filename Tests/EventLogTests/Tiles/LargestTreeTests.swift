// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Testing

/// A folder that claims as many entries as a number can count: whoever makes one needs to make its
/// last tiles alone.
@Suite struct LargestTreeTests {
    private static let size = UInt64.max
    /// The first entry of the last piece of eight tiles.
    private static let start = size - 2_047

    private let disk = SimulatedDisk()

    /// Writes the last tile of each level, and the seven whole tiles before the last entries.
    private func write() throws -> TreeHead {
        let entries = (0..<2_047).map { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let leaves = entries.map { MerkleFrontier.leafHash($0.span) }
        let tiles = (0..<7).map { Array(leaves[256 * $0..<256 * ($0 + 1)]) }
        let filler = (0..<255).map { Digest(hashing: [UInt8($0)]) }
        var edge = [Array(leaves[1_792...])]
        edge.append(filler[..<248] + tiles.map { MerkleFrontier.root(ofComplete: $0[...]) })
        while edge.count < 8 { edge.append(filler) }
        var subtrees: [Digest] = []
        for (level, hashes) in edge.enumerated().reversed() {
            var place = 0
            for bit in (0..<8).reversed() {
                subtrees.append(MerkleFrontier.root(ofComplete: hashes[place..<place + 1 << bit]))
                place += 1 << bit
            }
            let number = Self.size >> UInt64(8 * level + 8)
            put(TilePath.hashes(level: level, number: number, width: 255), hashes)
        }
        let first = Self.start / 256
        for (place, tile) in tiles.enumerated() {
            put(TilePath.hashes(level: 0, number: first + UInt64(place)), tile)
        }
        for place in 0..<8 {
            let some = entries[256 * place..<min(2_047, 256 * (place + 1))]
            let path = TilePath.entries(number: first + UInt64(place), width: some.count)
            disk.replace("/tiles/\(path)", with: some.flatMap { [0, 2] + $0 })
        }
        let root = try #require(MerkleFrontier(count: Self.size, subtrees: subtrees)).root
        let head = TreeHead(size: Self.size, root: root)
        let checkpoint = Checkpoint(ledger: Digest(hashing: []), head: head)
        let signed = try SignedCheckpoint(signing: checkpoint, with: SigningKey())
        disk.replace("/tiles/checkpoint", with: signed.bytes)
        return head
    }

    private func put(_ path: TilePath, _ hashes: [Digest]) {
        disk.replace("/tiles/\(path)", with: hashes.flatMap(\.bytes))
    }

    @Test func itsLastEntriesAreReadAndLeadToItsRoot() throws {
        let head = try write()
        let log = try TiledLog("/tiles", disk: disk)
        let pieces = try log.sweep(from: Self.start, tree: true, pieceBytes: 1 << 20)
        #expect(pieces.count == 1)
        let piece = try pieces.read(0)
        #expect(piece.firstIndex == Self.start && piece.endIndex == Self.size)
        let before = try #require(
            MerkleFrontier(count: Self.start, subtrees: try log.subtrees(at: Self.start)))
        var tree = PieceTree(before)
        tree.advance(to: .max, in: piece)
        #expect(tree.count == Self.size && tree.root == head.root)
    }

    @Test func itsPiecesAreCountedWithoutALookAtEach() throws {
        _ = try write()
        let log = try TiledLog("/tiles", disk: disk)
        let pieces = try log.sweep(from: 0, tree: true, pieceBytes: 1 << 20)
        #expect(pieces.count == 1 << 53)
        #expect(pieces.count(before: .max) == 1 << 53)
        #expect(pieces.count(before: Self.start) == 1 << 53 - 1)
        let few = [0, 1, 2_048, 2_049].map { pieces.count(before: $0) }
        #expect(few == [0, 1, 1, 2])
    }
}
