// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger
import Storage

/// `recount export`.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a ledger in a form that others read.",
        subcommands: [
            ExportTilesCommand.self, ExportColumnsCommand.self, ExportParquetCommand.self,
        ])
}

/// `recount export tiles`.
struct ExportTilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiles",
        abstract: "Write a log as tiles that any static file server can serve.",
        discussion: """
            Writes the log up to its newest checkpoint as C2SP tlog-tiles: checkpoint,
            hash tiles, entry bundles. Running it again adds only what is new; the
            checkpoint is written last. Anybody can check inclusion and consistency from
            the folder alone, and recount recover can rebuild a ledger from it.

              recount export tiles home public/
              python3 -m http.server --directory public

            Exit codes: 0 it is written; 2 there is no checkpoint, or the folder holds
            another log, or something cannot be read or written.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Argument(help: "The folder; made where it is not there.", completion: .directory)
    var folder: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        let folder: String
        let size: UInt64
        let sizeBefore: UInt64?
        let files: Int
        let bytes: UInt64
    }

    mutating func run() throws {
        let disk = POSIXDisk()
        let directory = Place.ledger(ledger)
        let opened = try openStored(directory, .readOnly)
        guard let checkpoint = opened.checkpoint else {
            throw Failure(
                "the ledger has no checkpoint yet: a node makes them as it runs, and `recount"
                    + " checkpoint sign` makes one now")
        }
        let report: TileExportReport
        do throws(TileError) {
            report = try TileExport.run(
                opened.log, upTo: checkpoint, to: folder, disk: disk)
        } catch {
            throw Failure("\(error)")
        }
        let result = Result(
            folder: folder, size: report.size, sizeBefore: report.oldSize, files: report.files,
            bytes: report.bytes)
        if json { return try Output.json(result) }
        Output.line(
            "\(Text.count(result.size, "entry", "entries")) in \(folder):"
                + " \(Text.count(UInt64(result.files), "file")) of"
                + " \(Text.count(result.bytes, "byte")) written"
                + (result.sizeBefore.map { ", \(Text.grouped($0)) entries were there" } ?? ""))
    }
}
