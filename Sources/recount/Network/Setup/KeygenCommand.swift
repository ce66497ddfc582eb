// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import Ledger
import Network
import Node

/// `recount keygen`.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make the keys of one party, and the public file that it hands out.",
        discussion: """
            For a network whose parties do not share a machine: each makes its own home,
            and no key leaves it. HOME gets the key of the party, that of its node where it
            runs one, and HOME/NAME.public: name, role, keys and addresses, signed by the
            key. Give that file to whoever makes the first entry (recount genesis). HOME
            must not exist, or be empty.

              recount keygen alice --name alice --listen /ip4/192.0.2.1/tcp/4100
              recount keygen bridge --bridge --listen /ip4/0.0.0.0/tcp/4100 \\
                --address /dns4/bridge.example/tcp/4100
              recount keygen wallet --name wallet --submitter

            Keys are encrypted as with recount init: by a passphrase (RECOUNT_PASSPHRASE,
            or asked for), or by a key file, which is made where it is absent; without
            either it stands beside the keys.
            """)

    @Argument(help: "The folder to be made.", completion: .directory)
    var home: String

    @Option(help: "The name of the party; that of a bridge is bridge.")
    var name: String?

    @Flag(help: "A validator, which is also the default.")
    var validator = false

    @Flag(help: "A submitter, who signs requests and jobs and runs no node.")
    var submitter = false

    @Flag(help: "The bridge, which pays.")
    var bridge = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Where the node listens; may be repeated.", valueName: "address"))
    var listen: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Where others reach it, if not where it listens; may be repeated.",
            valueName: "address"))
    var address: [String] = []

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Protect the keys with a passphrase.")
    var passphrase = false

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Made: Encodable {
        var path: String
        var publicFile: String
        var name: String
        var role: String
        var key: String
        var peerID: String?
        var addresses: [String]
    }

    func validate() throws {
        if passphrase, keyFile != nil {
            throw ValidationError("--passphrase and --key-file exclude each other")
        }
        guard [validator, submitter, bridge].count(where: { $0 }) <= 1 else {
            throw ValidationError("--validator, --submitter and --bridge exclude each other")
        }
        guard name != nil || bridge else { throw ValidationError("give the party a --name") }
    }

    private var role: PublicParty.Role {
        submitter ? .submitter : bridge ? .bridge : .validator
    }

    private func addresses(_ texts: [String], _ option: String) throws -> [Multiaddr] {
        try texts.map { text in
            do throws(MultiaddrError) { return try Multiaddr(text: text) } catch {
                throw Failure("\(option) \(text) is no address: \(error)")
            }
        }
    }

    mutating func run() throws {
        let listen = try addresses(listen, "--listen")
        let reached = try addresses(address, "--address")
        let made: (party: PublicParty, notice: String?)
        do throws(NodeError) {
            made = try PartyHome.make(
                role, named: name ?? PublicParty.bridgeName, at: home, listen: listen,
                addresses: reached,
                protection: passphrase
                    ? .passphrase(try Passphrase.read(isNew: true)) : .keyFile(path: keyFile))
        } catch { throw Failure("\(error)") }
        if let notice = made.notice { Output.notice(notice) }
        let party = made.party
        let file = "\(home)/\(party.fileName)"
        if json {
            return try Output.json(
                Made(
                    path: home, publicFile: file, name: party.name, role: "\(party.role)",
                    key: party.key.hex, peerID: party.transport.map { "\(PeerID($0))" },
                    addresses: party.addresses.map(\.text)))
        }
        Output.line("Made \(home).")
        var list = Listing()
        list.add("\(party.role)", party.name)
        list.add("key", party.key.hex)
        if let transport = party.transport { list.add("peer", "\(PeerID(transport))") }
        for address in party.addresses { list.add("reached at", address.text) }
        list.add("hand out", file)
        list.print()
    }
}
