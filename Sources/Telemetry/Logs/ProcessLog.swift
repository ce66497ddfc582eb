// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics
package import EventLog
internal import Foundation
internal import Ledger
package import Logging

/// The log of a process: one line an event, for people or for machines.
///
/// For people, what is a warning or worse goes to standard error, behind `recount: `, the rest to
/// standard output; for machines every line is a JSON object on standard output. Whoever logs never
/// waits: see `LineWriter`.
package final class ProcessLog: Sendable {
    /// How lines look.
    package enum Form: Sendable {
        /// For people.
        case text
        /// For machines.
        case json
    }

    /// Bytes of a line for people; of what is longer, the end is left out.
    static let textBytesMax = 8 << 10
    /// Bytes of a line for machines; what is longer is left out but for its name.
    static let jsonBytesMax = 1 << 20
    /// The levels that one may ask for, the most talkative first.
    package static let levels: [Logger.Level] = [.trace, .debug, .info, .notice, .warning, .error]

    /// The metrics that it counts into, for the list of a registry.
    package static let families = [
        MetricFamily(
            "recount_log_lines_total", .counter, "Lines of the log, by level.", labels: ["level"],
            seriesMax: 7),
        MetricFamily(
            "recount_log_lines_dropped_total", .counter,
            "Lines of the log that nobody took in time."),
    ]

    private let form: Form
    private let output: LineWriter
    private let errors: LineWriter
    private let counters: [Logger.Level: Counter]

    /// Starts the threads that write.
    ///
    /// - Parameter bytesMax: Bytes of lines that wait for each of both.
    package init(
        _ form: Form, output: ForeignOutput = ForeignOutput(descriptor: 1),
        errors: ForeignOutput = ForeignOutput(descriptor: 2),
        bytesMax: Int = LineWriter.standardBytesMax, metrics: any MetricsFactory
    ) {
        self.form = form
        self.output = LineWriter(output, bytesMax: bytesMax) { Self.report($0, form) }
        self.errors = LineWriter(errors, bytesMax: bytesMax) { Self.report($0, .text) }
        counters = Dictionary(
            uniqueKeysWithValues: Logger.Level.allCases.map { level in
                let dimensions = [("level", level.rawValue)]
                return (
                    level,
                    Counter(
                        label: "recount_log_lines_total", dimensions: dimensions, factory: metrics)
                )
            })
    }

    /// A logger that says what is at least of a level.
    package func logger(_ label: String, level: Logger.Level) -> Logger {
        var logger = Logger(label: label) { _ in ProcessLogHandler(log: self) }
        logger.logLevel = level
        return logger
    }

    /// What it knows for the registry.
    package var samples: [MetricSample] {
        [MetricSample("recount_log_lines_dropped_total", [], output.dropped + errors.dropped)]
    }

    /// Writes what waits, for at most so long, and takes no more.
    package func finish(milliseconds: UInt64 = 2_000) {
        output.finish(milliseconds: milliseconds)
        errors.finish(milliseconds: milliseconds)
    }

    // MARK: Lines

    /// Says something of the process itself and of no event: to people, in both forms.
    package func note(_ text: String) {
        counters[.notice]?.increment()
        errors.put("recount: \(Self.text(text, [:]))")
    }

    func say(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        counters[level]?.increment()
        var metadata = metadata
        let record = metadata.removeValue(forKey: LogRecord.key).map { "\($0)" }
        switch form {
        case .json:
            output.put(Self.json(level, message, record, metadata, at: Self.now))
        case .text:
            let line = Self.text(message, metadata)
            if level >= .warning { errors.put("recount: \(line)") } else { output.put(line) }
        }
    }

    static func text(_ message: String, _ metadata: Logger.Metadata) -> String {
        let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        return (message + pairs.joined()).bounded(bytes: textBytesMax).visible
    }

    static func json(
        _ level: Logger.Level, _ message: String, _ record: String?, _ metadata: Logger.Metadata,
        at time: UInt64
    ) -> String {
        var record = record ?? #"{"event":"log","message":\#(bounded(message).quotedJSON)}"#
        if record.utf8.count > jsonBytesMax {
            record = #"{"bytes":\#(record.utf8.count),"event":"too_long"}"#
        }
        // The sum of a substring and a string would count the characters of both.
        var line = String(record.dropLast())
        line += #","level":"\#(level.rawValue)""#
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { key, value in
                "\(bounded(key).quotedJSON):\(bounded("\(value)").quotedJSON)"
            }
            line += #","metadata":{\#(pairs.joined(separator: ","))}"#
        }
        return (line + #","time":\#(time)}"#).visibleJSON
    }

    private static func bounded(_ text: String) -> String { text.bounded(bytes: textBytesMax) }

    private static func report(_ count: UInt64, _ form: Form) -> String {
        switch form {
        case .text: "recount: \(count) lines of the log were dropped: nobody took them in time"
        case .json:
            json(
                .warning, "", #"{"count":\#(count),"event":"lines_dropped"}"#, [:], at: now)
        }
    }

    /// Milliseconds since 1970 UTC.
    private static var now: UInt64 { UInt64(max(0, Date().timeIntervalSince1970) * 1000) }
}

/// Hands what is logged to the log of the process.
struct ProcessLogHandler: LogHandler {
    let log: ProcessLog
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.info

    init(log: ProcessLog) { self.log = log }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        log.say(event.level, "\(event.message)", all)
    }
}
