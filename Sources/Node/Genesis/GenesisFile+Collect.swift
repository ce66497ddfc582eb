// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

extension GenesisFile {
    /// Makes the first entry of the parties that a configuration lists, from their public files.
    ///
    /// Checks, in order: each file by itself, that no two are of one name, that each is listed,
    /// that no key has two roles, that nobody's is missing, then as `check`.
    /// - Parameters:
    ///   - path: Where the configuration stands, as errors say.
    ///   - startTime: The time at which the ledger starts.
    package static func collect(
        _ configuration: Configuration, of path: String = "the configuration",
        publicFiles: [String], startTime: Time
    ) throws(NodeError) -> GenesisFile {
        var found: [(label: String, party: PublicParty)] = []
        var paths: [String: String] = [:]
        let count = configuration.validators.count + configuration.submitters.count + 1
        for path in publicFiles {
            let party = try PublicParty.load(path: path)
            if let other = paths.updateValue(path, forKey: party.name) {
                throw .cannot("\(path) and \(other) are both of \(party.name); leave one out")
            }
            guard isListed(party, in: configuration) else {
                throw .cannot(
                    "\(path) is of the \(party.role) \(party.name), whom the configuration does"
                        + " not list; add it there, or leave the file out")
            }
            found.append((path, party))
        }
        try checkKeys(found)
        func find(_ role: PublicParty.Role, _ name: String) throws(NodeError) -> PublicParty {
            if let entry = found.first(where: { $0.party.role == role && $0.party.name == name }) {
                return entry.party
            }
            let option = role == .bridge ? "--bridge" : "--name \(name) --\(role)"
            let who = role == .bridge ? "the bridge" : "the \(role) \(name)"
            throw .cannot(
                "the public file of \(who) is missing; its operator makes it with `recount keygen"
                    + " HOME \(option)`")
        }
        var parties: [PublicParty] = []
        parties.reserveCapacity(count)
        for entry in configuration.validators { parties.append(try find(.validator, entry.name)) }
        for entry in configuration.submitters { parties.append(try find(.submitter, entry.name)) }
        parties.append(try find(.bridge, PublicParty.bridgeName))
        let circuits = try CircuitFiles(configuration, of: path)
        let keys = parties.map(\.key)
        let file = GenesisFile(
            opened: LocalNetwork.firstEntry(
                configuration, circuits.genesis,
                validators: Array(keys.prefix(configuration.validators.count)),
                submitters: Array(
                    keys.dropFirst(configuration.validators.count).dropLast()),
                bridge: keys[count - 1], startTime),
            configuration: nobodys(circuits.configuration).toml, circuits: circuits.files,
            parties: parties)
        _ = try file.check()
        return file
    }

    private static func isListed(_ party: PublicParty, in configuration: Configuration) -> Bool {
        switch party.role {
        case .validator: configuration.validators.contains { $0.name == party.name }
        case .submitter: configuration.submitters.contains { $0.name == party.name }
        case .bridge: true
        }
    }

    /// The configuration without what is one machine's own.
    private static func nobodys(_ configuration: Configuration) -> Configuration {
        var copy = configuration
        copy.validator = nil
        copy.network.listen = []
        copy.api.listen = nil
        copy.api.nodes = []
        copy.network.peers = []
        return copy
    }
}

extension PublicParty {
    /// Reads and checks a public file.
    package static func load(path: String) throws(NodeError) -> PublicParty {
        let bytes = try Files.read(path, max: bytesMax)
        let party: PublicParty
        do throws(DecodingError) { party = try PublicParty(decoding: bytes) } catch {
            throw .cannot("\(path) is no public file, or is damaged: \(error); ask for it again")
        }
        if let fault = party.fault { throw .cannot("\(path) \(fault)") }
        return party
    }
}
