// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Compute
import EventLog
import Foundation
import Ledger
import Node

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

            What was done by those who made the ledger is found beside that: convictions,
            false votes and results, refusals up to the limit, validators that were silent
            (no answer three times, and one time in a hundred), leaders that were passed
            over (three times, and one time in ten that they led), more than an hour
            between two batches, and versions that changed. These are findings about the
            network: the ledger may be right all the same, and --strict counts them.

            The projections beside the log are compared with it, row by row, unless
            --no-projections is given; a row that differs ends with 1, and whoever reads
            them next builds them anew.

            With --recompute every decided compute job is run again, by the engine that
            Tools/setup installs, and every validator whose signed result differs in
            status, output or fuel is named, like those above. Two validators decide a
            job, so two liars can win one: what was agreed on falsely is a finding, and
            only running the job again shows it. A job that cannot be run again is
            told, with what to do; --strict takes it for a no.

            --since starts after a signed checkpoint, --from and --to choose entries; both
            are widened to whole batches. A range rests on the state before it: from a
            snapshot whose every root is computed and is the one that the log seals there,
            or folded. What it rests on and what was not looked at is told. --levels
            chooses among frames, tree, signatures, derivation, proofs and jobs; without
            it all but jobs are checked. --progress names a file with which a range that
            was interrupted goes on.

              recount audit home --since last-week.checkpoint
              recount audit home --from 1000000 --to 2000000 --levels frames,tree
              recount audit home --from 0 --progress audit.json

            A ledger that is too long for one machine is audited in pieces. Each starts
            from a snapshot (recount snapshot --every makes them), and its --json is a
            verdict on its part, which nobody has signed. --combine joins such files to
            one verdict: they must meet without gap and overlap, in their roots and
            states, and give the root of the log; a piece that is missing or does not fit
            is named. With the ledger beside them they are held against it, and --recheck
            audits some of them again, which ones nobody can foresee. That shows a
            verdict that only pretends; without it, you trust whoever ran the pieces.
            LEDGER may be a folder of tiles, for a piece. --jobs does all of it here.

              recount snapshot home --every 1000000 --out marks
              recount audit home --from 0 --to 1000000 --json > 0.verdict
              recount audit tiles --from 1000000 --to 2000000 \\
                  --snapshot marks/00000000000000000412.snapshot --json > 1.verdict
              recount audit home --combine 0.verdict 1.verdict --recheck 1
              recount audit --combine verdicts
              recount audit home --jobs 2

            Of a local network every ledger is audited, and compared with the others: each
            is the beginning of the longest, with the same roots, or they are not one. A
            home that has lost its ledger is told, and they are not one then either.

              recount audit net
              recount audit net/validator-3 --recompute
              recount audit net/validator-3 --json | jq .findings

            Signed checkpoints, precommits and snapshots beside the log are held against
            it. T precommits of the last batch show that a quorum agreed to it; without
            them its proposer alone may have made it.

            Exit codes: 0 nothing is wrong; 1 something is wrong; 2 there is no ledger
            to judge, no quorum is shown for its last batch, there is no engine to run
            its jobs again, or a piece is missing or does not fit.
            """)

    @Argument(
        help: "A ledger, the home of a validator, a local network, or a folder of tiles.",
        completion: Completions.ledgers)
    var ledger: String?

    @Flag(help: "Print the report as one JSON object.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Only what follows this signed checkpoint.", valueName: "checkpoint"),
        completion: .file(extensions: ["checkpoint"]))
    var since: String?

    @Option(help: ArgumentHelp("Only from the batch of this entry on.", valueName: "entry"))
    var from: UInt64?

    @Option(help: ArgumentHelp("Only up to the batch before this entry.", valueName: "entry"))
    var to: UInt64?

    @Option(
        help: ArgumentHelp(
            "What is checked: some of frames,tree,signatures,derivation,proofs,jobs.",
            valueName: "levels"))
    var levels: String?

    @Option(
        help: ArgumentHelp(
            "Keep what was found of a range in this file, and go on from it.", valueName: "file"),
        completion: .file())
    var progress: String?

    @Option(
        help: ArgumentHelp(
            "Start a range from this snapshot; what it does not hold is folded.",
            valueName: "file"),
        completion: .file(extensions: ["snapshot"]))
    var snapshot: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Join verdicts on ranges: files that --json printed, or folders of them.",
            valueName: "file"), completion: .file())
    var combine: [String] = []

    @Option(
        help: ArgumentHelp(
            "Audit so many of the joined verdicts again, chosen at random.", valueName: "count"))
    var recheck: Int?

    @Option(help: ArgumentHelp("Look at so many pieces at a time.", valueName: "count"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "The folder of the snapshots that --jobs starts from; that of the ledger without it.",
            valueName: "folder"), completion: .directory)
    var snapshots: String?

    @Flag(help: "Leave the proofs out: neither their form nor what they prove is checked.")
    var noProofs = false

    @Flag(help: "Do not check signatures.")
    var noSignatures = false

    @Flag(help: "Do not compare the projections beside the log with it.")
    var noProjections = false

    @Flag(help: "Run every decided compute job again, and compare what validators signed.")
    var recompute = false

    @Flag(
        help: "Exit with 1 also where something is found about the network, or a job cannot be run."
    )
    var strict = false

    @Flag(help: "Print nothing where nothing is wrong.")
    var quiet = false

    mutating func validate() throws {
        if since != nil, from != nil || to != nil {
            throw ValidationError("--since goes to the end of the log, without --from and --to")
        }
        if levels != nil, noProofs || noSignatures || recompute {
            throw ValidationError(
                "--levels says all that is checked, without --no-proofs, --no-signatures and"
                    + " --recompute")
        }
        if progress != nil, since == nil, from == nil, to == nil {
            throw ValidationError("--progress is for a range; --from 0 is the whole ledger")
        }
        try validatePieces()
    }

    mutating func run() throws {
        guard combine.isEmpty else { return try runCombine() }
        let ledger = ledger ?? ""
        let options = try options()
        let names = Place.names(in: ledger)
        guard names.isEmpty else {
            guard progress == nil else {
                throw Failure("--progress is for one ledger; name a validator's home")
            }
            let command = self
            let status = try NetworkAudit(path: ledger, names: names) { path throws(Failure) in
                try command.audit(path, options)
            }.run(isStrict: strict, json: json, quiet: quiet)
            Output.flush()
            throw ExitCode(status.rawValue)
        }
        try end(with: try audit(ledger, options))
    }

    /// Prints what was found, and ends the program as it asks for.
    func end(with report: AuditReport) throws -> Never {
        let isGood = report.isGood(isStrict: strict)
        let isWhole = report.pieces?.problems.isEmpty ?? true
        if json {
            try Output.json(report)
        } else if !quiet || !isGood || !isWhole || report.isWithoutQuorum {
            AuditText(report).print()
        }
        Output.flush()
        let status: ExitStatus =
            !isGood ? .wrong : !isWhole || report.isWithoutQuorum ? .unusable : .good
        throw ExitCode(status.rawValue)
    }

    func options() throws(Failure) -> AuditOptions {
        guard let levels else {
            return AuditOptions(
                checkSignatures: !noSignatures, verifyProofs: !noProofs,
                recompute: recompute ? try Self.engine() : nil)
        }
        let wanted = try AuditLevel.list(levels)
        var options = AuditOptions(
            checkSignatures: wanted.contains(.signatures), verifyProofs: wanted.contains(.proofs),
            recompute: wanted.contains(.jobs) ? try Self.engine() : nil)
        options.checkTree = wanted.contains(.tree)
        options.derives = wanted.contains(.derivation)
        return options
    }

    /// The range that is asked for; nil for the whole ledger.
    private func range() throws(Failure) -> AuditRangeRequest? {
        if let since {
            return AuditRangeRequest(since: try CheckpointFiles.read(since), file: since)
        }
        guard from != nil || to != nil else { return nil }
        return AuditRangeRequest(
            from: from ?? 0, to: to, base: snapshot.map(AuditBase.file) ?? .search)
    }

    private func audit(
        _ path: String, _ options: AuditOptions, _ range: AuditRangeRequest,
        _ show: (AuditProgress) -> Void
    ) throws(Failure) -> AuditReport {
        let directory = LedgerDirectory.locate(path)
        let file = try progress.map { name throws(Failure) in
            try AuditProgressFile(name, outside: directory)
        }
        let done = try file?.read()
        var problem: Failure?
        let report: AuditReport
        do throws(RangeError) {
            report = try RangeAuditor.run(
                directory: directory, range, options: options, done: done, progress: show
            ) { report in
                do throws(Failure) { try file?.write(report) } catch { problem = error }
            }
        } catch {
            if case .log(let error) = error { throw failure(error, path) }
            throw Failure("\(path): \(error)")
        }
        if let problem { throw problem }
        file?.remove()
        return report
    }

    private func audit(
        _ path: String, _ options: AuditOptions
    ) throws(Failure) -> AuditReport {
        let bar = ProgressBar(isShown: Output.isErrorTerminal && !quiet)
        defer { bar.clear() }
        if let range = try range() { return try audit(path, options, range, bar.show) }
        guard !TiledLog.isThere(path, disk: POSIXDisk()) else {
            throw Failure(
                "\(path) is a folder of tiles, of which ranges are audited: --from 0 is all of it")
        }
        var report: AuditReport
        let directory = LedgerDirectory.locate(path)
        do throws(LogError) {
            if let jobs {
                report = try SplitAuditor.run(
                    directory: directory, jobs: jobs, snapshots: snapshots.map(Self.absolute),
                    options: options, progress: bar.show)
            } else {
                report = try Auditor.run(
                    directory: directory, options: options, progress: bar.show)
            }
        } catch {
            throw failure(error, path)
        }
        if levels == nil, !noProjections { ProjectionsAudit.run(&report) }
        return report
    }

    /// The engine; where there is none, that is said before the long audit starts.
    static func engine() throws(Failure) -> ComputeEngine {
        do throws(ComputeError) {
            return try ComputeEngine.load()
        } catch {
            let words = "--recompute cannot run jobs: \(error)"
            switch error {
            case .notFound, .unknownLibrary: throw Failure(words)
            case .unreadable, .unloadable, .unusable:
                throw Failure(words + "; Tools/setup installs the engine")
            }
        }
    }
}

/// Shows on standard error how far an audit is, ten times a second.
final class ProgressBar {
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
        let rate =
            progress.rate < 10
            ? String(format: "%.1f", progress.rate) : Text.grouped(UInt64(progress.rate))
        Output.standardError(
            "\r\u{1B}[K\(label(progress.phase)) [\(bar)] \(Int(share * 100)) %  \(rate)/s  \(left)")
    }

    private func label(_ phase: AuditProgress.Phase) -> String {
        switch phase {
        case .log: "log    "
        case .entries: "entries"
        case .jobs: "jobs   "
        }
    }

    func clear() {
        if isShown { Output.standardError("\r\u{1B}[K") }
    }
}

/// A report as people read it.
struct AuditText {
    private static let findingsMax = 50
    private static let jobsMax = 20

    let report: AuditReport

    init(_ report: AuditReport) { self.report = report }

    func print() {
        let what =
            report.range == nil || report.pieces != nil ? "The ledger" : "This part of the ledger"
        let isWhole = report.pieces?.problems.isEmpty ?? true
        let unshown = "no quorum is shown for batch \(report.height), its last"
        let verdict =
            !report.isRight
            ? "\(what) is wrong."
            : !isWhole
                ? "The verdicts do not make one on the whole ledger."
                : report.isWithoutQuorum
                    ? "\(what) is right, but \(unshown)." : "\(what) is right."
        let others = [
            report.network.isEmpty
                ? "" : " \(Text.count(UInt64(report.network.count), "finding")) about its network.",
            report.projections?.outcome == .different ? " Its projections are wrong." : "",
        ]
        Output.line(Output.strong(verdict + others.joined()))
        // What is missing or does not fit comes before what the others say.
        if !isWhole { printPieces() }
        if report.checks.log == .failed, report.counts.entries == 0 {
            Output.line("The log in \(report.directory) is damaged.")
        } else {
            listChecks()
        }
        if isWhole { printPieces() }
        printNetwork()
        printContradictions()
        printResultContradictions()
        printNotRecomputed()
        printFindings()
        for note in report.notes { Output.line("Note: \(note.visible)") }
    }

    private func listChecks() {
        let counts = report.counts
        var list = Listing()
        list.add("ledger", report.ledgerID.isEmpty ? "unknown" : report.ledgerID)
        list.add("name", report.name)
        list.add("directory", report.directory)
        if let range = report.range { addRange(range, to: &list) }
        list.add(
            "looked at",
            "\(Text.count(counts.entries, "entry", "entries")) of \(Text.grouped(report.size)),"
                + " \(Text.count(counts.batches, "batch", "batches"))"
                + (report.range == nil
                    ? ", \(Text.count(report.frames, "frame")), \(Text.count(report.blobs, "blob"))"
                    : ""))
        list.add("log", "\(report.checks.log.rawValue): root \(report.root)")
        list.add(
            "derivation",
            "\(report.checks.derivation.rawValue): \(Text.grouped(counts.derived)) derived events"
                + " equal"
                + (report.stateRoot.isEmpty
                    ? "" : ", state root \(report.stateRoot.prefix(16))…"))
        list.add(
            "signatures",
            "\(report.checks.signatures.rawValue): \(Text.grouped(counts.signatures)) checked")
        list.add(
            "proofs",
            "\(report.checks.proofs.rawValue): \(Text.grouped(counts.proofs)) verified again,"
                + " \(Text.count(counts.votes, "vote")) compared")
        list.add("quorum", "\(report.checks.quorum.rawValue): batch \(report.height)")
        if let check = report.projections { list.add("projections", text(check)) }
        addRecomputation(&list)
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

    private func addRange(_ range: AuditRange, to list: inout Listing) {
        let (start, end) = (range.start, range.end)
        list.add(
            "range",
            start.size == end.size
                ? "nothing after entry \(start.size)"
                : "entries \(start.size) to \(end.size - 1), up to batch \(end.height)")
        let folded =
            range.folded > 0
            ? ", and \(Text.count(range.folded, "entry", "entries")) folded" : ""
        let state =
            "state root \(start.stateRoot.prefix(16))…, \(range.isSealed ? "" : "NOT ")sealed in"
            + " entry"
        switch range.base {
        case .genesis: list.add("rests on", "nothing: it starts with the ledger")
        case .snapshot:
            list.add("rests on", "\(state) \(start.size - 1): a snapshot\(folded)")
        case .fold: list.add("rests on", "\(state) \(start.size - 1)\(folded)")
        }
        if let trusted = range.trusted {
            list.add(
                "checkpoint",
                "\(trusted.size) entries, signed by \(trusted.signers.joined(separator: ", "));"
                    + " \(trusted.needed) agree to a batch")
        }
        for what in range.notChecked { list.add("not checked", what) }
    }

    private func addRecomputation(_ list: inout Listing) {
        let counts = report.counts
        let jobs = Text.count(counts.jobs, "job")
        if report.checks.recomputation != .skipped {
            list.add(
                "recomputation",
                "\(report.checks.recomputation.rawValue): \(Text.grouped(counts.recomputed)) of"
                    + " \(jobs) run again, \(Text.count(counts.results, "result")) compared")
        } else if counts.jobs > 0 {
            list.add("recomputation", "skipped: \(jobs); --recompute runs them again")
        }
    }

    private func text(_ check: ProjectionsCheck) -> String {
        switch check.outcome {
        case .equal: "passed: \(Text.count(check.rows ?? 0, "row")) equal"
        case .different: "failed: \(check.problem ?? ""); recount projections rebuild mends them"
        case .unfit: "built anew when they are read next: \(check.problem ?? "")"
        case .absent: "there are none"
        }
    }

    private func printNetwork() {
        guard !report.network.isEmpty else { return }
        Output.line()
        Output.line(
            Output.strong(
                Text.count(UInt64(report.network.count), "finding") + " about the network:"))
        for finding in report.network.prefix(Self.findingsMax) {
            Output.line("  " + finding.description.visible)
        }
        if report.network.count > Self.findingsMax {
            Output.line("  … and more; --json has them all.")
        }
    }

    private func printContradictions() {
        guard !report.contradictions.isEmpty else { return }
        var lies: [UInt16: [ContradictedProof]] = [:]
        for item in report.contradictions { lies[item.validator, default: []].append(item) }
        Output.line()
        Output.line(
            Output.strong(
                Text.count(UInt64(lies.count), "validator") + " contradicted the mathematics:"))
        var table = Table(
            ("validator", .right), ("name", .left), ("key", .left), ("votes", .right),
            ("at entries", .left))
        for validator in lies.keys.sorted() {
            let items = lies[validator] ?? []
            let entries = items.prefix(6).map { "\($0.entry) (\($0.vote))" }
            table.add(
                "\(validator)", items.first?.name ?? "",
                items.first.map { $0.key.prefix(16) + "…" } ?? "",
                "\(items.count)", entries.joined(separator: ", ") + (items.count > 6 ? ", …" : ""))
        }
        table.print()
    }

    private func printResultContradictions() {
        guard !report.resultContradictions.isEmpty else { return }
        var lies: [UInt16: [ResultContradiction]] = [:]
        for item in report.resultContradictions { lies[item.validator, default: []].append(item) }
        Output.line()
        Output.line(
            Output.strong(
                Text.count(UInt64(lies.count), "validator")
                    + " signed results that running the job again contradicts:"))
        var table = Table(
            ("validator", .right), ("name", .left), ("key", .left), ("results", .right),
            ("at entries", .left))
        for validator in lies.keys.sorted() {
            let items = lies[validator] ?? []
            let entries = items.prefix(3).map { "\($0.entry) (\($0.difference))" }
            table.add(
                "\(validator)", items.first?.name ?? "",
                items.first.map { $0.key.prefix(16) + "…" } ?? "",
                "\(items.count)", entries.joined(separator: ", ") + (items.count > 3 ? ", …" : ""))
        }
        table.print()
    }

    private func printNotRecomputed() {
        let jobs = report.notRecomputed
        guard !jobs.isEmpty else { return }
        Output.line()
        Output.line(
            Output.strong(Text.count(UInt64(jobs.count), "job") + " could not be run again:"))
        for item in jobs.prefix(Self.jobsMax) {
            Output.line("  job \(item.job) (\(Text.short(item.jobID))): \(item.reason.visible)")
        }
        if jobs.count > Self.jobsMax { Output.line("  … and more; --json has them all.") }
        for obstacle in JobObstacle.allCases where jobs.contains(where: { $0.obstacle == obstacle })
        {
            Output.line("  What to do (\(obstacle.rawValue)): \(obstacle.advice).")
        }
    }

    private func printFindings() {
        guard !report.findings.isEmpty else { return }
        Output.line()
        Output.line(Output.strong(Text.count(UInt64(report.findings.count), "finding") + ":"))
        for finding in report.findings.prefix(Self.findingsMax) {
            Output.line("  entry \(finding.entry): \(finding.kind.rawValue)")
            Output.line("    expected  \(finding.expected.visible)")
            Output.line("    found     \(finding.found.visible)")
        }
        if report.findings.count > Self.findingsMax {
            Output.line("  … and more; --json has them all.")
        }
    }
}
