// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import Ledger
import Node
import Projections

/// `recount log`.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "List the entries of a ledger, one a line.",
        discussion: """
            Each line has the entry, its batch, its kind and its fields: long hexadecimal
            texts cut short, and names in parentheses behind the numbers of validators,
            submitters and circuits. --json prints every field in full, one JSON
            object a line; times are milliseconds since 1970 UTC, reputations
            thousandths of a point.

              recount log home --from 100 --to 120
              recount log home --kind outcomeDecided --kind roundClosed
              recount log home --request 3f9a --validator 3
              recount log home --last 20 --follow
              recount log home --kind outcomeDecided --last 5
              recount log --node http://127.0.0.1:5100 --last 20 --follow
              recount log home --json | jq 'select(.kind == "voteCast") | .fields.vote'

            Filters add up: an entry is listed if it passes all. What is about a validator
            is what it said, led or ran, and what changed its standing. --follow goes on
            with new entries, while a node writes them, until it is interrupted.

            Kinds: \(LogCommand.kinds.joined(separator: ", ")).
            """)

    @OptionGroup var place: LedgerOrNode

    @OptionGroup var range: RangeOptions

    @Option(
        help: ArgumentHelp(
            "Only the last so many of the entries that pass.", valueName: "count"))
    var last: UInt64?

    @Option(
        help: "List entries of this kind only; may be repeated.",
        completion: .list(LogCommand.kinds))
    var kind: [String] = []

    @Option(
        help: ArgumentHelp(
            "Only what is about a request: its entry, or the first digits of its identity.",
            valueName: "id"), completion: Completions.requests)
    var request: String?

    @Option(
        help: ArgumentHelp(
            "Only what is about a validator: its number, name, or first digits of its key.",
            valueName: "id"), completion: Completions.validators)
    var validator: String?

    @Flag(help: "Wait for new entries and list them too.")
    var follow = false

    @Flag(help: "Print JSON Lines.")
    var json = false

    @OptionGroup var format: CSVOption

    static let kinds = EventType.allCases.map(\.jsonName)

    /// What people seldom want to see on a line.
    private static let hidden: Set = ["signature", "signatures", "proof", "public_inputs"]

    func validate() throws {
        for kind in kind where !Self.kinds.contains(kind) {
            throw ValidationError(
                "there is no kind \(kind); the kinds are \(Self.kinds.joined(separator: ", "))"
                    + Spelling.suggestion(for: kind, among: Self.kinds))
        }
        try place.check()
        if last != nil, range.from != nil {
            throw ValidationError("give --from or --last, not both")
        }
    }

    mutating func run() throws {
        let writer = try RowWriter(json: json, format, ["entry", "batch", "kind", "fields"])
        let log = try OpenLog(place.source())
        let filter = try filter(log)
        var walk = Walk(filter: filter, writer: writer, to: range.to, names: try NameBook(log))
        var next = try start(log, filter)
        walk.height = try log.height(before: next)
        next = try walk.list(log, from: next)
        guard follow else {
            if walk.listed == 0, writer == nil {
                Output.line(
                    log.size == 0 ? "There are no entries yet." : "No entry passes these filters.")
            }
            return
        }
        var follower = OpenLogFollower(log)
        while !walk.isOver {
            Output.flush()
            try follower.wait()
            next = try walk.list(follower.log, from: next)
        }
    }

    /// The names of the request and the validator that the filters ask for.
    private func filter(_ log: OpenLog) throws(Failure) -> LogFilter {
        var filter = LogFilter(kinds: Set(kind))
        guard request != nil || validator != nil else { return filter }
        if case .node(let node, _) = log { return try self.filter(node, filter) }
        guard case .disk(let log) = log else { return filter }
        let opened = try OpenedViews(log: log)
        if let request {
            filter.request = try opened.find(
                "request", request, hint: "recount requests lists those that are there"
            ) { views throws(ViewError) in
                let entry = try views.request(called: request)
                guard let row = try views.request(at: entry) else { throw .notFound }
                return LogFilter.RequestName(entry: entry, id: row.requestID)
            }
        }
        if let validator {
            filter.validator = try opened.find(
                "validator", validator, hint: ShowValidatorCommand.hint
            ) { views throws(ViewError) in
                let number = try views.validator(called: validator)
                guard let row = try views.party(number) else { throw .notFound }
                return LogFilter.ValidatorName(number: number, key: row.key)
            }
        }
        return filter
    }

    /// The same names, from a node.
    private func filter(_ node: AskedNode, _ filter: LogFilter) throws(Failure) -> LogFilter {
        var filter = filter
        if let request {
            let row = try node.find(
                RequestView.self, "request", request, hint: RequestsCommand.hint(node.name),
                ["requests", request])
            filter.request = LogFilter.RequestName(entry: row.entry, id: row.requestID)
        }
        if let validator {
            let row = try node.find(
                ValidatorHistory.self, "validator", validator, hint: ShowValidatorCommand.hint,
                ["validators", validator]
            ).summary
            filter.validator = LogFilter.ValidatorName(number: row.validator, key: row.key)
        }
        return filter
    }

    /// The first entry to be looked at.
    private func start(_ log: OpenLog, _ filter: LogFilter) throws(Failure) -> UInt64 {
        if let last { return try start(ofLast: last, log, filter) }
        var start: UInt64 = 0
        switch range.from {
        case nil: break
        case .entry(let entry):
            guard entry < log.size || (entry == 0 && log.size == 0) || follow else {
                throw Failure("there is no entry \(entry): the log holds \(log.size)")
            }
            start = entry
        case .time(let time): start = try log.firstEntry(at: .time(time))
        }
        // Nothing before the request is about it.
        if let request = filter.request { start = max(start, request.entry) }
        return start
    }

    /// The entry from which on so many entries pass, up to the last that is wanted.
    private func start(
        ofLast count: UInt64, _ log: OpenLog, _ filter: LogFilter
    ) throws(Failure) -> UInt64 {
        var end = try end(log)
        guard !filter.takesAll, count > 0 else { return end - min(count, end) }
        let first = filter.request?.entry ?? 0
        var left = count
        while end > first {
            let start = max(first, end - min(end, Self.stretchEntries))
            let passing = try Self.passing(log, from: start, to: end, filter)
            guard UInt64(passing.count) < left else { return passing[passing.count - Int(left)] }
            left -= UInt64(passing.count)
            end = start
        }
        return first
    }

    /// Entries that are looked at together, from the end of the log to its start.
    private static let stretchEntries: UInt64 = 16_384

    private static func passing(
        _ log: OpenLog, from start: UInt64, to end: UInt64, _ filter: LogFilter
    ) throws(Failure) -> [UInt64] {
        var passing: [UInt64] = []
        var reader = log.entries(from: start, to: end)
        while let entry = try reader.entry() {
            if filter.takes(entry) { passing.append(entry.index) }
        }
        return passing
    }

    /// The end of what is wanted.
    private func end(_ log: OpenLog) throws(Failure) -> UInt64 {
        switch range.to {
        case nil: log.size
        case .entry(let last): min(log.size, last == .max ? last : last + 1)
        case .time(.max): log.size
        case .time(let time): try log.firstEntry(at: .time(time + 1))
        }
    }

    fileprivate static func text(
        _ entry: LoggedEntry, _ height: UInt64, _ fields: [NamedField]
    ) -> String {
        let fields = fields.filter { !hidden.contains($0.name) }
        let number = "\(entry.index)"
        let padding = String(repeating: " ", count: max(0, 8 - number.count))
        let kind = entry.event.kind
        let gap = String(repeating: " ", count: max(0, 20 - kind.count))
        return ([padding + number, "b\(height)", kind + gap] + fields.map { $0.text() })
            .joined(separator: " ")
    }
}

/// A walk through a log that may go on where it stopped.
private struct Walk {
    let filter: LogFilter
    let writer: RowWriter?
    let to: LogPlace?
    var height: UInt64 = 0
    /// How many entries were listed.
    private(set) var listed: UInt64 = 0
    /// Whether the last entry that is wanted was passed.
    private(set) var isOver = false

    private var names: NameBook

    init(filter: LogFilter, writer: RowWriter?, to: LogPlace?, names: NameBook) {
        self.filter = filter
        self.writer = writer
        self.to = to
        self.names = names
    }

    /// Lists what is wanted from an entry to the end of the log; returns where to go on.
    mutating func list(_ log: OpenLog, from start: UInt64) throws(Failure) -> UInt64 {
        var end = log.size
        if case .entry(let last) = to {
            end = min(end, last == .max ? last : last + 1)
            isOver = log.size > last
        }
        guard start < end else { return max(start, min(end, log.size)) }
        var reader = log.entries(from: start, to: end)
        while let entry = try reader.entry() {
            if case .time(let last) = to, let time = Self.batchTime(entry.event), time > last {
                isOver = true
                break
            }
            if case .batchOpened(let opened) = entry.event { height = opened.height.rawValue }
            guard filter.takes(entry) else { continue }
            listed += 1
            let fields = try names.fields(entry, in: log)
            if let writer {
                try writer.add(LogLine(entry, height: height, fields: fields))
            } else {
                Output.line(Output.cut(LogCommand.text(entry, height, fields)))
            }
        }
        return end
    }

    /// The time of the batch that an event begins.
    private static func batchTime(_ event: Event) -> UInt64? {
        switch event {
        case .ledgerOpened(let opened): opened.time.rawValue
        case .batchOpened(let opened): opened.time.rawValue
        default: nil
        }
    }
}
