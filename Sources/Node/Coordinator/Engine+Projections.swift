// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Projections

extension Engine {
    /// Starts to follow the log with the projections, on a thread of its own.
    mutating func startFollowing() {
        let inbox = inbox
        follower = ProjectionsFollower(
            directory: home.ledgerDirectory, log: log,
            onNotice: { inbox.put(result: .projectionsNotice($0)) },
            onFailure: { inbox.put(result: .projectionsStopped("\($0)")) })
    }

    /// Lets the projections come up to the end of the log, within limits, and says how far.
    mutating func endFollowing() {
        guard let follower else { return }
        self.follower = nil
        let status = follower.finish(withinSeconds: NodeLimits.projectionsSecondsMax)
        for arrival in inbox.take(room: 0, waitMilliseconds: 0).arrivals {
            tellProjections(arrival)
        }
        summary.projections = RunSummary.ProjectionsSummary(
            entries: status.entries, behind: status.behind, failure: status.failure)
    }

    /// Tells what the follower has to say. A failure ends the following, and nothing else.
    func tellProjections(_ arrival: Arrival) {
        switch arrival {
        case .projectionsNotice(let text): onEvent(.warning(text))
        case .projectionsStopped(let text): onEvent(.projectionsStopped(text))
        default: break
        }
    }
}
