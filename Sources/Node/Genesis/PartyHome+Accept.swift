// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger
internal import Network

extension PartyHome {
    /// The folder in a home in which the rest of it is made. While it is there, and no
    /// configuration is, whatever else is there comes from an acceptance that was cut off.
    private static let unfinished = "accepting"
    private static let parts = [
        "circuits", "ledger", "journal", "jobs", "vault.sqlite", "vault.sqlite.lock",
        "vault.sqlite-wal", "vault.sqlite-shm",
    ]

    /// The public file in a home that `make` made.
    package static func party(at home: String) throws(NodeError) -> PublicParty {
        let home = Files.absolute(home)
        let names: [String]
        do throws(DiskError) {
            names = try POSIXDisk().list(home).filter { $0.hasSuffix(".public") }
        } catch { throw .notAHome(path: home, missing: "the public file") }
        guard names.count == 1 else {
            throw .cannot(
                "\(names.count) public files are in \(home), and one is wanted; name a folder that"
                    + " `recount keygen` made")
        }
        return try PublicParty.load(path: "\(home)/\(names[0])")
    }

    /// Whether the key of the home is sealed by a passphrase.
    package static func needsPassphrase(at home: String) throws(NodeError) -> Bool {
        let home = Files.absolute(home)
        return try KeyFolder(home: home).needsPassphrase(party(at: home).name)
    }

    /// Lays out the home of a party for the ledger of a genesis file, as `LocalNetwork.initialise`
    /// would, with the addresses of the public files. A submitter's stays as it is.
    ///
    /// Checks, in order: the file, that it has this party as the home has it, the keys, that
    /// nothing is laid out yet. The configuration comes last: what is cut off before is begun
    /// anew, and nothing runs on it.
    package static func accept(
        _ file: GenesisFile, at home: String, protection: HomeProtection
    ) throws(NodeError) -> PublicParty {
        let home = Files.absolute(home)
        let circuits = try file.check()
        let party = try party(at: home)
        guard
            let listed = file.parties.first(where: {
                ($0.role, $0.name) == (party.role, party.name)
            })
        else {
            throw .cannot("the first entry names no \(party.role) \(party.name)")
        }
        guard listed == party else {
            throw .cannot(
                "the genesis file has another public file of \(party.name) than \(home); its maker"
                    + " must collect the one that is there")
        }
        let keys = KeyFolder(home: home)
        let key = try keys.open(party.name, protection)
        guard key.publicKey == party.key else {
            throw .keyMismatch(name: party.name, expected: party.key, found: key.publicKey)
        }
        guard let transport = party.transport else { return party }
        let own = try keys.open(KeyFolder.transportName, protection).publicKey
        guard own == transport else {
            throw .keyMismatch(
                name: "\(party.name) (transport)", expected: transport, found: own)
        }
        try clear(home)
        do throws(NodeError) {
            try build(file, circuits, party, key, home)
        } catch {
            discard(home)
            throw error
        }
        return party
    }

    /// Removes what an acceptance that was cut off left; throws where anything else is there.
    private static func clear(_ home: String) throws(NodeError) {
        let configuration = NodeHome.configurationFile(home)
        guard !Files.exists(configuration) else { throw .homeExists(path: configuration) }
        if Files.exists("\(home)/\(unfinished)") { return discard(home) }
        for part in parts where Files.exists("\(home)/\(part)") {
            throw .homeExists(path: "\(home)/\(part)")
        }
    }

    private static func discard(_ home: String) {
        // The folder that says so goes last.
        for part in parts where Files.exists("\(home)/\(part)") {
            Files.discard("\(home)/\(part)")
        }
        Files.discard("\(home)/\(unfinished)")
    }

    private static func build(
        _ file: GenesisFile, _ circuits: CircuitFiles, _ party: PublicParty, _ key: SigningKey,
        _ home: String
    ) throws(NodeError) {
        let folder = "\(home)/\(unfinished)"
        try LocalNetwork.makeHome(folder, circuits)
        try Files.syncFolder(home)
        let others = file.parties.filter { $0.key != party.key }.flatMap(\.peers)
        try LocalNetwork.writeConfiguration(
            circuits, validator: party.role == .validator ? party.name : nil,
            network: (party.listen.map(\.text), others), to: folder)
        if party.role == .validator {
            try LocalNetwork.finishHome(folder, file.opened)
        } else {
            try Vault.create(
                path: BridgeHome.vaultFile(folder), opened: file.opened, ledger: file.ledger,
                balance: circuits.configuration.vaultBalance, key: key
            ).close()
            try Files.syncFolder(folder)
        }
        let last = (NodeHome.configurationFile(folder) as NSString).lastPathComponent
        let made = try Files.onDisk { () throws(DiskError) in try POSIXDisk().list(folder) }
        for name in made where name != last {
            invariant(parts.contains(name), "\(name) is no part of a home")
            try move(name, from: folder, to: home)
        }
        try Files.syncFolder(home)
        try move(last, from: folder, to: home)
        try Files.syncFolder(home)
        Files.discard(folder)
    }

    private static func move(
        _ name: String, from folder: String, to home: String
    ) throws(NodeError) {
        try Files.onDisk { () throws(DiskError) in
            try POSIXDisk().rename("\(folder)/\(name)", to: "\(home)/\(name)")
        }
    }
}
