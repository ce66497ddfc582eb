// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// What lies beside a log and says how long it was, with which root: checkpoints, snapshots and
/// precommits.
///
/// Read before the log is opened: a node that is writing only adds to it then. What cannot be read
/// says nothing, and is told in a note; nothing of it is trusted before its signatures are checked.
struct FolderWitnesses {
    /// A checkpoint that can be read; its signatures are not checked yet.
    private struct Note {
        let file: String
        let signed: SignedCheckpoint
    }

    private var checkpoints: [Note] = []
    private var snapshots: [(file: String, header: SnapshotHeader)] = []
    private var precommits: [(file: String, precommits: Precommits)] = []
    /// Those that a node wrote since, while the log was opened: they may only show something.
    private var later: [Precommits] = []
    private let store: PrecommitStore
    /// What could not be read.
    private(set) var notes: [String] = []

    /// Reads the folder of a log. Throws where the disk fails or there is no log.
    init(_ directory: String, _ disk: any Disk) throws(LogError) {
        store = PrecommitStore(ledgerDirectory: directory, disk: disk)
        let ledger: LedgerID
        do throws(LogError) {
            ledger = try LedgerStore.identity(of: directory, disk: disk)
        } catch {
            // The log itself is missing or damaged, which is found where it is opened.
            return
        }
        do {
            try read(
                CheckpointStore(
                    logDirectory: directory, origin: Checkpoint.origin(ofLedger: ledger.digest),
                    disk: disk))
            try read(SnapshotStore(ledgerDirectory: directory, disk: disk), of: ledger)
            try readPrecommits()
        } catch let error as DiskError {
            throw .disk(error)
        } catch {
            notes.append("The checkpoints were not looked at: \(error)")
        }
    }

    private mutating func read(_ store: CheckpointStore) throws {
        for size in try store.list().sizes {
            do throws(CheckpointStoreError) {
                checkpoints.append(
                    Note(file: store.path(size), signed: try store.load(size: size)))
            } catch {
                switch error {
                case .missing: break
                case .disk(let error): throw error
                default: notes.append("A checkpoint was not looked at: \(error)")
                }
            }
        }
    }

    private mutating func read(_ store: SnapshotStore, of ledger: LedgerID) throws {
        for height in try store.heights() {
            do throws(SnapshotFlaw) {
                let header = try store.header(of: height)
                guard header.ledger == ledger else { throw .otherLedger(header.ledger) }
                snapshots.append((store.path(height), header))
            } catch {
                if case .disk(.notFound) = error { continue }
                notes.append("The snapshot \(store.path(height)) was not looked at: \(error)")
            }
        }
    }

    private mutating func readPrecommits() throws {
        for height in try store.heights() {
            do throws(PrecommitStoreError) {
                precommits.append((store.path(height), try store.load(height)))
            } catch {
                switch error {
                case .missing: break
                case .disk(let error): throw error
                case .damaged(let damage):
                    notes.append("Precommits were not looked at: \(damage)")
                }
            }
        }
    }

    /// Reads the precommits once more, just after the log was opened: of a node that is running
    /// the last batch may have come in between.
    mutating func lookAgain() throws(LogError) {
        do throws(DiskError) {
            for height in try store.heights() {
                do throws(PrecommitStoreError) { later.append(try store.load(height)) } catch {
                    if case .disk(let error) = error { throw error }
                }
            }
        } catch {
            throw .disk(error)
        }
    }

    /// Holds all of it against the log, of which `state` is what its entries come to; of
    /// checkpoints and snapshots those of this size or more, and of less than `end` where that is
    /// given: so that each is judged in one of the pieces of a log.
    func judge(
        _ log: EventLog, _ state: LedgerState, from size: UInt64 = 0, to end: UInt64? = nil,
        into report: inout AuditReport
    ) throws(LogError) {
        report.notes += notes
        let isAsked = { (other: UInt64) in other >= size && end.map { other < $0 } ?? true }
        try judgeCheckpoints(log, state, isAsked, &report)
        try judgeSnapshots(log, isAsked, &report)
        try judgePrecommits(log, state, &report)
    }

    private func judgeCheckpoints(
        _ log: EventLog, _ state: LedgerState, _ isAsked: (UInt64) -> Bool,
        _ report: inout AuditReport
    ) throws(LogError) {
        let keys = state.validators.map(\.key)
        for note in checkpoints where isAsked(note.signed.head.size) {
            let signers = Self.signers(note.signed, keys)
            guard !signers.isEmpty else {
                report.notes.append(
                    "\(note.file) says nothing: no validator of this log signed it.")
                continue
            }
            let names = signers.map { "validator \($0) (\(state.validators[$0].name))" }
                .joined(separator: ", ")
            if let found = try Self.contradiction(of: note.signed.head, to: log) {
                report.findings.append(
                    Finding(
                        entry: min(note.signed.head.size, log.size), kind: .contradicted,
                        expected: "\(Self.text(note.signed.head)), which \(names) signed"
                            + " (\(note.file))", found: found))
            }
        }
    }

    /// The indices of the validators whose signature on a checkpoint holds.
    static func signers(_ signed: SignedCheckpoint, _ keys: [PublicKey]) -> [Int] {
        keys.indices.filter { index in
            do {
                let policy = try CheckpointPolicy(
                    quorum: Quorum(threshold: 1, count: 1), validators: [keys[index]])
                let verdict = try policy.verdict(on: signed, origin: signed.checkpoint.origin)
                return !verdict.signers.isEmpty
            } catch {
                // A line that is said to be this key's and is not: it counts for nobody.
                return false
            }
        }
    }

    private func judgeSnapshots(
        _ log: EventLog, _ isAsked: (UInt64) -> Bool, _ report: inout AuditReport
    ) throws(LogError) {
        for (file, header) in snapshots where isAsked(header.size) {
            let head = TreeHead(size: header.size, root: header.root)
            if let found = try Self.contradiction(of: head, to: log) {
                report.findings.append(
                    Finding(
                        entry: min(header.size, log.size), kind: .contradicted,
                        expected: "\(Self.text(head)), of which the snapshot \(file) was taken",
                        found: found))
            }
        }
    }

    /// A node keeps the precommits of a batch before the batch itself, so that one more is no
    /// contradiction.
    private func judgePrecommits(
        _ log: EventLog, _ state: LedgerState, _ report: inout AuditReport
    ) throws(LogError) {
        guard !state.isBatchOpen, state.size > 0, state.size == log.size else { return }
        let root = try log.root(at: log.size)
        var isShown =
            state.height.rawValue == 0
            || later.contains { state.isLastBatchOrdered(by: $0, root: root) }
        for (file, item) in precommits {
            if item.height == state.height {
                if state.isLastBatchOrdered(by: item, root: root) {
                    isShown = true
                } else if state.isLastBatchOrdered(by: item, root: item.root) {
                    report.findings.append(
                        Finding(
                            entry: log.size - 1, kind: .contradicted,
                            expected: "root \(item.root.hex) after batch \(item.height.rawValue),"
                                + " on which a quorum agreed (\(file))",
                            found: "root \(root.hex)"))
                } else {
                    report.notes.append(
                        "\(file) says nothing: it holds no T signatures of those who ordered"
                            + " batch \(item.height.rawValue).")
                }
            } else if item.height.rawValue > state.height.rawValue + 1,
                item.areSigned(
                    by: state.sealedLast.members, in: state.ledger,
                    threshold: Int(state.sealedLast.parameters.threshold))
            {
                report.findings.append(
                    Finding(
                        entry: log.size, kind: .contradicted,
                        expected: "batch \(item.height.rawValue), of which \(file) holds"
                            + " T precommits",
                        found: "the last batch is \(state.height.rawValue)"))
            } else if item.height > state.height {
                report.notes.append(
                    "\(file) holds precommits of batch \(item.height.rawValue), which is not in"
                        + " the log: the node was interrupted, or the log was cut.")
            }
        }
        if isShown {
            report.checks.quorum = .passed
        } else {
            report.notes.append("No quorum shown for batch \(state.height.rawValue), the last.")
        }
    }

    private static func text(_ head: TreeHead) -> String {
        "\(head.size) entries with root \(head.root.hex)"
    }

    /// What the log has in the place of a head; nil where it has the same.
    static func contradiction(
        of head: TreeHead, to log: EventLog
    ) throws(LogError) -> String? {
        guard head.size <= log.size else { return "a log of \(log.size) entries" }
        let root = try log.root(at: head.size)
        return root == head.root ? nil : "root \(root.hex) at that size"
    }
}
