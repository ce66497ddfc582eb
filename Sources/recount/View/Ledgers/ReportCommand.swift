// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import EventLog
import Forensics
import Ledger
import Projections

/// `recount report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write one page about a ledger for people who were not there.",
        discussion: """
            The page tells in words and tables what the ledger holds: a summary, what
            happened day by day, reputations, who led against what was to be expected, who
            disagreed, who is convicted, and what was not checked. It is one file of HTML
            without scripts, pictures or links; it can be printed, read on a phone and in
            the dark, and sent by mail. Of a large ledger it stays small: long histories
            are told in longer spans, and long lists are cut, which is said.

              recount report home --html ledger.html
              recount report home --html - --audit > ledger.html

            --audit recounts the ledger first, and puts what was found on the page.

            Exit codes: 0 it is written; 1 it is written, and the audit found something; 2
            the log cannot be read, or the file not be written.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Option(
        help: ArgumentHelp(
            "Where to write the page; - is standard output.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var html: String

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Audit the ledger first, all but its jobs.")
    var audit = false

    mutating func run() throws {
        try OutputFile.check(html, "--html", force: replacing.force)
        let log = try openLedger(ledger)
        var story: LedgerStory
        do throws(DisagreementError) { story = try LedgerStory.of(log) } catch {
            throw Failure("\(ledger): \(error)")
        }
        story.leaders = try Self.leaders(log)
        var isRight = true
        if audit {
            let report: AuditReport
            do throws(LogError) { report = try Auditor.run(directory: log.directory) } catch {
                throw failure(error, ledger)
            }
            isRight = report.isRight
            story.audit = Self.sentences(report)
        }
        let page = story.html(made: "Made by recount report from \(log.size) entries of the log.")
        try OutputFile.write(Array(page.utf8), to: html, force: replacing.force)
        Output.flush()
        if !isRight { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    /// Who led requests and batches, against what the weights predict.
    private static func leaders(
        _ log: EventLog
    ) throws(Failure) -> [(title: String, rows: [LedgerStory.LeaderRow])] {
        let answer = try OpenedViews(log: log).ask { views throws(ViewError) in
            try LeadersAnswer(
                LeadingKind.allCases, LogRange(from: nil, to: nil), newest: 0, views)
        }
        return (answer?.parts ?? []).filter { $0.shares.count > 0 }.map { part in
            let isRequests = part.shares.kind == .requests
            let title =
                isRequests
                ? "\(part.shares.count) requests, to settle"
                : "\(part.shares.count) batches proposed by the first in rank"
            let rows = part.shares.validators.map { row in
                LedgerStory.LeaderRow(
                    name: row.name ?? "validator \(row.validator)",
                    cells: [
                        "\(row.led)", Text.percent(row.share), Text.percent(row.predictedShare),
                        row.deviationText(of: part.shares.count),
                    ])
            }
            return (title, rows)
        }
    }

    /// What an audit said, a sentence each.
    private static func sentences(_ report: AuditReport) -> [String] {
        let checks = report.checks
        var sentences = [
            "Checked: the log (\(checks.log.rawValue)), derivation"
                + " (\(checks.derivation.rawValue)), signatures (\(checks.signatures.rawValue)),"
                + " proofs (\(checks.proofs.rawValue)), the quorum of the last batch"
                + " (\(checks.quorum.rawValue)). Not run again: compute jobs."
        ]
        sentences += report.findings.prefix(findingsMax).map { finding in
            "Wrong at entry \(finding.entry), \(finding.kind.rawValue): expected"
                + " \(finding.expected), found \(finding.found)."
        }
        if report.findings.count > findingsMax {
            sentences.append("And \(report.findings.count - findingsMax) more findings.")
        }
        var liars: [String] = []
        for item in report.contradictions where !liars.contains(item.name) {
            liars.append(item.name)
        }
        if !liars.isEmpty {
            sentences.append(
                "Votes that contradict the mathematics were signed by"
                    + " \(liars.joined(separator: ", ")): \(report.contradictions.count) in all.")
        }
        sentences += report.network.prefix(findingsMax).map { "About the network: \($0)." }
        return sentences + report.notes
    }

    private static let findingsMax = 100
}
