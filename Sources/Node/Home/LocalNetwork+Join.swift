// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

extension LocalNetwork {
    /// One more node.
    package enum Newcomer: Sendable {
        /// A validator that is to join.
        case validator
        /// One who follows, and has no key of the ledger.
        case observer
    }

    /// Makes the home of one more node: new keys, the ledger's first batch, an empty journal, and
    /// the configuration of the homes that are there. It fetches the rest from the others. A
    /// validator has a say once T of the members have let its key join under its name.
    ///
    /// Made under a temporary name and renamed at the end, so that it is there whole or not at all.
    /// Checks, in order: that it is a network, that `protection` opens the homes that are there,
    /// the name, that nobody has it, that nothing is there.
    /// - Returns: The path of the home, its key (that of its transport for an observer), and what
    ///   is to be said of its protection.
    package static func addHome(
        of newcomer: Newcomer, named name: String, in path: String, protection: HomeProtection
    ) throws(NodeError) -> (path: String, key: PublicKey, notice: String?) {
        let network = Files.absolute(path)
        guard let first = names(in: network).first else { throw .notANetwork(path: network) }
        let client = try NodeClient(home: homePath(of: first, in: network))
        // One run opens all homes, so that what opens one must open the others.
        _ = try NodeHome.open(at: client.home, protection: protection)
        do throws(ConfigurationError) {
            _ = try Configuration.fileName(name, "the name of a node")
        } catch { throw .cannot("\(error)") }
        guard !PublicParty.reservedNames.contains(name) else {
            throw .cannot("a folder \(name) stands beside those of the validators; take another")
        }
        guard !(try client.state().state.validators.contains { $0.name == name }) else {
            throw .cannot("the ledger has a validator called \(name), and names are for ever")
        }
        let home = homePath(of: name, in: network)
        guard !Files.exists(home) else { throw .homeExists(path: home) }
        let temporary = "\(home).new-\(randomBytes(6).hex)"
        let key: SigningKey
        do throws(NodeError) {
            key = try buildHome(
                temporary, of: newcomer, named: name, in: network, like: client, protection)
            try Files.onDisk { () throws(DiskError) in
                try POSIXDisk().rename(temporary, to: home)
                try POSIXDisk().syncDirectory(network)
            }
        } catch {
            Files.discard(temporary)
            throw error
        }
        return (home, key.publicKey, KeyFolder(home: home).notice(protection))
    }

    private static func buildHome(
        _ home: String, of newcomer: Newcomer, named name: String, in folder: String,
        like client: NodeClient, _ protection: HomeProtection
    ) throws(NodeError) -> SigningKey {
        let circuits = try CircuitFiles(client.configuration)
        try makeHome(home, circuits)
        let isObserver = newcomer == .observer
        let keys = try KeyFolder(home: home).create(
            isObserver ? [KeyFolder.transportName] : [name, KeyFolder.transportName], protection)
        let key = keys[0]
        try writeConfiguration(
            circuits, validator: isObserver ? nil : name, observer: isObserver ? name : nil,
            network: try network(in: folder), to: home)
        let opened = try FirstEntry.read(client.ledgerDirectory)
        try finishHome(home, opened)
        return key
    }

    /// Where one more node listens, on the first port that is nobody's, and all others.
    ///
    /// They do not know it, and need not: it dials them.
    private static func network(
        in folder: String
    ) throws(NodeError) -> (listen: [String], peers: [String]) {
        var last = LocalPeers.standardPort
        var peers: [String] = []
        for home in names(in: folder).map({ homePath(of: $0, in: folder) }) {
            let network = try NodeHome.configuration(of: home).network
            for text in network.listen + network.peers {
                last = max(last, LocalPeers.port(of: text) ?? 0)
            }
            peers += network.peers.filter { !peers.contains($0) }
        }
        return ([LocalPeers.address(port: last &+ 1)], peers)
    }
}
