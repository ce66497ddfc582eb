// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

/// The three ways in which opening and reading a damaged ledger may end, and the one it may not.
private enum Ending {
    /// Entries, root and state are the same, and nothing is said.
    case unharmed
    /// The state is the same, or that before the unfinished last commit, and something is said.
    case repairedAloud
    /// An error names the file or the entry.
    case refused
    /// Anything else.
    case silent(String)
}

private struct Tally: CustomStringConvertible {
    var unharmed = 0
    /// Unharmed, and not for being of no use.
    var unexpected = 0
    var repaired = 0
    var refused = 0

    var description: String { "\(unharmed) unharmed, \(repaired) repaired, \(refused) refused" }

    mutating func count(_ ending: Ending, _ what: @autoclosure () -> String) {
        switch ending {
        case .unharmed:
            unharmed += 1
            // An older snapshot serves nobody while there is a newer one; its body is not read.
            if !what().contains("02.snapshot") { unexpected += 1 }
        case .repairedAloud: repaired += 1
        case .refused: refused += 1
        case .silent(let why): Issue.record("\(what()): \(why)")
        }
    }
}

/// A small ledger as files, with several segments, two snapshots, a blob and old torn bytes.
///
/// A checkpoint speaks of all but the last batch: after a crash nothing else can tell that whole
/// commits were cut off the end of the log.
private struct KeptLedger {
    static let directory = "/ledger"
    static let options = LogOptions(segmentBytesMax: 1_200)

    private(set) var files: [String: [UInt8]] = [:]
    /// The state after each batch.
    private var states: [[[UInt8]]] = []
    private var sizes: [UInt64] = []
    private let isClosed: Bool

    init(start: UInt64 = 0, closed: Bool) throws {
        let disk = SimulatedDisk()
        isClosed = closed
        var log = try EventLog.create(
            directory: Self.directory, disk: disk, options: Self.options)
        var state = LedgerState()
        for (number, batch) in try Self.batches(start).enumerated() {
            try StoredLedger.append(batch, to: log, &state)
            states.append(bytes(of: state))
            sizes.append(state.size)
            if [2, 4].contains(state.height.rawValue) {
                _ = try SnapshotStore(ledgerDirectory: Self.directory, disk: disk).write(
                    state.snapshot(), height: state.height, ledger: state.ledger,
                    components: state.componentRoots(), size: state.size, log: log)
            }
            if number == 5 { try Self.witness(state, log, disk) }
            guard number == 3 else { continue }
            _ = try BlobStore(logDirectory: Self.directory, disk: disk).put([1, 2, 3])
            disk.restart(seed: 1)
            let last = try #require(disk.files.last { $0.hasSuffix(".segment") })
            disk.replace(last, with: try #require(disk.bytes(of: last)) + Array("RCFRxy".utf8))
            log = try EventLog.open(directory: Self.directory, disk: disk, options: Self.options)
        }
        if closed { try log.close() } else { disk.restart(seed: 1) }
        for file in disk.files where file != "\(Self.directory)/LOCK" {
            files[file] = disk.bytes(of: file)
        }
    }

    private static func witness(
        _ state: LedgerState, _ log: EventLog, _ disk: SimulatedDisk
    ) throws {
        let checkpoint = Checkpoint(
            ledger: state.ledger.digest, head: TreeHead(size: log.size, root: log.root))
        _ = try CheckpointStore(
            logDirectory: directory, origin: checkpoint.origin, disk: disk
        ).save(try SignedCheckpoint(signing: checkpoint, with: Fixture.key(0)))
    }

    /// Seven batches with a decided round, an open one and a job.
    private static func batches(_ start: UInt64) throws -> [[Event]] {
        var setup = Setup.of(4, 3, signs: false)
        setup.start = Time(setup.start.rawValue + start)
        var scenario = try LedgerScenario(setup)
        for number in 0..<6 {
            try scenario.open()
            let request = try scenario.submit()
            try scenario.approve(0..<(number == 5 ? 1 : 3), request)
            if number == 2 { try scenario.send(.job(scenario.job())) }
            try scenario.seal()
        }
        var batches: [[Event]] = [[]]
        for event in scenario.log {
            batches[batches.count - 1].append(event)
            if case .batchSealed = event { batches.append([]) }
        }
        return batches.dropLast()
    }

    var names: [String] { files.keys.sorted() }

    func changing(_ name: String, to bytes: [UInt8]?) -> KeptLedger {
        var copy = self
        copy.files[name] = bytes
        return copy
    }

    private func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        for folder in ["", "/segments", "/blobs", "/torn", "/snapshots", "/checkpoints"] {
            try disk.createDirectory(Self.directory + folder)
        }
        for name in names { disk.replace(name, with: files[name]) }
        return disk
    }

    /// Opens the ledger, reads and verifies everything, as a reader and then as a writer.
    func ending() throws -> Ending {
        let disk = try disk()
        let reader = judge(disk, .readOnly)
        let writer = judge(disk, .readWrite)
        switch (reader, writer) {
        case (.unharmed, .unharmed), (.repairedAloud, .repairedAloud), (.refused, .refused):
            return reader
        case (.silent(let why), _), (_, .silent(let why)): return .silent(why)
        default: return .silent("a reader finds \(reader), and a writer \(writer)")
        }
    }

    private func judge(_ disk: SimulatedDisk, _ access: LogAccess) -> Ending {
        do {
            let opened = try LedgerStore.open(
                directory: Self.directory, disk: disk, access: access, options: Self.options)
            var folded = LedgerState()
            try LedgerStore.fold(opened.log, into: &folded)
            _ = try opened.log.verifyAll()
            _ = try BlobStore(logDirectory: Self.directory, disk: disk).verifyAll()
            if access == .readWrite { try opened.log.close() }
            return judge(opened, folded)
        } catch let error as StorageError {
            return "\(error)".contains(Self.directory) || "\(error)".contains("entry")
                ? .refused : .silent("no place in: \(error)")
        } catch let error as LogError {
            return "\(error)".contains(Self.directory)
                ? .refused : .silent("no place in: \(error)")
        } catch { return .silent("\(error)") }
    }

    private func judge(_ opened: OpenedLedger, _ folded: LedgerState) -> Ending {
        let state = bytes(of: opened.state)
        guard state == bytes(of: folded) else { return .silent("not the state of the log") }
        guard opened.log.size == opened.state.size else { return .silent("not all was folded") }
        let recovery = opened.log.recovery
        let isLoud =
            recovery.tornBytes > 0 || recovery.resealed != nil || !opened.notices.isEmpty
        if state == states[states.count - 1] {
            guard opened.log.size == sizes[sizes.count - 1] else { return .silent("another size") }
            return isLoud ? .repairedAloud : .unharmed
        }
        // Cut off whole, the last batch leaves nothing but that the log was not closed.
        guard state == states[states.count - 2], !isClosed, !recovery.wasClosed else {
            return .silent("another state, of \(opened.log.size) entries")
        }
        return .repairedAloud
    }
}

@Suite("damage to every kind of file of a ledger ends in one of three ways")
struct DamageTests {
    @Test("a ledger without damage is unharmed", arguments: [true, false])
    func whole(closed: Bool) throws {
        let ledger = try KeptLedger(closed: closed)
        #expect(ledger.names.filter { $0.hasSuffix(".segment") }.count >= 3)
        #expect(ledger.names.filter { $0.hasSuffix(".snapshot") }.count == 2)
        #expect(ledger.names.filter { $0.hasSuffix(".checkpoint") }.count == 1)
        guard case .unharmed = try ledger.ending() else {
            Issue.record("\(try ledger.ending())")
            return
        }
    }

    @Test("any byte changed or zeroed", arguments: [true, false])
    func changed(closed: Bool) throws {
        let ledger = try KeptLedger(closed: closed)
        var tally = Tally()
        var random = SplitMix64(seed: 11)
        for name in ledger.names {
            let original = try #require(ledger.files[name])
            // Every byte of what is short, a fresh sample of what is long.
            let step = UInt64(max(1, original.count / 160))
            var position = 0
            while position < original.count {
                var bytes = original
                bytes[position] =
                    random.next() % 4 == 0
                    ? 0 : original[position] ^ UInt8(1 + random.next() % 255)
                if bytes != original {
                    tally.count(
                        try ledger.changing(name, to: bytes).ending(),
                        "\(name) byte \(position), \(original[position]) now \(bytes[position])")
                }
                position += 1 + Int(random.next() % (2 * step - 1))
            }
        }
        #expect(tally.unexpected == 0, "\(tally)")
        #expect(tally.repaired > 50 && tally.refused > 50, "\(tally)")
    }

    @Test(
        "any file cut at any length, lengthened, or with a range twice", arguments: [true, false])
    func cut(closed: Bool) throws {
        let ledger = try KeptLedger(closed: closed)
        var tally = Tally()
        var random = SplitMix64(seed: 12)
        for name in ledger.names {
            let original = try #require(ledger.files[name])
            for length in stride(from: 0, to: original.count, by: max(1, original.count / 60)) {
                tally.count(
                    try ledger.changing(name, to: Array(original[..<length])).ending(),
                    "\(name) cut to \(length)")
                let count = 1 + Int(random.next() % 100)
                let range = length..<min(length + count, original.count)
                tally.count(
                    try ledger.changing(
                        name, to: Array(original[..<range.upperBound] + Array(original[length...]))
                    ).ending(), "\(name) \(range) twice")
            }
            tally.count(
                try ledger.changing(name, to: original + [0]).ending(), "\(name) and a zero")
        }
        #expect(tally.unexpected == 0, "\(tally)")
        #expect(tally.repaired > 50 && tally.refused > 50, "\(tally)")
    }

    @Test("files missing, swapped, or of another ledger", arguments: [true, false])
    func misplaced(closed: Bool) throws {
        let ledger = try KeptLedger(closed: closed)
        let other = try KeptLedger(start: 1, closed: closed)
        var missing = Tally()
        var tally = Tally()
        for name in ledger.names {
            missing.count(try ledger.changing(name, to: nil).ending(), "\(name) missing")
            for second in ledger.names where second > name {
                let swapped = ledger.changing(name, to: ledger.files[second])
                    .changing(second, to: ledger.files[name])
                tally.count(try swapped.ending(), "\(name) and \(second) swapped")
            }
            for second in other.names {
                tally.count(
                    try ledger.changing(name, to: other.files[second]).ending(),
                    "\(name) in place of \(second) of another ledger")
            }
        }
        // End mark, snapshots, checkpoint, blob and old torn bytes.
        #expect(missing.unharmed == (closed ? 6 : 5) && missing.repaired == 0, "\(missing)")
        #expect(tally.repaired > 0 && tally.refused > 0, "\(tally)")
    }

    @Test("a whole log of another ledger under our snapshots is told of or refused")
    func otherLog() throws {
        let ledger = try KeptLedger(closed: true)
        let other = try KeptLedger(start: 1, closed: true)
        var mixed = other
        for name in ledger.names where name.hasSuffix(".snapshot") {
            mixed = mixed.changing(name, to: ledger.files[name])
        }
        // The state is that of the log, and the notices say that the snapshots are not.
        guard case .repairedAloud = try mixed.ending() else {
            Issue.record("\(try mixed.ending())")
            return
        }
    }

    @Test(
        "a disk that fails at any operation of a snapshot or of removing old ones loses nothing",
        arguments: [SimulatedFault.noSpace, .inputOutputError, .powerCut])
    func snapshotFaults(fault: SimulatedFault) throws {
        var failures = 0
        for operation in 0..<200 {
            let disk = SimulatedDisk()
            let ledger = try StoredLedger(seed: 21, batches: 6, on: disk) { log, state in
                guard state.height.rawValue < 3 else { return }
                try StoredLedger.snapshot(log, state, on: disk)
            }
            let opened = try ledger.open()
            let snapshot = opened.state.snapshot()
            // A header, what is fixed, and what the records hold: a write each.
            let writes = 2 + snapshot.records.flatMap(\.chunks).count { !$0.isEmpty }
            let before = disk.operations
            disk.fail(operation: operation, with: fault)
            do {
                _ = try LedgerStore.takeSnapshot(
                    of: opened, directory: StoredLedger.directory, disk: disk, kept: 1)
            } catch { failures += 1 }
            let isOver = disk.operations - before <= operation
            disk.healFaults()
            disk.restart(seed: UInt64(operation))
            let again = try ledger.open()
            #expect(again.notices.isEmpty && again.snapshot != nil, "operation \(operation)")
            #expect(bytes(of: again.state) == bytes(of: try ledger.state()))
            if isOver {
                #expect(failures > writes, "\(fault): \(failures)")
                return
            }
        }
        Issue.record("taking a snapshot never came to an end")
    }

    @Test(
        "a disk that fails at any operation of opening is told of, and the next opening has it all",
        arguments: [SimulatedFault.noSpace, .inputOutputError])
    func openingFaults(fault: SimulatedFault) throws {
        let kept = try StoredLedger(seed: 21, batches: 6)
        for operation in 0..<400 {
            let disk = SimulatedDisk()
            let ledger = try StoredLedger(seed: 21, batches: 6, on: disk) { log, state in
                guard state.height.rawValue == 3 else { return }
                try StoredLedger.snapshot(log, state, on: disk)
            }
            disk.replace("\(StoredLedger.directory)/END", with: nil)
            let before = disk.operations
            disk.fail(operation: operation, with: fault)
            do {
                let opened = try ledger.open()
                #expect(bytes(of: opened.state) == bytes(of: try kept.state()))
                // A snapshot that could not be read does not serve, and that is said.
                #expect(opened.snapshot != nil || !opened.notices.isEmpty)
                try opened.log.close()
            } catch {
                let text = "\(error)"
                #expect(text.contains(StoredLedger.directory), "operation \(operation): \(text)")
            }
            let isOver = disk.operations - before <= operation
            disk.healFaults()
            disk.restart(seed: 1)
            let again = try ledger.open()
            #expect(again.snapshot != nil && again.notices.isEmpty, "operation \(operation)")
            #expect(bytes(of: again.state) == bytes(of: try kept.state()))
            if isOver { return }
        }
        Issue.record("opening never came to an end")
    }
}
