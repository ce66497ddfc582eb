// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// Commits of thousands of entries: a full segment of them is rewritten in shorter frames.
@Suite struct LongFrameTests {
    private func log() throws -> (SimulatedDisk, [[UInt8]]) {
        let disk = SimulatedDisk()
        var random = SplitMix64(seed: 8)
        var entries: [[UInt8]] = []
        let log = try EventLog.create(
            directory: "/log", disk: disk, options: LogOptions(segmentBytesMax: 100_000))
        for _ in 0..<3 {
            let commit = (0..<4_000).map { _ in random.bytes(100) }
            _ = try log.stage(commit[...])
            try log.commit()
            entries += commit
        }
        try log.close()
        return (disk, entries)
    }

    @Test func aSegmentOfLongFramesIsRewrittenInShorterOnes() throws {
        let (disk, entries) = try log()
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        let verified = try log.verifyAll()
        #expect(verified.segments == 3)
        // Two segments of 400,000 bytes in frames of 64 KiB, and one that is not full yet.
        #expect(verified.frames == 15)
        #expect(try allEntries(log) == entries)
        #expect(log.root == naiveRoot(of: entries))
    }

    @Test func proofsHoldInAnyOrderWithMoreTilesThanAreKept() throws {
        let (disk, entries) = try log()
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        var random = SplitMix64(seed: 9)
        for step in 0..<400 {
            // Now and then the same again, so that what is kept is asked for.
            let index = step % 3 == 0 ? 300 : random.next() % log.size
            let size = index + 1 + random.next() % (log.size - index)
            let proof = try log.inclusionProof(index: index, size: size)
            let bytes = entries[Int(index)]
            let leaf = MerkleFrontier.leafHash(bytes.span)
            #expect(
                MerkleProof.verifyInclusion(
                    leafHash: leaf, index: index, size: size, proof: proof,
                    root: try log.root(at: size)))
        }
        var frontier = MerkleFrontier()
        for (place, entry) in entries.enumerated() {
            frontier.append(leaf: entry)
            if place % 997 == 0 { #expect(try log.root(at: UInt64(place + 1)) == frontier.root) }
        }
    }
}
