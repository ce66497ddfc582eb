// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

@Suite("a backup is a whole ledger of one moment, and grows with the ledger")
struct BackupTests {
    private static let directory = StoredLedger.directory
    private static let copy = "/backup"

    /// A ledger that is written to while a test looks on, with snapshots and checkpoints.
    private static func grow(
        _ disk: SimulatedDisk, batches: Int = 40,
        each: (Int, EventLog, LedgerState) throws -> Void
    ) throws -> TwoCopies {
        let all = try TwoCopies.fresh()
        let log = try EventLog.create(
            directory: directory, disk: disk, options: TwoCopies.options)
        var state = LedgerState()
        var start = 0
        let key = Fixture.key(0)
        for number in 0..<batches {
            let end = Int(all.batchEnds[number])
            let events = try all.entries[start..<end].map { try Event(decoding: $0) }
            try StoredLedger.append(events, to: log, &state)
            start = end
            if number % 7 == 3 { try StoredLedger.snapshot(log, state, on: disk) }
            if number % 3 == 1 {
                if number == 1 { try disk.createDirectory("\(directory)/checkpoints") }
                let head = TreeHead(size: log.size, root: log.root)
                let note = try SignedCheckpoint(
                    signing: Checkpoint(ledger: all.trust.ledger.digest, head: head), with: key)
                try disk.place(
                    note.bytes, in: "\(directory)/checkpoints",
                    as: TwoCopies.checkpointName(log.size))
            }
            if number % 5 == 2 {
                let blob = [UInt8](repeating: UInt8(number), count: 40)
                _ = try BlobStore(logDirectory: directory, disk: disk).put(blob)
            }
            try each(number, log, state)
        }
        try log.close()
        return all
    }

    /// What the bytes of a copy should be, but for the lock.
    private static func files(_ disk: SimulatedDisk, _ directory: String) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for path in disk.files where path.hasPrefix(directory + "/") && !path.hasSuffix("/LOCK") {
            found[String(path.dropFirst(directory.count))] = disk.bytes(of: path)
        }
        return found
    }

    /// The copy opens as a closed ledger that has reached this state.
    private static func check(
        _ disk: SimulatedDisk, _ state: LedgerState, in directory: String = copy, _ what: String
    ) throws {
        let opened = try LedgerStore.open(
            directory: directory, disk: disk, access: .readOnly, options: TwoCopies.options)
        #expect(opened.log.recovery.wasClosed, "\(what)")
        #expect(opened.notices.isEmpty, "\(what)")
        #expect(bytes(of: opened.state) == bytes(of: state), "\(what)")
        #expect(try opened.log.verifyAll().hasEndMark, "\(what)")
        _ = try BlobStore(logDirectory: directory, disk: disk).verifyAll()
    }

    @Test("at every batch of a live ledger, the copy is brought up to date and equals a full one")
    func everyBatch() throws {
        let disk = SimulatedDisk()
        var copied: UInt64 = 0
        var extended = 0
        var rewritten = 0
        let all = try Self.grow(disk, batches: 61) { number, log, state in
            let report = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
            #expect(report.size == log.size && report.root == log.root)
            copied += report.bytesCopied
            extended += report.log.segmentsExtended
            if number > 0 { rewritten += report.log.segmentsCopied }
            try Self.check(disk, state, "batch \(number)")
            let other = SimulatedDisk(copying: disk)
            let fresh = try LedgerBackup.run(from: Self.directory, to: "/full", disk: other)
            #expect(fresh.bytesReused == 0)
            #expect(Self.files(disk, Self.copy) == Self.files(other, "/full"), "batch \(number)")
            let again = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
            #expect(again.bytesCopied == 0, "batch \(number)")
            #expect(again.log.segmentsCopied + again.log.segmentsExtended == 0)
        }
        #expect(extended > 30)
        #expect(rewritten > 5)
        // The closed ledger, and one opened from its copy, are the same.
        let report = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
        #expect(report.log.bytesCopied == 0)
        #expect(report.size == all.trust.size && report.root == all.trust.root)
        let total = Self.files(disk, Self.copy).reduce(0) { $0 + $1.value.count }
        print("copied \(copied) bytes in all for \(total)")
    }

    @Test("a copy can be made at any distance, and be opened, written to and recovered from")
    func distances() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix64(seed: seed)
        for round in 0..<6 {
            let disk = SimulatedDisk()
            let all = try Self.grow(disk) { number, log, state in
                // The last batch is kept below for what its quorum signed.
                if number == 39 {
                    try PrecommitStore(ledgerDirectory: Self.directory, disk: disk).save(
                        state.precommits(root: log.root, key: Fixture.key))
                }
                guard random.next() % 4 == 0 || number == 39 else { return }
                _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
                try Self.check(disk, state, "seed \(seed), round \(round), batch \(number)")
            }
            var opened = try LedgerStore.open(
                directory: Self.copy, disk: disk, options: TwoCopies.options)
            let events = try all.entries[Int(all.batchEnds[39])..<Int(all.batchEnds[40])].map {
                try Event(decoding: $0)
            }
            try StoredLedger.append(events, to: opened.log, &opened.state)
            try opened.log.close()
            try Self.check(disk, opened.state, "seed \(seed), round \(round), opened")
            // What was written to the copy is newer than the ledger.
            #expect(
                throws: BackupError.newer(
                    path: Self.copy, copySize: all.batchEnds[40], size: all.batchEnds[39])
            ) { try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk) }
            let part = try EventLog.open(
                directory: Self.copy, disk: disk, access: .readOnly
            ).root(at: all.batchEnds[20])
            let segments = disk.files.filter {
                $0.hasPrefix(Self.directory + "/segments") && $0.hasSuffix(".segment")
            }
            // It lies below the checkpoint; the copy serves for no other.
            #expect(TwoCopies.firstIndex(of: segments[2]) <= all.batchEnds[20])
            disk.replace(segments[1], with: nil)
            let report = try LedgerRecovery.run(
                directory: Self.directory,
                from: LedgerSource(directory: Self.copy, disk: disk),
                trust: TrustedHead(
                    ledger: all.trust.ledger, size: all.batchEnds[20], root: part),
                disk: disk)
            #expect(report.outcome == .recovered && report.size == all.batchEnds[39])
            _ = try LedgerBackup.run(from: Self.directory, to: "/third", disk: disk)
        }
    }

    @Test("the precommits of the last batches are copied, and go when the ledger has others")
    func precommits() throws {
        let disk = SimulatedDisk()
        _ = try Self.grow(disk, batches: 12) { number, _, _ in
            guard number > 1 else { return }
            let folder = "\(Self.directory)/checkpoints"
            func name(_ height: Int) -> String {
                String(repeating: "0", count: 18) + "\(10 + height).precommits"
            }
            disk.replace("\(folder)/\(name(number))", with: [UInt8(number)])
            disk.replace("\(folder)/\(name(number - 2))", with: nil)
            _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
            let found = Self.files(disk, Self.copy).filter { $0.key.hasSuffix("precommits") }
            let kept = (max(2, number - 1)...number).map {
                ("/checkpoints/\(name($0))", [UInt8($0)])
            }
            #expect(found == Dictionary(uniqueKeysWithValues: kept))
        }
    }

    @Test("projections are not copied, and those of the copy stay")
    func projections() throws {
        let disk = SimulatedDisk()
        _ = try Self.grow(disk, batches: 12) { _, _, _ in
            disk.replace("\(Self.directory)/projections-1.sqlite", with: [1])
            _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
            #expect(Self.files(disk, Self.copy)["/projections-1.sqlite"] == nil)
        }
        disk.replace("\(Self.copy)/projections-2.sqlite", with: [2])
        _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
        #expect(Self.files(disk, Self.copy)["/projections-2.sqlite"] == [2])
    }

    @Test("interrupted at any operation, the copy is whole or completed by the next backup")
    func interrupted() throws {
        let disk = SimulatedDisk()
        var before: SimulatedDisk?
        var last = LedgerState()
        _ = try Self.grow(disk, batches: 24) { number, _, state in
            if number == 12 {
                _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
            }
            last = state
            // The ledger is live, and lies on the disk as it does.
            if number == 23 { before = SimulatedDisk(copying: disk) }
        }
        let live = try #require(before)
        let trial = SimulatedDisk(copying: live)
        _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: trial)
        let operations = trial.operations
        let whole = Self.files(trial, Self.copy)
        let old = Self.files(live, Self.copy)
        let source = Self.files(live, Self.directory)
        var marked = 0
        for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
            for operation in 0..<operations {
                let what = "\(fault), operation \(operation) of \(operations)"
                let disk = SimulatedDisk(copying: live)
                disk.fail(operation: operation, with: fault)
                do {
                    _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
                } catch {}
                disk.healFaults()
                disk.restart(seed: UInt64(operation))
                if disk.bytes(of: "\(Self.copy)/END") != nil {
                    // With an end mark it is the old copy or the new one.
                    marked += 1
                    let opened = try LedgerStore.open(
                        directory: Self.copy, disk: disk, access: .readOnly)
                    let size = opened.log.size
                    #expect(size == last.size || old["/END"] == disk.bytes(of: "\(Self.copy)/END"))
                    _ = try opened.log.verifyAll()
                }
                let report = try LedgerBackup.run(
                    from: Self.directory, to: Self.copy, disk: disk)
                #expect(report.size == last.size, "\(what)")
                #expect(Self.files(disk, Self.copy) == whole, "\(what)")
                #expect(Self.files(disk, Self.directory) == source, "\(what)")
                if operation % 16 == 0 { try Self.check(disk, last, what) }
            }
        }
        #expect(marked > 20)
    }

    @Test("the first backup, interrupted at any operation, is completed by the next")
    func firstInterrupted() throws {
        let disk = SimulatedDisk()
        var last = LedgerState()
        _ = try Self.grow(disk, batches: 20) { _, _, state in last = state }
        let trial = SimulatedDisk(copying: disk)
        _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: trial)
        let whole = Self.files(trial, Self.copy)
        for operation in 0..<trial.operations {
            let again = SimulatedDisk(copying: disk)
            again.fail(operation: operation, with: .powerCut)
            #expect(throws: BackupError.self) {
                try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: again)
            }
            again.restart(seed: UInt64(operation))
            _ = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: again)
            #expect(Self.files(again, Self.copy) == whole, "operation \(operation)")
        }
        try Self.check(trial, last, "first")
    }

    @Test("a writer that seals, commits and closes between two reads does no harm")
    func whileWriting() throws {
        // The writer's operations fall between any two of the backup's: the reader's files are
        // those of the moment when it opened them.
        let disk = SimulatedDisk()
        var readers: [(EventLog, LedgerState)] = []
        _ = try Self.grow(disk) { _, _, state in
            readers.append(
                (try EventLog.open(directory: Self.directory, disk: disk, access: .readOnly), state)
            )
        }
        for (number, (reader, state)) in readers.enumerated() {
            let to = "/late\(number)"
            try disk.createDirectory(to)
            for folder in ["segments", "blobs"] { try disk.createDirectory("\(to)/\(folder)") }
            _ = try LogCopier(reader, upTo: reader.size).copy(to: to, disk: disk)
            try Self.check(disk, state, in: to, "reader of batch \(number)")
        }
    }

    @Test("a batch that is not whole waits for the next backup")
    func partOfABatch() throws {
        let disk = SimulatedDisk()
        let all = try TwoCopies.fresh()
        let log = try EventLog.create(directory: Self.directory, disk: disk)
        let ends = Set(all.batchEnds)
        #expect(throws: BackupError.noBatch) {
            try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
        }
        for (index, entry) in all.entries.prefix(300).enumerated() {
            _ = try log.stage(entry)
            try log.commit()
            let whole = all.batchEnds.last { $0 <= UInt64(index) + 1 }
            guard let whole else { continue }
            if index % 20 != 0, !ends.contains(UInt64(index) + 1) { continue }
            let report = try LedgerBackup.run(from: Self.directory, to: Self.copy, disk: disk)
            #expect(report.size == whole)
            _ = try LedgerStore.open(directory: Self.copy, disk: disk, access: .readOnly)
        }
        try log.close()
    }

    @Test("what is no older copy of this ledger is refused and not touched")
    func refusals() throws {
        func expect(
            _ disk: SimulatedDisk, to copy: String = Self.copy, _ isRight: (BackupError) -> Bool
        ) {
            let before = Self.files(disk, "")
            do {
                _ = try LedgerBackup.run(from: TwoCopies.copy, to: copy, disk: disk)
                Issue.record("nothing was refused")
            } catch {
                #expect(isRight(error), "\(error)")
            }
            #expect(Self.files(disk, "") == before)
        }
        let copies = try TwoCopies.fresh()
        let disk = copies.disk
        expect(disk, to: TwoCopies.copy) { $0 == .sameDirectory(path: TwoCopies.copy) }
        expect(disk, to: TwoCopies.copy + "/backup") {
            $0 == .sameDirectory(path: TwoCopies.copy + "/backup")
        }
        try disk.createDirectory("/somewhere")
        disk.replace("/somewhere/letter", with: [1])
        expect(disk, to: "/somewhere") { $0 == .notALedger(path: "/somewhere", found: "letter") }

        var setup = Setup()
        setup.start = Time(setup.start.rawValue + 1)
        let foreign = try LedgerScenario(setup)
        let log = try EventLog.create(directory: Self.copy, disk: disk)
        var state = LedgerState()
        try StoredLedger.append(foreign.log, to: log, &state)
        expect(disk) { $0 == .running(path: Self.copy, holder: 1) }
        try log.close()
        expect(disk) {
            $0
                == .otherLedger(
                    path: Self.copy, expected: copies.trust.ledger, found: state.ledger)
        }

        // Longer, and forked; whole, and with a piece missing.
        for isForked in [true, false] {
            for isDamaged in [true, false] {
                let copies = try TwoCopies.fresh()
                if !isForked { try copies.truncateCopy(toBatch: 40) }
                let log = try EventLog.create(
                    directory: Self.copy, disk: copies.disk, options: TwoCopies.options)
                let size = isForked ? copies.batchEnds[30] : copies.trust.size
                for (index, entry) in copies.entries[..<Int(size)].enumerated() {
                    var entry = entry
                    if isForked, UInt64(index) == size - 1 { entry[20] ^= 1 }
                    _ = try log.stage(entry)
                    if index % 10 == 0 { try log.commit() }
                }
                try log.commit()
                try log.close()
                if isDamaged {
                    let names = copies.disk.files.filter { $0.hasPrefix(Self.copy + "/segments") }
                    copies.disk.replace(names[1], with: nil)
                    copies.disk.replace(Self.copy + "/END", with: nil)
                }
                expect(copies.disk) { error in
                    switch error {
                    case .forked(Self.copy, before: size): isForked
                    case .newer(Self.copy, copySize: size, size: copies.batchEnds[40]): !isForked
                    default: false
                    }
                }
            }
        }
    }

    @Test("damage in the copy's ends is mended, and damage in the ledger is named")
    func damage() throws {
        for name in ["header", "footer", "last", "missing", "junk", "mark"] {
            let copies = try TwoCopies.fresh()
            _ = try LedgerBackup.run(from: TwoCopies.copy, to: Self.copy, disk: copies.disk)
            let whole = Self.files(copies.disk, Self.copy)
            let segments = copies.disk.files.filter { $0.hasPrefix(Self.copy + "/segments") }
            func change(_ path: String, _ place: (Int) -> Int) throws {
                var bytes = try #require(copies.disk.bytes(of: path))
                bytes[place(bytes.count)] ^= 1
                copies.disk.replace(path, with: bytes)
            }
            switch name {
            case "header": try change(segments[1]) { _ in 50 }
            case "footer": try change(segments[1]) { $0 - 40 }
            case "last": try change(segments[segments.count - 1]) { $0 - 1 }
            case "missing": copies.disk.replace(segments[2], with: nil)
            case "junk": copies.disk.replace(Self.copy + "/segments/junk", with: [1])
            default: try change(Self.copy + "/END") { $0 - 1 }
            }
            let report = try LedgerBackup.run(
                from: TwoCopies.copy, to: Self.copy, disk: copies.disk)
            #expect(report.bytesReused > report.bytesCopied, "\(name)")
            #expect(Self.files(copies.disk, Self.copy) == whole, "\(name)")
        }
        // What the ledger itself has lost is found when it is copied.
        let copies = try TwoCopies.fresh()
        let path = copies.segments[1].replacing(Self.directory, with: TwoCopies.copy)
        var bytes = try #require(copies.disk.bytes(of: path))
        bytes[64 + 52 + 200] ^= 1
        copies.disk.replace(path, with: bytes)
        #expect {
            try LedgerBackup.run(from: TwoCopies.copy, to: Self.copy, disk: copies.disk)
        } throws: { error in
            guard case BackupError.log(.damaged) = error else { return false }
            return true
        }
        #expect(copies.disk.bytes(of: Self.copy + "/END") == nil)
    }
}
