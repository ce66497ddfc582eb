// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Storage

/// The batches in the order in which some honest node first had them: what all others must have.
/// It is the checker of agreement while a run goes on.
struct Chain {
    /// A batch as it was first seen.
    struct Batch {
        let root: Digest
        let stateRoot: Digest
        let components: [Digest]
        /// The node that had it first.
        let node: Int
    }

    /// By height.
    private(set) var batches: [Batch] = []
    /// The state after the last of them, folded here from its events.
    private(set) var state = LedgerState()

    /// The number of the last batch.
    var height: UInt64 { UInt64(max(1, batches.count) - 1) }

    /// Takes the next batch in. Returns what is wrong, where the events do not follow.
    mutating func extend(_ events: [Event], root: Digest, node: Int) -> Violation? {
        let height = UInt64(batches.count)
        do throws(FoldError) {
            for event in events { try state.apply(Entry(event)) }
        } catch {
            return Violation(
                .agreement, node: node, height: height,
                "committed events that cannot follow: \(error)")
        }
        guard case .batchSealed(let seal)? = events.last, seal.height.rawValue == height else {
            return Violation(
                .agreement, node: node, height: height,
                "a committed batch does not end with the seal of its height")
        }
        batches.append(
            Batch(
                root: root, stateRoot: seal.stateRoot, components: seal.components, node: node))
        return nil
    }

    /// Compares the root that a node has after a height with that of the others.
    func compare(
        height: UInt64, root: Digest, seal: BatchSealed?, node: Int
    ) -> Violation? {
        guard height < UInt64(batches.count) else { return nil }
        let batch = batches[Int(height)]
        guard batch.root != root else { return nil }
        var facts =
            "root \(root.hex.prefix(16)), node \(batch.node) has \(batch.root.hex.prefix(16))"
        if let seal {
            let names = StateComponent.allCases.map { "\($0)" }
            let differing = zip(zip(seal.components, batch.components), names)
                .filter { $0.0.0 != $0.0.1 }.map(\.1)
            facts +=
                seal.stateRoot == batch.stateRoot
                ? "; state roots are equal" : "; differs in \(differing.joined(separator: ", "))"
        }
        return Violation(.agreement, node: node, height: height, facts)
    }

    /// Reads the batches of a log from an entry on.
    static func batches(
        of log: EventLog, from start: UInt64, to end: UInt64
    ) throws(FoldFailure) -> [(events: [Event], root: Digest)] {
        var result: [(events: [Event], root: Digest)] = []
        var batch: [Event] = []
        try LedgerFold.forEach(log, from: start, to: end) { index, entry throws(FoldFailure) in
            batch.append(entry.event)
            guard case .batchSealed = entry.event else { return true }
            do throws(LogError) { result.append((batch, try log.root(at: index + 1))) } catch {
                throw .log(error)
            }
            batch = []
            return true
        }
        return result
    }
}
