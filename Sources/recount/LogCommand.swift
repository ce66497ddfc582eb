// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import EventLog
import Ledger

/// `recount log`.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "List the entries of a ledger, one a line.",
        discussion: """
            Each line has the entry, its batch, its kind and its fields, long
            hexadecimal texts cut short. --json prints every field in full, one JSON
            object a line; times are milliseconds since 1970 UTC, reputations
            thousandths of a point.

              recount log home --from 100 --to 120
              recount log home --kind outcomeDecided
              recount log home --json | jq 'select(.kind == "voteCast") | .fields.vote'

            Kinds: \(LogCommand.kinds.joined(separator: ", ")).
            """)

    @Argument(help: "A home, or the directory of a ledger.")
    var ledger: String

    @Option(help: "The first entry.")
    var from: UInt64 = 0

    @Option(help: "The last entry.")
    var to: UInt64?

    @Option(help: "List entries of this kind only.")
    var kind: String?

    @Flag(help: "Print JSON Lines.")
    var json = false

    static let kinds = Event.kinds.keys.sorted().compactMap { Event.kinds[$0] }

    /// What people seldom want to see on a line.
    private static let hidden: Set = ["signature", "signatures", "proof", "public_inputs"]

    func validate() throws {
        if let kind, !Self.kinds.contains(kind) {
            throw ValidationError(
                "there is no kind \(kind); the kinds are \(Self.kinds.joined(separator: ", "))")
        }
        if let to, to < from { throw ValidationError("--to \(to) is before --from \(from)") }
    }

    mutating func run() throws {
        let log = try openLedger(ledger)
        guard from < log.size || (from == 0 && log.size == 0) else {
            throw Failure("there is no entry \(from): the log holds \(log.size)")
        }
        var height = try Self.height(before: from, in: log)
        let end = to.map { $0 == .max ? $0 : $0 + 1 }
        var reader = EntryReader(log, from: from, to: end)
        while let entry = try next(&reader, log) {
            if case .batchOpened(let opened) = entry.event { height = opened.height.rawValue }
            guard kind == nil || kind == entry.event.kind else { continue }
            if json {
                try Output.json(Self.line(entry, height), isLine: true)
            } else {
                Output.line(Output.cut(Self.text(entry, height)))
            }
        }
    }

    private func next(
        _ reader: inout EntryReader, _ log: EventLog
    ) throws(Failure) -> LoggedEntry? {
        do throws(ReadingError) {
            return try reader.entry()
        } catch {
            throw Failure("\(log.directory): \(error)")
        }
    }

    /// The batch that is open before an entry: that of the last opening before it.
    private static func height(before entry: UInt64, in log: EventLog) throws(Failure) -> UInt64 {
        var end = min(entry, log.size)
        while end > 0 {
            let start = end > 512 ? end - 512 : 0
            var found: UInt64?
            var reader = EntryReader(log, from: start, to: end)
            do throws(ReadingError) {
                while let entry = try reader.entry() {
                    if case .batchOpened(let opened) = entry.event {
                        found = opened.height.rawValue
                    }
                }
            } catch {
                throw Failure("\(log.directory): \(error)")
            }
            if let found { return found }
            end = start
        }
        return 0
    }

    static func line(_ entry: LoggedEntry, _ height: UInt64) -> Field {
        let head = [
            NamedField("entry", .number(entry.index)), NamedField("batch", .number(height)),
            NamedField("kind", .text(entry.event.kind)),
        ]
        return .record(head + [NamedField("fields", .record(entry.event.fields))])
    }

    private static func text(_ entry: LoggedEntry, _ height: UInt64) -> String {
        let fields = entry.event.fields.filter { !hidden.contains($0.name) }
        let number = "\(entry.index)"
        let padding = String(repeating: " ", count: max(0, 8 - number.count))
        let kind = entry.event.kind
        let gap = String(repeating: " ", count: max(0, 20 - kind.count))
        return ([padding + number, "b\(height)", kind + gap] + fields.map { $0.text() })
            .joined(separator: " ")
    }
}
