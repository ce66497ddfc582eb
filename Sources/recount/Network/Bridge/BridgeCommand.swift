// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import EventLog
import Foundation
import Ledger
import Node

/// `recount bridge`.
struct BridgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridge",
        abstract: "Run the bridge away from all nodes, look at it, or mend it.",
        discussion: """
            The bridge pays what the ledger orders. It is a party of its own, in bridge/,
            with a key and a vault, the database of what it has paid.

              recount bridge show net
              recount bridge rebuild net
              recount bridge confirm net 3fc0 --unpaid
              recount bridge run net/bridge --node http://10.0.0.1:5100
            """,
        subcommands: [
            BridgeRunCommand.self, BridgeShowCommand.self, BridgeRebuildCommand.self,
            BridgeConfirmCommand.self,
        ])
}

/// What the commands of a bridge take.
struct BridgeOptions: ParsableArguments {
    @Argument(help: "The local network.", completion: Completions.homes)
    var network: String

    @Option(
        help: ArgumentHelp("The file that unlocks the key.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    /// Opens the bridge.
    func open() throws(Failure) -> BridgeHome {
        let client = try Place.client(network)
        do throws(NodeError) {
            let path = LocalNetwork.bridgeHome(in: network)
            return try BridgeHome.open(
                at: path, ledger: client.ledger,
                protection: try Passphrase.protection(ofBridge: path, keyFile: keyFile))
        } catch { throw Failure("\(error)") }
    }

    func vault() throws(Failure) -> Vault {
        let bridge = try open()
        do throws(NodeError) { return try bridge.openVault() } catch { throw Failure("\(error)") }
    }
}

/// `recount bridge show`.
struct BridgeShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say what the vault has paid, and what it is not sure of.",
        discussion: """
              recount bridge show net
            """)

    @OptionGroup var options: BridgeOptions

    private struct Shown: Encodable {
        let vault: String
        let paid: Int
        let voided: Int
        let paidTotal: UInt64
        let changesFollowed: UInt64
        let uncertain: [String]
    }

    mutating func run() throws {
        let bridge = try options.open()
        let shown: Shown
        do throws(NodeError) {
            let vault = try bridge.openVault()
            let counts = try vault.counts()
            shown = Shown(
                vault: bridge.vaultPath, paid: counts.paid, voided: counts.voided,
                paidTotal: try vault.paidTotal(), changesFollowed: try vault.nextChange(),
                uncertain: try vault.payments().filter { $0.state == .uncertain }
                    .map(\.request.hex))
            try vault.close()
        } catch { throw Failure("\(error)") }
        if options.json { return try Output.json(shown) }
        var list = Listing()
        list.add("vault", shown.vault)
        list.add("paid", "\(shown.paid), \(shown.paidTotal) in all")
        list.add("voided", "\(shown.voided)")
        list.add("changes followed", "\(shown.changesFollowed)")
        for id in shown.uncertain { list.add("uncertain", id) }
        list.print()
    }
}

/// `recount bridge rebuild`.
struct BridgeRebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make a vault that was lost anew, from a ledger.",
        discussion: """
            What the bridge has reported stands in the ledger, and is known. What was
            ordered and not reported is uncertain: the lost vault may have paid it. It is
            paid only after a person has said, order by order, that it was not (recount
            bridge confirm).

              recount bridge rebuild net
              recount bridge rebuild net --ledger net/validator-3

            Take the ledger that is furthest: of an order that it lacks the new vault knows
            nothing. The old file is renamed, never removed.
            """)

    @OptionGroup var options: BridgeOptions

    @Option(
        help: ArgumentHelp(
            "The ledger; the longest of the local network unless told.", valueName: "path"),
        completion: .directory)
    var ledger: String?

    private struct Rebuilt: Encodable {
        let vault: String
        let ledger: String
        let paid: Int
        let voided: Int
        let uncertain: [String]
        let setAside: String?
    }

    mutating func run() throws {
        let bridge = try options.open()
        let directory = try ledger.map { Place.ledger($0) } ?? longest()
        let rebuilt: VaultRebuilt
        do throws(NodeError) {
            rebuilt = try Vault.rebuild(
                path: bridge.vaultPath, ledgerDirectory: directory, balance: bridge.balance,
                key: bridge.key)
        } catch { throw Failure("\(error)") }
        let result = Rebuilt(
            vault: bridge.vaultPath, ledger: directory, paid: rebuilt.paid,
            voided: rebuilt.voided, uncertain: rebuilt.uncertain.map(\.hex),
            setAside: rebuilt.setAside)
        if options.json { return try Output.json(result) }
        Output.line("Made \(result.vault) from \(directory).")
        var list = Listing()
        list.add("paid", "\(result.paid)")
        list.add("voided", "\(result.voided)")
        if let aside = result.setAside { list.add("the old vault", aside) }
        for id in result.uncertain { list.add("uncertain", id) }
        list.print()
        if !result.uncertain.isEmpty {
            Output.line(
                "Find out of each whether it was paid, and say it: recount bridge confirm")
        }
    }

    private func longest() throws(Failure) -> String {
        var best: (size: UInt64, path: String)?
        for home in try Place.homes(options.network) {
            let log = try openLedger(home)
            if best.map({ log.size > $0.size }) ?? true { best = (log.size, log.directory) }
        }
        guard let best else { throw Failure("\(options.network) has no ledger") }
        return best.path
    }
}

/// `recount bridge confirm`.
struct BridgeConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Say of an uncertain payment whether it was made.",
        discussion: """
            One that was paid is reported as settled when it is ordered next; one that was
            not is paid then. This cannot be taken back.

              recount bridge confirm net 3fc01ae2 --paid
              recount bridge confirm net 3fc01ae2 --unpaid
            """)

    @OptionGroup var options: BridgeOptions

    @Argument(
        help: "The first digits of the request's identity.", completion: Completions.requests)
    var request: String

    @Flag(help: "It was paid.")
    var paid = false

    @Flag(help: "It was not paid.")
    var unpaid = false

    func validate() throws {
        guard paid != unpaid else { throw ValidationError("say --paid or --unpaid") }
    }

    private struct Confirmed: Encodable {
        let requestID: String
        let isPaid: Bool
    }

    mutating func run() throws {
        let vault = try options.vault()
        let confirmed: Confirmed
        do throws(NodeError) {
            let found = try vault.payments().filter {
                $0.state == .uncertain && $0.request.hex.hasPrefix(request.lowercased())
            }
            guard found.count == 1, !request.isEmpty else {
                throw .cannot(
                    found.isEmpty
                        ? "no uncertain payment is called \(request)"
                        : "several start with \(request); give more digits")
            }
            guard try vault.confirm(found[0].request, isPaid: paid) else {
                throw .cannot("\(found[0].request.hex) is not uncertain any more")
            }
            try vault.close()
            confirmed = Confirmed(requestID: found[0].request.hex, isPaid: paid)
        } catch { throw Failure("\(error)") }
        if options.json { return try Output.json(confirmed) }
        Output.line("\(confirmed.requestID) is \(paid ? "paid" : "not paid, and will be").")
    }
}
