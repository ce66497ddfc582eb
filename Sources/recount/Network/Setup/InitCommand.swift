// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import Ledger
import Node

/// `recount init`.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a local network: a home for each validator of a configuration.",
        discussion: """
            Makes a folder for each validator (its key, the ledger with its first batch,
            the journal of what it signs), bridge/ (key and vault) and submitters/NAME/ (a
            key each). Each can be moved to a machine of its own. FOLDER must not exist, or
            be empty. Keys are encrypted at rest: by a passphrase, or by a key file of
            sixty-four random hexadecimal digits, which is made where it is absent. Without
            either a key file stands beside each key, which is fit for trying things out
            only.

              recount init net --config Tools/samples/recount.toml --key-file net.key
              RECOUNT_PASSPHRASE=... recount init net --config recount.toml --passphrase

            The passphrase comes from RECOUNT_PASSPHRASE, or is asked for on a terminal.
            The keys of a configuration: recount config.

            The nodes listen on ports of this machine, from --port on, and list each other,
            so that recount node FOLDER/NAME works at once; recount run runs all in one
            process.

            With --join, FOLDER is a network that is there, and gets the home of one more
            validator, its key protected like the others. It may be run at once, and has a
            say when T of the members have let its key join:

              recount init net --join validator-11
              recount govern propose net join name=validator-11 key=... stake=1000 --submit

            With --observer it gets the home of a node that follows the ledger, checks and
            serves it, and has neither a key nor a say in it:

              recount init net --observer watcher
              recount node net/watcher
            """)

    @Argument(
        help: "The folder to be made; with --join the network that is there.",
        completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"), completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Make the home of a validator of this name, which is to join.", valueName: "name"))
    var join: String?

    @Option(
        help: ArgumentHelp("Make the home of an observer of this name.", valueName: "name"))
    var observer: String?

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "The first of the ports of this machine on which the nodes listen, each on one.",
            valueName: "port"))
    var port: UInt16 = LocalPeers.standardPort

    @Flag(help: "Protect the keys with a passphrase.")
    var passphrase = false

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Made: Encodable {
        var path: String
        var ledgerID: String
        var validators: [Party]
        var submitters: [Party]
        /// The key of the bridge.
        var bridge: String
    }

    private struct Party: Encodable {
        var name: String
        var key: String
    }

    func validate() throws {
        if passphrase, keyFile != nil {
            throw ValidationError("--passphrase and --key-file exclude each other")
        }
        guard port >= 1_024, port <= 64_000 else {
            throw ValidationError("--port is from 1024 to 64000")
        }
        guard [config, join, observer].filter({ $0 != nil }).count == 1 else {
            throw ValidationError(
                "give --config for a new network, or --join or --observer for one more home")
        }
    }

    private func protection() throws(NodeError) -> HomeProtection {
        guard passphrase else { return .keyFile(path: keyFile) }
        return .passphrase(try Passphrase.read(isNew: config != nil))
    }

    mutating func run() throws {
        if let join { return try add(join, .validator) }
        if let observer { return try add(observer, .observer) }
        let made: LocalNetwork
        do throws(NodeError) {
            let configuration = try Configuration.load(path: config ?? "")
            let protection = try protection()
            made = try LocalNetwork.initialise(
                configuration: configuration, of: config ?? "", at: folder,
                protection: protection,
                startTime: SystemClock().checked(), portsFrom: port)
        } catch {
            throw Failure("\(error)")
        }
        if let notice = made.protectionNotice { Output.notice(notice) }
        if json {
            return try Output.json(
                Made(
                    path: made.path, ledgerID: made.ledger.hex,
                    validators: made.nodes.map {
                        Party(name: $0.validator, key: $0.key.publicKey.hex)
                    },
                    submitters: made.submitters.map {
                        Party(name: $0.name, key: $0.key.publicKey.hex)
                    },
                    bridge: made.bridge?.key.publicKey.hex ?? ""))
        }
        Output.line("Made \(made.path).")
        var list = Listing()
        list.add("ledger", made.ledger.hex)
        list.add(
            "validators",
            "\(made.nodes.count), \(made.configuration.parameters.threshold) approve")
        list.add("circuits", made.configuration.circuits.map(\.name).joined(separator: ", "))
        list.add("next", "recount run \(folder) --requests FILE")
        list.print()
    }

    private struct Added: Encodable {
        var path: String
        var name: String
        var role: String
        var key: String
    }

    private func add(_ name: String, _ newcomer: LocalNetwork.Newcomer) throws {
        let made: (path: String, key: PublicKey, notice: String?)
        do throws(NodeError) {
            made = try LocalNetwork.addHome(
                of: newcomer, named: name, in: folder, protection: try protection())
        } catch { throw Failure("\(error)") }
        if let notice = made.notice { Output.notice(notice) }
        if json {
            return try Output.json(
                Added(
                    path: made.path, name: name, role: join == nil ? "observer" : "validator",
                    key: made.key.hex))
        }
        Output.line("Made \(made.path).")
        var list = Listing()
        switch newcomer {
        case .validator:
            list.add("key", made.key.hex)
            list.add(
                "next",
                "recount govern propose \(folder) join name=\(name) key=\(made.key.hex)"
                    + " stake=STAKE --submit")
        case .observer:
            list.add("transport key", made.key.hex)
            list.add("next", "recount node \(made.path)")
        }
        list.print()
    }
}
