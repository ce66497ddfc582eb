// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import EventLog
import Foundation

/// `recount audit`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Recount a ledger: check everything in it without trust in who wrote it.",
        discussion: """
            Checks every byte of every frame, the whole Merkle tree, every derived event
            by deriving it again, every root, every signature and every proof. A finding
            names the entry, what was expected and what was found.

            A validator whose signed vote contradicts the mathematics of a proof is
            named. That alone does not make the ledger wrong, since the rules bear as
            many liars as may fail: the exit code is 0 then, or 1 with --strict. An
            approval of a false proof is a finding.

              recount audit home
              recount audit home --json | jq .findings

            Exit codes: 0 nothing is wrong; 1 something is wrong; 2 there is no ledger
            to judge.
            """)

    @Argument(help: "A home, or the directory of a ledger.", completion: .directory)
    var ledger: String

    @Flag(help: "Print the report as one JSON object.")
    var json = false

    @Flag(help: "Leave the proofs out: neither their form nor what they prove is checked.")
    var noProofs = false

    @Flag(help: "Do not check signatures.")
    var noSignatures = false

    @Flag(help: "Exit with 1 also where votes contradict the mathematics.")
    var strict = false

    @Flag(help: "Print nothing where nothing is wrong.")
    var quiet = false

    mutating func run() throws {
        let options = AuditOptions(checkSignatures: !noSignatures, verifyProofs: !noProofs)
        let bar = ProgressBar(isShown: Output.isErrorTerminal && !quiet)
        let report: AuditReport
        do throws(LogError) {
            report = try Auditor.run(directory: ledger, options: options, progress: bar.show)
        } catch {
            bar.clear()
            throw failure(error, ledger)
        }
        bar.clear()
        let isGood = report.isRight && !(strict && !report.contradictions.isEmpty)
        if json {
            try Output.json(report)
        } else if !quiet || !isGood {
            AuditText(report).print()
        }
        Output.flush()
        throw ExitCode(isGood ? ExitStatus.good.rawValue : ExitStatus.wrong.rawValue)
    }
}

/// Shows on standard error how far an audit is, ten times a second.
private final class ProgressBar {
    private let isShown: Bool
    private var next = Date.distantPast

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ progress: AuditProgress) {
        guard isShown, Date() >= next else { return }
        next = Date().addingTimeInterval(0.1)
        let share = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 1
        let filled = Int(share * 24)
        let bar =
            String(repeating: "#", count: filled) + String(repeating: "-", count: 24 - filled)
        let left = progress.secondsLeft.map { String(format: "%.0f s left", $0.rounded(.up)) } ?? ""
        let label = progress.phase == .log ? "log    " : "entries"
        Output.standardError(
            "\r\u{1B}[K\(label) [\(bar)] \(Int(share * 100)) %"
                + "  \(Text.grouped(UInt64(progress.rate)))/s  \(left)")
    }

    func clear() {
        if isShown { Output.standardError("\r\u{1B}[K") }
    }
}

/// A report as people read it.
private struct AuditText {
    private static let findingsMax = 50

    let report: AuditReport

    init(_ report: AuditReport) { self.report = report }

    func print() {
        Output.line(
            Output.strong(report.isRight ? "The ledger is right." : "The ledger is wrong."))
        if report.checks.log == .failed {
            Output.line("The log in \(report.directory) is damaged.")
        } else {
            listChecks()
        }
        printContradictions()
        printFindings()
        for note in report.notes { Output.line("Note: \(note)") }
    }

    private func listChecks() {
        let counts = report.counts
        var list = Listing()
        list.add("ledger", report.ledgerID.isEmpty ? "unknown" : report.ledgerID)
        list.add("name", report.name)
        list.add("directory", report.directory)
        list.add(
            "looked at",
            "\(Text.count(counts.entries, "entry", "entries")) of \(Text.grouped(report.size)),"
                + " \(Text.count(counts.batches, "batch", "batches")),"
                + " \(Text.count(report.frames, "frame")), \(Text.count(report.blobs, "blob"))")
        list.add("log", "\(report.checks.log.rawValue): root \(report.root)")
        list.add(
            "derivation",
            "\(report.checks.derivation.rawValue): \(Text.grouped(counts.derived)) derived events"
                + " equal, state root \(report.stateRoot.prefix(16))…")
        list.add(
            "signatures",
            "\(report.checks.signatures.rawValue): \(Text.grouped(counts.signatures)) checked")
        list.add(
            "proofs",
            "\(report.checks.proofs.rawValue): \(Text.grouped(counts.proofs)) verified again,"
                + " \(Text.count(counts.votes, "vote")) compared")
        list.add(
            "requests",
            "\(Text.grouped(counts.requests)): \(counts.approved) approved, \(counts.rejected)"
                + " rejected, \(counts.timedOut) timed out; \(counts.refused) messages refused")
        list.add(
            "took",
            "\(Text.seconds(report.seconds)), \(Text.grouped(UInt64(report.entriesPerSecond)))"
                + " entries a second")
        list.print()
    }

    private func printContradictions() {
        guard !report.contradictions.isEmpty else { return }
        var lies: [UInt16: [Contradiction]] = [:]
        for item in report.contradictions { lies[item.validator, default: []].append(item) }
        Output.line()
        Output.line(
            Output.strong(
                Text.count(UInt64(lies.count), "validator") + " contradicted the mathematics:"))
        var table = Table(
            ("validator", .right), ("key", .left), ("votes", .right), ("at entries", .left))
        for validator in lies.keys.sorted() {
            let items = lies[validator] ?? []
            let entries = items.prefix(6).map { "\($0.entry) (\($0.vote))" }
            table.add(
                "\(validator)", items.first.map { $0.key.prefix(16) + "…" } ?? "",
                "\(items.count)", entries.joined(separator: ", ") + (items.count > 6 ? ", …" : ""))
        }
        table.print()
    }

    private func printFindings() {
        guard !report.findings.isEmpty else { return }
        Output.line()
        Output.line(Output.strong(Text.count(UInt64(report.findings.count), "finding") + ":"))
        for finding in report.findings.prefix(Self.findingsMax) {
            Output.line("  entry \(finding.entry): \(finding.kind.rawValue)")
            Output.line("    expected  \(finding.expected)")
            Output.line("    found     \(finding.found)")
        }
        if report.findings.count > Self.findingsMax {
            Output.line("  … and more; --json has them all.")
        }
    }
}
