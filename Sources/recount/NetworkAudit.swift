// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Ledger
import Node

/// The audit of every ledger of a local network, and whether they are one.
struct NetworkAudit {
    let path: String
    let names: [String]
    let audit: (String) throws(Failure) -> AuditReport

    /// What was found of one validator's ledger.
    private struct Part: Encodable {
        let validator: String
        let report: AuditReport
        /// Whether it is the beginning of the longest, or the longest.
        var isOne: Bool
        /// Why it is not.
        var difference: String?
    }

    private struct Result: Encodable {
        let isRight: Bool
        let isOne: Bool
        let size: UInt64
        let root: String
        let ledgers: [Part]
    }

    /// Audits all, prints what was found, and returns how the command ends.
    func run(isStrict: Bool, json: Bool, quiet: Bool) throws -> ExitStatus {
        var parts: [Part] = []
        for name in names {
            let home = LocalNetwork.homePath(of: name, in: path)
            parts.append(
                Part(validator: name, report: try audit(home), isOne: true, difference: nil))
        }
        let longest = try compare(&parts)
        let isOne = parts.allSatisfy(\.isOne)
        let isRight = parts.allSatisfy { isStrict ? $0.report.isSpotless : $0.report.isRight }
        if json {
            try Output.json(
                Result(
                    isRight: isRight, isOne: isOne, size: longest.size, root: longest.root.hex,
                    ledgers: parts))
        } else if !quiet || !isOne || !isRight {
            show(parts, longest, isOne: isOne)
        }
        guard isOne, isRight else { return .wrong }
        return parts.contains { $0.report.isWithoutQuorum } ? .unusable : .good
    }

    /// Compares each with the longest, and returns that. What cannot be opened is not one with it.
    private func compare(_ parts: inout [Part]) throws(Failure) -> EventLog {
        var logs: [(place: Int, log: EventLog)] = []
        var unreadable: Failure?
        for (place, name) in names.enumerated() {
            do throws(Failure) {
                logs.append((place, try openLedger(LocalNetwork.homePath(of: name, in: path))))
            } catch {
                unreadable = error
                parts[place].difference = "it cannot be opened"
                parts[place].isOne = false
            }
        }
        guard var longest = logs.first?.log else {
            throw unreadable ?? Failure("\(path) holds no ledger")
        }
        for (_, log) in logs where log.size > longest.size { longest = log }
        for (place, log) in logs {
            do throws(LogError) {
                guard try longest.root(at: log.size) != log.root else { continue }
                let same = try Self.common(log, longest)
                parts[place].difference =
                    "it parts from the longest ledger at entry \(same)"
                parts[place].isOne = false
            } catch {
                throw failure(error, log.directory)
            }
        }
        return longest
    }

    /// How many entries two logs have in common from the first on.
    private static func common(_ first: EventLog, _ second: EventLog) throws(LogError) -> UInt64 {
        var low: UInt64 = 0
        var high = min(first.size, second.size)
        // The roots at `low` are equal; those at `high` are not, or it is the end of one.
        if high > 0, try first.root(at: high) == second.root(at: high) { return high }
        while low + 1 < high {
            let middle = low + (high - low) / 2
            if try first.root(at: middle) == second.root(at: middle) {
                low = middle
            } else {
                high = middle
            }
        }
        return low
    }

    private func show(_ parts: [Part], _ longest: EventLog, isOne: Bool) {
        Output.line(
            Output.strong(
                isOne
                    ? "The \(parts.count) ledgers are one."
                    : "The \(parts.count) ledgers are not one."))
        var table = Table(
            ("validator", .left), ("size", .right), ("root", .left), ("audit", .left),
            ("agrees", .left))
        for part in parts {
            table.add(
                part.validator, Text.grouped(part.report.size),
                part.report.root.prefix(16) + "…",
                part.report.isRight ? "right" : "wrong: \(part.report.findings.count) findings",
                part.difference ?? "yes")
        }
        table.print()
        // One of those that are right stands for all of them.
        let wrong = parts.filter { !$0.report.isRight }
        for part in wrong.isEmpty ? Array(parts.prefix(1)) : wrong {
            Output.line()
            Output.line(Output.strong(part.validator))
            AuditText(part.report).print()
        }
    }
}
