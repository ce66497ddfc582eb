// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger
import Storage

/// `recount backup`.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a ledger, also one that is being written.",
        discussion: """
            The copy holds whole batches, as they were at one moment, and is a ledger of
            its own that can be audited or recovered from. Into a copy that is there only
            what is new is written. Keys, configuration, journals and the vault are not
            copied: keys and configuration never change, so keep them elsewhere once; an
            old journal or vault is worse than none, and recount recover does without.

              recount backup home /mnt/copy
              recount audit /mnt/copy

            Exit codes: 0 the copy is good; 2 it could not be made.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.", completion: .directory)
    var ledger: String

    @Argument(
        help: "The directory of the copy; made where it is not there.", completion: .directory)
    var copy: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        let copy: String
        let size: UInt64
        let root: String
        let bytesCopied: UInt64
        let bytesReused: UInt64
        let blobsCopied: Int
        let blobsReused: Int
        let blobsDamaged: [String]
        let snapshotHeight: UInt64?
        let checkpointsCopied: Int
        let checkpointsReused: Int
        let notices: [String]
    }

    mutating func run() throws {
        let disk = POSIXDisk()
        let directory = Place.ledger(ledger)
        let report: BackupReport
        do throws(BackupError) {
            report = try LedgerBackup.run(from: directory, to: copy, disk: disk)
        } catch {
            if case .log(let error) = error { throw failure(error, directory) }
            throw Failure("\(error)")
        }
        let result = Result(
            copy: copy, size: report.size, root: report.root.hex, bytesCopied: report.bytesCopied,
            bytesReused: report.bytesReused, blobsCopied: report.blobsCopied,
            blobsReused: report.blobsReused, blobsDamaged: report.blobsDamaged.map(\.hex),
            snapshotHeight: report.snapshot?.rawValue, checkpointsCopied: report.checkpointsCopied,
            checkpointsReused: report.checkpointsReused, notices: report.notices)
        if json { return try Output.json(result) }
        for notice in result.notices { Output.error("warning: \(notice)") }
        for blob in result.blobsDamaged { Output.error("warning: the blob \(blob) is damaged") }
        var list = Listing()
        list.add("copy", result.copy)
        list.add("size", Text.count(result.size, "entry", "entries"))
        list.add("root", result.root)
        list.add("written", Text.count(result.bytesCopied, "byte"))
        list.add("there before", Text.count(result.bytesReused, "byte"))
        list.print()
    }
}
