// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An address by its parts: how to reach a peer, and who should be there.
///
/// Parts that are not spoken here (UDP, QUIC, relays ...) are refused, and whoever reads a list of
/// addresses passes over those. In text "/ip4/192.0.2.42/tcp/443/p2p/12D3KooW...".
/// Source: libp2p, addressing; multiformats/multiaddr, protocols.csv.
package struct Multiaddr: Hashable, Sendable {
    /// One part of an address.
    package enum Part: Hashable, Sendable {
        /// Code 4: an address of four bytes, first byte highest.
        case ip4(UInt32)
        /// Code 41: an address of sixteen bytes, first byte highest.
        case ip6(UInt128)
        /// Code 54: a name with an address of version 4.
        case dns4(String)
        /// Code 55: a name with an address of version 6.
        case dns6(String)
        /// Code 6: a port.
        case tcp(UInt16)
        /// Code 421: the peer.
        case p2p(PeerID)
    }

    /// The parts, outermost first.
    package let parts: [Part]

    /// The most bytes of an address that is read, packed or as text.
    package static let bytesMax = 1024
    /// The most parts of an address.
    package static let partsMax = 8

    /// The address of these parts.
    /// - Throws: `empty` or `tooManyParts`.
    package init(_ parts: [Part]) throws(MultiaddrError) {
        guard !parts.isEmpty else { throw .empty }
        guard parts.count <= Self.partsMax else { throw .tooManyParts }
        self.parts = parts
    }

    private init(known parts: [Part]) { self.parts = parts }

    /// Where a peer listens: the host and the port of an address that starts with them.
    package var tcp: (host: Part, port: UInt16)? {
        guard parts.count >= 2, case .tcp(let port) = parts[1] else { return nil }
        switch parts[0] {
        case .ip4, .ip6, .dns4, .dns6: return (parts[0], port)
        case .tcp, .p2p: return nil
        }
    }

    /// The peer that the address ends with.
    package var peer: PeerID? {
        guard case .p2p(let peer)? = parts.last else { return nil }
        return peer
    }

    /// The address without the peer that it ends with; nil where nothing else is left.
    package var withoutPeer: Multiaddr? {
        guard peer != nil else { return self }
        return parts.count > 1 ? Multiaddr(known: parts.dropLast()) : nil
    }

    /// The address with this peer at its end.
    package func with(_ peer: PeerID) -> Multiaddr {
        let place = self.peer == nil ? parts : parts.dropLast()
        return Multiaddr(known: place + [.p2p(peer)])
    }

    /// The address of a port of a host.
    package static func tcp(_ host: Part, _ port: UInt16) -> Multiaddr {
        Multiaddr(known: [host, .tcp(port)])
    }
}

/// Why an address cannot be read.
package enum MultiaddrError: Error, Equatable {
    /// No part at all.
    case empty
    /// More than `Multiaddr.partsMax` parts.
    case tooManyParts
    /// More than `Multiaddr.bytesMax` bytes.
    case tooLong(bytes: Int)
    /// The bytes end inside of a part, or a number in them is none.
    case wire(WireError)
    /// A part that is not spoken here, by its code.
    case unknownCode(UInt64)
    /// A part that is not spoken here, by its name.
    case unknownName(String)
    /// A part whose value is none of its kind, or is missing.
    case value(part: String)
    /// A peer whose name cannot be read.
    case peer(IdentityError)
}
