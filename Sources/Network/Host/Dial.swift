// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One attempt to reach a peer at one address.
///
/// Confined to the event loop of its host.
final class Dial: @unchecked Sendable {
    /// Who must be there; nil where anybody may be.
    let peer: PeerID?
    private var completion: ((Result<PeerID, HostError>) -> Void)?

    init(peer: PeerID?, completion: @escaping (Result<PeerID, HostError>) -> Void) {
        self.peer = peer
        self.completion = completion
    }

    /// Tells whoever waits, the first time.
    func finish(_ result: Result<PeerID, HostError>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

/// A peer that is not always connected: where it may be, and when it is dialled next.
struct KnownPeer {
    /// The addresses, best first, without the peer's name.
    var addresses: [Multiaddr] = []
    /// Whether a connection is to be kept up, for which a place is kept free.
    var isKept = false
    /// Whether a connection is welcome where there is room.
    var isWanted = false
    /// The dials without success since the last connection that lasted.
    var failureCount = 0
    /// Whether one is under way.
    var isDialled = false
    /// Not before then.
    var nextDial = NIODeadline.uptimeNanoseconds(0)
    /// When it was last heard of.
    var heard = NIODeadline.now()
}

extension SocketAddress {
    /// The address as one of TCP, without a zone; nil where it is none of IP.
    var multiaddr: Multiaddr? {
        guard let port, let number = UInt16(exactly: port),
            let text = ipAddress?.split(separator: "%").first
        else { return nil }
        if let value = HostText.ip4(text) { return .tcp(.ip4(value), number) }
        if let value = HostText.ip6(text) { return .tcp(.ip6(value), number) }
        return nil
    }
}

extension Multiaddr.Part {
    /// The host as a text for the resolver; nil for a part that is no host.
    var hostText: String? {
        switch self {
        case .ip4(let value): HostText.ip4(value)
        case .ip6(let value): HostText.ip6(value)
        case .dns4(let name), .dns6(let name): name
        case .tcp, .p2p: nil
        }
    }

    /// Whether it stands for all addresses of a machine.
    var isUnspecified: Bool { self == .ip4(0) || self == .ip6(0) }
}
