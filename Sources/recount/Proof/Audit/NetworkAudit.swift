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
        /// What its home or folder is called.
        let name: String
        /// The number of the validator that its ledger calls so; nil where it calls none so.
        var validator: UInt16?
        /// Nil where there is nothing to judge.
        var report: AuditReport?
        /// Why there is not.
        var problem: String?
        /// Whether it is the beginning of the longest, or the longest.
        var isOne = true
        /// Why it is not.
        var difference: String?

        var isRight: Bool { report?.isRight ?? false }

        mutating func differs(_ reason: String) {
            isOne = false
            difference = reason
        }
    }

    private struct Result: Encodable {
        let isRight: Bool
        let isOne: Bool
        let size: UInt64
        let root: String?
        let ledgers: [Part]
    }

    /// Audits all, prints what was found, and returns how the command ends.
    func run(isStrict: Bool, json: Bool, quiet: Bool) throws -> ExitStatus {
        var parts: [Part] = []
        for name in names {
            var part = Part(name: name)
            let home = LocalNetwork.homePath(of: name, in: path)
            guard NodeHome.hasLedger(home) else {
                part.problem = Place.lostLedger(home)
                part.differs("it has lost its ledger")
                parts.append(part)
                continue
            }
            do throws(Failure) { part.report = try audit(home) } catch {
                // What cannot be judged hides nothing of the others.
                part.problem = error.message
                part.differs("it cannot be opened")
            }
            part.validator = part.report?.participation.first { $0.name == name }?.validator
            parts.append(part)
        }
        if let problem = parts.first?.problem, parts.allSatisfy({ $0.report == nil }) {
            throw Failure(problem)
        }
        let longest = compare(&parts)
        let isOne = parts.allSatisfy(\.isOne)
        let isRight = parts.allSatisfy { part in
            part.report?.isGood(isStrict: isStrict) ?? false
        }
        if json {
            try Output.json(
                Result(
                    isRight: isRight, isOne: isOne, size: longest?.size ?? 0,
                    root: longest?.root.hex, ledgers: parts))
        } else if !quiet || !isOne || !isRight {
            show(parts, isOne: isOne)
        }
        guard isOne, isRight else { return .wrong }
        return parts.contains { $0.report?.isWithoutQuorum == true } ? .unusable : .good
    }

    /// Compares each whose log is whole with the longest of those, and returns that.
    private func compare(_ parts: inout [Part]) -> EventLog? {
        var logs: [(place: Int, log: EventLog)] = []
        for (place, name) in names.enumerated() where parts[place].isOne {
            guard parts[place].report?.checks.log == .passed else {
                parts[place].differs("its log is damaged")
                continue
            }
            do throws(Failure) {
                logs.append((place, try openLedger(LocalNetwork.homePath(of: name, in: path))))
            } catch {
                parts[place].differs("it cannot be opened")
            }
        }
        guard let longest = logs.map(\.log).max(by: { $0.size < $1.size }) else { return nil }
        for (place, log) in logs {
            do throws(LogError) {
                guard try longest.root(at: log.size) != log.root else { continue }
                let same = try Self.common(log, longest)
                parts[place].differs("it parts from the longest ledger at entry \(same)")
            } catch {
                parts[place].differs("it cannot be compared: \(error)")
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

    private static func word(_ report: AuditReport) -> String {
        let network = UInt64(report.network.count)
        guard report.isRight else { return "wrong: \(report.findings.count) findings" }
        guard report.projections?.outcome != .different else { return "right; projections wrong" }
        return network == 0 ? "right" : "right; network: \(Text.count(network, "finding"))"
    }

    private func show(_ parts: [Part], isOne: Bool) {
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
                part.name, part.report.map { Text.grouped($0.size) } ?? "",
                part.report.map { "\($0.root.prefix(16))…" } ?? "",
                part.report.map {
                    Self.word($0)
                } ?? "impossible", part.difference ?? "yes")
        }
        table.print()
        // One of those that are right stands for all of them.
        let wrong = parts.filter { !$0.isRight }
        for part in wrong.isEmpty ? Array(parts.prefix(1)) : wrong {
            Output.line()
            Output.line(Output.strong(part.name))
            if let report = part.report { AuditText(report).print() }
            if let problem = part.problem { Output.line(problem) }
        }
    }
}
