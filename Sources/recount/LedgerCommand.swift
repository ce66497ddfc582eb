// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger

/// `recount ledger`.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Look at a ledger as a whole.",
        subcommands: [LedgerInfoCommand.self])
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

    @Argument(help: "A home, or the directory of a ledger.")
    var ledger: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Info: Encodable {
        var directory: String
        var ledgerID: String
        var name: String
        var ordering: String
        var size: UInt64
        var root: String
        var height: UInt64?
        var stateRoot: String?
        var isClosed: Bool
        var tornBytes: UInt64
    }

    mutating func run() throws {
        let log = try openLedger(ledger)
        var info = Info(
            directory: log.directory, ledgerID: "", name: "", ordering: "", size: log.size,
            root: log.root.hex, height: nil, stateRoot: nil, isClosed: log.recovery.wasClosed,
            tornBytes: log.recovery.tornBytes)
        do throws(ReadingError) {
            var first = EntryReader(log, to: 1)
            if let entry = try first.entry(), case .ledgerOpened(let opened) = entry.event {
                info.ledgerID = Digest(hashing: entry.bytes).hex
                info.name = opened.name
                info.ordering = "\(opened.ordering)"
            }
            var last = EntryReader(log, from: log.size > 0 ? log.size - 1 : 0)
            if let entry = try last.entry(), case .batchSealed(let sealed) = entry.event {
                info.height = sealed.height.rawValue
                info.stateRoot = sealed.stateRoot.hex
            }
        } catch {
            throw Failure("\(log.directory): \(error)")
        }
        if json { return try Output.json(info) }
        var list = Listing()
        list.add("ledger", info.ledgerID.isEmpty ? "not opened yet" : info.ledgerID)
        list.add("name", info.name)
        list.add("ordering", info.ordering)
        list.add("directory", info.directory)
        list.add("size", Text.count(info.size, "entry", "entries"))
        list.add("height", info.height.map { "\($0)" } ?? "the last entry seals no batch")
        list.add("root", info.root)
        list.add("state root", info.stateRoot ?? "none")
        list.add("closed", info.isClosed ? "in order" : "not: a node writes it, or crashed")
        list.add("torn bytes", "\(info.tornBytes)")
        list.print()
    }
}
