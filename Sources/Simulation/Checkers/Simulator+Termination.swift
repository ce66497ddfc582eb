// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Hosting
internal import Ledger

/// The checker of termination: once all is healed, what is asked for is decided in time, as the
/// mathematics says, and everybody comes to where the others are.
extension Simulator {
    /// Time after the deadline of a request by which its decision must be there.
    private static let slackMilliseconds: UInt64 = 20_000
    /// Time after healing by which everybody must be where the others are.
    private static let catchUpMilliseconds: UInt64 = 60_000

    /// Once all is healed: ends the run when all is decided, or says what is overdue.
    func lookAround() {
        guard let healed else { return }
        queue.add(.lookAround, at: now.adding(milliseconds: 1_000))
        guard options.isTolerable else {
            isOver = true
            return
        }
        let open = workload.submissions.filter { $0.decided == nil && !isExcused($0.id) }
        for submission in open {
            let since = max(healed, submission.handed ?? now)
            let limit = Parameters.standard.verificationMilliseconds + Self.slackMilliseconds
            guard now.milliseconds(since: since) > limit else { continue }
            let isThere = chain.state.entry(of: submission.id) != nil
            report(
                Violation(
                    .termination,
                    "request \(submission.id.hex.prefix(16)) has no decision"
                        + " \(now.milliseconds(since: since)) ms after it could have"
                        + (isThere ? ", and is in the ledger" : ", and is not in the ledger")))
        }
        let behind = nodes.filter { node in
            node.isHonest && node.isUp && isMember(node)
                && node.host?.state.height.rawValue != chain.height
        }
        if open.isEmpty, behind.isEmpty {
            isOver = true
            return
        }
        guard now.milliseconds(since: healed) > Self.catchUpMilliseconds, open.isEmpty else {
            return
        }
        for node in behind {
            report(
                Violation(
                    .termination, node: node.number,
                    height: node.host?.state.height.rawValue,
                    "is behind height \(chain.height) long after the network was whole"))
        }
    }

    func isMember(_ node: SimulatedNode) -> Bool {
        chain.state.members.contains { self.node(of: $0)?.number == node.number }
    }

    /// What was asked for after healing has the outcome that the mathematics says.
    func checkOutcomes() {
        guard options.isTolerable, let healed else { return }
        for submission in workload.submissions where submission.moment > healed {
            guard let outcome = submission.outcome, let holds = verdicts.holds(submission.id),
                submission.outcomeReason != .nullifierSpent
            else { continue }
            guard outcome != (holds ? .approved : .rejected) else { continue }
            report(
                Violation(
                    .termination,
                    "request \(submission.id.hex.prefix(16)), submitted on a whole network, is"
                        + " \(outcome) and its proof \(holds ? "holds" : "is false")"))
        }
    }
}
