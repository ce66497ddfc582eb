// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite struct TileExportTests {
    @Test(arguments: [
        (0, "tile/0/000"), (999, "tile/0/999"), (1000, "tile/0/x001/000"),
        (1_234_067, "tile/0/x001/x234/067"), (UInt64.max, ""),
    ])
    func numbersAreWrittenInGroupsOfThree(number: UInt64, path: String) {
        let made = TilePath.hashes(level: 0, number: number).description
        if path.isEmpty {
            #expect(made == "tile/0/x018/x446/x744/x073/x709/x551/615")
        } else {
            #expect(made == path)
        }
    }

    @Test func partialTilesSayTheirWidth() {
        #expect(
            TilePath.entries(number: 1_234_067, width: 8).description
                == "tile/entries/x001/x234/067.p/8")
        #expect(
            TilePath.hashes(level: 63, number: 0, width: 255).description == "tile/63/000.p/255")
    }

    /// The example of C2SP tlog-tiles, section Partial Tiles.
    @Test func aLogOfSeventyThousandHasTheTilesOfTheSpecification() throws {
        let made = try NumberedLog.large.get()
        let disk = SimulatedDisk()
        let report = try made.export(70_000, to: disk)
        var expected = ["checkpoint", "tile/0/273.p/112", "tile/entries/273.p/112"]
        for number in 0..<273 {
            let padded = String("00\(number)".suffix(3))
            expected += ["tile/0/\(padded)", "tile/entries/\(padded)"]
        }
        expected += ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
        #expect(disk.files == expected.map { "/tiles/\($0)" }.sorted())
        #expect(report.files == expected.count)
        #expect(
            report.bytes == disk.files.reduce(0) { $0 + UInt64(disk.bytes(of: $1)?.count ?? 0) })
        #expect(report.oldSize == nil)
        let bytes = try #require(disk.bytes(of: "/tiles/tile/2/000.p/1"))
        #expect(bytes == (try made.log.root(at: 65_536)).bytes)
        let head = try made.checkpoint(70_000).head
        #expect(try readAll(disk, head) == (0..<70_000).map { NumberedLog.entry($0) })
    }

    @Test func anIncrementalExportIsAFreshOneByteForByte() throws {
        let made = try NumberedLog.large.get()
        let disk = SimulatedDisk()
        let sizes = [0, 0, 1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, 65_537]
        for size in sizes {
            try made.export(size, to: disk)
            let fresh = SimulatedDisk()
            try made.export(size, to: fresh)
            for file in fresh.files {
                #expect(disk.bytes(of: file) == fresh.bytes(of: file), "\(file)")
            }
            // What is left of older sizes are partial tiles.
            let older = Set(disk.files).subtracting(fresh.files)
            #expect(older.allSatisfy { $0.contains(".p/") })
            let head = try made.checkpoint(size).head
            #expect(try readAll(fresh, head) == (0..<size).map { NumberedLog.entry($0) })
            #expect(try TileFolder.checkpoint(in: "/tiles", disk: disk).head == head)
        }
        // The folder serves every older size, too, also those that were never exported.
        for size in [0, 1, 2, 3, 254, 255, 256, 257, 300, 511, 65_000] {
            let head = try made.checkpoint(size).head
            #expect(try readAll(disk, head).count == size)
        }
    }

    @Test func runningAgainWritesWhatIsNewAndNothingElse() throws {
        let made = try NumberedLog.large.get()
        let disk = SimulatedDisk()
        try made.export(65_536, to: disk)
        let operations = disk.operations
        let again = try made.export(65_536, to: disk)
        #expect(again.oldSize == 65_536)
        #expect(again.size == 65_536)
        #expect(again.files == 0)
        #expect(again.bytes == 0)
        #expect(disk.operations - operations < 10)
        // A bundle and a tile of one leaf, and the checkpoint.
        #expect(try made.export(65_537, to: disk).files == 3)
        // Two bundles and two tiles of leaves, one of level 1, and the checkpoint.
        #expect(try made.export(65_537 + 256, to: disk).files == 6)
        // The same checkpoint with one more signature is written, and nothing else.
        let more = try made.checkpoint(65_537 + 256, cosigners: [1])
        let report = try TileExport.run(made.log, upTo: more, to: "/tiles", disk: disk)
        #expect(report.files == 1)
        #expect(try TileFolder.checkpoint(in: "/tiles", disk: disk) == more)
    }

    @Test func aFolderOfAnotherLogIsRefused() throws {
        let made = try NumberedLog(count: 300)
        let other = try NumberedLog(count: 400, salt: "other")
        let disk = SimulatedDisk()
        try other.export(200, to: disk)
        let file = "/tiles/checkpoint"
        let before = disk.files
        let head = try other.checkpoint(200).head
        #expect(
            throws: TileError.damaged(
                file: file, .notOfThisLog(head, logSize: 300, logRoot: try made.log.root(at: 200)))
        ) { try made.export(300, to: disk) }
        #expect(disk.files == before)
        try other.export(400, to: disk)
        #expect(
            throws: TileError.damaged(
                file: file,
                .notOfThisLog(try other.checkpoint(400).head, logSize: 300, logRoot: nil))
        ) { try made.export(300, to: disk) }
        disk.replace(file, with: Array("no note".utf8))
        #expect(throws: TileError.damaged(file: file, .note(.noSignatures))) {
            try made.export(300, to: disk)
        }
        let foreign = try Checkpoint(origin: "example.com/log", head: made.checkpoint(200).head)
        disk.replace(file, with: try SignedCheckpoint(signing: foreign, with: key(0)).bytes)
        #expect(
            throws: TileError.damaged(
                file: file, .note(.otherOrigin(expected: origin, found: "example.com/log")))
        ) { try made.export(300, to: disk) }
        disk.replace(file, with: try made.checkpoint(300).bytes)
        #expect(throws: TileError.damaged(file: file, .newer(size: 300, asked: 200))) {
            try made.export(200, to: disk)
        }
    }

    @Test func aCheckpointThatIsNotOfTheLogIsRefused() throws {
        let made = try NumberedLog(count: 300)
        let disk = SimulatedDisk()
        let head = TreeHead(size: 299, root: .zero)
        let root = try made.log.root(at: 299)
        #expect(throws: TileError.otherCheckpoint(head, logRoot: root)) {
            try TileExport.run(
                made.log, upTo: signed(Checkpoint(ledger: ledger, head: head)), to: "/tiles",
                disk: disk)
        }
        let beyond = TreeHead(size: 301, root: made.log.root)
        #expect(throws: TileError.log(.outOfRange(index: 301, size: 300))) {
            try TileExport.run(
                made.log, upTo: signed(Checkpoint(ledger: ledger, head: beyond)), to: "/tiles",
                disk: disk)
        }
        #expect(disk.files.isEmpty)
    }

    /// Power fails at every operation of an export; what is there serves the checkpoint that is.
    @Test func anInterruptedExportLeavesAFolderThatServesItsCheckpoint() throws {
        let made = try NumberedLog(count: 600)
        let sizes = [300, 600]
        let heads = try sizes.map { try made.checkpoint($0).head }
        var operation = 0
        var interrupted = 0
        while true {
            let disk = SimulatedDisk()
            try made.export(300, to: disk)
            disk.fail(operation: operation, with: .powerCut)
            let isDone = (try? made.export(600, to: disk)) != nil
            if !isDone { interrupted += 1 }
            disk.restart(seed: UInt64(operation))
            let found = try TileFolder.checkpoint(in: "/tiles", disk: disk).head
            #expect(heads.contains(found))
            if isDone { #expect(found == heads[1]) }
            #expect(try readAll(disk, found).count == Int(found.size))
            try made.export(600, to: disk)
            #expect(try readAll(disk, heads[1]).count == 600)
            if isDone { break }
            operation += 1
        }
        #expect(interrupted > 40)
    }

    @Test func aFullOrFailingDiskEndsAnExportWithItsError() throws {
        let made = try NumberedLog(count: 300)
        for fault in [SimulatedFault.noSpace, .inputOutputError] {
            for operation in 0..<60 {
                let disk = SimulatedDisk()
                disk.fail(operation: operation, with: fault)
                do {
                    try made.export(300, to: disk)
                } catch let error as TileError {
                    guard case .disk = error else {
                        Issue.record("operation \(operation): \(error)")
                        continue
                    }
                }
                disk.healFaults()
                try made.export(300, to: disk)
                #expect(try readAll(disk, made.checkpoint(300).head).count == 300)
            }
        }
    }
}
