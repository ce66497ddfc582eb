// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import EventLog
import Foundation
import Ledger
import Synchronization

/// How the program ends.
enum ExitStatus: Int32 {
    /// All is well.
    case good = 0
    /// The answer is no.
    case wrong = 1
    /// There is no answer.
    case unusable = 2
}

/// Ends the program with a message on standard error.
struct Failure: Error {
    let message: String
    let status: ExitStatus

    init(_ message: String, _ status: ExitStatus = .unusable) {
        self.message = message
        self.status = status
    }
}

/// What commands write.
enum Output {
    /// Writes a line to standard output.
    ///
    /// Lines are held back until there are many, or `flush`; the end of the program flushes. What
    /// controls a terminal, besides styles, is made visible whatever it comes from.
    static func line(_ text: String = "") { row(text.visibleBesidesStyles) }

    /// Writes a line as it is, for programs.
    static func row(_ text: String) {
        let isFull = pending.withLock { lines in
            lines += text.utf8
            lines.append(0x0A)
            return lines.count >= 1 << 16
        }
        if isFull { flush() }
    }

    /// Writes what a reader should know, in lines that fit.
    static func note(_ text: String) {
        let words = text.visible.split(separator: " ").map(String.init)
        let lines = Text.wrapped(words, columns: min(columns, 100) - 6)
        for (place, line) in lines.enumerated() {
            self.line((place == 0 ? "Note: " : "      ") + line)
        }
    }

    private static let pending = Mutex<[UInt8]>([])

    /// Writes to standard error, after what standard output holds back.
    static func standardError(_ text: String) {
        flush()
        do { try FileHandle.standardError.write(contentsOf: Data(text.utf8)) } catch {
            // Nobody hears it, and what the program does is the same.
        }
    }

    /// Writes out what is held back; where that fails nothing that follows would be good, so the
    /// program ends.
    static func flush() {
        let lines = pending.withLock { lines in
            defer { lines = [] }
            return lines
        }
        guard !lines.isEmpty else { return }
        pour(lines)
    }

    /// Writes bytes to standard output at once; ends the program where that fails, as above.
    static func pour(_ bytes: [UInt8]) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            self.error("standard output cannot be written: \(ErrorWords.of(error))", .unusable)
            Foundation.exit(ExitStatus.unusable.rawValue)
        }
    }

    /// Writes a value as JSON: on several lines, or on one.
    static func json(_ value: some Encodable, isLine: Bool = false) throws(Failure) {
        do {
            row(try AnswerJSON.encode(value, isLine: isLine).visibleJSON)
        } catch {
            throw Failure("the result cannot be written as JSON: \(ErrorWords.of(error))")
        }
    }

    /// Whether people read standard output.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether people read standard error.
    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// The columns that a line may have: those of the terminal, or as many as wanted.
    static var columns: Int {
        guard isTerminal else { return .max }
        let told = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }
        return max(40, told ?? terminalColumns ?? 100)
    }

    private static var terminalColumns: Int? {
        var size = winsize()
        // SAFETY: the call fills in the structure that is passed, which lives for it.
        let status = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
    }

    /// Cuts a line to the columns of the terminal.
    static func cut(_ text: String) -> String {
        let columns = columns
        return text.count <= columns ? text : text.prefix(columns - 1) + "…"
    }

    /// Bold on a terminal, plain elsewhere, with what controls a terminal made visible.
    static func strong(_ text: String) -> String { Style.strong.applied(to: text.visible) }

    /// Waits, as those do who look again and again.
    static func pause(seconds: Double) {
        flush()
        Thread.sleep(forTimeInterval: seconds)
    }

    /// Whether texts on standard output may be styled: people read it, on a terminal that can.
    static let isStyled = isTerminal && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Whether they may be coloured too: <https://no-color.org> is respected.
    static let isColoured =
        isStyled && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty

    /// Whether drawings may use more than ASCII: the locale says UTF-8.
    static let isUnicode: Bool = {
        let environment = ProcessInfo.processInfo.environment
        // The order in which the C library looks.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
            .first { !$0.isEmpty }
        let name = (locale ?? "").uppercased()
        return name.contains("UTF-8") || name.contains("UTF8")
    }()
}

/// How a text looks on a terminal. Never the only sign of anything.
enum Style: Sendable {
    case plain, strong, faint, good, bad, warning
    /// One of six colours, counted round.
    case series(Int)

    private var code: String? {
        switch self {
        case .plain: nil
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .bad: "31"
        case .warning: "33"
        case .series(let number): ["34", "32", "35", "36", "33", "31"][number % 6]
        }
    }

    private var isColour: Bool {
        switch self {
        case .plain, .strong, .faint: false
        default: true
        }
    }

    /// The text in this style where standard output takes it, else as it is.
    func applied(to text: String) -> String {
        guard !text.isEmpty, let code, isColour ? Output.isColoured : Output.isStyled else {
            return text
        }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// What an outcome of a request or job looks like.
    static func of(outcome: String) -> Style {
        switch outcome {
        case Outcome.approved.jsonName, JobDecision.agreed.jsonName: .good
        case Outcome.rejected.jsonName, JobDecision.disagreed.jsonName: .bad
        case Outcome.timedOut.jsonName: .warning
        default: .plain
        }
    }
}

/// Names and values, one a line.
struct Listing {
    private var rows: [(String, String)] = []

    /// Adds a line, with what controls a terminal made visible.
    mutating func add(_ name: String, _ value: String) {
        rows.append((name.visible, value.visible))
    }

    /// Writes the lines, indented by two columns.
    func print() {
        let width = rows.map(\.0.count).max() ?? 0
        for (name, value) in rows {
            let fill = String(repeating: " ", count: width - name.count)
            Output.line("  \(name)\(fill)  \(value)")
        }
    }
}

/// Ways of writing numbers.
enum Text {
    /// The number with a comma between every three digits.
    static func grouped(_ value: UInt64) -> String {
        var result = ""
        for (place, digit) in "\(value)".reversed().enumerated() {
            if place > 0, place % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return String(result.reversed())
    }

    /// One of something, or several: `1 entry`, `2 entries`.
    static func count(_ value: UInt64, _ one: String, _ many: String? = nil) -> String {
        "\(grouped(value)) \(value == 1 ? one : many ?? one + "s")"
    }

    /// The first twelve digits of a name, which are a name too as long as they are unique.
    static func short(_ name: String) -> String { String(name.prefix(12)) }

    /// Begin and end of a text that is longer than so many columns: `validat…r-10`.
    static func cutWithin(_ text: String, _ columns: Int) -> String {
        guard text.count > columns, columns > 2 else { return String(text.prefix(columns)) }
        let end = (columns - 1) / 2
        return text.prefix(columns - 1 - end) + "…" + text.suffix(end)
    }

    /// A time in whole seconds, from milliseconds since 1970 UTC: `2026-01-01T00:00:00Z`.
    static func time(_ milliseconds: UInt64) -> String {
        UTC.text(Time(milliseconds)).dropLast(5) + "Z"
    }

    /// A time in milliseconds since 1970 UTC: `2026-01-01T00:00:00.000Z`.
    static func exactTime(_ milliseconds: UInt64) -> String { UTC.text(Time(milliseconds)) }

    /// Thousandths of a point as points: `1060.500`.
    static func points(_ thousandths: UInt64) -> String { UTC.points(Reputation(thousandths)) }

    /// A change in thousandths of a point with its sign: `+10.000`.
    static func change(_ thousandths: Int64) -> String {
        (thousandths < 0 ? "-" : "+") + points(thousandths.magnitude)
    }

    /// Words with commas behind all but the last.
    static func listed(_ words: [String]) -> [String] {
        words.enumerated().map { $0.offset == words.count - 1 ? $0.element : $0.element + "," }
    }

    /// Words in lines of at most so many columns where words allow it, a space between them.
    static func wrapped(_ words: [String], columns: Int, gap: String = " ") -> [String] {
        var lines: [String] = []
        for word in words {
            if let last = lines.last, last.count + gap.count + word.count <= columns {
                lines[lines.count - 1] += gap + word
            } else {
                lines.append(word)
            }
        }
        return lines
    }

    /// Seconds with two decimals.
    static func seconds(_ value: Double) -> String { String(format: "%.2f s", value) }
}

/// Opens the log of a home or ledger directory for reading, or says why it cannot be.
func openLedger(_ path: String) throws(Failure) -> EventLog {
    do throws(LogError) {
        return try LedgerDirectory.open(Place.ledger(path))
    } catch {
        throw failure(error, path)
    }
}

/// Says what is wrong with the log of a ledger, and what to do.
func failure(_ error: LogError, _ path: String) -> Failure {
    if case .notALog = error {
        return Failure(
            "there is no ledger in \(path); name a home made by recount init, or the directory"
                + " with segments in it")
    }
    return Failure("\(error)")
}
