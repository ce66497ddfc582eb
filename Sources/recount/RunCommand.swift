// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Dispatch
import Foundation
import Ledger
import Node
import Synchronization

/// `recount run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the validators of a home on requests and jobs, and decide them.",
        discussion: """
            Reads one request a line (JSON: circuit, proof, public_inputs, amount,
            recipient, timestamp), gives each to every validator, collects their signed
            votes, decides, and orders settlement. Takes the compute jobs that
            `recount job submit` has left, at the start and as they come: the three
            validators that each job is assigned to run it, and two equal results decide
            it. Ends when the input ends and everything is decided and settled; an
            interrupt ends it after the batch at hand. What is open then is taken up by
            the next run.

              recount run home --requests Tools/samples/requests.jsonl
              recount run home --requests requests.jsonl --malicious 2 --offline 1
              my-queue | recount run home --json
              recount run home --requests /dev/null      the jobs only

            Validators can be told to misbehave, so that the tolerance can be seen: with
            ten validators and a threshold of seven, any three. Offline are the last,
            before them the equivocating, before them the malicious.

            With --json every event is an object on a line, and the last is the summary.
            Exit codes: 0 when the run ended in order, whatever was decided; 2 when it
            could not go on.
            """)

    @Argument(help: "The home.", completion: .directory)
    var home: String

    @Option(
        help: ArgumentHelp("The requests; - is standard input.", valueName: "file"),
        completion: .file())
    var requests = "-"

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "Validators that vote against the truth and report wrong results of jobs, all alike.",
            valueName: "count"))
    var malicious = 0

    @Option(help: ArgumentHelp("Validators that do nothing.", valueName: "count"))
    var offline = 0

    @Option(
        help: ArgumentHelp(
            "Validators that sign both verdicts, and two results of every job.",
            valueName: "count"))
    var equivocating = 0

    @Flag(help: "Take a clock that is an hour or more ahead for right.")
    var acceptClockJump = false

    @Flag(help: "Print JSON Lines: every event, then the summary.")
    var json = false

    @Flag(help: "Print votes, results, and accepted requests and jobs too.")
    var verbose = false

    private struct SummaryLine: Encodable {
        let event = "summary"
        let summary: RunSummary
    }

    mutating func run() async throws {
        let summary: RunSummary
        do throws(NodeError) {
            let protection = try Passphrase.protection(of: home, keyFile: keyFile)
            let opened = try Home.open(at: home, protection: protection)
            let options = CoordinatorOptions(
                behaviours: try Behaviour.list(
                    count: opened.validators.count, malicious: malicious, offline: offline,
                    equivocating: equivocating), acceptClockJump: acceptClockJump)
            let source = try FileLineSource(path: requests)
            let coordinator = try Coordinator.open(home: opened, options: options)
            let interrupts = Interrupts { coordinator.stop() }
            let printer = EventPrinter(isJSON: json, isVerbose: verbose)
            summary = try await coordinator.run(source, onEvent: printer.show)
            interrupts.cancel()
        } catch {
            throw Failure("\(error)")
        }
        if json { return try Output.json(SummaryLine(summary: summary), isLine: true) }
        Self.show(summary)
    }

    private static func show(_ summary: RunSummary) {
        Output.line()
        Output.line(Output.strong(summary.stopped ? "Stopped." : "Done."))
        var list = Listing()
        list.add(
            "requests",
            "\(summary.requests): \(summary.accepted) accepted, \(summary.refused) refused,"
                + " \(summary.answered) known before")
        list.add(
            "decided",
            "\(summary.decided): \(summary.approved) approved, \(summary.rejected) rejected,"
                + " \(summary.timedOut) timed out")
        list.add("settled", "\(summary.settled) paid, \(summary.failed) failed for good")
        if summary.hasJobs {
            list.add(
                "jobs",
                "\(summary.jobsAccepted) accepted, \(summary.jobsRefused) refused;"
                    + " \(summary.jobsAgreed) agreed, \(summary.jobsDisagreed) disagreed,"
                    + " \(summary.jobsTimedOut) timed out")
        }
        list.add("votes", "\(summary.votes), \(summary.equivocations) equivocations")
        list.add("ledger", "\(summary.entries) entries, \(summary.batches) batches in this run")
        if summary.refusalsRecorded + summary.refusalsDropped > 0 {
            list.add(
                "refusals",
                "\(summary.refusalsRecorded) recorded, \(summary.refusalsDropped) beyond the limit")
        }
        if summary.openRounds + summary.openSettlements + summary.openJobs > 0 {
            list.add(
                "left open",
                "\(summary.openRounds) rounds, \(summary.openJobs) jobs,"
                    + " \(summary.openSettlements) settlements; the next run takes them up")
        }
        if let projections = summary.projections {
            list.add("projections", text(of: projections))
        }
        list.add(
            "took",
            "\(Text.seconds(summary.seconds)), "
                + String(format: "%.1f decisions a second", summary.decisionsPerSecond))
        list.print()
        Output.line()
        var table = Table(
            ("validator", .left), ("key", .left), ("behaviour", .left), ("before", .right),
            ("after", .right))
        for validator in summary.validators {
            table.add(
                validator.name, validator.key.prefix(16) + "…", validator.behaviour.rawValue,
                UTC.points(Reputation(validator.reputationBefore)),
                UTC.points(Reputation(validator.reputationAfter)))
        }
        table.print()
    }

    private static func text(of projections: RunSummary.ProjectionsSummary) -> String {
        let behind =
            projections.behind == 0
            ? "up to date"
            : "\(Text.count(projections.behind, "entry", "entries")) behind; the next to read them"
                + " catches up"
        return projections.failure.map { "\(behind); stopped: \($0)" } ?? behind
    }
}

/// Prints what happens, as it happens.
private struct EventPrinter: Sendable {
    let isJSON: Bool
    let isVerbose: Bool

    func show(_ event: CoordinatorEvent) {
        defer { Output.flush() }
        if isJSON { return Output.line(event.json) }
        switch event {
        case .voted, .accepted, .jobSubmitted, .jobAssigned, .jobReported:
            if isVerbose { Output.line(event.description) }
        case .warning(let text): Output.error("warning: \(text)")
        case .projectionsStopped: Output.error(event.description)
        default: Output.line(event.description)
        }
    }
}

/// Calls back at the first interrupt; the second ends the process, which loses nothing.
private final class Interrupts {
    private var sources: [any DispatchSourceSignal] = []

    init(_ stop: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "recount.interrupts")
        let flag = InterruptFlag()
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                guard flag.raise() else { Foundation.exit(ExitStatus.unusable.rawValue) }
                Output.error("stopping after the batch at hand; once more ends at once")
                stop()
            }
            source.resume()
            sources.append(source)
        }
    }

    func cancel() { for source in sources { source.cancel() } }
}

/// Whether there was an interrupt.
private final class InterruptFlag: Sendable {
    private let isRaised = Atomic(false)

    /// Returns whether this is the first time.
    func raise() -> Bool { !isRaised.exchange(true, ordering: .relaxed) }
}
