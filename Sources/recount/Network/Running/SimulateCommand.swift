// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Node
import Simulation

/// `recount simulate`.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run a whole network of validators in one process, and see whether it agrees.",
        discussion: """
            Real nodes, with real signatures and proofs, on virtual clocks, disks and a
            virtual network. Some lie; messages are lost, machines lose power, disks and
            clocks go wrong. Everything follows from the seed: the same options give the
            same run, on any machine. After every event checkers look on, and at the end
            the ledgers are audited.

              recount simulate --seed 7 --nodes 10 --byzantine 3
              recount simulate --seed 7 --faults calm --delay 100 --json
              recount simulate --seed 7 --until 20000 --verbose
              recount simulate --seed 7 --nodes 4 --byzantine 1 --out net

            --out keeps what was on the disks: node-0 is validator-1's, node-1
            validator-2's, and so on. The other commands take the folder for all its
            ledgers: recount audit net, recount diff net, recount culprits net --journal
            net.

            Exit codes: 0 all properties hold; 1 one is violated; 2 the options make no
            sense.
            """)

    @Option(help: "Where all chance comes from.")
    var seed: UInt64 = 1

    @Option(help: "Validators at the start.")
    var nodes = 10

    @Option(help: "How many of them lie.")
    var byzantine = 3

    @Option(help: ArgumentHelp("Virtual seconds in which things go wrong.", valueName: "s"))
    var seconds: UInt64?

    @Option(help: ArgumentHelp("The same in milliseconds.", valueName: "ms"))
    var milliseconds: UInt64?

    @Option(help: "What goes wrong: calm, lossy, partitions, crashes, memory or all.")
    var faults = "all"

    @Option(help: ArgumentHelp("One-way delay between nodes.", valueName: "ms"))
    var delay: UInt64 = 50

    @Option(help: "Requests that clients submit in a virtual minute.")
    var requestsPerMinute: UInt64 = 60

    @Option(help: "How many of them come at one moment.")
    var requestsAtOnce: UInt64 = 1

    @Option(help: ArgumentHelp("Virtual time of a proof verification.", valueName: "ms"))
    var verification: UInt64 = 5

    @Option(help: ArgumentHelp("A way of lying; may be repeated.", valueName: "name"))
    var strategy: [String] = []

    @Flag(help: "Let nobody join, leave or change anything.")
    var noGovernance = false

    @Flag(help: "Submit no jobs.")
    var noJobs = false

    @Option(help: "Take so many messages for a quorum, to see the checkers find it.")
    var unsafeQuorum: Int?

    @Flag(help: "Drop a locking rule of the algorithm, to see the checkers find it.")
    var unsafeLocks = false

    @Flag(help: "Count prevotes whatever they rest on, to see what it costs to ask.")
    var unsafeGrounds = false

    @Option(help: ArgumentHelp("Stop before this event.", valueName: "event"))
    var until: UInt64?

    @Flag(help: "Tell of every batch and decision.")
    var verbose = false

    @Option(
        help: ArgumentHelp(
            "Write the ledger and journal of every node, and who lied how, into this folder.",
            valueName: "folder"))
    var out: String?

    @Flag(help: "Print the account as one JSON object.")
    var json = false

    /// The bounds of what a run takes.
    private static let nodesMax = 200
    private static let secondsMax: UInt64 = 1_000_000

    mutating func validate() throws {
        guard (1...Self.nodesMax).contains(nodes), (0...nodes).contains(byzantine) else {
            throw ValidationError(
                "There are 1 to \(Self.nodesMax) nodes, and no more liars than nodes.")
        }
        guard FaultProfile(rawValue: faults) != nil else {
            throw ValidationError(
                "--faults is one of "
                    + FaultProfile.allCases.map(\.rawValue).joined(separator: ", ") + ".")
        }
        guard seconds == nil || milliseconds == nil else {
            throw ValidationError("Name --seconds or --milliseconds, not both.")
        }
        guard (seconds ?? 1) <= Self.secondsMax,
            (100...Self.secondsMax * 1000).contains(milliseconds ?? 100)
        else {
            throw ValidationError("A run takes at least 100 ms and at most a million seconds.")
        }
        guard delay <= 60_000, verification <= 60_000, requestsPerMinute <= 1_000_000 else {
            throw ValidationError("A delay is at most a minute, and requests a million a minute.")
        }
        guard (1...1_000).contains(requestsAtOnce) else {
            throw ValidationError("One to a thousand requests come at one moment.")
        }
        guard (1...nodes).contains(unsafeQuorum ?? 1) else {
            throw ValidationError("A quorum has at least one and at most all of the nodes.")
        }
        if byzantine == 0, !strategy.isEmpty {
            throw ValidationError("--strategy is how liars lie, and --byzantine 0 has none.")
        }
        let names = Byzantine.catalogue.map { $0.name }
        for name in strategy where !names.contains(name) {
            throw ValidationError(
                "There is no strategy \(name); there are: \(names.joined(separator: ", "))"
                    + Spelling.suggestion(for: name, among: names))
        }
    }

    /// Throws where the folder is there already, before the run and not after it.
    private func checkOut() throws(Failure) {
        guard let out, FileManager.default.fileExists(atPath: out) else { return }
        throw Failure("--out \(out) is there already: name a new folder")
    }

    /// Writes what is on the disks of the nodes.
    private func write(_ simulator: Simulator, to folder: URL) throws {
        try simulator.forEachFile { path, bytes in
            let file = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(simulator.lies).write(to: folder.appendingPathComponent("liars.json"))
    }

    mutating func run() throws {
        var options = SimulationOptions(seed: seed)
        options.nodes = nodes
        options.byzantine = byzantine
        options.milliseconds = milliseconds ?? max(1, seconds ?? 60) * 1000
        options.faults = FaultProfile(rawValue: faults) ?? .all
        options.delayMilliseconds = delay
        options.requestsPerMinute = requestsPerMinute
        options.requestsAtOnce = Int(requestsAtOnce)
        options.verificationMilliseconds = verification
        options.strategies = strategy
        options.hasGovernance = !noGovernance
        options.hasJobs = !noJobs
        options.quorum = unsafeQuorum
        options.keepsLocks = !unsafeLocks
        options.countsGrounds = !unsafeGrounds
        options.until = until
        options.isVerbose = verbose
        try checkOut()
        let simulator = Simulator(options)
        let account = simulator.run()
        if let out {
            do { try write(simulator, to: URL(fileURLWithPath: out)) } catch {
                throw Failure("--out \(out) cannot be written: \(ErrorWords.of(error))")
            }
        }
        if json { try Output.json(account) } else { AccountText(account).print() }
        Output.flush()
        throw ExitCode(account.isRight ? ExitStatus.good.rawValue : ExitStatus.wrong.rawValue)
    }
}

/// An account as people read it.
private struct AccountText {
    let account: Account

    init(_ account: Account) { self.account = account }

    func print() {
        for line in account.timeline {
            let node = line.node.map { "node \($0) " } ?? ""
            Output.line(
                "\(Self.time(line.microseconds))  #\(line.event)  \(node)\(line.text)")
        }
        if !account.timeline.isEmpty { Output.line() }
        Output.line(Output.strong(headline))
        printFigures()
        printTraffic()
        printVerdicts()
    }

    private func printFork() {
        guard let fork = account.fork else { return }
        Output.line()
        Output.line("Two batches of height \(fork.height) were decided. Convicted by that:")
        var list = Listing()
        for guilty in fork.guilty {
            list.add("validator \(guilty.validator)", guilty.offences.joined(separator: ", "))
        }
        list.print()
    }

    private var headline: String {
        guard account.isRight else { return "A property is violated." }
        return account.isWhole
            ? "All properties hold." : "The run was stopped; nothing is violated so far."
    }

    private func printFigures() {
        var list = Listing()
        list.add("liars", account.liars.isEmpty ? "none" : account.liars.joined(separator: "; "))
        list.add(
            "virtual time",
            "\(Self.time(account.milliseconds * 1000)), \(Text.grouped(account.events)) events")
        list.add(
            "ledger",
            "\(Text.grouped(account.heights)) batches, \(Text.grouped(account.entries)) entries,"
                + " root \(account.root.prefix(16))…")
        list.add(
            "requests",
            "\(account.requests): \(account.approved) approved, \(account.rejected) rejected,"
                + " \(account.timedOut) timed out, \(account.refused) refused")
        list.add(
            "latency", "median \(account.latencyMedian) ms, 99 % within \(account.latencyP99) ms")
        list.add(
            "on the wire",
            "\(Text.grouped(account.messages)) messages, \(Text.grouped(account.bytes)) bytes,"
                + " \(Text.grouped(account.lost)) lost")
        list.add(
            "a decision",
            "\(Text.grouped(account.messagesPerDecision)) messages,"
                + " \(Text.grouped(account.bytesPerDecision)) bytes;"
                + " a batch \(Text.grouped(account.messagesPerHeight)) messages")
        list.add(
            "evidence",
            "\(account.contradictions) contradictions seen, \(account.convictions) convictions")
        list.add("restarts", "\(account.restarts)")
        list.print()
    }

    private func printTraffic() {
        Output.line()
        var table = Table(("messages", .left), ("number", .right), ("bytes", .right))
        for count in account.traffic {
            table.add(count.kind, Text.grouped(count.messages), Text.grouped(count.bytes))
        }
        table.print()
    }

    private func printVerdicts() {
        Output.line()
        var list = Listing()
        for verdict in account.verdicts {
            list.add(verdict.property, verdict.violations.isEmpty ? "holds" : "VIOLATED")
        }
        list.print()
        for violation in account.verdicts.flatMap(\.violations) { Output.line("  \(violation)") }
        printFork()
        if !account.isRight {
            Output.line()
            Output.line("Again: \(account.command)")
        }
    }

    /// Seconds with three decimals.
    private static func time(_ microseconds: UInt64) -> String {
        let milliseconds = microseconds / 1000
        let fraction = "\(milliseconds % 1000)"
        let seconds = "\(milliseconds / 1000)"
        let fill = String(repeating: " ", count: max(0, 6 - seconds.count))
        return fill + seconds + "." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
