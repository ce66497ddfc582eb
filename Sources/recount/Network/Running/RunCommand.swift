// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Foundation
import Ledger
import Node

/// `recount run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the validators of a local network, and let them agree.",
        discussion: """
            Every validator is a node with a disk folder of its own; they agree over a hub
            within this process, T of N as anywhere else. Reads one request a line (JSON:
            circuit, proof, public_inputs, amount, recipient, timestamp) and takes what
            clients have handed in (recount submit, job submit, govern), at the start and
            as it comes. Ends when the input ends and all is decided, settled and done; an
            interrupt ends it after the batch at hand. What is open then is taken up by the
            next run. A file is read whole first: where a line is no request nothing of it
            is taken. Lines of standard input are judged as they come.

              recount run net --requests Tools/samples/requests.jsonl
              recount run net --requests requests.jsonl --malicious 2 --offline 1
              my-queue | recount run net --json
              recount run net --requests /dev/null       what clients handed in
              recount run net --only validator-1 validator-2

            Validators can be told to misbehave, so that the tolerance can be seen: with
            ten validators and a threshold of seven, any three. Offline are the last,
            before them the equivocating, before them the malicious, before them those of
            --byzantine, one for each, which lie about the agreement itself, as in
            recount simulate:

              \(Text.wrapped(Text.listed(ByzantineRun.names), columns: 70)
                .joined(separator: "\n  "))

            What is refused, contradicted or changed is told as it happens, and the rest is
            counted in one line on a terminal; the summary follows. With --json every event
            is an object on a line, and the last is the summary; with --quiet that alone.
            Exit codes: 0 when the run ended in order, whatever was decided; 2 when it
            could not go on.
            """)

    @Argument(help: "The local network.", completion: Completions.homes)
    var network: String

    @Option(
        help: ArgumentHelp("The requests; - is standard input.", valueName: "file"),
        completion: .file())
    var requests = "-"

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Run only these validators.", valueName: "name"))
    var only: [String] = []

    @Option(
        help: ArgumentHelp(
            "A way in which one more validator lies; may be repeated.", valueName: "strategy"),
        completion: .list(ByzantineRun.names))
    var byzantine: [String] = []

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

    @Flag(help: "Print every event: decisions, payments, votes, results, what is accepted.")
    var verbose = false

    @Flag(help: "Print the summary alone, and on standard error what goes wrong.")
    var quiet = false

    private struct SummaryLine: Encodable {
        let event = "summary"
        let summary: RunSummary
    }

    /// Says whose homes are not in the folder: each may be elsewhere, and may be lost.
    private static func tellAbsent(_ network: LocalNetwork) {
        let absent = network.configuration.validators.map(\.name).filter {
            network.node($0) == nil
        }
        guard !absent.isEmpty else { return }
        Output.error(
            "note: \(absent.joined(separator: ", ")) \(absent.count == 1 ? "is" : "are") not in"
                + " \(network.path), and not run here")
    }

    func validate() throws {
        if quiet, verbose { throw ValidationError("give --quiet or --verbose, not both") }
        if json, verbose { throw ValidationError("--json prints every event: leave out --verbose") }
    }

    mutating func run() async throws {
        let summary: RunSummary
        do throws(NodeError) {
            let protection = try Passphrase.protection(ofNetwork: network, keyFile: keyFile)
            let opened = try LocalNetwork.open(
                at: network, only: only.isEmpty ? nil : only, protection: protection)
            if only.isEmpty { Self.tellAbsent(opened) }
            let options = try options(opened)
            if try RequestFile.check(requests) == 0 {
                Output.standardError(
                    "note: \(requests) is empty; the run takes what clients handed in\n")
            }
            let source = try FileLineSource(path: requests)
            let run = try LocalRun(opened, options: options)
            let interrupts = Interrupts("stopping after the batch at hand; once more ends at once")
            { run.stop() }
            let printer = RunPrinter(
                quiet ? .quiet : verbose ? .verbose : .usual, isJSON: json)
            defer { printer.end() }
            summary = try await run.run(source, onEvent: printer.show)
            interrupts.cancel()
        } catch {
            throw Failure("\(error)")
        }
        if json { return try Output.json(SummaryLine(summary: summary), isLine: true) }
        Self.show(summary)
    }

    /// Who lies, and how.
    private func options(_ network: LocalNetwork) throws(NodeError) -> LocalRunOptions {
        let names = network.nodes.map(\.validator)
        let behaviours = try Behaviour.list(
            count: names.count, malicious: malicious, offline: offline,
            equivocating: equivocating)
        var options = LocalRunOptions()
        options.acceptsClockJump = acceptClockJump
        for (name, behaviour) in zip(names, behaviours) where behaviour != .honest {
            options.behaviours[name] = behaviour
        }
        let honest = network.nodes.filter { options.behaviours[$0.validator] == nil }
        guard byzantine.count <= honest.count else {
            throw .tooManyMisbehaving(
                asked: byzantine.count + options.behaviours.count, validators: names.count)
        }
        do throws(Failure) {
            options.misbehaviours = try ByzantineRun.misbehaviours(
                honest.suffix(byzantine.count), strategies: byzantine,
                seed: SystemClock().now().rawValue)
        } catch { throw .cannot(error.message) }
        return options
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
                validator.name, validator.key.prefix(16) + "…", validator.behaviour,
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
