// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import Ledger

/// A node that is asked over HTTP, as commands use it: what goes wrong ends the command.
struct AskedNode {
    /// Rows of a page.
    private static let pageRows: UInt64 = 1_000
    /// Rows that are fetched in all.
    private static let rowsMax = 1_000_000
    /// Entries about one request that are fetched.
    private static let eventsMax = 100_000

    let node: RemoteNode

    init(_ node: RemoteNode) { self.node = node }

    /// What people know it by.
    var name: String { "\(node.url)" }

    /// Runs what asks the node.
    func ask<Value>(
        _ question: (RemoteNode) throws(ClientError) -> Value
    ) throws(Failure) -> Value {
        do throws(ClientError) { return try question(node) } catch { throw Failure("\(error)") }
    }

    /// The value at a path.
    func value<Value: Decodable>(
        _ type: Value.Type, _ path: [String], _ query: [(String, String?)] = []
    ) throws(Failure) -> Value {
        try ask { node throws(ClientError) in try node.value(type, path, query) }
    }

    /// What `id` names, and says in words where it names nothing.
    func find<Value: Decodable>(
        _ type: Value.Type, _ kind: String, _ id: String, hint: String, _ path: [String],
        _ query: [(String, String?)] = []
    ) throws(Failure) -> Value {
        let found: Value?
        do throws(ClientError) { found = try node.found(type, path, query) } catch {
            guard case .refused(_, let no) = error, no.error == "notAName" else {
                throw Failure("\(error)")
            }
            guard kind == "validator" else {
                throw Failure("\(id) names no \(kind) at \(name): \(no.message); \(hint)")
            }
            throw missing(kind, id, hint)
        }
        guard let found else { throw missing(kind, id, hint) }
        return found
    }

    private func missing(_ kind: String, _ id: String, _ hint: String) -> Failure {
        let names: LedgerNames?
        do throws(ClientError) { names = kind == "validator" ? try node.names() : nil } catch {
            names = nil
        }
        return Failure(
            "no \(kind) is called \(id) at \(name)\(Nearest.hint(kind, id, hint, names))")
    }

    /// The newest rows of a list, oldest first, page by page; and how many pass, where counted.
    ///
    /// - Parameter newest: How many; 0 for all.
    func rows<Page: AnswerPage>(
        _ type: Page.Type, _ path: [String], _ query: [(String, String?)], _ range: RangeOptions,
        newest: UInt64, isCounted: Bool
    ) throws(Failure) -> (rows: [Page.Row], count: UInt64) {
        var pages: [[Page.Row]] = []
        var count: UInt64?
        var sum = 0
        var to = range.toText
        while true {
            let left = newest == 0 ? Self.pageRows : min(Self.pageRows, newest - UInt64(sum))
            let page = try value(
                type, path,
                query + [
                    ("from", range.fromText), ("to", to), ("limit", "\(left)"),
                    ("count", isCounted && pages.isEmpty ? "yes" : nil),
                ])
            guard UInt64(page.rows.count) <= left else {
                throw Failure("\(name) gives more rows than it was asked for")
            }
            count = count ?? page.count
            sum += page.rows.count
            pages.append(page.rows)
            guard sum <= Self.rowsMax else {
                throw Failure("these are more than \(Self.rowsMax) rows; use --from and --to")
            }
            guard let older = page.older, newest == 0 || UInt64(sum) < newest else { break }
            // An end that does not come down would never be the last.
            guard to.flatMap({ UInt64($0) }).map({ older < $0 }) ?? true, !page.rows.isEmpty else {
                throw Failure("\(name) gives a page before the first")
            }
            to = "\(older)"
        }
        return (pages.reversed().flatMap { $0 }, count ?? UInt64(sum))
    }

    /// Fills in what entries say, in its order, from the entries themselves.
    func complete(_ events: inout [RequestAnswer.Followed]) throws(Failure) {
        guard events.count <= Self.eventsMax else {
            throw Failure("\(name) names \(events.count) entries about one request")
        }
        let names = try ask { node throws(ClientError) in try node.names() }
        for place in events.indices {
            let index = events[place].entry
            let entry = try ask { node throws(ClientError) in try node.entry(index) }
            guard let entry else { throw Failure("\(name) has no entry \(index), which it names") }
            events[place] = RequestAnswer.Followed(entry, names)
        }
    }
}

extension RangeOptions {
    /// The first place, as a node reads it.
    var fromText: String? { from.map(Self.text) }

    /// The last place, likewise.
    var toText: String? { to.map(Self.text) }

    private static func text(_ place: LogPlace) -> String {
        switch place {
        case .entry(let entry): "\(entry)"
        case .time(let time): UTC.text(Time(time))
        }
    }
}
