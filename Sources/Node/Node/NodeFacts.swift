// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger
internal import Synchronization

/// Where a node stands, for others to read.
package struct NodeFacts: Sendable, Equatable {
    /// Its last batch.
    package var height = Height(0)
    /// The entries of its ledger.
    package var size: UInt64 = 0
    /// The root of its log; nil while it lacks older entries.
    package var root: Digest?
    /// The time of its last batch.
    package var time = Time(0)
    /// Rounds that are open.
    package var openRounds = 0
    /// Jobs that are open.
    package var openJobs = 0
    /// Payments that are ordered and not reported.
    package var settlements = 0
    /// When the next round or job is closed by its deadline.
    package var nextDue: Time?
    /// Whether clients wait for something here.
    package var isBusy = false
    /// Whether it waits for a snapshot to start from.
    package var isJoining = false
    /// Why it signs nothing and follows nothing, as a case says; nil where it runs.
    package var stopped: String?
    /// Whether its validator is a member, as far as it knows: one that is to join, or has left, is
    /// told of no batches.
    package var isMember = false
    /// The size of the newest log that it keeps a checkpoint of.
    package var checkpointSize: UInt64 = 0

    /// An empty ledger.
    package init() {}
}

/// Facts that a node's thread writes and others read.
final class NodeFactsBox: Sendable {
    private let facts = Mutex(NodeFacts())
    private let onChange: @Sendable () -> Void
    private let follower = Mutex<RunSummary.ProjectionsSummary?>(nil)
    private let opened = Mutex<EventLog?>(nil)

    /// The log of the ledger, which any thread may read; nil before it is opened.
    var log: EventLog? {
        get { opened.withLock { $0 } }
        set { opened.withLock { $0 = newValue } }
    }

    /// How far the projections came; nil before the node has ended.
    var projections: RunSummary.ProjectionsSummary? {
        get { follower.withLock { $0 } }
        set { follower.withLock { $0 = newValue } }
    }

    init(_ onChange: @escaping @Sendable () -> Void) { self.onChange = onChange }

    var value: NodeFacts { facts.withLock { $0 } }

    func set(_ new: NodeFacts) {
        let isNew = facts.withLock { facts in
            defer { facts = new }
            return facts != new
        }
        if isNew { onChange() }
    }
}

/// What a node tells whoever runs it.
package enum NodeTold: Sendable {
    /// What the ledger now holds. Told by the node that was asked to tell of this batch.
    case batch(Height, size: UInt64, root: Digest, [NodeEvent], refusalsRecorded: Int)
    /// Something else.
    case event(NodeEvent)
}

/// What a node's thread is made from.
struct NodeSetup: Sendable {
    let home: NodeHome
    let options: NodeOptions
    let share: NodeShare
    let clock: any NodeClock
    let inbox: NodeInbox
    let transport: any Transport
    let facts: NodeFactsBox
    /// What counts the syncs of its disk.
    let syncs: SyncMeter
    let tell: @Sendable (NodeTold) -> Void
}
