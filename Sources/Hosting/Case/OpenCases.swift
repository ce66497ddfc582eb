// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication

/// What earlier divergences of a node mean for its next start.
///
/// A case whose outcome the ledger holds by now is closed; it may be one of a version that is
/// replaced, or that a person has released. Any other of this version stops the node. A node that
/// goes on says nothing up to the batch in dispute.
///
/// Invariant: `pending[k].height <= quietThrough`.
struct OpenCases {
    /// A case whose outcome the node is still to take up.
    private struct Pending {
        let name: String
        let height: Height
        /// The root that T validators precommitted; nil where any does that follows the ledger.
        let root: Digest?
    }

    /// Why the node does nothing; nil where it may go on.
    private(set) var stopped: String?
    /// The last height at which the node says nothing.
    private(set) var quietThrough = Height(0)
    /// What a person should hear.
    private(set) var notices: [String] = []

    /// All cases of the node.
    let store: CaseStore
    private var pending: [Pending] = []

    /// Looks through the cases of a node.
    ///
    /// - Parameters:
    ///   - state: The state after its last batch.
    ///   - log: Its log; nil while it lacks older entries.
    init(
        _ store: CaseStore, _ state: LedgerState, log: EventLog?, _ versions: ProgramVersions
    ) throws(HostError) {
        self.store = store
        let listed = try onHostDisk { () throws(DiskError) in try store.all() }
        for one in listed where one.status != .closed {
            let found: DivergenceCase
            do throws(CaseFault) { found = try store.load(one.name) } catch {
                if one.status == .released {
                    quietThrough = max(quietThrough, one.height)
                } else {
                    stop(one.name, "\(error)")
                }
                continue
            }
            guard found.ledger == state.ledger else {
                stop(
                    one.name, "it is of another ledger",
                    until: "\(store.path(one.name)) is moved away")
                continue
            }
            let mayGoOn = one.status == .released || found.versions != versions
            let last = found.batch.precommits.height
            guard state.height >= last else {
                let isHistory = if case .history = found.divergence { true } else { false }
                pending.append(
                    Pending(name: one.name, height: last, root: isHistory ? nil : found.root))
                quietThrough = max(quietThrough, last)
                if !mayGoOn { stop(one.name, "\(found.divergence)") }
                continue
            }
            guard mayGoOn else {
                stop(one.name, "\(found.divergence)")
                continue
            }
            guard try Self.holds(log, found) else {
                stop(one.name, "the ledger holds another batch than a quorum agreed on")
                continue
            }
            try onHostDisk { () throws(DiskError) in try store.note(.closed, of: one.name) }
            notices.append(
                "the ledger holds what a quorum agreed on in batch \(last.rawValue): the case"
                    + " \(one.name) is closed")
        }
        for one in pending {
            invariant(
                one.height <= quietThrough && one.height > state.height,
                "quiet through \(quietThrough.rawValue) for a case of \(one.height.rawValue)")
        }
    }

    /// - Parameter end: What ends it, where that is not another version or a person's word.
    private mutating func stop(_ name: String, _ why: String, until end: String? = nil) {
        guard stopped == nil else { return }
        stopped =
            "stopped by the case \(name): \(why); nothing is signed until "
            + (end
                ?? "another version of the program takes up what the quorum agreed on, or until"
                + " `recount case release \(store.path(name))`")
    }

    /// Whether the log holds what T validators agreed on.
    private static func holds(
        _ log: EventLog?, _ found: DivergenceCase
    ) throws(HostError) -> Bool {
        if case .history = found.divergence { return true }
        guard let log else { return true }
        do throws(LogError) {
            guard log.size >= found.endSize else { return false }
            return try log.root(at: found.endSize) == found.root
        } catch { throw .log(error) }
    }

    /// Notes that a batch is in the ledger; returns the names of the cases that this closes.
    mutating func close(with precommits: Precommits) throws(HostError) -> [String] {
        guard !pending.isEmpty else { return [] }
        let done = pending.filter {
            $0.height == precommits.height && ($0.root ?? precommits.root) == precommits.root
        }
        for one in done {
            let store = store
            try onHostDisk { () throws(DiskError) in try store.note(.closed, of: one.name) }
        }
        let before = pending.count
        pending.removeAll { one in done.contains { $0.name == one.name } }
        invariant(
            pending.count + done.count == before,
            "\(pending.count) cases are open and \(done.count) closed, of \(before)")
        return done.map(\.name)
    }
}
