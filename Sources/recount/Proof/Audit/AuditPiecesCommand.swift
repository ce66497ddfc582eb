// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Dispatch
import EventLog
import Foundation
import Ledger
import Node
import Synchronization

// The options of `recount audit` that are about pieces.
extension AuditCommand {
    private static let jobsMax = 256
    /// The most problems that are told where nothing was joined.
    private static let problemsMax = 20

    /// Refuses what does not go together.
    func validatePieces() throws {
        guard combine.isEmpty else {
            guard
                since == nil, from == nil, to == nil, snapshot == nil, jobs == nil,
                progress == nil, levels == nil
            else {
                throw ValidationError(
                    "--combine joins what was found of ranges; leave out what chooses one")
            }
            guard recheck == nil || ledger != nil else {
                throw ValidationError("--recheck wants the ledger: name it before --combine")
            }
            guard (recheck ?? 0) >= 0 else {
                throw ValidationError("--recheck takes a number from 0 on")
            }
            return
        }
        guard ledger != nil else {
            throw ValidationError("Missing expected argument '<ledger>'")
        }
        guard recheck == nil else { throw ValidationError("--recheck is for --combine") }
        guard snapshot == nil || from != nil else {
            throw ValidationError("--snapshot is where a range starts from; name it with --from")
        }
        guard jobs != nil || snapshots == nil else {
            throw ValidationError("--snapshots is for --jobs")
        }
        guard let jobs else { return }
        guard since == nil, from == nil, to == nil else {
            throw ValidationError("--jobs is for whole ledgers")
        }
        guard (1...Self.jobsMax).contains(jobs) else {
            throw ValidationError("--jobs takes a number from 1 to \(Self.jobsMax)")
        }
    }

    /// The absolute path of a folder.
    static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Joins verdicts, and ends the program with what that comes to.
    func runCombine() throws {
        let files = combine.flatMap { InputFile.expanded($0) }
        guard files.count <= AuditCombination.verdictsMax else {
            throw Failure(
                "\(files.count) files are too many: \(AuditCombination.verdictsMax) can be joined")
        }
        let bytes = files.reduce(UInt64(0)) { $0 + (POSIXDisk().size(of: $1) ?? 0) }
        guard bytes <= AuditCombination.verdictBytesMax else {
            throw Failure(
                "\(files.count) files of \(Text.grouped(bytes)) bytes are too many:"
                    + " \(Text.grouped(AuditCombination.verdictBytesMax)) can be joined")
        }
        let (verdicts, unreadable) = VerdictFile.all(files)
        var combination = AuditCombination(verdicts, unreadable: unreadable)
        if let ledger {
            let path = Place.ledger(ledger)
            do throws(LogError) {
                if TiledLog.isThere(path, disk: POSIXDisk()) {
                    try combination.compare(with: try TiledLog(path, disk: POSIXDisk()))
                } else {
                    try combination.compare(with: try LedgerDirectory.open(path))
                }
            } catch { throw failure(error, ledger) }
            try auditAgain(&combination, path)
        }
        if let words = Self.words(whereNothingIsJoined: combination.report) {
            throw Failure(words)
        }
        try end(with: combination.report)
    }

    /// Why no verdict was joined and there is nothing to report; nil where there is.
    private static func words(whereNothingIsJoined report: AuditReport) -> String? {
        guard let pieces = report.pieces, pieces.joined == 0, report.findings.isEmpty else {
            return nil
        }
        let shown = pieces.problems.prefix(problemsMax).map {
            $0.file.isEmpty ? $0.problem : "\($0.file): \($0.problem)"
        }
        let more = pieces.problems.count - shown.count
        return "no verdict could be joined"
            + (shown.isEmpty ? ": there is none" : ": " + shown.joined(separator: "; "))
            + (more > 0 ? "; and \(Text.grouped(UInt64(more))) more" : "")
    }

    /// Audits some of the ranges again, which the writers of the verdicts could not foresee.
    private func auditAgain(
        _ combination: inout AuditCombination, _ path: String
    ) throws(Failure) {
        let bar = ProgressBar(isShown: Output.isErrorTerminal && !quiet)
        defer { bar.clear() }
        let shared = AuditOptions()
        for verdict in combination.joined.shuffled().prefix(recheck ?? 0) {
            guard let range = verdict.report.range else { continue }
            let checks = verdict.report.checks
            var options = shared
            options.checkSignatures = checks.signatures != .skipped
            options.verifyProofs = checks.proofs != .skipped
            options.recompute = checks.recomputation != .skipped ? try Self.engine() : nil
            options.derives = checks.derivation != .skipped
            func run(_ base: AuditBase) throws(RangeError) -> AuditReport {
                try RangeAuditor.run(
                    directory: path,
                    AuditRangeRequest(from: range.start.size, to: range.end.size, base: base),
                    options: options, progress: bar.show)
            }
            do throws(RangeError) {
                let again: AuditReport
                do throws(RangeError) { again = try run(base(of: range)) } catch {
                    // A verdict can name any file.
                    guard case .snapshot = error else { throw error }
                    again = try run(.piece)
                }
                combination.compare(verdict, with: again)
            } catch {
                throw Failure("\(verdict.file) cannot be audited again: \(error)")
            }
        }
    }

    /// The snapshot that a range started from, where that is still a file: whoever opened a pipe
    /// that the verdict names would wait for ever.
    private func base(of range: AuditRange) -> AuditBase {
        guard let file = range.snapshot, NamedInput.isFile(file) else { return .piece }
        return .file(file)
    }
}

/// A file with what `recount audit --from ... --json` printed.
enum VerdictFile {
    /// Reads files on all cores; those that hold no verdict come with why.
    static func all(
        _ files: [String]
    ) -> (verdicts: [PartialVerdict], unreadable: [(file: String, problem: String)]) {
        let found = Mutex<[Int: Result<PartialVerdict, Failure>]>([:])
        DispatchQueue.concurrentPerform(iterations: files.count) { number in
            let result: Result<PartialVerdict, Failure>
            do throws(Failure) { result = .success(try read(files[number])) } catch {
                result = .failure(error)
            }
            found.withLock { $0[number] = result }
        }
        var verdicts: [PartialVerdict] = []
        var unreadable: [(file: String, problem: String)] = []
        for number in files.indices {
            switch found.withLock({ $0[number] }) {
            case .success(let verdict)?: verdicts.append(verdict)
            case .failure(let failure)?: unreadable.append((files[number], failure.message))
            case nil: break
            }
        }
        return (verdicts, unreadable)
    }

    /// The members whose numbers may be above 2^53 - 1, and are text then: what validators sign can
    /// be any.
    private static let exactNames: Set = ["fuel", "longest", "time"]

    private static func read(_ path: String) throws(Failure) -> PartialVerdict {
        let bytes = try InputFile.read(path, bytesMax: PartialVerdict.bytesMax)
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            try StrictJSON.check(bytes, nestingMax: 64, numbers: .any)
            let numbers = ExactNumbers.unquoted(bytes, in: exactNames)
            let report = try decoder.decode(AuditReport.self, from: Data(numbers))
            return PartialVerdict(file: path, report: report)
        } catch {
            throw Failure(
                "it is no verdict on a range, as recount audit --from --to --json prints them")
        }
    }
}

extension AuditText {
    private static let problemsMax = 50

    /// What joining verdicts came to.
    func printPieces() {
        guard let pieces = report.pieces else { return }
        Output.line()
        var words = "\(Text.count(pieces.joined, "piece")) joined"
        if pieces.repeated > 0 { words += ", \(Text.grouped(pieces.repeated)) of them twice" }
        if pieces.rechecked > 0 { words += ", \(Text.grouped(pieces.rechecked)) audited again" }
        words += pieces.isHeldAgainstLog ? "; the log has the same roots and seals." : "."
        Output.line(Output.strong(words))
        for item in pieces.problems.prefix(Self.problemsMax) {
            Output.line(
                "  \(item.file.isEmpty ? "" : item.file.visible + ": ")\(item.problem.visible)"
                    + (item.to > item.from ? " (entries \(item.from) to \(item.to - 1))" : ""))
        }
        if pieces.problems.count > Self.problemsMax {
            Output.line("  … and more; --json has them all.")
        }
        if !pieces.beyond.isEmpty {
            Output.line(
                "Behind the first difference the pieces have"
                    + " \(Text.count(UInt64(pieces.beyond.count), "more")) of their own; --json has"
                    + " them.")
        }
        if !pieces.isHeldAgainstLog, report.range != nil {
            Output.line(
                "Nobody has signed the verdicts, and the log was not at hand: compare the root with"
                    + " a checkpoint, and audit some again with LEDGER --combine ... --recheck.")
        }
    }
}
