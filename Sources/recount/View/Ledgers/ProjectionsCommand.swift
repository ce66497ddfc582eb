// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Projections

/// `recount projections`.
struct ProjectionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "projections",
        abstract: "Build, compare and look at the SQLite projections of a ledger.",
        discussion: """
            Projections are folded from the log and from nothing else. They lie beside it
            in projections.sqlite, which anyone may query with sqlite3, and may be deleted
            at any time: whoever needs them next builds them again.
            """,
        subcommands: [
            ProjectionsRebuildCommand.self, ProjectionsVerifyCommand.self,
            ProjectionsInfoCommand.self,
        ])
}

/// `recount projections rebuild`.
struct ProjectionsRebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Build a new file of projections and put it in place of the old one.",
        discussion: """
            The new file is built beside the one in use. Who reads or follows that one goes
            on with it, and finds the new one when it opens projections.sqlite again.

              recount projections rebuild home

            Exit codes: 0 they are built, 2 they could not be.
            """)

    @OptionGroup var asked: OneLedger

    private struct Result: Encodable {
        let file: String
        let entries: UInt64
        let height: UInt64
        let root: String
        let stateRoot: String
        let seconds: Double
    }

    mutating func run() throws {
        let log = try openLedger(asked.ledger)
        let meter = EntryMeter("rebuilding")
        let start = Date()
        let result: Result
        do throws(ProjectionsError) {
            let position = try Projections.rebuild(
                ledgerDirectory: log.directory, log: log, progress: meter.show)
            let info = Projections.info(ledgerDirectory: log.directory, log: log)
            result = Result(
                file: info.path, entries: position.entries, height: position.height.rawValue,
                root: position.logRoot.hex, stateRoot: position.stateRoot.hex,
                seconds: Date().timeIntervalSince(start))
            meter.end()
        } catch {
            meter.end()
            throw Failure("\(error)")
        }
        if asked.json { return try Output.json(result) }
        var list = Listing()
        list.add("file", result.file)
        list.add("entries", Text.grouped(result.entries))
        list.add("height", "\(result.height)")
        list.add("root", result.root)
        list.add("took", Text.seconds(result.seconds))
        list.print()
    }
}

/// `recount projections verify`.
struct ProjectionsVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare every row with a fresh fold of the log.",
        discussion: """
            Folds the log again into a temporary file, up to where the projections have
            come, and compares all tables row by row. Names the first value that differs.
            Changes nothing: recount projections rebuild puts right what is wrong.

              recount projections verify home

            Exit codes: 0 every row is right, 1 something differs, 2 it cannot be told.
            """)

    @OptionGroup var asked: OneLedger

    private struct Field: Encodable {
        let column: String
        let value: String
    }

    private struct Result: Encodable {
        var verdict: String
        var entries: UInt64?
        var rows: UInt64?
        var problem: String?
        var table: String?
        var key: [Field]?
        var column: String?
        var found: String?
        var expected: String?
    }

    mutating func run() throws {
        let log = try openLedger(asked.ledger)
        let meter = EntryMeter("folding")
        let verdict: ProjectionsVerdict
        do throws(ProjectionsError) {
            verdict = try Projections.verify(
                ledgerDirectory: log.directory, log: log, progress: meter.show)
            meter.end()
        } catch {
            meter.end()
            throw Failure("\(error)")
        }
        let result = Self.result(verdict)
        if asked.json { try Output.json(result) }
        switch verdict {
        case .equal(let position, let rows):
            guard !asked.json else { return }
            Output.line(
                "All \(Text.grouped(rows)) rows are what the first"
                    + " \(Text.count(position.entries, "entry gives", "entries give")).")
        case .different(_, let difference): throw Failure("\(difference)", .wrong)
        case .unfit(let problem):
            throw Failure("the projections do not fit the log: \(problem)", .wrong)
        case .absent: throw Failure("there are no projections to compare; rebuild makes them")
        }
    }

    private static func result(_ verdict: ProjectionsVerdict) -> Result {
        switch verdict {
        case .equal(let position, let rows):
            return Result(verdict: "equal", entries: position.entries, rows: rows)
        case .different(let position, let difference):
            return Result(
                verdict: "different", entries: position.entries, problem: "\(difference)",
                table: difference.table,
                key: difference.key.map { Field(column: $0.column, value: $0.value) },
                column: difference.column, found: difference.found,
                expected: difference.expected)
        case .unfit(let problem): return Result(verdict: "unfit", problem: problem)
        case .absent: return Result(verdict: "absent")
        }
    }
}

/// `recount projections info`.
struct ProjectionsInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Say how far the projections have come.",
        discussion: """
            Changes nothing: projections that are not there, or do not fit, stay so until
            somebody needs them.

              recount projections info home
            """)

    @OptionGroup var asked: OneLedger

    mutating func run() throws {
        let log = try openLedger(asked.ledger)
        let state = ProjectionsState(Projections.info(ledgerDirectory: log.directory, log: log))
        if asked.json { return try Output.json(state) }
        var list = Listing()
        list.add("projections", state.text)
        list.add("path", state.path)
        if let file = state.file { list.add("file", file) }
        if let bytes = state.bytes { list.add("bytes", Text.grouped(bytes)) }
        if let entries = state.entries { list.add("entries", Text.grouped(entries)) }
        if let height = state.height { list.add("height", "\(height)") }
        if let root = state.root { list.add("root", root) }
        if let root = state.stateRoot { list.add("state root", root) }
        list.print()
    }
}

/// What can be said of projections, as `ledger info` and `projections info` print it.
struct ProjectionsState: Encodable {
    /// `absent`, `follows`, `unfit` or `unreadable`.
    var condition: String
    var path: String
    var file: String?
    var bytes: UInt64?
    var entries: UInt64?
    var behind: UInt64?
    var height: UInt64?
    var root: String?
    var stateRoot: String?
    var problem: String?

    init(_ info: ProjectionsInfo) {
        path = info.path
        file = info.file
        bytes = info.bytes
        switch info.condition {
        case .absent: condition = "absent"
        case .unfit(let problem): (condition, self.problem) = ("unfit", problem)
        case .unreadable(let problem): (condition, self.problem) = ("unreadable", problem)
        case .follows(let position, let behind):
            condition = "follows"
            entries = position.entries
            self.behind = behind
            height = position.height.rawValue
            root = position.logRoot.hex
            stateRoot = position.stateRoot.hex
        }
    }

    /// A line for people.
    var text: String {
        switch condition {
        case "absent": "none; whoever needs them first builds them"
        case "unfit": "do not fit the log, and will be built anew: \(problem ?? "")"
        case "unreadable": "cannot be read: \(problem ?? "")"
        default:
            behind == 0
                ? "up to date" : "\(Text.count(behind ?? 0, "entry", "entries")) behind the log"
        }
    }
}

/// Shows on a terminal how far a fold has come, a few times a second; nothing elsewhere.
final class EntryMeter {
    private let verb: String
    private let isShown = Output.isErrorTerminal
    private var last = Date.distantPast
    private var isDrawn = false

    /// - Parameter verb: What is being done.
    init(_ verb: String) { self.verb = verb }

    /// Shows so many of so many entries.
    func show(_ entries: UInt64, of all: UInt64) {
        guard isShown, Date().timeIntervalSince(last) > 0.2 else { return }
        last = Date()
        isDrawn = true
        let share = all > 0 ? entries * 100 / all : 100
        Output.standardError("\r\(verb): \(Text.grouped(entries)) entries, \(share) % ")
    }

    /// Removes what is shown.
    func end() {
        if isDrawn { Output.standardError("\r\u{1B}[K") }
    }
}
