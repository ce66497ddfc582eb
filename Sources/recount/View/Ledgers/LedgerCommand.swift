// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger
import Projections

/// `recount ledger`.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Look at a ledger as a whole.",
        subcommands: [LedgerInfoCommand.self, LedgerCheckCommand.self])
}

/// `recount ledger info`.
struct LedgerInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Say what a ledger is and how far it has come.",
        discussion: """
            Reads the first and the last entries only; it checks nothing but frames.
            Changes nothing: a torn tail is reported, not cut.

              recount ledger info home
            """)

    @OptionGroup var asked: OneLedger

    private struct Info: Encodable {
        var directory: String
        var ledgerID: String
        var name: String
        var size: UInt64
        var root: String
        var height: UInt64?
        var stateRoot: String?
        var isClosed: Bool
        var tornBytes: UInt64
        var projections: ProjectionsState
    }

    mutating func run() throws {
        let log = try openLedger(asked.ledger)
        var info = Info(
            directory: log.directory, ledgerID: "", name: "", size: log.size,
            root: log.root.hex, height: nil, stateRoot: nil, isClosed: log.recovery.wasClosed,
            tornBytes: log.recovery.tornBytes,
            projections: ProjectionsState(
                Projections.info(ledgerDirectory: log.directory, log: log)))
        do throws(ReadingError) {
            var first = EntryReader(log, to: 1)
            if let entry = try first.entry(), case .ledgerOpened(let opened) = entry.event {
                info.ledgerID = Digest(hashing: entry.bytes).hex
                info.name = opened.name
            }
            var last = EntryReader(log, from: log.size > 0 ? log.size - 1 : 0)
            if let entry = try last.entry(), case .batchSealed(let sealed) = entry.event {
                info.height = sealed.height.rawValue
                info.stateRoot = sealed.stateRoot.hex
            }
        } catch {
            throw Failure("\(log.directory): \(error)")
        }
        if asked.json { return try Output.json(info) }
        var list = Listing()
        list.add("ledger", info.ledgerID.isEmpty ? "not opened yet" : info.ledgerID)
        list.add("name", info.name)
        list.add("directory", info.directory)
        list.add("size", Text.count(info.size, "entry", "entries"))
        list.add("height", info.height.map { "\($0)" } ?? "the last entry seals no batch")
        list.add("root", info.root)
        list.add("state root", info.stateRoot ?? "none")
        list.add("closed", info.isClosed ? "in order" : "not: a node writes it, or crashed")
        list.add("torn bytes", "\(info.tornBytes)")
        list.add("projections", info.projections.text)
        list.print()
    }
}

/// `recount ledger check`.
struct LedgerCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the files of a ledger, but not what they say.",
        discussion: """
            Reads every frame, computes the whole Merkle tree, and compares all roots, on
            all cores. With --checksums the tree is left out, which is enough for a copy
            that was good once. What the entries say is for recount audit.

              recount ledger check home
              recount ledger check /mnt/copy --checksums

            Exit codes: 0 nothing is wrong, 1 something is damaged, 2 it cannot be read.
            """)

    @OptionGroup var asked: OneLedger

    @Flag(help: "Check the checksums alone.")
    var checksums = false

    private struct Result: Encodable {
        let directory: String
        let entries: UInt64
        let root: String
        let segments: Int
        let frames: UInt64
        let bytes: UInt64
        let isClosed: Bool
        let treeChecked: Bool
    }

    mutating func run() throws {
        let directory = Place.ledger(asked.ledger)
        let result: Result
        do throws(LogError) {
            let log = try LedgerDirectory.open(directory)
            let found = try checksums ? log.verifyChecksums() : log.verifyAll()
            result = Result(
                directory: log.directory, entries: found.entries, root: found.root.hex,
                segments: found.segments, frames: found.frames, bytes: found.bytes,
                isClosed: found.hasEndMark, treeChecked: !checksums)
        } catch {
            if case .damaged = error { throw Failure("\(error)", .wrong) }
            throw failure(error, directory)
        }
        if asked.json { return try Output.json(result) }
        var list = Listing()
        list.add("directory", result.directory)
        list.add("size", Text.count(result.entries, "entry", "entries"))
        list.add("root", result.root + (checksums ? ", not computed from the entries" : ""))
        list.add("segments", Text.count(UInt64(result.segments), "segment"))
        list.add("bytes", Text.grouped(result.bytes))
        list.add("closed", result.isClosed ? "in order" : "not: a node writes it, or crashed")
        list.print()
        Output.line(checksums ? "Every checksum holds." : "Every checksum and root holds.")
    }
}
