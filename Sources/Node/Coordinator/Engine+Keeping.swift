// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// What has been kept beside the log, and what is being kept.
struct Keeper: Sendable {
    let directory: String
    let keeping: Configuration.Keeping
    /// The sizes of the log that the last of each covers.
    var snapshotSize: UInt64
    var checkpointSize: UInt64
    /// When the last checkpoint was made.
    var checkpointTime = Time(0)
    var isSnapshotBusy = false
    var isCheckpointBusy = false
}

extension Engine {
    /// Starts what is due after a batch: a snapshot, a checkpoint.
    mutating func keep() {
        if state.size - keeper.snapshotSize >= keeper.keeping.snapshotEntries {
            keepSnapshot()
        }
        let due = keeper.checkpointTime.adding(
            milliseconds: keeper.keeping.checkpointSeconds * 1000)
        if state.size > keeper.checkpointSize, clock.now() >= due { keepCheckpoint() }
    }

    /// Takes what a snapshot needs, which copies no table, and has the pool write it.
    private mutating func keepSnapshot() {
        guard !keeper.isSnapshotBusy, case .batchSealed(let seal)? = batchEvents.last else {
            return
        }
        keeper.isSnapshotBusy = true
        keeper.snapshotSize = state.size
        tasksOut += 1
        let snapshot = state.snapshot()
        let (height, ledger, size) = (state.height, state.ledger, state.size)
        let (log, inbox, keeping) = (self.log, self.inbox, keeper.keeping)
        let store = SnapshotStore(ledgerDirectory: keeper.directory, disk: POSIXDisk())
        pool.submit {
            let result = Result { () throws(LogError) in
                _ = try store.write(
                    snapshot, height: height, ledger: ledger, components: seal.components,
                    size: size, log: log)
                do throws(DiskError) {
                    try store.prune(kept: Int(keeping.snapshotsKept), removesTemporary: true)
                } catch {
                    throw .disk(error)
                }
            }
            inbox.put(result: .snapshotKept(result))
        }
    }

    /// Signs the log as it is and has every validator that may speak cosign it, in the pool.
    private mutating func keepCheckpoint() {
        guard !keeper.isCheckpointBusy, let maker = checkpointMaker() else { return }
        keeper.isCheckpointBusy = true
        keeper.checkpointSize = state.size
        keeper.checkpointTime = clock.now()
        tasksOut += 1
        let inbox = inbox
        pool.submit {
            let result = Result { () throws(NodeError) in try maker.make() }
            inbox.put(result: .checkpointKept(result))
        }
    }

    private func checkpointMaker() -> CheckpointMaker? {
        guard let proposer = lastOpening?.proposer,
            validators.indices.contains(Int(proposer.rawValue))
        else { return nil }
        return CheckpointMaker(
            head: TreeHead(size: log.size, root: log.root), ledger: home.ledger, log: log,
            proposer: validators[Int(proposer.rawValue)],
            cosigners: validators.filter {
                isUp($0.index) && silent[Int($0.index.rawValue)] == nil
            },
            directory: keeper.directory, seconds: clock.now().rawValue / 1000,
            kept: Int(keeper.keeping.checkpointsKept))
    }

    /// Takes in that something was kept. What failed is told: the log is whole without it.
    mutating func takeKept(_ arrival: Arrival) {
        switch arrival {
        case .snapshotKept(let result):
            keeper.isSnapshotBusy = false
            if case .failure(let error) = result {
                onEvent(.warning("a snapshot could not be written: \(error)"))
            }
        case .checkpointKept(let result):
            keeper.isCheckpointBusy = false
            switch result {
            case .failure(let error):
                onEvent(.warning("a checkpoint could not be written: \(error)"))
            case .success(let problems):
                for problem in problems { onEvent(.warning(problem)) }
            }
        default: break
        }
    }

    /// Makes the checkpoint that a clean end leaves, where the last one is older.
    func keepLastCheckpoint() throws(NodeError) {
        guard state.size == log.size, log.size > keeper.checkpointSize,
            let maker = checkpointMaker()
        else { return }
        for problem in try maker.make() { onEvent(.warning(problem)) }
    }

    /// Lets validators speak again whose silence is over by ledger time.
    mutating func endSilence() {
        for (number, until) in silent.enumerated() {
            guard let until, state.time > until else { continue }
            silent[number] = nil
            onEvent(.recovered("\(validators[number].name) takes part again"))
            ask(state.openRounds, only: number)
            ask(jobs: state.openJobs, only: number)
        }
    }

    /// Whether a batch would let a validator speak again.
    var isSilenceOver: Bool {
        let now = ledgerNow()
        return silent.contains { until in until.map { $0 < now } ?? false }
    }
}

/// What is needed to make a checkpoint away from the engine's thread.
struct CheckpointMaker: Sendable {
    let head: TreeHead
    let ledger: LedgerID
    let log: EventLog
    let proposer: LocalValidator
    let cosigners: [LocalValidator]
    let directory: String
    let seconds: UInt64
    let kept: Int

    /// Signs, collects cosignatures and keeps the note; returns what a person should hear.
    func make() throws(NodeError) -> [String] {
        let checkpoint = Checkpoint(ledger: ledger.digest, head: head)
        var signed = try proposer.sign(checkpoint)
        var problems: [String] = []
        for validator in cosigners {
            do throws(NodeError) {
                try validator.cosign(&signed, of: log, seconds: seconds)
            } catch {
                guard case .cosign = error else { throw error }
                problems.append("\(error)")
            }
        }
        let store = CheckpointStore(
            logDirectory: directory, origin: checkpoint.origin, disk: POSIXDisk())
        do throws(CheckpointStoreError) {
            if let damage = try store.save(signed).repaired { problems.append("\(damage)") }
            _ = try store.prune(keeping: kept)
        } catch {
            throw .note("\(error)")
        }
        return problems
    }
}
