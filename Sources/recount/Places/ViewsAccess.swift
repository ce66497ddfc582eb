// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import EventLog
import Foundation
import Ledger
import Projections

/// The projections of a ledger, up to date with its log as it was when the command began.
struct OpenedViews {
    /// The log.
    let log: EventLog
    /// The projections; nil where the log seals no batch yet.
    private let reader: ProjectionsReader?

    /// Opens the log, brings the projections up to date, and says on standard error what a person
    /// should hear.
    init(_ path: String) throws(Failure) { try self.init(log: try openLedger(path)) }

    /// How often a log is opened again that a running node has written on meanwhile.
    private static let attemptsMax = 4

    /// Brings the projections of a log up to date.
    ///
    /// Those of a node that runs may hold more than the log as it was opened: then it is opened
    /// again.
    init(log: EventLog) throws(Failure) {
        var log = log
        var attempt = 1
        while true {
            do throws(Failure) {
                reader = try Self.reader(log)
                self.log = log
                return
            } catch {
                let now = try openLedger(log.directory)
                guard now.size > log.size, attempt < Self.attemptsMax else { throw error }
                log = now
                attempt += 1
            }
        }
    }

    private static func reader(_ log: EventLog) throws(Failure) -> ProjectionsReader? {
        let meter = CatchUpMeter()
        do throws(ProjectionsError) {
            let reader = try Projections.reader(ledgerDirectory: log.directory, log: log) {
                entries, all in meter.tell(entries, of: all)
            }
            meter.clear()
            for notice in reader.notices { Output.notice(notice) }
            return reader
        } catch {
            meter.clear()
            guard case .empty = error else { throw Failure("\(error)") }
            return nil
        }
    }

    /// How many entries the answers take in.
    var entries: UInt64 { reader?.position.entries ?? 0 }

    /// Asks questions that are all answered from one moment; nil where there is nothing yet.
    func ask<Value>(
        _ question: (LedgerViews) throws(ViewError) -> Value
    ) throws(Failure) -> Value? {
        guard let reader else { return nil }
        do throws(ViewError) {
            return try LedgerViews.read(reader.database, question)
        } catch {
            throw Failure("\(log.directory): \(error)")
        }
    }

    /// Finds what `id` names, and says in words where it names nothing or several things.
    ///
    /// - Parameters:
    ///   - kind: What is looked for, such as `request`.
    ///   - hint: A sentence that says where names are listed.
    func find<Value>(
        _ kind: String, _ id: String, hint: String,
        _ question: (LedgerViews) throws(ViewError) -> Value
    ) throws(Failure) -> Value {
        func missing() -> Failure {
            Failure(
                "no \(kind) is called \(id) in \(log.directory)"
                    + Nearest.hint(kind, id, hint, names()))
        }
        guard let reader else { throw missing() }
        do throws(ViewError) {
            return try LedgerViews.read(reader.database, question)
        } catch {
            switch error {
            case .notFound: throw missing()
            case .notAName where kind == "validator": throw missing()
            case .notAName:
                throw Failure("\(id) is neither a number nor the first digits of a name; \(hint)")
            case .ambiguous(let things):
                let names = things.map { thing in
                    thing.name.prefix(16) + "…"
                        + (kind == "nullifier" ? "" : " (\(Self.word(kind)) \(thing.number))")
                }
                throw Failure(
                    "several start with \(id): \(names.joined(separator: ", "));"
                        + " give more digits")
            default: throw Failure("\(log.directory): \(error)")
            }
        }
    }

    /// What those in the ledger are called; nil where it cannot be asked.
    func names() -> LedgerNames? {
        do throws(Failure) {
            return try ask { views throws(ViewError) in try views.names() }
        } catch { return nil }
    }

    private static func word(_ kind: String) -> String {
        kind == "validator" ? "number" : "entry"
    }
}

/// Tells on a terminal how far a long fold has come.
private final class CatchUpMeter {
    private var isShown = false
    private var last = Date()

    func tell(_ entries: UInt64, of all: UInt64) {
        guard Output.isErrorTerminal, Date().timeIntervalSince(last) > 0.5 else { return }
        last = Date()
        isShown = true
        Output.standardError(
            "\r\u{1B}[Kprojections: \(Text.grouped(entries)) of \(Text.grouped(all)) entries")
    }

    func clear() {
        if isShown { Output.standardError("\r\u{1B}[K") }
        isShown = false
    }
}

extension LogPlace: ExpressibleByArgument {
    /// Reads what stands on the command line.
    package init?(argument: String) { self.init(argument) }
}

/// A range of entries that people give by entries or times, both ends included.
struct RangeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The first entry or time (UTC): 512, 2026-01-31, 2026-01-31T12:00:00Z.",
            valueName: "place"))
    var from: LogPlace?

    @Option(help: ArgumentHelp("The last entry or time, likewise.", valueName: "place"))
    var to: LogPlace?

    mutating func validate() throws {
        guard both.isReversed else { return }
        if case (.entry(let from), .entry(let to)) = (from, to) {
            throw ValidationError("--to \(to) is before --from \(from)")
        }
        throw ValidationError("--to is before --from")
    }

    /// Both ends.
    var both: LogRange { LogRange(from: from, to: to) }

    /// The entries that are meant; nil where there are none.
    func range(_ views: LedgerViews) throws(ViewError) -> EntryRange? { try both.entries(views) }
}

/// The argument that names a ledger.
struct LedgerArgument: ParsableArguments {
    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String
}
