// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger
package import Network

/// The home of one party, made on its own machine: keys first, the rest for a first entry.
package enum PartyHome {
    /// Makes the folder of a party with its keys and its public file, whole or not at all.
    ///
    /// Checks, in order: the name, the addresses, that nothing is there.
    /// - Parameters:
    ///   - listen: Where its node listens; none for a submitter.
    ///   - addresses: Where others reach it; none where that is where it listens.
    /// - Returns: What the public file says, and what is to be said of the protection of the keys.
    package static func make(
        _ role: PublicParty.Role, named name: String, at path: String, listen: [Multiaddr],
        addresses: [Multiaddr], protection: HomeProtection
    ) throws(NodeError) -> (party: PublicParty, notice: String?) {
        let path = Files.absolute(path)
        try checkName(role, name, path)
        let reached = try checkAddresses(role, listen, addresses)
        if case .passphrase(let text) = protection, text.count == 0 { throw .emptyPassphrase }
        var made: PublicParty?
        try LocalNetwork.makeWhole(path) { (home) throws(NodeError) in
            let isNode = role != .submitter
            let keys = try KeyFolder(home: home).create(
                isNode ? [name, KeyFolder.transportName] : [name], protection)
            let party = PublicParty(
                role: role, name: name, key: keys[0],
                transport: isNode ? keys[1].publicKey : nil, listen: listen, addresses: reached)
            invariant(party.fault == nil, "a public file that nobody would take")
            try Files.write(party.encoded, to: "\(home)/\(party.fileName)")
            made = party
        }
        guard let made else { throw .notAHome(path: path, missing: "\(name).public") }
        return (made, KeyFolder(home: path).notice(protection))
    }

    private static func checkName(
        _ role: PublicParty.Role, _ name: String, _ path: String
    ) throws(NodeError) {
        if role == .bridge {
            guard name == PublicParty.bridgeName else {
                throw .cannot("a bridge is called \(PublicParty.bridgeName), and nothing else")
            }
        } else if !PublicParty.isPartyName(name) {
            throw .cannot(
                "\"\(name.prefix(80))\" can be no name: 1 to \(Limits.partyNameBytesMax) of a-z,"
                    + " 0-9, '-' and '.', no '.' first, and none of "
                    + PublicParty.reservedNames.joined(separator: ", "))
        }
        if role == .submitter, (path as NSString).lastPathComponent != name {
            throw .cannot(
                "the folder of a submitter has its name, so that its key is found; call it"
                    + " \(name)")
        }
    }

    /// Where others reach the node.
    private static func checkAddresses(
        _ role: PublicParty.Role, _ listen: [Multiaddr], _ addresses: [Multiaddr]
    ) throws(NodeError) -> [Multiaddr] {
        guard role != .submitter else {
            guard listen.isEmpty, addresses.isEmpty else {
                throw .cannot("a submitter runs no node, so it has no address")
            }
            return []
        }
        for address in listen + addresses where !PublicParty.isAddress(address) {
            throw .cannot(
                "\(address) is no host and port; an address such as /ip4/192.0.2.1/tcp/4100 is"
                    + " wanted")
        }
        guard max(listen.count, addresses.count) <= PublicParty.addressesMax else {
            throw .cannot("a node has at most \(PublicParty.addressesMax) addresses")
        }
        let reached = addresses.isEmpty ? listen : addresses
        for address in reached {
            switch address.parts[0] {
            case .ip4(0), .ip6(0):
                throw .cannot(
                    "\(address) stands for every address of this machine, and others cannot dial"
                        + " it; say with --address where they reach the node")
            default: break
            }
            guard let port = address.tcp?.port, port > 0 else {
                throw .cannot("\(address) has no port that others can dial")
            }
        }
        guard !reached.isEmpty, !listen.isEmpty else {
            throw .cannot("a node needs an address where it listens and where others reach it")
        }
        return reached
    }
}
