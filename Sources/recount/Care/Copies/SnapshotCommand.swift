// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger
import Storage

/// `recount snapshot`.
struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep the whole state of a ledger, so that opening it is quick.",
        discussion: """
            Opens the ledger for reading, folds what no snapshot holds, and writes the
            state after the last sealed batch to snapshots/. A node that runs goes on
            meanwhile; it takes snapshots by itself, as [snapshots] in recount.toml says.
            The older ones are removed but for as many as --kept says.

              recount snapshot home

            With --every, many are written into a folder of their own: one behind each so
            many entries, from one fold of the log, or of a folder of tiles, without
            signatures or proofs. The pieces of an audit start from them and recheck each,
            so that nobody trusts the fold. Run again, it adds those that are new.

              recount snapshot home --every 1000000 --out marks
              recount audit home --jobs 2 --snapshots marks

            Exit codes: 0 it is written; 1 with --every, the log cannot be folded to its
            end, and what could be is written; 2 the ledger cannot be read or the file
            written.
            """)

    @Argument(
        help: "A ledger, the home of a validator, a local network, or a folder of tiles.",
        completion: Completions.ledgers)
    var ledger: String

    @Option(help: ArgumentHelp("Write one behind each so many entries.", valueName: "entries"))
    var every: UInt64?

    @Option(
        help: ArgumentHelp("The folder for them; made where it is not there.", valueName: "folder"),
        completion: .directory)
    var out: String?

    @Option(help: ArgumentHelp("Snapshots that stay, this one included.", valueName: "count"))
    var kept = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        let path: String
        let height: UInt64
        let size: UInt64
        let root: String
        let stateRoot: String
        let folded: UInt64
        let notices: [String]
    }

    func validate() throws {
        guard kept >= 1 else { throw ValidationError("--kept takes a number from 1 on") }
        guard (every == nil) == (out == nil) else {
            throw ValidationError("--every and --out go together")
        }
        guard every != 0 else { throw ValidationError("--every takes a number from 1 on") }
    }

    private struct Series: Encodable {
        struct Item: Encodable {
            let path: String
            let height: UInt64
            let size: UInt64
            let stateRoot: String
        }

        let folder: String
        let size: UInt64
        let kept: Int
        let folded: UInt64
        let written: [Item]
        let problem: String?
    }

    private func runSeries(every: UInt64, to folder: String) throws {
        let meter = EntryMeter("folding")
        defer { meter.end() }
        let folder = AuditCommand.absolute(folder)
        let report: SnapshotSeries.Report
        do throws(RangeError) {
            let path = TiledLog.isThere(ledger, disk: POSIXDisk()) ? ledger : Place.ledger(ledger)
            report = try SnapshotSeries.run(
                of: path, every: every, to: folder, progress: { meter.show($0, of: $1) })
        } catch {
            if case .log(let error) = error { throw failure(error, ledger) }
            throw Failure("\(ledger): \(error)")
        }
        meter.end()
        let store = SnapshotStore(folder: folder, disk: POSIXDisk())
        let series = Series(
            folder: folder, size: report.size, kept: report.kept, folded: report.folded,
            written: report.written.map {
                Series.Item(
                    path: store.path($0.height), height: $0.height.rawValue, size: $0.size,
                    stateRoot: $0.stateRoot.hex)
            }, problem: report.problem)
        if json {
            try Output.json(series)
        } else {
            Output.line(
                "\(Text.count(UInt64(series.written.count), "snapshot")) written to \(folder),"
                    + " \(series.kept) were there; \(Text.count(series.folded, "entry", "entries"))"
                    + " of \(Text.grouped(series.size)) folded")
        }
        if let problem = series.problem {
            if !json { Output.warning(problem + "; an audit says why") }
            Output.flush()
            throw ExitCode(ExitStatus.wrong.rawValue)
        }
    }

    mutating func run() throws {
        if let every, let out { return try runSeries(every: every, to: out) }
        let disk = POSIXDisk()
        let directory = Place.ledger(ledger)
        let opened = try openStored(directory, .readOnly)
        let header: SnapshotHeader
        do throws(LogError) {
            header = try LedgerStore.takeSnapshot(
                of: opened, directory: directory, disk: disk, kept: kept)
        } catch {
            throw Failure("the snapshot could not be written: \(error)")
        }
        let store = SnapshotStore(ledgerDirectory: directory, disk: disk)
        let result = Result(
            path: store.path(header.height), height: header.height.rawValue, size: header.size,
            root: header.root.hex, stateRoot: header.stateRoot.hex, folded: opened.folded,
            notices: opened.notices)
        if json { return try Output.json(result) }
        for notice in result.notices { Output.warning(notice) }
        var list = Listing()
        list.add("snapshot", result.path)
        list.add("height", "\(result.height)")
        list.add("size", Text.count(result.size, "entry", "entries"))
        list.add("state root", result.stateRoot)
        list.add("folded", Text.count(result.folded, "entry", "entries"))
        list.print()
    }
}

/// Opens a ledger with its state, or says why it cannot be.
func openStored(_ directory: String, _ access: LogAccess) throws(Failure) -> OpenedLedger {
    do throws(StorageError) {
        return try LedgerStore.open(directory: directory, disk: POSIXDisk(), access: access)
    } catch {
        if case .log(let error) = error { throw failure(error, directory) }
        throw Failure("\(directory): \(error)")
    }
}
