// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Hosting
internal import Ledger

/// How a run ends, and what is looked at then.
extension Simulator {
    /// Time after the deadline of a request by which its decision must be there.
    private static let slackMilliseconds: UInt64 = 20_000
    /// Time after healing by which everybody must be where the others are.
    private static let settledMilliseconds: UInt64 = 60_000

    // MARK: Waiting for the end

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
        guard now.milliseconds(since: healed) > Self.settledMilliseconds, open.isEmpty else {
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

    private func isMember(_ node: SimulatedNode) -> Bool {
        chain.state.members.contains { self.node(of: $0)?.number == node.number }
    }

    // MARK: The last look

    /// Closes every node and looks at what is on its disk.
    func finish() {
        checkOutcomes()
        if !chain.batches.isEmpty { report(soundness.finish(chain.state)) }
        let lives = nodes.map { (life: $0.life, isUp: $0.isUp) }
        if options.isTolerable {
            for violation in accountability.finish(stayedUp: { node, life, until in
                lives[node].isUp && lives[node].life == life && until < self.now
            }) { report(violation) }
        }
        var first: (node: Int, entries: [[UInt8]])?
        for node in nodes where node.isHonest && node.life > 0 {
            guard node.isUp, stop(node) else { continue }
            do {
                let log = try EventLog.open(
                    directory: "\(SimulatedNode.directory)/ledger", disk: node.disk,
                    access: .readOnly)
                let entries = try entries(of: log)
                if let first {
                    compare(entries, of: node, with: first.entries, of: first.node)
                    _ = try log.verifyAll()
                } else {
                    first = (node.number, entries)
                    if options.audits { audit(node) }
                }
            } catch {
                report(
                    Violation(.audit, node: node.number, "its log cannot be read: \(error)"))
            }
        }
    }

    /// What was asked for after healing has the outcome that the mathematics says.
    private func checkOutcomes() {
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

    private func entries(of log: EventLog) throws -> [[UInt8]] {
        var entries: [[UInt8]] = []
        try log.forEach(from: 0, to: log.size) { _, bytes in
            var copy: [UInt8] = []
            copy.reserveCapacity(bytes.count)
            for position in bytes.indices { copy.append(bytes[position]) }
            entries.append(copy)
        }
        return entries
    }

    /// Nodes may have stopped at different heights; what both have is the same.
    private func compare(
        _ entries: [[UInt8]], of node: SimulatedNode, with others: [[UInt8]], of other: Int
    ) {
        for (place, pair) in zip(entries, others).enumerated() where pair.0 != pair.1 {
            report(
                Violation(
                    .agreement, node: node.number,
                    "entry \(place) differs from that of node \(other)"))
            return
        }
    }

    /// Audits the ledger of one node; those of the others have the same entries.
    private func audit(_ node: SimulatedNode) {
        do throws(LogError) {
            let report = try Auditor.run(
                directory: "\(SimulatedNode.directory)/ledger", disk: node.disk,
                options: AuditOptions(cores: 1))
            for finding in report.findings.prefix(3) {
                self.report(
                    Violation(
                        .audit, node: node.number,
                        "entry \(finding.entry): \(finding.kind.rawValue), expected"
                            + " \(finding.expected), found \(finding.found)"))
            }
        } catch {
            report(Violation(.audit, node: node.number, "there is nothing to audit: \(error)"))
        }
    }
}
