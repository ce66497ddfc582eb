// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import TestSupport
import Testing

/// Parts of a tree that are hashed by themselves give the tree that all leaves give.
struct MerkleRangeTests {
    private static func leaf(_ number: UInt64) -> Digest {
        Digest(hashing: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 9))
    }

    private static func range(_ start: UInt64, _ end: UInt64) -> MerkleRange {
        var range = MerkleRange(start: start)
        for number in start..<end { range.append(leaf(number), level: 0) }
        return range
    }

    @Test func `any two places part a tree into ranges that make it`() throws {
        let size: UInt64 = 41
        var whole = MerkleFrontier()
        for number in 0..<size { whole.append(leafHash: Self.leaf(number)) }
        for first in 0...size {
            for second in first...size {
                var frontier = MerkleFrontier()
                var joined = Self.range(0, first)
                for part in [(0, first), (first, second), (second, size)] {
                    let range = Self.range(part.0, part.1)
                    #expect(
                        range.nodes.map(\.level) == MerkleRange.levels(from: part.0, to: part.1))
                    let read = try #require(
                        MerkleRange(
                            start: part.0, end: part.1, roots: range.nodes.map(\.hash)))
                    #expect(read == range && frontier.append(range))
                    if part.0 >= first { joined.append(range) }
                }
                #expect(frontier == whole && joined == Self.range(0, size))
            }
        }
    }

    @Test func `what does not fit is refused`() {
        let range = Self.range(3, 11)
        let roots = range.nodes.map(\.hash)
        #expect(MerkleRange(start: 3, end: 11, roots: Array(roots.dropLast())) == nil)
        #expect(MerkleRange(start: 3, end: 11, roots: roots + roots) == nil)
        #expect(MerkleRange(start: 11, end: 3, roots: []) == nil)
        var frontier = MerkleFrontier()
        #expect(!frontier.append(range) && frontier.count == 0)
    }

    @Test func `the largest places have as few subtrees as any`() {
        let levels = MerkleRange.levels(from: 1, to: .max)
        #expect(levels.count == 126 && levels.max() == 62)
        #expect(MerkleRange.levels(from: .max, to: .max).isEmpty)
        #expect(MerkleRange.levels(from: 0, to: .max).count == 64)
    }
}
