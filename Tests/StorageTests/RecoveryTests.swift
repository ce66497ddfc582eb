// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

@Suite("a damaged ledger is rebuilt from another copy")
struct RecoveryTests {
    private static let directory = StoredLedger.directory

    @Test("each segment missing, emptied, truncated or zeroed: only its tiles are fetched")
    func segmentsGone() throws {
        let count = try TwoCopies.fresh().segments.count
        #expect(count >= 5)
        let damages: [(String, ([UInt8]) -> [UInt8]?)] = [
            ("missing", { _ in nil }), ("empty", { _ in [] }),
            ("zeroed", { [UInt8](repeating: 0, count: $0.count) }),
            ("truncated", { Array($0[..<($0.count / 2)]) }),
            ("only a header", { Array($0[..<64]) }),
            (
                "random",
                { bytes in
                    var random = SplitMix64(seed: 5)
                    return bytes.map { _ in UInt8(truncatingIfNeeded: random.next()) }
                }
            ),
        ]
        for number in 0..<count {
            for (name, damage) in damages {
                let what = "segment \(number) \(name)"
                let copies = try TwoCopies.fresh()
                let path = copies.segments[number]
                let range = copies.range(of: number)
                let source = copies.files(in: TwoCopies.copy)
                copies.disk.replace(path, with: damage(try #require(copies.disk.bytes(of: path))))
                let before = copies.files(in: Self.directory)
                let report = try copies.recover()
                #expect(report.outcome == .recovered, "\(what)")
                #expect(report.tilesFetched > 0 || range.isEmpty, "\(what)")
                #expect(report.tilesFetched <= TwoCopies.tiles(of: range), "\(what)")
                if ["missing", "empty", "zeroed"].contains(name) {
                    #expect(report.tilesFetched == TwoCopies.tiles(of: range), "\(what)")
                }
                #expect(
                    report.tilesFetched + report.tilesKept
                        == TwoCopies.tiles(of: 0..<copies.trust.size), "\(what)")
                #expect(report.sizeKnownBefore == copies.trust.size, "\(what)")
                #expect(report.blobsKept == 2 && report.blobsFetched == 0, "\(what)")
                #expect(report.checkpointsKept == 2, "\(what)")
                #expect(report.snapshot == copies.height && report.snapshotsDropped == 1, "\(what)")
                // The damaged ledger is kept as it was.
                let aside = try #require(report.damagedCopy)
                var kept = copies.files(in: aside)
                kept["/LOCK"] = before["/LOCK"]
                #expect(kept == before, "\(what)")
                #expect(copies.files(in: TwoCopies.copy) == source, "\(what)")
                try copies.check(what)
            }
        }
    }

    @Test("what bytes are changed where, the ledger comes back and little is fetched")
    func flips() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix64(seed: seed)
        for round in 0..<60 {
            let what = "seed \(seed), round \(round)"
            let copies = try TwoCopies.fresh()
            let segments = copies.segments
            var touched: UInt64 = 0
            for _ in 0..<Int(random.next() % 4) + 1 {
                let number = Int(random.next() % UInt64(segments.count))
                var bytes = try #require(copies.disk.bytes(of: segments[number]))
                let start = Int(random.next() % UInt64(bytes.count))
                let length = min(bytes.count - start, 1 << Int(random.next() % 12))
                for place in start..<start + length {
                    bytes[place] ^= UInt8(truncatingIfNeeded: random.next()) | 1
                }
                copies.disk.replace(segments[number], with: bytes)
                touched += TwoCopies.tiles(of: copies.range(of: number))
            }
            let report = try copies.recover()
            #expect(report.outcome == .recovered, "\(what)")
            #expect(report.tilesFetched <= touched, "\(what)")
            try copies.check(what)
        }
    }

    @Test("after a bad frame the next good one is found, with the segment's header and without")
    func smallFrames() throws {
        for withHeader in [true, false] {
            let copies = try TwoCopies.fresh()
            try copies.remove(Self.directory)
            let log = try EventLog.create(directory: Self.directory, disk: copies.disk)
            for (index, entry) in copies.entries.enumerated() {
                _ = try log.stage(entry)
                if index % 8 == 7 { try log.commit() }
            }
            try log.commit()
            try log.close()
            let path = "\(Self.directory)/segments/00000000000000000000.segment"
            var bytes = try #require(copies.disk.bytes(of: path))
            // The frame of entries 800 to 807, and its like for entry 1200.
            let magic: [UInt8] = Array("RCFR".utf8)
            let frames = (64..<bytes.count - 4).filter { Array(bytes[$0..<$0 + 4]) == magic }
            #expect(frames.count == (copies.entries.count + 7) / 8)
            for frame in [100, 150] { bytes[frames[frame] + 26] ^= 0x40 }
            if !withHeader { bytes[50] ^= 1 }
            copies.disk.replace(path, with: bytes)
            let report = try copies.recover()
            #expect(report.fetched == [768..<1280], "\(withHeader)")
            #expect(report.tilesFetched == 2, "\(withHeader)")
            try copies.check("with header: \(withHeader)")
        }
    }

    @Test("headers, footers, end mark and swapped segments: nothing needs to be fetched")
    func structures() throws {
        let names = ["header", "footer", "mark", "swap", "rename", "junk"]
        for name in names {
            let copies = try TwoCopies.fresh()
            let segments = copies.segments
            func change(_ path: String, _ range: (Int) -> Range<Int>) throws {
                var bytes = try #require(copies.disk.bytes(of: path))
                for place in range(bytes.count) { bytes[place] ^= 0x55 }
                copies.disk.replace(path, with: bytes)
            }
            switch name {
            case "header": for path in segments { try change(path) { _ in 0..<64 } }
            case "footer": for path in segments.dropLast() { try change(path) { $0 - 30..<$0 } }
            case "mark": try change("\(Self.directory)/END") { 0..<$0 }
            case "swap":
                let (a, b) = (
                    copies.disk.bytes(of: segments[0]), copies.disk.bytes(of: segments[2])
                )
                copies.disk.replace(segments[0], with: b)
                copies.disk.replace(segments[2], with: a)
            case "rename":
                let bytes = copies.disk.bytes(of: segments[1])
                copies.disk.replace(segments[1], with: nil)
                copies.disk.replace("\(Self.directory)/segments/lost+found", with: bytes)
            default: copies.disk.replace("\(Self.directory)/segments/junk", with: [1, 2, 3])
            }
            let report = try copies.recover()
            #expect(report.outcome == .recovered, "\(name)")
            #expect(report.tilesFetched == 0 && report.bytesFetched == 0, "\(name)")
            try copies.check(name)
        }
    }

    @Test("an empty and a missing directory are filled from the copy")
    func nothingLeft() throws {
        for isMissing in [true, false] {
            let copies = try TwoCopies.fresh()
            try copies.remove(Self.directory)
            if !isMissing { try copies.disk.createDirectory(Self.directory) }
            let report = try copies.recover()
            #expect(report.outcome == .recovered)
            #expect(report.tilesKept == 0)
            #expect(report.fetched == [0..<copies.trust.size])
            #expect(report.bytesFetched == copies.entries.reduce(0) { $0 + UInt64($1.count) })
            #expect(report.blobsFetched == 2)
            #expect((report.damagedCopy == nil) == isMissing)
            try copies.check("missing: \(isMissing)")
        }
    }

    @Test("a whole ledger that is vouched for is left as it is, to the byte")
    func nothingToDo() throws {
        for withoutMark in [false, true] {
            let copies = try TwoCopies.fresh()
            if withoutMark { copies.disk.replace("\(Self.directory)/END", with: nil) }
            let before = copies.files(in: "")
            let report = try copies.recover()
            #expect(report.outcome == .nothingToDo)
            #expect(report.size == copies.trust.size && report.root == copies.trust.root)
            #expect(report.damagedCopy == nil)
            #expect(copies.files(in: "") == before)
            // An older checkpoint vouches for a part of it.
            let size = copies.batchEnds[20]
            let part = try copies.head(at: size)
            #expect(try copies.recover(trust: part).outcome == .nothingToDo)
            #expect(copies.files(in: "") == before)
        }
    }

    @Test("blobs are mended from the copy, and those that nobody has are named")
    func blobs() throws {
        let copies = try TwoCopies.fresh()
        let path = "/blobs/\(copies.blob.hex)"
        copies.disk.replace(Self.directory + path, with: [9])
        let report = try copies.recover()
        #expect(report.outcome == .recovered)
        #expect(report.blobsFetched == 1 && report.blobsKept == 1 && report.tilesFetched == 0)
        try copies.check("blobs")

        let again = try TwoCopies.fresh()
        again.disk.replace(Self.directory + path, with: nil)
        let liar = Liar(try LedgerSource(directory: TwoCopies.copy, disk: again.disk))
        liar.blobBytes = [6, 6, 6]
        let lied = try again.recover(from: liar)
        #expect(lied.blobsMissing == again.missing(and: [again.blob]))
        #expect(again.disk.bytes(of: Self.directory + path) == nil)
    }

    @Test("checkpoints of another history or ledger are dropped by name")
    func checkpoints() throws {
        let copies = try TwoCopies.fresh()
        let folder = "\(Self.directory)/checkpoints"
        let key = Fixture.key(0)
        let size = copies.batchEnds[5]
        let forged = try SignedCheckpoint(
            signing: Checkpoint(
                ledger: copies.trust.ledger.digest, head: TreeHead(size: size, root: .zero)),
            with: key)
        let foreign = try SignedCheckpoint(
            signing: Checkpoint(ledger: .zero, head: TreeHead(size: 1, root: .zero)), with: key)
        let beyond = try SignedCheckpoint(
            signing: Checkpoint(
                ledger: copies.trust.ledger.digest, head: TreeHead(size: 1 << 40, root: .zero)),
            with: key)
        let names = [size, 1, 1 << 40].map { TwoCopies.checkpointName($0) }
        for (name, note) in zip(names, [forged, foreign, beyond]) {
            copies.disk.replace("\(folder)/\(name)", with: note.bytes)
        }
        copies.disk.replace("\(folder)/junk", with: [0xFF])
        let precommits = "\(folder)/00000000000000000005.precommits"
        copies.disk.replace(precommits, with: [1, 2, 3])
        copies.disk.replace("\(Self.directory)/END", with: [])
        let report = try copies.recover()
        #expect(Set(report.checkpointsDropped) == Set(names + ["junk"]))
        #expect(report.checkpointsKept == 2)
        #expect(report.sizeKnownBefore == 1 << 40)
        #expect(report.notices.contains { $0.contains("\(1 << 40)") })
        #expect(try copies.disk.list(folder).count == 4)
        #expect(copies.disk.bytes(of: precommits) == [1, 2, 3])
    }

    @Test("whole batches beyond the checkpoint are kept and told of; what is damaged there is not")
    func beyond() throws {
        let copies = try TwoCopies.fresh()
        let number = 30
        let head = try copies.head(at: copies.batchEnds[number])
        // The copy ends where the checkpoint does.
        try copies.truncateCopy(toBatch: number)
        copies.disk.replace(copies.segments[0], with: nil)
        let report = try copies.recover(trust: head)
        #expect(report.outcome == .recovered)
        #expect(report.entriesBeyond == copies.trust.size - head.size)
        #expect(report.batchesBeyond == UInt64(copies.batchEnds.count - number - 1))
        try copies.check("all beyond")

        let again = try TwoCopies.fresh()
        try again.truncateCopy(toBatch: number)
        again.disk.replace(again.segments[0], with: nil)
        let last = try #require(again.segments.last)
        var bytes = try #require(again.disk.bytes(of: last))
        bytes[bytes.count / 2] ^= 1
        again.disk.replace(last, with: bytes)
        let part = try again.recover(trust: head)
        #expect(again.batchEnds.contains(part.size))
        #expect(part.size > head.size && part.size < again.trust.size)
        #expect(part.sizeKnownBefore == again.trust.size)
        #expect(part.notices.contains { $0.contains("left there") })
        #expect(part.checkpointsDropped == [TwoCopies.checkpointName(again.trust.size)])
        try again.check(size: part.size, "part of what is beyond")
    }

    @Test("what lies beyond a trusted checkpoint is believed: a forged batch is not kept")
    func forgedBeyond() throws {
        let copies = try TwoCopies.fresh()
        let number = 30
        let head = try copies.head(at: copies.batchEnds[number])
        try copies.truncateCopy(toBatch: number)
        // The same ledger with whole frames, of which one entry beyond is another.
        try copies.remove(Self.directory)
        let log = try EventLog.create(directory: Self.directory, disk: copies.disk)
        for (index, entry) in copies.entries.enumerated() {
            var entry = entry
            if UInt64(index) == head.size,
                case .batchOpened(var opened) = try Event(decoding: entry)
            {
                opened.signature = .zero
                entry = Event.batchOpened(opened).encoded
            }
            _ = try log.stage(entry)
        }
        try log.commit()
        try log.close()
        copies.disk.replace("\(Self.directory)/END", with: [])
        let report = try copies.recover(trust: head)
        #expect(report.entriesBeyond == 0 && report.size == head.size)
        #expect(report.notices.contains { $0.contains("left there") })
        try copies.check(size: head.size, "forged")
    }
}

extension TwoCopies {
    /// What is known of the ledger at an earlier size.
    func head(at size: UInt64) throws -> TrustedHead {
        let log = try EventLog.open(directory: Self.copy, disk: disk, access: .readOnly)
        return TrustedHead(ledger: trust.ledger, size: size, root: try log.root(at: size))
    }

    /// Blobs that no copy has, which entries speak of, and these.
    func missing(and more: [Digest]) -> [Digest] {
        var found = Set(more)
        for entry in entries {
            switch try? Event(decoding: entry) {
            case .jobSubmitted(let job): found.formUnion([job.module, job.input])
            case .resultReported(let result) where result.output != .zero:
                found.insert(result.output)
            default: break
            }
        }
        return found.sorted()
    }

    /// Makes the copy end after a batch.
    func truncateCopy(toBatch number: Int) throws {
        try remove(Self.copy)
        let log = try EventLog.create(directory: Self.copy, disk: disk)
        for entry in entries[..<Int(batchEnds[number])] { _ = try log.stage(entry) }
        try log.commit()
        try log.close()
    }
}
