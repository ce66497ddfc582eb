// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Hosting
internal import Projections

/// Keeps the projections of a node's ledger up to date, on a thread of their own.
final class Following: Duty {
    private var follower: ProjectionsFollower?

    /// How far it came; nil before the node has begun.
    var status: (entries: UInt64, behind: UInt64, isStopped: Bool)? {
        follower.map { follower in
            let status = follower.status
            return (status.entries, status.behind, status.failure != nil)
        }
    }

    func start(_ node: NodeCore) throws(NodeError) {
        let (inbox, name) = (node.inbox, node.name)
        follower = ProjectionsFollower(
            directory: node.home.ledgerDirectory, log: node.host.log,
            onNotice: { text in
                inbox.put { (node) throws(NodeError) in node.tell(.warning("\(name): \(text)")) }
            },
            onFailure: { error in
                inbox.put { (node) throws(NodeError) in
                    node.tell(.projectionsStopped("\(name): \(error)"))
                }
            })
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) { follower?.wake() }

    func end(_ node: NodeCore) throws(NodeError) {
        guard let follower else { return }
        self.follower = nil
        let status = follower.finish(withinSeconds: NodeLimits.projectionsSecondsMax)
        node.facts.projections = RunSummary.ProjectionsSummary(
            entries: status.entries, behind: status.behind, failure: status.failure)
        // What it has put into the inbox meanwhile is not lost.
        for work in node.inbox.pop(waitMilliseconds: 0).work { try work(node) }
    }
}
