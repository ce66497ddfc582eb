// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// Writes entries to a new log and folds them by the rules of the ledger on the way.
///
/// Every `BatchSealed` is compared with the state and the log that the entries before it give.
struct RecoveredWriter {
    /// What the entries are written to.
    let log: EventLog
    /// The state after them.
    private(set) var state = LedgerState()
    /// Blobs that they speak of. Only looked up and sorted.
    private(set) var blobs: Set<Digest> = []

    private var stagedBytes = 0

    /// Frames are as long as those of a sealed segment, so that none has to be written twice.
    private static let commitBytes = LogLimits.sealedFrameRawBytes

    init(_ log: EventLog) { self.log = log }

    /// Folds and stages an entry, and commits now and then.
    ///
    /// Throws `.rules` for an entry that cannot follow those before it, or `.log`.
    mutating func append(_ bytes: [UInt8]) throws(RecoveryError) {
        let index = state.size
        var problem: String?
        do throws(FoldFailure) {
            let entry = try LedgerFold.read(bytes, in: bytes.indices, index)
            if case .batchSealed(let seal) = entry.event { problem = self.problem(of: seal) }
            try LedgerFold.apply(entry, to: &state)
            Self.addBlobs(of: entry.event, to: &blobs)
        } catch { problem = problem ?? error.problem }
        if let problem { throw .rules(entry: index, problem: problem) }
        do throws(LogError) {
            _ = try log.stage(bytes)
            stagedBytes += bytes.count + 2
            if stagedBytes >= Self.commitBytes { try commit() }
        } catch {
            throw .log(error)
        }
    }

    /// What takes in the batches that no checkpoint covers, from here on.
    mutating func tail() throws(LogError) -> TailCheck {
        try commit()
        guard
            let frontier = MerkleFrontier(
                count: log.size, subtrees: try log.subtrees(at: log.size))
        else { fatalError("the subtrees of a log do not fit its size") }
        return TailCheck(state: state, frontier: frontier)
    }

    /// Stages the entries of a whole batch that a tail took in.
    mutating func append(_ batch: [Entry], of tail: TailCheck) throws(RecoveryError) {
        do throws(LogError) {
            for entry in batch {
                _ = try log.stage([entry])
                stagedBytes += entry.bytes.count + 2
                if stagedBytes >= Self.commitBytes { try commit() }
                Self.addBlobs(of: entry.event, to: &blobs)
            }
        } catch {
            throw .log(error)
        }
        state = tail.state
    }

    /// Commits what is staged.
    mutating func commit() throws(LogError) {
        try log.commit()
        stagedBytes = 0
    }

    /// How a seal differs from the one that is due here; nil where it does not.
    private func problem(of seal: BatchSealed) -> String? {
        guard seal.height == state.height, seal.size == state.size else {
            return "it seals another batch"
        }
        guard seal.root == log.stagedRoot else {
            return "it seals another log, of root \(seal.root.hex)"
        }
        let components = state.componentRoots()
        for (component, (sealed, due)) in zip(
            StateComponent.allCases, zip(seal.components, components))
        where sealed != due {
            return "the root of \(component.label) is \(due.hex), and it says \(sealed.hex)"
        }
        guard seal.components.count == components.count,
            seal.stateRoot == StateRoot.combined(components)
        else { return "it names another state root" }
        return nil
    }

    private static func addBlobs(of event: Event, to blobs: inout Set<Digest>) {
        switch event {
        case .jobSubmitted(let job): blobs.formUnion([job.module, job.input])
        case .resultReported(let result) where result.output != .zero:
            blobs.insert(result.output)
        default: break
        }
    }
}
