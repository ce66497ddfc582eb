// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// Writes the format from its description, without the code under test.
private struct Forger {
    let salt: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    private(set) var file: [UInt8] = []
    private var previous: [UInt8] = []

    static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T(8 * $0)) }
    }

    static func sum(_ bytes: [UInt8]) -> [UInt8] { Array(Digest(hashing: bytes).bytes[..<8]) }

    init() {
        file = Array("RCSG".utf8) + [1, 0, 0, 0] + Self.little(UInt64(0))
        file += Digest(hashing: []).bytes + salt
        previous = Self.sum(file)
        file += previous
    }

    mutating func append(
        payload: [UInt8], first: UInt64, count: UInt32, compression: UInt16 = 0,
        raw: UInt32? = nil, stored: UInt32? = nil, version: UInt16 = 1
    ) {
        var header = Array("RCFR".utf8) + Self.little(version) + Self.little(compression)
        header += Self.little(first) + Self.little(count)
        header += Self.little(raw ?? UInt32(payload.count))
        header += Self.little(stored ?? UInt32(payload.count))
        header += previous + Self.sum(payload)
        previous = Self.sum(salt + header)
        file += header + previous + payload
    }
}

private func open(_ forger: Forger) throws -> EventLog {
    let disk = SimulatedDisk()
    try EventLog.create(directory: "/log", disk: disk).close()
    disk.replace("/log/END", with: nil)
    disk.replace("/log/segments/00000000000000000000.segment", with: forger.file)
    return try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
}

@Suite struct FormatTests {
    @Test func aLogWrittenFromTheDescriptionIsRead() throws {
        var forger = Forger()
        forger.append(payload: [2, 0, 1, 0] + [10, 11] + [12], first: 0, count: 2)
        let raw = [100, 0] + [UInt8](repeating: 9, count: 100)
        let block = try #require(LZ4.compress(raw))
        forger.append(payload: block, first: 2, count: 1, compression: 1, raw: 102)
        let log = try open(forger)
        #expect(log.recovery.tornBytes == 0)
        #expect(try allEntries(log) == [[10, 11], [12], [UInt8](repeating: 9, count: 100)])
        _ = try log.verifyAll()
    }

    /// Sixteen entries of three lengths, and their payload in columns.
    private static let entries = (0..<16).map { number in
        [UInt8](repeating: UInt8(number), count: [3, 40, 200][number % 3])
    }

    private static func columns(_ entries: [[UInt8]]) -> [UInt8] {
        var payload = entries.map { UInt8(truncatingIfNeeded: $0.count) }
        payload += entries.map { UInt8($0.count >> 8) }
        for length in Set(entries.map(\.count)).sorted() {
            let group = entries.filter { $0.count == length }
            for column in 0..<min(length, 32) { payload += group.map { $0[column] } }
            for entry in group { payload += entry.dropFirst(32) }
        }
        return payload
    }

    @Test func columnsWrittenFromTheDescriptionAreRead() throws {
        let columns = Self.columns(Self.entries)
        let block = try #require(LZ4.compress(columns))
        var forger = Forger()
        forger.append(
            payload: block, first: 0, count: 16, compression: 2, raw: UInt32(columns.count))
        let log = try open(forger)
        #expect(log.recovery.tornBytes == 0)
        #expect(try allEntries(log) == Self.entries)
    }

    @Test func columnsWhoseLengthsDoNotAddUpAreNotTaken() throws {
        for place in [0, 1, 15, 16, 31] {
            for change: UInt8 in [1, 0x80, 0xFF] {
                var columns = Self.columns(Self.entries)
                columns[place] ^= change
                let block = try #require(LZ4.compress(columns))
                var forger = Forger()
                forger.append(
                    payload: block, first: 0, count: 16, compression: 2, raw: UInt32(columns.count))
                #expect(try open(forger).size == 0, "byte \(place) changed by \(change)")
            }
        }
    }

    @Test func entriesOfAnyLengthsComeBackFromColumns() throws {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        var random = SplitMix64(seed: 11)
        var entries: [[UInt8]] = []
        for count in [7, 8, 9, 300] {
            let batch = (0..<count).map { _ in someEntry(&random, max: 90) }
            entries += batch
            #expect(try log.stage(batch[...]) == UInt64(entries.count - count))
            try log.commit()
        }
        // Of a length there are none, some, or more than are laid in columns at once.
        for count in [40, 64, 200, 1_000] {
            let batch = (0..<count).map { _ in
                random.bytes([31, 32, 33, 149][Int(random.next() % 4)])
            }
            entries += batch
            _ = try log.stage(batch[...])
            try log.commit()
        }
        _ = try log.stage([[UInt8](repeating: 5, count: 65_535)] + entries[..<9])
        try log.commit()
        #expect(try Array(allEntries(log).prefix(entries.count)) == entries)
        #expect(try log.entry(at: UInt64(entries.count)).count == 65_535)
        _ = try log.verifyAll()
    }

    @Test func framesThatLieWithRightChecksumsAreNotTaken() throws {
        let forgeries: [(inout Forger) -> Void] = [
            { $0.append(payload: [1, 0, 7], first: 1, count: 1) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 0) },
            { $0.append(payload: [1, 0, 7], first: 0, count: .max) },
            { $0.append(payload: [2, 0, 7], first: 0, count: 1) },
            { $0.append(payload: [0, 0, 7], first: 0, count: 1) },
            { $0.append(payload: [1, 0, 7, 8], first: 0, count: 1) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, compression: 2) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, compression: 3) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, compression: 2, raw: 60) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, compression: 1, raw: 60) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, compression: 1, raw: .max) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, raw: .max, stored: .max) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, stored: .max) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, raw: 64 << 20, stored: 64 << 20) },
            { $0.append(payload: [1, 0, 7], first: 0, count: 1, version: 0) },
        ]
        for (number, forge) in forgeries.enumerated() {
            var forger = Forger()
            forge(&forger)
            let log = try open(forger)
            #expect(log.size == 0, "forgery \(number)")
            #expect(log.recovery.tornBytes == UInt64(forger.file.count - 64), "forgery \(number)")
        }
        var newer = Forger()
        newer.append(payload: [1, 0, 7], first: 0, count: 1, version: 2)
        #expect {
            try open(newer)
        } throws: {
            if case LogError.newerFormat(_, version: 2, known: 1) = $0 { true } else { false }
        }
    }

    @Test func anEntryThatHoldsAFrameDoesNotPassForOne() throws {
        // The entry's author does not know the salt, so a frame torn around it stays torn.
        var inner = Forger()
        inner.append(payload: [1, 0, 7], first: 5, count: 1)
        let embedded = Array(inner.file[64...])
        let disk = SimulatedDisk()
        do {
            let log = try EventLog.create(directory: "/log", disk: disk)
            _ = try log.stage(embedded)
            try log.commit()
            disk.restart(seed: 0)
        }
        let path = "/log/segments/00000000000000000000.segment"
        var bytes = try #require(disk.bytes(of: path))
        for position in 64..<116 { bytes[position] = 0 }
        disk.replace(path, with: bytes)
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        #expect(log.size == 0)
    }

    @Test func anEntryThatEndsLikeASegmentDoesNotPassForItsFooter() throws {
        // Random bytes before it make sure that the frame is stored as it is.
        var random = SplitMix64(seed: 14)
        let footer = random.bytes(20_000) + (try sealedFooter()).0
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        _ = try log.stage(footer)
        try log.commit()
        try log.close()
        let again = try EventLog.open(directory: "/log", disk: disk)
        _ = try again.stage(footer)
        try again.commit()
        try again.close()
        let path = "/log/segments/00000000000000000000.segment"
        #expect(disk.bytes(of: path)?.suffix(footer.count) == footer[...])
        #expect(try allEntries(EventLog.open(directory: "/log", disk: disk)) == [footer, footer])
    }

    /// The footer of a segment, found by the length in its last 24 bytes, and the segment.
    private func sealedFooter() throws -> ([UInt8], [UInt8]) {
        let disk = SimulatedDisk()
        var random = SplitMix64(seed: 2)
        let log = try EventLog.create(
            directory: "/log", disk: disk, options: LogOptions(segmentBytesMax: 100))
        for _ in 0..<2 {
            _ = try log.stage(random.bytes(200))
            try log.commit()
        }
        let file = try #require(disk.bytes(of: "/log/segments/00000000000000000000.segment"))
        let trailer = Array(file.suffix(24))
        let length = (0..<8).reduce(0) { $0 | Int(trailer[$1]) << (8 * $1) }
        return (Array(file.suffix(length)), file)
    }

    @Test func aFooterIsAsDescribed() throws {
        let (footer, file) = try sealedFooter()
        var wanted = Array("RCFT".utf8) + [1, 0, 0, 0]
        wanted += Forger.little(UInt64(0)) + Forger.little(UInt64(1))
        let entry = Array(file[(64 + 52 + 2)..<(64 + 52 + 2 + 200)])
        wanted += naiveRoot(of: [entry]).bytes
        wanted += file[(64 + 44)..<(64 + 52)]
        wanted += Forger.little(UInt32(1)) + Forger.little(UInt32(0))
        wanted += Forger.little(UInt64(0)) + Forger.little(UInt64(64))
        wanted += Forger.little(UInt64(wanted.count + 24)) + Array("RCFE".utf8) + [0, 0, 0, 0]
        wanted += Forger.sum(file[48..<56] + wanted)
        #expect(footer == wanted)
    }

    private struct Verdicts: Decodable {
        struct Case: Decodable {
            let file: String
            let lz4_block_decompress_max1MiB: String
            let out_len: Int?
            let out_sha256: String?
        }
        let cases: [Case]
    }

    @Test(.enabled(if: Vectors.has("lz4"), "no folder lz4 among the vectors"))
    func blocksGetTheVerdictOfTheReference() throws {
        let verdicts: Verdicts = try Vectors.json("lz4/pierrec_fuzz_uncompress_verdicts.json")
        #expect(verdicts.cases.count == 107)
        var decoded = 0
        for vector in verdicts.cases {
            let block = try [UInt8](Vectors.data("lz4/blocks/\(vector.file)"))
            let raw = LZ4.decompress(block.span, atMost: 1 << 20)
            if vector.lz4_block_decompress_max1MiB == "ok" {
                decoded += 1
                #expect(raw?.count == vector.out_len, "\(vector.file)")
                #expect(raw.map { Digest(hashing: $0).hex } == vector.out_sha256)
            } else {
                #expect(raw == nil, "\(vector.file)")
            }
        }
        #expect(decoded == 7)
    }

    @Test func compressionRoundTripsAndRefusesOtherLengths() throws {
        var random = SplitMix64(seed: 3)
        #expect(LZ4.compress([]) == nil)
        for count in [1, 2, 15, 16, 17, 255, 65_535, 65_536, 300_000] {
            for raw in [random.bytes(count), [UInt8](repeating: 3, count: count)] {
                let block = try #require(LZ4.compress(raw))
                #expect(LZ4.decompress(block.span, count: count) == raw)
                #expect(LZ4.decompress(block.span, count: count + 1) == nil)
                #expect(LZ4.decompress(block.span, count: count - 1) == nil)
            }
        }
    }
}
