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

            Exit codes: 0 it is written; 2 the ledger cannot be read or the file written.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

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
    }

    mutating func run() throws {
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
