// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Telemetry
import TestSupport
import Testing

/// A log whose two outputs are collected.
private final class LoggedLines {
    let output = Collector()
    let errors = Collector()
    let metrics = MetricRegistry(ProcessLog.families)
    let log: ProcessLog

    init(_ form: ProcessLog.Form, bytesMax: Int = 1 << 20) {
        log = ProcessLog(
            form, output: output.output, errors: errors.output, bytesMax: bytesMax,
            metrics: metrics)
    }

    /// What was said on both until the log has ended.
    func lines(_ body: (Logger) -> Void) throws -> (output: [String], errors: [String]) {
        try lines(level: .trace, body)
    }

    func lines(
        level: Logger.Level, _ body: (Logger) -> Void
    ) throws -> (output: [String], errors: [String]) {
        var said: [String] = []
        let errors = try errors.lines {
            body(log.logger("test", level: level))
            do { said = try output.lines { log.finish(milliseconds: 60_000) } } catch {
                Issue.record(error)
            }
        }
        return (said, errors)
    }
}

private let record = LogRecord(json: #"{"amount":7,"event":"paid","to":"you"}"#)
private let recorded: Logger.Metadata = [LogRecord.key: .stringConvertible(record)]

@Suite("The log of a process")
struct ProcessLogTests {
    @Test("people get lines, and on standard error what is a warning or worse")
    func text() throws {
        let lines = try LoggedLines(.text).lines { logger in
            logger.info("paid 7 to you", metadata: recorded)
            logger.notice("listening", metadata: ["port": "5100", "at": "home"])
            logger.warning("warning: the clock is late")
            logger.error("the disk is full")
        }
        #expect(lines.output == ["paid 7 to you", "listening at=home port=5100"])
        #expect(
            lines.errors == ["recount: warning: the clock is late", "recount: the disk is full"])
    }

    @Test("machines get an object a line, with the keys of the event, its level and time")
    func json() throws {
        let lines = try LoggedLines(.json).lines { logger in
            logger.info("paid 7 to you", metadata: recorded)
            logger.warning("odd \"words\"\n", metadata: ["peer": "p"])
        }
        #expect(lines.errors.isEmpty && lines.output.count == 2)
        let first = try #require(lines.output.first)
        let head = #"{"amount":7,"event":"paid","to":"you","level":"info","time":"#
        #expect(first.hasPrefix(head) && first.hasSuffix("}"), "\(first)")
        let now = Date().timeIntervalSince1970 * 1000
        let time = try #require(Double(first.dropFirst(head.count).dropLast()))
        #expect(time > now - 3_600_000 && time <= now + 1)
        let second = try #require(
            try JSONSerialization.jsonObject(with: Data(lines.output[1].utf8)) as? [String: Any])
        #expect(Set(second.keys) == ["event", "message", "level", "metadata", "time"])
        #expect(second["event"] as? String == "log" && second["level"] as? String == "warning")
        #expect(second["message"] as? String == "odd \"words\"\n")
        #expect(second["metadata"] as? [String: String] == ["peer": "p"])
    }

    @Test("what weighs less than the level is not said", arguments: ProcessLog.levels)
    func levels(_ level: Logger.Level) throws {
        let lines = try LoggedLines(.json).lines(level: level) { logger in
            for level in ProcessLog.levels { logger.log(level: level, "\(level)") }
        }
        let wanted = ProcessLog.levels.filter { $0 >= level }
        #expect(lines.output.count == wanted.count)
        for (line, level) in zip(lines.output, wanted) {
            #expect(line.contains("\"level\":\"\(level)\""), "\(line)")
        }
    }

    @Test("what came from outside is one line, spelt out and bounded", arguments: [true, false])
    func hostile(isJSON: Bool) throws {
        let invalid = String(decoding: [0x61, 0xFF, 0xC0, 0x62], as: UTF8.self)
        let texts = [
            "a\nrecount: all is well", "\u{1B}]0;title\u{7}\u{9B}2J", "\u{202E}gpj", invalid,
            "\u{2028}next\u{E0001}", String(repeating: "é", count: 1 << 20),
        ]
        let lines = try LoggedLines(isJSON ? .json : .text, bytesMax: 64 << 20).lines { logger in
            for text in texts {
                logger.info("\(text)")
                logger.info("about", metadata: ["peer": "\(text)"])
                logger.info("about", metadata: ["peers": ["\(text)"]])
            }
        }
        #expect(lines.output.count == 3 * texts.count)
        for line in lines.output {
            #expect(line.utf8.count < 17 << 10, "\(line.prefix(80))")
            for scalar in line.unicodeScalars {
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse,
                    .unassigned, .surrogate:
                    Issue.record("\(scalar.value) in \(line.prefix(80))")
                default: break
                }
            }
            guard isJSON else { continue }
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(line.utf8))
            }
        }
        let marks = lines.output.count { $0.contains("\u{FFFD}") }
        #expect(marks == 3, "invalid UTF-8 is shown as what it is")
    }

    @Test("an event that is too long for a line is named, and its length")
    func long() throws {
        let long = #"{"event":"big","text":"\#(String(repeating: "x", count: 2 << 20))"}"#
        let lines = try LoggedLines(.json).lines { logger in
            logger.info(
                "", metadata: [LogRecord.key: .stringConvertible(LogRecord(json: long))])
        }
        let line = try #require(lines.output.first)
        #expect(line.hasPrefix(#"{"bytes":\#(long.utf8.count),"event":"too_long","level":"info""#))
    }

    @Test("lines are counted by level, and those that nobody takes as dropped")
    func counts() throws {
        let logged = LoggedLines(.json, bytesMax: 1_000)
        let logger = logged.log.logger("test", level: .info)
        for number in 0..<3_000 { logger.info("\(number)", metadata: recorded) }
        logger.debug("not said")
        let read = try Exposition(logged.metrics.text(logged.log.samples))
        #expect(read.number("recount_log_lines_total", ["level": "info"]) == 3_000)
        #expect(read.number("recount_log_lines_total", ["level": "debug"]) == 0)
        #expect(try #require(read.number("recount_log_lines_dropped_total")) > 0)
        // What still waits is not for whoever gets the number of the descriptor next.
        _ = try logged.lines { _ in }
    }
}
