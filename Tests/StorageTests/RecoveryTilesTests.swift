// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

@Suite("a damaged ledger is rebuilt from a folder of tiles")
struct RecoveryTilesTests {
    private static let directory = StoredLedger.directory
    private static let tiles = "/tiles"

    /// Two copies, and a folder of tiles of the batches up to one.
    private static func exported(upTo number: Int? = nil) throws -> TwoCopies {
        let copies = try TwoCopies.fresh()
        let log = try EventLog.open(
            directory: TwoCopies.copy, disk: copies.disk, access: .readOnly)
        let key = Fixture.key(0)
        // In two steps, so that there are partial tiles.
        for size in [copies.batchEnds[9], number.map { copies.batchEnds[$0] } ?? log.size] {
            let head = TreeHead(size: size, root: try log.root(at: size))
            _ = try TileExport.run(
                log,
                upTo: SignedCheckpoint(
                    signing: Checkpoint(ledger: copies.trust.ledger.digest, head: head),
                    with: key),
                to: tiles, disk: copies.disk)
        }
        return copies
    }

    private static func source(
        _ copies: TwoCopies, _ trust: TrustedHead? = nil
    ) throws(RecoveryError) -> TileSource {
        try TileSource(directory: tiles, trust: trust ?? copies.trust, disk: copies.disk)
    }

    @Test("each segment missing, and all of them: the tiles that are missing are fetched")
    func segments() throws {
        for number in 0...(try TwoCopies.fresh().segments.count) {
            let copies = try Self.exported()
            let isAll = number == copies.segments.count
            if isAll {
                try copies.remove(Self.directory)
            } else {
                copies.disk.replace(copies.segments[number], with: nil)
            }
            let range = isAll ? 0..<copies.trust.size : copies.range(of: number)
            let report = try copies.recover(from: Self.source(copies))
            #expect(report.outcome == .recovered, "segment \(number)")
            #expect(report.tilesFetched == TwoCopies.tiles(of: range), "segment \(number)")
            #expect(report.blobsFetched == 0 && report.blobsKept == (isAll ? 0 : 2))
            try copies.check("segment \(number)")
        }
    }

    @Test("an older head than the folder's serves, and what is beyond is kept")
    func older() throws {
        let copies = try Self.exported()
        let head = try copies.head(at: copies.batchEnds[25])
        copies.disk.replace(copies.segments[0], with: nil)
        let report = try copies.recover(from: Self.source(copies, head), trust: head)
        #expect(report.outcome == .recovered)
        #expect(report.entriesBeyond == copies.trust.size - head.size)
        try copies.check("older")
    }

    @Test("a folder of another ledger, too short, not vouched for, or damaged is refused in words")
    func refusals() throws {
        let copies = try Self.exported(upTo: 30)
        let part = try copies.head(at: copies.batchEnds[30])
        #expect(
            throws: RecoveryError.sourceTooShort(
                place: Self.tiles, size: part.size, needed: copies.trust.size)
        ) { try Self.source(copies) }
        let other = LedgerID(Digest(hashing: [1]))
        #expect(
            throws: RecoveryError.otherLedger(
                place: Self.tiles, expected: other, found: part.ledger)
        ) { try Self.source(copies, TrustedHead(ledger: other, size: part.size, root: part.root)) }
        #expect(
            throws: RecoveryError.notVouchedFor(
                place: Self.tiles, expected: .zero, computed: part.root)
        ) {
            try Self.source(
                copies, TrustedHead(ledger: part.ledger, size: part.size, root: .zero))
        }
        copies.disk.replace("\(Self.tiles)/checkpoint", with: [1])
        _ = try Self.source(copies, part)
        copies.disk.replace("\(Self.tiles)/checkpoint", with: nil)
        _ = try Self.source(copies, part)
        #expect(throws: RecoveryError.self) {
            try TileSource(directory: "/nowhere", trust: part, disk: copies.disk)
        }
    }

    @Test("a bundle that is needed and damaged is named; one that is not needed does no harm")
    func damagedBundles() throws {
        for isNeeded in [true, false] {
            let copies = try Self.exported()
            // The first segment of which nothing lies in tile 0, or the one where tile 1 begins.
            let number = try #require(
                copies.segments.indices.first {
                    let range = copies.range(of: $0)
                    return isNeeded ? range.contains(256) : range.lowerBound >= 256
                })
            let tile: UInt64 = isNeeded ? 1 : 0
            let path = "\(Self.tiles)/tile/entries/00\(tile)"
            var bytes = try #require(copies.disk.bytes(of: path))
            bytes[bytes.count / 2] ^= 1
            copies.disk.replace(path, with: bytes)
            copies.disk.replace(copies.segments[number], with: nil)
            if !isNeeded {
                #expect(try copies.recover(from: Self.source(copies)).outcome == .recovered)
                try copies.check("not needed")
                continue
            }
            do {
                try copies.recover(from: Self.source(copies))
                Issue.record("a damaged bundle was used")
            } catch let error as RecoveryError {
                guard case .sourceDamaged(Self.tiles, tile, path, _) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test("a folder whose first bundle is damaged still serves for the rest")
    func firstEntry() throws {
        let copies = try Self.exported()
        copies.disk.replace("\(Self.tiles)/tile/entries/000", with: [])
        copies.disk.replace(copies.segments[3], with: nil)
        #expect(try copies.recover(from: Self.source(copies)).outcome == .recovered)
        try copies.check("first")
    }
}
