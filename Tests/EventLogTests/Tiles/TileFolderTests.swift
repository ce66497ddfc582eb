// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite struct TileFolderTests {
    private let made: NumberedLog
    private let disk = SimulatedDisk()
    private let head: TreeHead

    init() throws {
        made = try NumberedLog.large.get()
        try made.export(66_000, to: disk)
        head = try made.checkpoint(66_000).head
    }

    /// What reading says of a file that was changed; nil where nothing was thrown.
    private func complaint() -> TileError? {
        do {
            let folder = try TileFolder(directory: "/tiles", head: head, disk: disk)
            _ = try folder.tileRoots()
            for tile: UInt64 in [0, 3, 4, 200, 255, 257] { _ = try folder.entries(inTile: tile) }
            return nil
        } catch { return error }
    }

    private func names(_ error: TileError?, _ file: String) -> Bool {
        switch error {
        case .damaged(let found, _): found == file
        case .damagedEdge(let files, _): files == [file]
        default: false
        }
    }

    /// One file of every kind: full and partial, of leaves and above, of entries.
    private static let files = [
        "tile/0/000", "tile/0/200", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1",
        "tile/2/000.p/1", "tile/entries/000", "tile/entries/255", "tile/entries/257.p/208",
    ]

    @Test func aFolderGivesTheRootsAndEntriesOfItsTiles() throws {
        let folder = try TileFolder(directory: "/tiles", head: head, disk: disk)
        #expect(folder.tileCount == 258)
        #expect(folder.range(ofTile: 257) == 65_792..<66_000)
        #expect(folder.range(ofTile: 258).isEmpty)
        for tile in [UInt64(0), 100, 255, 256] {
            let start = Int(tile) * 256
            let entries = (start..<start + 256).map { NumberedLog.entry($0) }
            #expect(try folder.entries(inTile: tile) == entries)
            #expect(try folder.tileRoot(tile) == naiveRoot(of: entries))
        }
        #expect(try folder.entries(inTile: 257).count == 208)
        #expect(try folder.leafHashes(inTile: 257).count == 208)
        #expect(throws: TileError.outOfRange(index: 258, size: 66_000)) {
            try folder.entries(inTile: 258)
        }
        #expect(throws: TileError.outOfRange(index: 257, size: 66_000)) { try folder.tileRoot(257) }
        #expect(throws: TileError.outOfRange(index: .max, size: 66_000)) {
            try folder.leafHashes(inTile: .max)
        }
        #expect(throws: TileError.outOfRange(index: 66_001, size: 66_000)) {
            try folder.forEach(from: 0, to: 66_001) { _, _ in }
        }
        var some: [UInt64] = []
        try folder.forEach(from: 250, to: 520) { index, entry in
            #expect(entry == NumberedLog.entry(Int(index)))
            some.append(index)
        }
        #expect(some == Array(250..<520))
    }

    @Test(arguments: files)
    func aDamagedFileIsRefusedByName(name: String) throws {
        let file = "/tiles/\(name)"
        let good = try #require(disk.bytes(of: file))
        var random = SplitMix64(seed: UInt64(good.count))
        var changes: [[UInt8]?] = [nil, [], Array(good.dropLast()), good + [0], good + good]
        changes.append(Array(good.dropLast(32)))
        changes.append([UInt8](repeating: 0, count: good.count))
        for _ in 0..<12 {
            var bytes = good
            bytes[Int(random.next() % UInt64(good.count))] ^= UInt8(random.next() % 255 + 1)
            changes.append(bytes)
        }
        if name.contains("entries") {
            // A length of nothing, and one beyond the end.
            changes.append([0, 0] + good[2...])
            changes.append([0xFF, 0xFF] + good[2...])
        }
        for (number, bytes) in changes.enumerated() {
            disk.replace(file, with: bytes)
            let error = complaint()
            #expect(names(error, file), "change \(number): \(error.map { "\($0)" } ?? "unharmed")")
        }
        disk.replace(file, with: good)
        #expect(complaint() == nil)
    }

    @Test func everyFlawOfABundleHasItsReason() throws {
        let file = "/tiles/tile/entries/000"
        let good = try #require(disk.bytes(of: file))
        let cases: [([UInt8]?, TileFlaw)] = [
            (nil, .missing), ([], .endsEarly(entry: 0)), ([0], .endsEarly(entry: 0)),
            ([0, 0] + good[2...], .emptyEntry(0)),
            ([0xFF, 0xFF] + good[2...], .endsEarly(entry: 0)),
            (Array(good.dropLast()), .endsEarly(entry: 255)),
            (good + [1], .bytesAfterEnd(count: 1)),
            (Array(good[..<2]) + [good[2] ^ 1] + good[3...], .entryHash(0)),
        ]
        for (bytes, flaw) in cases {
            disk.replace(file, with: bytes)
            #expect(complaint() == .damaged(file: file, flaw))
        }
    }

    @Test func tilesThatChangedPlacesAreRefused() throws {
        for (one, other) in [
            ("tile/0/003", "tile/0/004"), ("tile/entries/003", "tile/entries/004"),
        ] {
            let first = disk.bytes(of: "/tiles/\(one)")
            let second = disk.bytes(of: "/tiles/\(other)")
            disk.replace("/tiles/\(one)", with: second)
            disk.replace("/tiles/\(other)", with: first)
            #expect(names(complaint(), "/tiles/\(one)"))
            disk.replace("/tiles/\(one)", with: first)
            disk.replace("/tiles/\(other)", with: second)
        }
        #expect(complaint() == nil)
    }

    @Test func theFolderOfAnotherLogIsRefused() throws {
        let other = try NumberedLog(count: 700, salt: "other")
        let disk = SimulatedDisk()
        try other.export(700, to: disk)
        let wanted = try made.checkpoint(700).head
        let edge = ["/tiles/tile/1/000.p/2", "/tiles/tile/0/002.p/188"]
        #expect(
            throws: TileError.damagedEdge(
                files: edge, .root(stored: wanted.root, computed: other.log.root))
        ) { try readAll(disk, wanted) }
        let own = try other.checkpoint(700).head
        #expect(try readAll(disk, own).count == 700)
    }

    @Test func aFolderWithoutCheckpointOrTilesIsRefused() throws {
        let disk = SimulatedDisk()
        #expect(throws: TileError.damaged(file: "/tiles/checkpoint", .missing)) {
            try TileFolder.checkpoint(in: "/tiles", disk: disk)
        }
        #expect(throws: TileError.damaged(file: "/tiles/tile/2/000.p/1", .missing)) {
            try readAll(disk, head)
        }
        let nothing = TreeHead(size: 0, root: .ofNothing)
        #expect(try readAll(disk, nothing).isEmpty)
        #expect(throws: TileError.self) {
            try readAll(disk, TreeHead(size: 0, root: .zero))
        }
    }

    @Test func sizesBeyondAllReasonAreRefused() {
        for size in [UInt64(1) << 40, 1 << 63, .max] {
            #expect(throws: TileError.self) {
                try readAll(disk, TreeHead(size: size, root: .zero))
            }
        }
    }
}
