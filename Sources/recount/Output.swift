// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Foundation
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
    /// Lines are held back until there are many, or `flush`; the end of the program flushes.
    static func line(_ text: String = "") {
        let isFull = pending.withLock { lines in
            lines += text.utf8
            lines.append(0x0A)
            return lines.count >= 1 << 16
        }
        if isFull { flush() }
    }

    private static let pending = Mutex<[UInt8]>([])

    /// Writes "recount: " and a message to standard error.
    static func error(_ message: String) { standardError("recount: \(message)\n") }

    /// Writes to standard error, after what standard output holds back.
    static func standardError(_ text: String) {
        flush()
        FileHandle.standardError.write(Data(text.utf8))
    }

    /// Writes out what is held back; where that fails nothing that follows would be good, so the
    /// program ends.
    static func flush() {
        let lines = pending.withLock { lines in
            defer { lines = [] }
            return lines
        }
        guard !lines.isEmpty else { return }
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(lines))
        } catch {
            FileHandle.standardError.write(
                Data("recount: standard output cannot be written: \(error)\n".utf8))
            Foundation.exit(ExitStatus.unusable.rawValue)
        }
    }

    /// Writes a value as JSON: on several lines, or on one.
    static func json(_ value: some Encodable, isLine: Bool = false) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !isLine { encoder.outputFormatting.insert(.prettyPrinted) }
        do {
            line(String(decoding: try encoder.encode(value), as: UTF8.self))
        } catch {
            throw Failure("the result cannot be written as JSON: \(error)")
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

    /// Bold on a terminal, plain elsewhere.
    static func strong(_ text: String) -> String {
        isTerminal ? "\u{1B}[1m\(text)\u{1B}[0m" : text
    }
}

/// Columns of text.
struct Table {
    /// On which side a column is filled up.
    enum Side { case left, right }

    private let heads: [(title: String, side: Side)]
    private var rows: [[String]] = []

    /// Starts with the heads of the columns.
    init(_ heads: (String, Side)...) { self.heads = heads }

    /// Adds a row.
    mutating func add(_ cells: String...) { rows.append(cells) }

    /// Writes the table, indented by two columns.
    func print() {
        var widths = heads.map(\.title.count)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        for row in [heads.map(\.title)] + rows {
            var line = " "
            for (column, cell) in row.enumerated() {
                let fill = String(repeating: " ", count: widths[column] - cell.count)
                line += " " + (heads[column].side == .left ? cell + fill : fill + cell)
            }
            while line.last == " " { line.removeLast() }
            Output.line(Output.cut(line))
        }
    }
}

/// Names and values, one a line.
struct Listing {
    private var rows: [(String, String)] = []

    /// Adds a line.
    mutating func add(_ name: String, _ value: String) { rows.append((name, value)) }

    /// Writes the lines, indented by two columns.
    func print() {
        let width = rows.map(\.0.count).max() ?? 0
        for (name, value) in rows {
            Output.line("  \(name)\(String(repeating: " ", count: width - name.count))  \(value)")
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

    /// Seconds with two decimals.
    static func seconds(_ value: Double) -> String { String(format: "%.2f s", value) }
}

/// Opens the log of a home or ledger directory for reading, or says why it cannot be.
func openLedger(_ path: String) throws(Failure) -> EventLog {
    do throws(LogError) {
        return try LedgerDirectory.open(path)
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
