// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

private let options = LogOptions(segmentBytesMax: 500)

/// A closed log of commits of these sizes, in segments sealed in both ways, and its entries.
private func log(of sizes: [Int]) throws -> (SimulatedDisk, [[UInt8]]) {
    let disk = SimulatedDisk()
    var random = SplitMix64(seed: 6)
    var entries: [[UInt8]] = []
    let log = try EventLog.create(directory: "/log", disk: disk, options: options)
    for size in sizes {
        for _ in 0..<size {
            entries.append(size == 8 ? random.bytes(64) : someEntry(&random, max: 40))
            _ = try log.stage(entries[entries.count - 1])
        }
        try log.commit()
    }
    try log.close()
    return (disk, entries)
}

/// Reads a log in pieces and puts them together, and returns the entries and what was verified.
private func sweep(
    _ log: EventLog, tree: Bool = true, pieceBytes: Int = 200
) throws -> ([[UInt8]], LogVerification) {
    let plan = try LogSweep(log, tree: tree, pieceBytes: pieceBytes)
    var verifier = try SweepVerifier(log, tree: tree)
    var grown = PieceTree()
    var entries: [[UInt8]] = []
    for number in 0..<plan.count {
        let piece = try plan.read(number)
        #expect(piece.firstIndex == plan.firstIndex(of: number))
        #expect(piece.firstIndex == UInt64(entries.count))
        for frame in piece.frames {
            entries += (0..<frame.count).map { Array(frame.bytes[frame.range(of: $0)]) }
        }
        try verifier.add(piece)
        guard tree else { continue }
        // At every place, so that no piece and no tile is left out.
        while grown.count < piece.endIndex {
            grown.advance(to: grown.count + 1, in: piece)
            let size = grown.count
            if size % 50 < 2 || size == piece.endIndex {
                #expect(try grown.root == log.root(at: size))
            }
        }
    }
    return (entries, try verifier.finish())
}

@Suite struct LogSweepTests {
    private static let sizes = [1, 2, 9, 3, 8, 1, 4, 300, 700, 2, 1, 513, 40]

    @Test(arguments: [1, 200, 2_000, 1 << 20])
    func piecesOfAnySizeAreTheLog(pieceBytes: Int) throws {
        let (disk, entries) = try log(of: Self.sizes)
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        for tree in [true, false] {
            let (found, verified) = try sweep(log, tree: tree, pieceBytes: pieceBytes)
            #expect(found == entries)
            #expect(verified == (try tree ? log.verifyAll() : log.verifyChecksums()))
        }
    }

    @Test func wholeTilesGiveTheRootsThatLeavesGive() throws {
        let (disk, entries) = try log(of: Self.sizes)
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        let leaves = entries.map { MerkleFrontier.leafHash($0.span) }
        for start in [0, 1, 255, 256, 300, 1000] {
            var before = MerkleFrontier()
            for leaf in leaves[..<start] { before.append(leafHash: leaf) }
            var tree = PieceTree(before)
            let plan = try LogSweep(log, from: UInt64(start), tree: true, pieceBytes: 1)
            for number in 0..<plan.count {
                let piece = try plan.read(number)
                tree.advance(to: piece.endIndex, in: piece)
                #expect(try tree.root == log.root(at: piece.endIndex), "from \(start)")
            }
            #expect(tree.count == UInt64(entries.count))
        }
    }

    @Test func anyChangedByteIsFound() throws {
        let (disk, entries) = try log(of: [1, 2, 9, 3, 8, 1, 4, 2, 1])
        func found(_ pieceBytes: Int) throws -> [[UInt8]] {
            let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
            return try sweep(log, pieceBytes: pieceBytes).0
        }
        for file in disk.files where file != "/log/LOCK" {
            let original = try #require(disk.bytes(of: file))
            for position in original.indices {
                var bytes = original
                bytes[position] ^= 2
                disk.replace(file, with: bytes)
                for pieceBytes in [1, 200] {
                    #expect(throws: LogError.self, "\(file) byte \(position)") {
                        _ = try found(pieceBytes).count
                    }
                }
            }
            disk.replace(file, with: original)
        }
        #expect(try found(200) == entries)
    }

    @Test func leavesInPairsAreLeaves() throws {
        for count in 0...70 {
            let leaves = (0..<count).map { Digest(hashing: [UInt8($0)]) }
            var frontier = MerkleFrontier()
            for leaf in leaves { frontier.append(leafHash: leaf) }
            guard count.nonzeroBitCount == 1 else { continue }
            #expect(MerkleFrontier.root(ofComplete: leaves[...]) == frontier.root)
        }
    }
}

@Suite struct WorkAheadTests {
    @Test(arguments: [1, 3, 100])
    func everyNumberComesInOrder(ahead: Int) {
        let work = WorkAhead(count: 500, ahead: ahead) { number in
            var sum = 0
            for step in 0..<((500 - number) * 20) { sum &+= step &* number }
            return (number, sum)
        }
        for number in 0..<500 { #expect(work.next()?.0 == number) }
        #expect(work.next() == nil)
    }

    @Test func noMoreIsBegunThanIsAllowed() {
        let begun = Monitor()
        let most = Highest()
        let work = WorkAhead(count: 100, ahead: 4, eagerCount: 50) { number in
            begun.locked { most.value = max(most.value, number) }
            return number
        }
        for number in 0..<100 {
            #expect(work.next() == number)
            let highest = begun.locked { most.value }
            // The next four, and behind the eager ones none that was not asked for.
            #expect(highest <= (number < 46 ? number + 4 : max(49, number)))
        }
    }

    @Test func nothingIsBegunOnceItIsStopped() {
        let work = WorkAhead(count: 10, ahead: 1) { $0 }
        #expect(work.next() == 0)
        work.stop()
        #expect(work.next() == nil)
    }

    /// Changed within the monitor only.
    private final class Highest: @unchecked Sendable {
        var value = 0
    }
}
