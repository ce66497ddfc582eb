// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
internal import NIOPosix

/// Speaks multicast DNS on the interfaces of a machine, one `PeerDiscovery` on each.
///
/// Only IPv4, which all peers speak: to 224.0.0.251, port 5353, which is shared with others on the
/// machine. Confined to its event loop.
package final class DiscoveryService: @unchecked Sendable {
    /// Why discovery does not start.
    package enum StartError: Error, Equatable {
        /// No interface of this name with an address of IPv4 that takes part in multicast.
        case noInterface(String)
        /// No interface at all that could be used.
        case noInterfaces
    }

    static let port = 5353
    static let group = "224.0.0.251"

    private let peer: PeerID
    private let names: [String]
    private let listens: () -> [Multiaddr]
    private let found: (PeerID, [Multiaddr]) -> Void
    private let loop: any EventLoop
    private var links: [DiscoveryLink] = []

    /// A service that is silent until `start`.
    /// - Parameters:
    ///   - interfaces: names of those to speak on; if empty, all that are not of the machine alone.
    ///   - listens: where this node listens now; every address stands for that of an interface.
    ///   - found: told of a peer and its addresses, on the event loop.
    package init(
        peer: PeerID, interfaces: [String], loop: any EventLoop,
        listens: @escaping () -> [Multiaddr], found: @escaping (PeerID, [Multiaddr]) -> Void
    ) {
        self.peer = peer
        names = interfaces
        self.loop = loop
        self.listens = listens
        self.found = found
    }

    /// Joins the group on each interface and begins to ask. From any thread.
    package func start() -> EventLoopFuture<Void> {
        loop.flatSubmit {
            let chosen: [(device: NIONetworkDevice, address: UInt32)]
            do { chosen = try self.devices() } catch {
                return self.loop.makeFailedFuture(error)
            }
            let opened = chosen.map { self.open($0.device, $0.address) }
            return EventLoopFuture.andAllComplete(opened, on: self.loop).flatMap {
                EventLoopFuture.andAllSucceed(opened, on: self.loop)
            }
        }
    }

    /// Falls silent. From any thread.
    package func stop() -> EventLoopFuture<Void> {
        loop.flatSubmit {
            let closed = self.links.map { $0.close() }
            self.links = []
            return EventLoopFuture.andAllComplete(closed, on: self.loop)
        }
    }

    private func devices() throws -> [(device: NIONetworkDevice, address: UInt32)] {
        var usable: [(device: NIONetworkDevice, address: UInt32)] = []
        for device in try System.enumerateDevices() where device.multicastSupported {
            guard let address = device.address.flatMap(Self.ip4),
                !usable.contains(where: { $0.device.name == device.name })
            else { continue }
            usable.append((device, address))
        }
        guard names.isEmpty else {
            return try names.map { name in
                guard let row = usable.first(where: { $0.device.name == name }) else {
                    throw StartError.noInterface(name)
                }
                return row
            }
        }
        let outside = usable.filter { $0.address >> 24 != 127 }
        guard !outside.isEmpty else { throw StartError.noInterfaces }
        return outside
    }

    private static func ip4(_ address: SocketAddress) -> UInt32? {
        guard case .v4 = address, let text = address.ipAddress else { return nil }
        return HostText.ip4(text)
    }

    private func open(_ device: NIONetworkDevice, _ address: UInt32) -> EventLoopFuture<Void> {
        let listens = listens
        let link = DiscoveryLink(
            peer: peer, address: address, loop: loop, found: found,
            listens: { listens().compactMap { Self.address($0, on: address) } })
        links.append(link)
        return link.open(device)
    }

    /// An address as it is seen on an interface: one of all addresses of the machine is that of
    /// the interface; one of the machine alone is seen on its own interface alone.
    static func address(_ address: Multiaddr, on interface: UInt32) -> Multiaddr? {
        guard let (host, port) = address.tcp else { return nil }
        switch host {
        case .ip4(0), .ip6(0): return .tcp(.ip4(interface), port)
        case .ip4(let place) where place >> 24 == 127 && interface >> 24 != 127: return nil
        case .ip4, .ip6, .dns4, .dns6: return address
        case .tcp, .p2p: return nil
        }
    }
}
