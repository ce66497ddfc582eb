// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import Ledger
import Node

/// `recount genesis`.
struct GenesisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "genesis",
        abstract: "Make the first entry of parties who do not share a machine, and accept it.",
        discussion: """
            Each party makes its home with recount keygen and hands out NAME.public. One of
            them collects these files; the names, stakes and rules come from a
            configuration. All compare the ledger id, which stands for the whole first
            entry, by another way than the one the file took, and accept it on their own
            machines:

              recount genesis --config recount.toml *.public --out genesis.recount
              recount genesis accept alice genesis.recount
              recount node alice

            Refused is what would not be safe: a party without a file, a file of somebody
            who is not listed, two of one name, a key in two places, a false signature, a
            threshold that is too small.
            """,
        subcommands: [GenesisCollectCommand.self, GenesisAcceptCommand.self],
        defaultSubcommand: GenesisCollectCommand.self)
}

/// What both print.
private func show(
    _ file: GenesisFile, done: String, rows: [(String, String)]
) {
    Output.line(done)
    var list = Listing()
    list.add("ledger", file.ledger.hex)
    list.add(
        "validators",
        "\(file.opened.validators.count), \(file.opened.parameters.threshold) approve")
    list.add("submitters", "\(file.opened.submitters.count)")
    list.add("circuits", file.opened.circuits.map(\.circuit.name).joined(separator: ", "))
    for (name, value) in rows { list.add(name, value) }
    list.print()
}

/// `recount genesis collect`, which is also `recount genesis`.
struct GenesisCollectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Collect public files into the first entry; the default.",
        discussion: """
            The order of the files does not matter: validators and submitters stand in that
            of the configuration. The time of the first entry is now.

              recount genesis --config recount.toml *.public --out genesis.recount
            """)

    @Argument(help: "The public files of all parties.", completion: .file())
    var publicFiles: [String]

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"), completion: .file())
    var config: String

    @Option(
        help: ArgumentHelp("The file to be made, for all parties.", valueName: "file"),
        completion: .file())
    var out: String

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Made: Encodable {
        var path: String
        var ledgerID: String
        var validators: [String]
        var submitters: [String]
        var threshold: UInt32
    }

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force, json: json)
        let file: GenesisFile
        let bytes: [UInt8]
        do throws(NodeError) {
            file = try GenesisFile.collect(
                try Configuration.load(path: config), of: config, publicFiles: publicFiles,
                startTime: SystemClock().checked())
            bytes = try file.bytes(for: out)
        } catch { throw Failure("\(error)") }
        try OutputFile.write(bytes, to: out, force: replacing.force)
        if out == "-" { return }
        if json {
            return try Output.json(
                Made(
                    path: out, ledgerID: file.ledger.hex,
                    validators: file.opened.validators.map(\.name),
                    submitters: file.opened.submitters.map(\.name),
                    threshold: file.opened.parameters.threshold))
        }
        show(file, done: "Made \(out).", rows: [("next", "recount genesis accept HOME \(out)")])
    }
}

/// `recount genesis accept`.
struct GenesisAcceptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Lay out a home that recount keygen made, for the ledger of a genesis file.",
        discussion: """
            Checks the whole file, and that this party is in it as its own public file
            says, with the keys that HOME holds. Then HOME gets its configuration, with the
            addresses of the others, the circuits, and the ledger with its first batch, the
            journal and the spool (a validator) or the vault (the bridge). A submitter's
            home needs none of that and stays as it is.

              recount genesis accept alice genesis.recount --ledger LEDGER_ID

            With --ledger another ledger than this is refused. Beside the first entry the
            file holds what each may change in recount.toml afterwards, such as what the
            vault may pay in all; look at it.
            """)

    @Argument(help: "A folder that recount keygen made.", completion: .directory)
    var home: String

    @Argument(help: "The file that recount genesis made.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp("The ledger id that all have compared.", valueName: "id"))
    var ledger: String?

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Accepted: Encodable {
        var path: String
        var ledgerID: String
        var name: String
        var role: String
    }

    mutating func run() throws {
        let genesis: GenesisFile
        let party: PublicParty
        do throws(NodeError) {
            genesis = try GenesisFile.load(path: file)
            if let ledger, ledger.lowercased() != genesis.ledger.hex {
                throw .cannot("\(file) is of ledger \(genesis.ledger.hex), not of \(ledger)")
            }
            let protection: HomeProtection =
                try PartyHome.needsPassphrase(at: home)
                ? .passphrase(try Passphrase.read(isNew: false)) : .keyFile(path: keyFile)
            party = try PartyHome.accept(genesis, at: home, protection: protection)
        } catch { throw Failure("\(error)") }
        if json {
            return try Output.json(
                Accepted(
                    path: home, ledgerID: genesis.ledger.hex, name: party.name,
                    role: "\(party.role)"))
        }
        show(
            genesis, done: "\(home) is of the ledger now, as the \(party.role) \(party.name).",
            rows: party.role == .submitter ? [] : [("next", "recount node \(home)")])
    }
}
