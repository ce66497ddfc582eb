// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import EventLog
import Ledger
import Projections

/// The log of a ledger as it was when it was opened: on the disk, or at a node.
enum OpenLog {
    case disk(EventLog)
    case node(AskedNode, size: UInt64)

    private struct Page: Decodable {
        struct Line: Decodable {
            var entry: UInt64
            var batch: UInt64
        }

        var entries: [Line]
    }

    /// Opens what is named.
    init(_ source: AskedPlace) throws(Failure) {
        switch source {
        case .ledger(let path): self = .disk(try openLedger(path))
        case .node(let node):
            let status = try node.ask { node throws(ClientError) in try node.status() }
            self = .node(node, size: status.size)
        }
    }

    /// How many entries it has.
    var size: UInt64 {
        switch self {
        case .disk(let log): log.size
        case .node(_, let size): size
        }
    }

    /// What people know it by.
    var name: String {
        switch self {
        case .disk(let log): log.directory
        case .node(let node, _): node.name
        }
    }

    /// Reads entries in order.
    func entries(from start: UInt64, to end: UInt64) -> LogEntries {
        switch self {
        case .disk(let log): .disk(EntryReader(log, from: start, to: end), log.directory)
        case .node(let node, let size):
            .node(node.node.entries(from: start, to: min(end, size)))
        }
    }

    /// One entry.
    func entry(_ index: UInt64) throws(Failure) -> LoggedEntry? {
        if case .node(let node, _) = self {
            return try node.ask { node throws(ClientError) in try node.entry(index) }
        }
        var reader = entries(from: index, to: index + 1)
        return try reader.entry()
    }

    /// The batch that is open at an entry.
    func height(before entry: UInt64) throws(Failure) -> UInt64 {
        switch self {
        case .disk(let log):
            do throws(ReadingError) { return try LogLine.height(before: entry, in: log) } catch {
                throw Failure("\(log.directory): \(error)")
            }
        case .node(let node, let size):
            guard size > 0 else { return 0 }
            let from = ("from", "\(min(entry, size - 1))" as String?)
            return try node.value(Page.self, ["log"], [from, ("limit", "1")])
                .entries.first?.batch ?? 0
        }
    }

    /// The first entry of a time or later; the end where there is none.
    func firstEntry(at time: LogPlace) throws(Failure) -> UInt64 {
        switch (self, time) {
        case (_, .entry(let entry)): return entry
        case (.disk(let log), .time(let time)):
            let found = try OpenedViews(log: log).ask { views throws(ViewError) in
                try views.firstEntry(at: time)
            }
            return found.flatMap(\.self) ?? log.size
        case (.node(let node, let size), .time(let time)):
            let from = ("from", UTC.text(Time(time)) as String?)
            return try node.value(Page.self, ["log"], [from, ("limit", "1")])
                .entries.first?.entry ?? size
        }
    }

    /// The newest names of those who stand in it.
    func names() throws(Failure) -> LedgerNames? {
        switch self {
        case .disk(let log):
            try OpenedViews(log: log).ask { views throws(ViewError) in try views.names() }
        case .node(let node, _):
            try node.ask { node throws(ClientError) in try node.names() }
        }
    }
}

/// A reader of entries, from the disk or from a node.
enum LogEntries {
    case disk(EntryReader, String)
    case node(RemoteEntries)

    /// The next entry; nil at the end.
    mutating func entry() throws(Failure) -> LoggedEntry? {
        switch self {
        case .disk(var reader, let name):
            defer { self = .disk(reader, name) }
            do throws(ReadingError) { return try reader.entry() } catch {
                throw Failure("\(name): \(error)")
            }
        case .node(var reader):
            defer { self = .node(reader) }
            do throws(ClientError) { return try reader.entry() } catch {
                throw Failure("\(error)")
            }
        }
    }
}

/// Waits for a log to grow.
enum OpenLogFollower {
    case disk(LogFollower)
    case node(AskedNode, EventStream?, size: UInt64)

    private static let attemptsMax = 30
    private static let againSeconds = 1.0

    init(_ log: OpenLog) {
        switch log {
        case .disk(let log): self = .disk(LogFollower(log))
        case .node(let node, let size): self = .node(node, nil, size: size)
        }
    }

    /// The log as it was at the last look.
    var log: OpenLog {
        switch self {
        case .disk(let follower): .disk(follower.log)
        case .node(let node, _, let size): .node(node, size: size)
        }
    }

    /// Waits until the log holds more entries than it did.
    mutating func wait() throws(Failure) {
        switch self {
        case .disk(var follower):
            defer { self = .disk(follower) }
            try follower.wait()
        case .node(let node, var stream, let size):
            var attempts = 0
            while true {
                do throws(ClientError) {
                    var open: EventStream
                    if let stream {
                        open = stream
                    } else {
                        open = try EventStream(node.node, from: size)
                    }
                    let end = try open.next()
                    self = .node(node, open, size: max(size, end))
                    return
                } catch {
                    // A node that is started anew is waited for.
                    stream = nil
                    attempts += 1
                    guard attempts < Self.attemptsMax, error.isPassing else {
                        throw Failure("\(error)")
                    }
                    Output.pause(seconds: Self.againSeconds)
                }
            }
        }
    }
}
