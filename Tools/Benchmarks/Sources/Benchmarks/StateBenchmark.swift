// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import EventLog
import Figures
import Foundation
import Hosting
import Ledger
import Replication
import Storage

/// Snapshots of a large state, and opening a ledger from one.
struct StateBenchmark {
    let decisions: UInt64

    func measure(
        runs: Int, _ note: (String) -> Void, _ report: ([Figure]) -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-state-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch {
                note("\(folder.path) could not be removed: \(error)")
            }
        }
        note("The ledger's decisions have two nullifiers and no votes, and nothing is signed: they")
        note("are folded, not derived. Roots, records and files are real.")
        report(try opening(in: folder, runs: runs, note))
        report(try snapshot(in: folder, runs: runs, note))
        report(try journal(in: folder))
        report(try keepingCase(in: folder, runs: runs, note))
    }

    /// Keeping a case of a batch on a large state, beside writing the snapshot of that.
    private func keepingCase(
        in folder: URL, runs: Int, _ note: (String) -> Void
    ) throws -> [Figure] {
        let path = folder.appendingPathComponent("case").path
        var writer = try FoldedLedger(path)
        try writer.add(decisions: decisions)
        note("The batch of the case holds 200 decisions, of which the node takes none.")
        let store = CaseStore(home: path, disk: POSIXDisk())
        var keeping: [Double] = []
        var bytes: [Double] = []
        var whole: [Double] = []
        for _ in 0..<runs {
            let dispute = try writer.dispute()
            var name = ""
            keeping.append(
                try timed {
                    name = try store.keep(dispute())
                }.seconds)
            let size = try FileManager.default.attributesOfItem(atPath: store.path(name))[.size]
            bytes.append(Double(size as? Int ?? 0) / 1e6)
            whole.append(timed { writer.snapshotBytes.count }.seconds)
        }
        try writer.log.close()
        return [
            Figure(
                "keeping a case at \(2 * decisions) nullifiers", unit: "s", values: keeping),
            Figure("  its file", unit: "MB", values: bytes),
            Figure("  beside: joining the bytes of a snapshot", unit: "s", values: whole),
        ]
    }

    /// Opening from a snapshot of 300,000 decisions, with a tail, beside folding the whole log.
    private func opening(
        in folder: URL, runs: Int, _ note: (String) -> Void
    ) throws -> [Figure] {
        let path = folder.appendingPathComponent("open").path
        var writer = try FoldedLedger(path)
        try writer.add(decisions: 300_000)
        try writer.takeSnapshot()
        try writer.add(decisions: 4_000)
        try writer.log.close()
        var quick: [Double] = []
        var whole: [Double] = []
        for _ in 0..<runs {
            let (seconds, opened) = try timed {
                try LedgerStore.open(directory: path, disk: POSIXDisk(), access: .readOnly)
            }
            guard opened.snapshot != nil, opened.notices.isEmpty else {
                fatalError("the snapshot of the benchmark does not serve: \(opened.notices)")
            }
            quick.append(seconds)
            let log = opened.log
            let fold = try timed {
                var state = LedgerState()
                try LedgerStore.fold(log, into: &state)
            }
            whole.append(fold.seconds)
        }
        return [
            Figure(
                "opening 300,000 decisions from a snapshot, and a tail", unit: "s", values: quick),
            Figure(
                "  beside: folding the whole log of \(writer.log.size) entries", unit: "s",
                values: whole),
        ]
    }

    /// Opening a journal that was cut, beside the same before.
    private func journal(in folder: URL) throws -> [Figure] {
        let path = folder.appendingPathComponent("journal").path
        let votes = min(100_000, decisions / 200 * 200)
        var writer = try FoldedLedger(path)
        try writer.add(decisions: votes)
        let (whole, short) = try writer.journalOpenings(votes: votes, at: folder)
        try writer.log.close()
        return [
            Figure("opening a journal cut where its ledger ends", unit: "s", values: [short]),
            Figure(
                "  beside: before, with its \(votes) votes", unit: "s", values: [whole]),
        ]
    }

    /// Writing a snapshot while batches are written, beside the same batches without.
    private func snapshot(
        in folder: URL, runs: Int, _ note: (String) -> Void
    ) throws -> [Figure] {
        let path = folder.appendingPathComponent("snapshot").path
        var writer = try FoldedLedger(path)
        try writer.add(decisions: decisions)
        var taking: [Double] = []
        var calm: [Double] = []
        var busy: [Double] = []
        for _ in 0..<runs {
            calm.append(Self.p99(try writer.timeBatches { $0 < 400 }))
            let beside = SnapshotWriter()
            let start = ContinuousClock.now
            var took: Double?
            guard try beside.begin(writer.snapshotJob()) else { fatalError("it writes already") }
            busy.append(
                Self.p99(
                    try writer.timeBatches { count in
                        if took == nil, !beside.isBusy { took = (.now - start) / .seconds(1) }
                        return count < 100 || took == nil
                    }))
            taking.append(took ?? .nan)
        }
        try writer.log.close()
        return [
            Figure(
                "snapshot of \(2 * decisions) nullifiers, batches being written", unit: "s",
                values: taking),
            Figure("  p99 of a batch meanwhile", unit: "ms", values: busy),
            Figure("  beside: p99 of a batch without", unit: "ms", values: calm),
        ]
    }

    private static func p99(_ milliseconds: [Double]) -> Double {
        let sorted = milliseconds.sorted()
        return sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    }
}

/// A ledger whose events are folded without being derived.
private struct FoldedLedger {
    let path: String
    let log: EventLog
    private var state = LedgerState()
    private var time: UInt64 = 1_767_225_600_000
    private var number: UInt64 = 0
    private var requests: [EntryIndex] = []
    private let proof = [UInt8](repeating: 7, count: 128)

    init(_ path: String) throws {
        self.path = path
        log = try EventLog.create(directory: path, disk: POSIXDisk(), options: LogOptions())
        let generator = try LedgerGenerator()
        for event in try generator.genesis() { try add(event) }
        try log.commit()
    }

    private mutating func add(_ event: Event) throws {
        let bytes = event.encoded
        _ = try log.stage(bytes)
        try state.apply(Entry(event))
    }

    /// One batch of decided and settled requests, in one commit.
    private mutating func batch(_ count: UInt64) throws {
        time += 1000
        try add(
            .batchOpened(
                BatchOpened(
                    height: Height(state.height.rawValue + 1), time: Time(time),
                    proposer: ValidatorIndex(0), round: 0, previousRoot: log.root,
                    precommitRound: 0, precommits: [], signature: .zero)))
        for _ in 0..<count { try decide() }
        let components = state.componentRoots()
        try add(
            .batchSealed(
                BatchSealed(
                    height: state.height, size: state.size, root: log.stagedRoot,
                    stateRoot: StateRoot.combined(components), components: components)))
        try log.commit()
    }

    private mutating func decide() throws {
        number += 1
        let entry = EntryIndex(state.size)
        requests.append(entry)
        let nullifiers = [2 * number, 2 * number + 1].map { value in
            Bytes32(Fr(value).littleEndianBytes) ?? .zero
        }
        try add(
            .requestSubmitted(
                RequestSubmitted(
                    circuit: CircuitIndex(0), nullifiers: nullifiers, amount: Amount(number),
                    recipient: .zero, proof: proof, publicInputs: nullifiers,
                    timestamp: Time(time), submitter: SubmitterIndex(0), signature: .zero)))
        try add(
            .roundOpened(
                RoundOpened(
                    request: entry, leader: ValidatorIndex(0), pinnedSet: .zero, threshold: 7,
                    deadline: Time(time + 30_000))))
        try add(
            .outcomeDecided(
                OutcomeDecided(
                    request: entry, outcome: .approved, reason: .quorumApproved, approvals: 7,
                    rejections: 0, abstentions: 0, deciding: entry, margin: 0, time: Time(time))))
        for nullifier in nullifiers {
            try add(.nullifierSpent(NullifierChanged(request: entry, nullifier: nullifier)))
        }
        try add(
            .settlementOrdered(
                SettlementOrdered(
                    request: entry, recipient: .zero, amount: Amount(number),
                    leader: ValidatorIndex(0), nextTurn: Time(time))))
        try add(.roundClosed(RoundClosed(about: entry, cause: .complete)))
        try add(
            .settlementReported(
                SettlementReported(
                    request: entry, reference: [1, 2, 3, 4], result: .settled, signature: .zero)))
    }

    mutating func add(decisions: UInt64) throws {
        for _ in 0..<(decisions / 200) { try batch(200) }
    }

    /// The milliseconds of each of some batches of twenty decisions, while `more` says so.
    mutating func timeBatches(while more: (Int) -> Bool) throws -> [Double] {
        var times: [Double] = []
        while more(times.count) {
            let (seconds, _) = try timed { try batch(20) }
            times.append(seconds * 1000)
        }
        return times
    }

    /// What a node does on its own thread; the rest is for another.
    func snapshotJob() -> SnapshotWriter.Job {
        SnapshotWriter.Job(
            of: state, log: log,
            store: SnapshotStore(ledgerDirectory: path, disk: POSIXDisk()), kept: 1)
    }

    func takeSnapshot() throws { try snapshotJob().run() }

    /// Opens the journal of a validator that has voted on these many requests, all closed, before
    /// and after it is cut; gives the seconds of both.
    func journalOpenings(votes count: UInt64, at folder: URL) throws -> (Double, Double) {
        let directory = folder.appendingPathComponent("journal-\(UUID().uuidString)").path
        let key = SigningKey(seed: .zero)
        func open() throws -> VoteJournal {
            try VoteJournal(
                directory: directory, disk: POSIXDisk(), key: key, ledger: state.ledger)
        }
        try VoteJournal.create(directory: directory, disk: POSIXDisk())
        var journal = try open()
        for entries in stride(from: 0, to: Int(count), by: 1000) {
            let ids = requests[entries..<min(requests.count, entries + 1000)]
                .compactMap { state.requestID(at: $0) }
            _ = try journal.votes(
                for: ids.map { ($0, Verdict(.approve, .proofHolds)) }, at: Time(time))
        }
        try journal.close()
        let (whole, _) = try timed { journal = try open() }
        guard
            try journal.cut(at: state, root: log.root, above: JournalGrowth(entries: 1, bytes: 1))
        else { fatalError("the file system cannot exchange names") }
        try journal.close()
        let (short, _) = try timed { journal = try open() }
        try journal.close()
        return (whole, short)
    }

    /// Writes a batch, and gives what makes the case of a node that does not take it.
    mutating func dispute() throws -> () -> DivergenceCase {
        let before = state
        let size = before.size
        let subtrees = try log.subtrees(at: size - 1)
        guard let edge = MerkleFrontier(count: size - 1, subtrees: subtrees) else {
            fatalError("a log gives the subtrees of its size")
        }
        let seal = DivergenceCase.LastSeal(
            before: edge, entry: EntryBytes(try log.entry(at: size - 1)))
        try batch(200)
        let entries = try (size..<log.size).map { EntryBytes(try log.entry(at: $0)) }
        let batch = DecidedBatch(
            precommits: Precommits(
                height: state.height, round: 0, root: log.root,
                signatures: (0..<7).map {
                    IndexedSignature(validator: ValidatorIndex($0), signature: .zero)
                }), entries: entries)
        let divergence = Divergence.component(
            state.height, .nullifiers, decided: log.root, derived: .zero)
        return {
            DivergenceCase(
                divergence, batch, on: before, seal.frontier, seal: seal,
                validator: PublicKey(.zero),
                versions: ProgramVersions(), time: before.time)
        }
    }

    /// The bytes of a snapshot, as one copy.
    var snapshotBytes: [UInt8] {
        let snapshot = state.snapshot()
        return snapshot.fixed + snapshot.records.flatMap { $0.chunks.flatMap(\.self) }
    }
}
