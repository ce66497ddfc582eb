// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Hosting
internal import Ledger

/// The checkers that look when a run has ended, at what is on the disks: that all honest nodes have
/// the same entries (agreement), and that an audit finds nothing (audit).
extension Simulator {
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
