// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite struct EventLogTests {
    @Test func whatWasCommittedIsReadBackAfterReopening() throws {
        let disk = SimulatedDisk()
        var entries: [[UInt8]] = []
        var random = SplitMix64(seed: 1)
        do {
            let log = try EventLog.create(directory: "/log", disk: disk, options: small)
            #expect(log.size == 0)
            #expect(log.root == .ofNothing)
            for _ in 0..<40 {
                for _ in 0...random.next() % 9 {
                    let entry = someEntry(&random)
                    #expect(try log.stage(entry) == UInt64(entries.count))
                    entries.append(entry)
                }
                #expect(log.size < log.stagedSize)
                let staged = log.stagedRoot
                try log.commit()
                #expect(log.root == staged)
                #expect(log.root == naiveRoot(of: entries))
            }
            try log.close()
        }
        #expect(disk.files.filter { $0.hasSuffix(".segment") }.count > 3)
        let log = try EventLog.open(directory: "/log", disk: disk, options: small)
        #expect(log.recovery.wasClosed)
        #expect(log.size == UInt64(entries.count))
        #expect(log.root == naiveRoot(of: entries))
        #expect(try allEntries(log) == entries)
        for index in entries.indices {
            #expect(try log.entry(at: UInt64(index)) == entries[index])
        }
        let verified = try log.verifyAll()
        #expect(verified.entries == log.size)
        #expect(verified.hasEndMark)
    }

    /// The frames of a segment are others once it is sealed, and one may begin before the entry
    /// that comes next.
    @Test(arguments: [1, 100, 660, 700, 1_300])
    func aSegmentThatIsSealedWhileItIsReadGivesEachEntryOnce(_ place: UInt64) throws {
        let disk = SimulatedDisk()
        let options = LogOptions(segmentBytesMax: 3 << 20)
        let log = try EventLog.create(directory: "/log", disk: disk, options: options)
        var random = SplitMix64(seed: 9)
        func grow(to size: UInt64) throws {
            while log.size < size {
                _ = try log.stage(random.bytes(1_500))
                try log.commit()
            }
        }
        try grow(to: 1_900)
        let size = log.size
        var next: UInt64 = 0
        try log.forEach(from: 0, to: size) { index, _ in
            #expect(index == next)
            next = index + 1
            if index == place { try grow(to: 2_400) }
        }
        #expect(next == size)
        #expect(disk.files.filter { $0.hasSuffix(".segment") }.count > 1)
    }

    @Test func entriesOfForbiddenLengthsAndPlacesAreRefused() throws {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        #expect(throws: LogError.entryLength(bytes: 0, max: 65_535)) { try log.stage([]) }
        #expect(throws: LogError.entryLength(bytes: 65_536, max: 65_535)) {
            try log.stage([UInt8](repeating: 1, count: 65_536))
        }
        _ = try log.stage([UInt8](repeating: 1, count: 65_535))
        _ = try log.stage([7])
        try log.commit()
        #expect(try log.entry(at: 0).count == 65_535)
        #expect(try log.entry(at: 1) == [7])
        #expect(throws: LogError.outOfRange(index: 2, size: 2)) { try log.entry(at: 2) }
        #expect(throws: LogError.outOfRange(index: 3, size: 2)) { try log.root(at: 3) }
        #expect(throws: LogError.outOfRange(index: 2, size: 2)) {
            try log.inclusionProof(index: 2, size: 2)
        }
        #expect(throws: LogError.outOfRange(index: 3, size: 2)) {
            try log.consistencyProof(from: 3, to: 2)
        }
        #expect(throws: LogError.outOfRange(index: 9, size: 2)) { try log.commit(through: 9) }
    }

    @Test func discardedEntriesAreGone() throws {
        let log = try EventLog.create(directory: "/log", disk: SimulatedDisk())
        _ = try log.stage([1])
        try log.commit()
        let root = log.root
        _ = try log.stage([2])
        _ = try log.stage([3])
        log.discardStaged()
        #expect(log.stagedSize == 1)
        #expect(log.stagedRoot == root)
        #expect(try log.stage([4]) == 1)
        try log.commit()
        #expect(try log.entry(at: 1) == [4])
        #expect(log.root == naiveRoot(of: [[1], [4]]))
    }

    @Test func aSecondWriterIsRefusedAndAReaderIsNot() throws {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        #expect(throws: LogError.locked(path: "/log/LOCK", holder: 1)) {
            try EventLog.open(directory: "/log", disk: disk)
        }
        _ = try log.stage([1])
        try log.commit()
        let reader = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        #expect(reader.size == 1)
        #expect(throws: LogError.readOnly) { try reader.stage([1]) }
        #expect(throws: LogError.readOnly) { try reader.commit() }
        _ = try log.stage([2])
        try log.commit()
        #expect(reader.size == 1)
        #expect(try reader.verifyAll().entries == 1)
        try log.close()
        #expect(throws: LogError.closed) { try log.stage([1]) }
        #expect(throws: LogError.closed) { try log.entry(at: 0) }
        let again = try EventLog.open(directory: "/log", disk: disk)
        #expect(again.size == 2)
    }

    @Test func aLogIsMadeOnlyWhereThereIsNothing() throws {
        let disk = SimulatedDisk()
        disk.replace("/note", with: [1])
        #expect(throws: LogError.directoryNotEmpty(path: "/", found: "note")) {
            try EventLog.create(directory: "/", disk: disk)
        }
        #expect(throws: LogError.notALog(path: "/none")) {
            try EventLog.open(directory: "/none", disk: disk)
        }
        try EventLog.create(directory: "/log", disk: disk).close()
        #expect {
            try EventLog.create(directory: "/log", disk: disk)
        } throws: {
            if case LogError.directoryNotEmpty(path: "/log", _) = $0 { true } else { false }
        }
    }

    @Test func openingAndClosingWithoutAWriteKeepsTheEndMark() throws {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        _ = try log.stage([1])
        try log.close()
        #expect(disk.bytes(of: "/log/LOCK") == [])
        let end = disk.bytes(of: "/log/END")
        let again = try EventLog.open(directory: "/log", disk: disk)
        #expect(again.size == 0)
        #expect(disk.bytes(of: "/log/END") == end)
        _ = try again.stage([1])
        try again.commit()
        #expect(disk.bytes(of: "/log/END") == nil)
        try again.close()
        #expect(disk.bytes(of: "/log/END") != end)
    }

    @Test func sealingShrinksManySmallCommitsAndKeepsRoots() throws {
        let disk = SimulatedDisk()
        let options = LogOptions(segmentBytesMax: 20_000)
        let log = try EventLog.create(directory: "/log", disk: disk, options: options)
        var entries: [[UInt8]] = []
        for number in 0..<400 {
            entries.append(Array("vote number \(number) of a validator".utf8))
            _ = try log.stage(entries[number])
            try log.commit()
        }
        let first = try #require(disk.bytes(of: "/log/segments/00000000000000000000.segment"))
        #expect(first.count < 7_000)
        #expect(try allEntries(log) == entries)
        #expect(try log.root(at: 400) == naiveRoot(of: entries))
        #expect(try log.root(at: 123) == naiveRoot(of: Array(entries[..<123])))
        #expect(try log.verifyAll().frames < 300)
    }

    @Test(arguments: [UInt64](0..<12)) func randomWorkloadsMatchAnArray(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let disk = SimulatedDisk()
        let options = LogOptions(segmentBytesMax: 400 + random.next() % 6000)
        var log = try EventLog.create(directory: "/log", disk: disk, options: options)
        var model: [[UInt8]] = []
        for _ in 0..<60 {
            switch random.next() % 8 {
            case 0:
                try log.close()
                log = try EventLog.open(directory: "/log", disk: disk, options: options)
                #expect(log.recovery.wasClosed, "seed \(seed)")
            case 1:
                disk.restart(seed: random.next())
                log = try EventLog.open(directory: "/log", disk: disk, options: options)
            case 2:
                _ = try log.stage([1, 2, 3])
                log.discardStaged()
            default:
                for _ in 0...random.next() % 40 {
                    let entry = someEntry(&random)
                    _ = try log.stage(entry)
                    model.append(entry)
                }
                try log.commit()
            }
            #expect(log.size == UInt64(model.count), "seed \(seed)")
        }
        #expect(try allEntries(log) == model, "seed \(seed)")
        #expect(log.root == naiveRoot(of: model), "seed \(seed)")
        _ = try log.verifyAll()
        try checkProofs(log, model, &random, seed)
    }

    private func checkProofs(
        _ log: EventLog, _ model: [[UInt8]], _ random: inout SplitMix64, _ seed: UInt64
    ) throws {
        for _ in 0..<60 {
            let size = random.next() % UInt64(model.count) + 1
            let index = random.next() % size
            let root = naiveRoot(of: Array(model[..<Int(size)]))
            #expect(try log.root(at: size) == root)
            let leaf = Digest(hashing: [0] + model[Int(index)])
            var proof = try log.inclusionProof(index: index, size: size)
            func holds() -> Bool {
                MerkleProof.verifyInclusion(
                    leafHash: leaf, index: index, size: size, proof: proof, root: root)
            }
            #expect(holds(), "seed \(seed), \(index) of \(size)")
            if !proof.isEmpty {
                let place = Int(random.next() % UInt64(proof.count))
                let right = proof[place]
                proof[place] = Digest(hashing: right.bytes)
                #expect(!holds())
                proof[place] = right
                proof.removeLast()
                #expect(!holds())
                proof += [right, right]
                #expect(!holds())
            }
            let old = random.next() % size + 1
            let oldRoot = naiveRoot(of: Array(model[..<Int(old)]))
            var path = try log.consistencyProof(from: old, to: size)
            func agrees() -> Bool {
                MerkleProof.verifyConsistency(
                    oldSize: old, oldRoot: oldRoot, newSize: size, newRoot: root, proof: path)
            }
            #expect(agrees(), "seed \(seed), \(old) to \(size)")
            path.append(.zero)
            #expect(!agrees())
            path.removeLast()
            if !path.isEmpty {
                path[0] = Digest(hashing: path[0].bytes)
                #expect(!agrees())
            }
        }
    }
}
