// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Storage

/// `recount backup`.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a ledger, also one that is being written, and list such copies.",
        discussion: """
            The copy holds whole batches, as they were at one moment, and is a ledger of
            its own that can be audited or recovered from. Into a copy that is there only
            what is new is written.

              recount backup home /mnt/copy
              recount audit /mnt/copy

            With --keep each copy is a new one, with its day and time in its name, and the
            newest so many stay: what is older is removed once the new one was read back,
            and only where it is such a copy of the same ledger.

              recount backup home /mnt/copies --keep 7
              recount backup list /mnt/copies

            Of a home its configuration and verifying keys are kept too, in home/ of the
            copy. Keys are not: keep them elsewhere once, since they never change, and
            with them the file or passphrase that unlocks them. Journals and vaults are
            not either: an old one is worse than none, and recount recover and recount
            bridge rebuild do without. Projections are built anew.

            Exit codes: 0 the copy is good, or all copies are; 1 one that is listed is
            not whole; 2 it could not be made, or there is none.
            """,
        subcommands: [BackupMakeCommand.self, BackupListCommand.self],
        defaultSubcommand: BackupMakeCommand.self)
}

/// `recount backup`, which makes a copy.
struct BackupMakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make a copy, or bring one up to date.",
        discussion: """
            The word make may be left out: see recount backup --help.

              recount backup home /mnt/copy
              recount backup home /mnt/copies --keep 7
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Argument(
        help: "The directory of the copy, or with --keep of all; made where it is not there.",
        completion: .directory)
    var copy: String

    @Option(
        help: ArgumentHelp(
            "Make a dated copy, and keep the newest so many.", valueName: "count"))
    var keep: Int?

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
        let kept: [String]
        let leftOut: [String]
        let removed: [String]
        let notices: [String]
    }

    func validate() throws {
        guard keep.map({ (1...DatedCopies.countMax).contains($0) }) ?? true else {
            throw ValidationError("--keep takes 1 to \(DatedCopies.countMax)")
        }
    }

    mutating func run() throws {
        let home = Place.node(ledger)
        let directory = Place.ledger(ledger)
        try BackupTarget(copy).check(ledger: directory, home: home, isDated: keep != nil)
        let dated = try keep.map { count throws(Failure) in
            try DatedCopies(in: copy, of: directory, keeping: count)
        }
        let target = dated?.newest ?? copy
        try BackupRoom.check(from: directory, to: target)
        let report: BackupReport
        do throws(BackupError) {
            report = try LedgerBackup.run(from: directory, to: target, disk: POSIXDisk())
        } catch {
            if case .log(let error) = error { throw failure(error, directory) }
            throw Failure("\(error)")
        }
        let parts = try HomeCopy(home: home, copy: target).run()
        let removed = try dated?.removeOld(report) ?? []
        try show(
            Result(
                copy: target, size: report.size, root: report.root.hex,
                bytesCopied: report.bytesCopied, bytesReused: report.bytesReused,
                blobsCopied: report.blobsCopied, blobsReused: report.blobsReused,
                blobsDamaged: report.blobsDamaged.map(\.hex),
                snapshotHeight: report.snapshot?.rawValue,
                checkpointsCopied: report.checkpointsCopied,
                checkpointsReused: report.checkpointsReused, kept: parts.kept,
                leftOut: parts.leftOut, removed: removed, notices: report.notices))
    }

    private func show(_ result: Result) throws {
        if json { return try Output.json(result) }
        for notice in result.notices { Output.warning(notice) }
        for blob in result.blobsDamaged { Output.warning("the blob \(blob) is damaged") }
        var list = Listing()
        list.add("copy", result.copy)
        list.add("size", Text.count(result.size, "entry", "entries"))
        list.add("root", result.root)
        list.add("written", Text.count(result.bytesCopied, "byte"))
        list.add("there before", Text.count(result.bytesReused, "byte"))
        if !result.kept.isEmpty { list.add("kept too", result.kept.joined(separator: ", ")) }
        if !result.leftOut.isEmpty { list.add("left out", result.leftOut.joined(separator: ", ")) }
        for name in result.removed { list.add("removed", name) }
        list.print()
    }
}

/// What a backup keeps of a home beside its ledger: what is public and never comes back.
private struct HomeCopy {
    let home: String
    let copy: String

    /// Copies configuration and verifying keys, and returns what was kept and what was not.
    func run() throws(Failure) -> (kept: [String], leftOut: [String]) {
        var kept: [String] = []
        guard NodeHome.isHome(home) else { return (kept, left(["ledger/projections.sqlite"])) }
        if isThere("recount.toml") {
            try place("recount.toml", in: "home")
            kept.append("recount.toml")
        }
        let keys = names("circuits")
        for name in keys { try place("circuits/\(name)", in: "home/circuits") }
        if !keys.isEmpty { kept.append("circuits") }
        return (kept, left(["keys", "journal", "jobs", "cases", "ledger/projections.sqlite"]))
    }

    private func left(_ names: [String]) -> [String] {
        names.filter(isThere).map { URL(fileURLWithPath: $0).lastPathComponent }
    }

    private func isThere(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(home)/\(name)")
    }

    private func names(_ folder: String) -> [String] {
        do throws(DiskError) { return try POSIXDisk().list("\(home)/\(folder)") } catch {
            return []
        }
    }

    /// The most bytes of a file that is kept: a verifying key with as many inputs as there may be.
    private static let bytesMax = 16 << 20

    private func place(_ name: String, in folder: String) throws(Failure) {
        let disk = POSIXDisk()
        let target = "\(copy)/\(folder)"
        do throws(DiskError) {
            let bytes = try disk.contents(of: "\(home)/\(name)", max: Self.bytesMax)
            if try !disk.exists("\(copy)/home") { try disk.createDirectory("\(copy)/home") }
            if try !disk.exists(target) { try disk.createDirectory(target) }
            let file = URL(fileURLWithPath: name).lastPathComponent
            try disk.place(bytes, in: target, as: file)
        } catch { throw Failure("\(home)/\(name) cannot be kept: \(error)") }
    }
}
