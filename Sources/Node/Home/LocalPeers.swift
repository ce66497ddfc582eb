// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Network

/// Where the nodes of a local network listen: a port each of this machine, one after the other.
///
/// A home that is moved elsewhere gets other addresses in its configuration, and in those of its
/// peers.
package struct LocalPeers {
    /// The first port unless told otherwise.
    package static let standardPort: UInt16 = 4100

    private var next: UInt16
    private var homes: [(home: String, listen: String, named: String)] = []

    init(portsFrom: UInt16) { next = portsFrom }

    /// Gives a node with this transport key the next port.
    mutating func add(_ home: String, _ key: PublicKey) {
        let address = Self.multiaddr(port: next)
        homes.append((home, "\(address)", "\(address.with(PeerID(key)))"))
        next &+= 1
    }

    /// Where the node of a home listens, and all others.
    func network(of home: String) -> (listen: [String], peers: [String]) {
        (
            homes.filter { $0.home == home }.map(\.listen),
            homes.filter { $0.home != home }.map(\.named)
        )
    }

    /// A port of this machine, as a multiaddr.
    static func address(port: UInt16) -> String { "\(multiaddr(port: port))" }

    private static func multiaddr(port: UInt16) -> Multiaddr { .tcp(.ip4(0x7F00_0001), port) }

    /// The port of a multiaddr.
    static func port(of text: String) -> UInt16? {
        do throws(MultiaddrError) { return try Multiaddr(text: text).tcp?.port } catch {
            return nil
        }
    }
}
