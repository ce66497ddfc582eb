// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// A batch that is decided and durable.
struct NodeBatch {
    /// The height: how many batches came before it.
    let height: Height
    /// The root of the log after it.
    let root: Digest
    /// Its events, in order.
    let events: [Event]
    /// The entry of the first of them.
    let first: EntryIndex
    /// The number of entries of the ledger after it.
    var size: UInt64 { first.rawValue + UInt64(events.count) }

    /// The events with their entries.
    var entries: [(entry: EntryIndex, event: Event)] {
        events.enumerated().map { (EntryIndex(first.rawValue + UInt64($0)), $1) }
    }
}

/// Something that a node does beside agreeing: it hears of batches, and hands in commands.
///
/// Used on the node's own thread alone.
protocol Duty: AnyObject {
    /// The uptime at which `attend` is wanted, in milliseconds.
    var nextWake: UInt64 { get }
    /// Whether something is unfinished that a run should not end before.
    var isBusy: Bool { get }
    /// The node begins.
    func start(_ node: NodeCore) throws(NodeError)
    /// A batch is durable. The node's state may be further already.
    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError)
    /// A message about duties has come.
    func receive(
        _ message: DutyMessage, from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError)
    /// The time of `nextWake` has come.
    func attend(_ node: NodeCore) throws(NodeError)
    /// The node ends in order.
    func end(_ node: NodeCore) throws(NodeError)
}

extension Duty {
    var nextWake: UInt64 { .max }
    var isBusy: Bool { false }
    func start(_ node: NodeCore) throws(NodeError) {}
    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {}
    func receive(
        _ message: DutyMessage, from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError) {}
    func attend(_ node: NodeCore) throws(NodeError) {}
    func end(_ node: NodeCore) throws(NodeError) {}
}
