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
        abstract: "Make a home: keys, a ledger, a vault, from a configuration.",
        discussion: """
            HOME must not exist, or be empty. Its keys are encrypted at rest: by a
            passphrase, or by a key file of thirty-two random bytes, which is made where
            it is absent. Without either the key file stands in the home itself, which
            is fit for trying things out only.

              recount init home --config Tools/samples/recount.toml --key-file home.key
              RECOUNT_PASSPHRASE=... recount init home --config recount.toml --passphrase

            The passphrase comes from RECOUNT_PASSPHRASE, or is asked for on a terminal.
            The keys of a configuration: recount config.
            """)

    @Argument(help: "The folder to be made.", completion: .directory)
    var home: String

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"), completion: .file())
    var config: String

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Protect the keys with a passphrase.")
    var passphrase = false

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Made: Encodable {
        var home: String
        var ledgerID: String
        var ledgerDirectory: String
        var validators: [String: String]
        var submitters: [String: String]
        var bridge: String
    }

    func validate() throws {
        if passphrase, keyFile != nil {
            throw ValidationError("--passphrase and --key-file exclude each other")
        }
    }

    mutating func run() throws {
        let made: Home
        do throws(NodeError) {
            let configuration = try Configuration.load(path: config)
            let protection: HomeProtection =
                passphrase
                ? .passphrase(try Passphrase.read(isNew: true)) : .keyFile(path: keyFile)
            made = try Home.initialise(
                configuration: configuration, at: home, protection: protection,
                startTime: SystemClock().now())
        } catch {
            throw Failure("\(error)")
        }
        if let notice = made.protectionNotice { Output.error("note: \(notice)") }
        if json {
            func keys(_ named: [NamedKey]) -> [String: String] {
                Dictionary(
                    named.map { ($0.name, $0.key.publicKey.hex) }, uniquingKeysWith: { $1 })
            }
            return try Output.json(
                Made(
                    home: made.path, ledgerID: made.ledger.hex,
                    ledgerDirectory: made.ledgerDirectory, validators: keys(made.validators),
                    submitters: keys(made.submitters), bridge: made.bridge.publicKey.hex))
        }
        Output.line("Made \(made.path).")
        var list = Listing()
        list.add("ledger", made.ledger.hex)
        list.add(
            "validators",
            "\(made.validators.count), \(made.configuration.parameters.threshold) approve")
        list.add("circuits", made.configuration.circuits.map(\.name).joined(separator: ", "))
        list.add("next", "recount run \(home) --requests FILE")
        list.print()
    }
}
