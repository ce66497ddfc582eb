// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Network
import Synchronization
import TestSupport
import Testing

/// Discovery on the loopback of a network namespace, where nobody outside can be disturbed.
@Suite(
    "mDNS: services that find each other", .serialized, .timeLimit(.minutes(30)),
    .enabled(if: Finder.interface != nil, "no network namespace: run Tools/peers/alone"))
struct DiscoveryServiceTests {
    @Test("Nodes on one link find each other, with the addresses at which they listen")
    func eachOther() async throws {
        try await TestHost.with(1, 2, 3) { hosts in
            let finders = hosts.map { Finder($0) }
            for finder in finders { try await finder.service.start().get() }
            for (host, finder) in zip(hosts, finders) {
                for other in hosts where other !== host {
                    try await wait(for: "each other") { finder.found(other.peer) != nil }
                    let place = try await other.address().withoutPeer
                    #expect(finder.found(other.peer) == [place].compactMap(\.self))
                }
                #expect(finder.found(host.peer) == nil)
            }
            for finder in finders { try await finder.service.stop().get() }
        }
    }

    @Test("A node that stops is silent, and one that comes late finds those who are there")
    func late() async throws {
        try await TestHost.with(1, 2, 3) { hosts in
            let finders = hosts.map { Finder($0) }
            try await finders[0].service.start().get()
            try await finders[1].service.start().get()
            try await wait(for: "each other") { finders[0].found(hosts[1].peer) != nil }
            try await finders[1].service.stop().get()
            try await finders[2].service.start().get()
            try await wait(for: "the first") { finders[2].found(hosts[0].peer) != nil }
            try await wait(for: "the late one") { finders[0].found(hosts[2].peer) != nil }
            try await Task.sleep(for: .seconds(1))
            #expect(finders[2].found(hosts[1].peer) == nil)
            for finder in [finders[0], finders[2]] { try await finder.service.stop().get() }
        }
    }

    @Test(
        "py-libp2p finds us and dials, and is found",
        .enabled(if: ForeignPeer.areThere, ForeignPeer.missing))
    func python() async throws {
        try await TestHost.with(1) { hosts in
            let finder = Finder(hosts[0])
            try await finder.service.start().get()
            try await ForeignPeer.with(.python, ["--mdns", "--port", "14001"]) { foreign in
                let peer = try foreign.peer()
                try await wait(for: "the peer") { finder.found(peer) != nil }
                let place = try foreign.address().withoutPeer
                #expect(finder.found(peer)?.contains { $0 == place } == true)
                try await wait(for: "its dial") {
                    try await hosts[0].run { $0.connection(to: peer)?.role } == .listener
                }
            }
            try await finder.service.stop().get()
        }
    }

    @Test("An interface that is not there is named")
    func noInterface() async throws {
        try await TestHost.with(1) { hosts in
            let finder = Finder(hosts[0], interface: "none0")
            await #expect(throws: DiscoveryService.StartError.noInterface("none0")) {
                try await finder.service.start().get()
            }
            // Loopback does not count unless it is named.
            let unnamed = Finder(hosts[0], interface: nil)
            await #expect(throws: DiscoveryService.StartError.noInterfaces) {
                try await unnamed.service.start().get()
            }
        }
    }
}

/// Discovery of a host of a test, with what it has found.
private final class Finder: Sendable {
    /// The interface on which tests may speak, which whoever made the namespace names.
    static let interface = ProcessInfo.processInfo.environment["RECOUNT_ALONE_ON"]

    let service: DiscoveryService
    private let all: All

    private final class All: Sendable {
        let found = Mutex<[PeerID: [Multiaddr]]>([:])
    }

    init(_ host: TestHost, interface: String? = interface) {
        let all = All()
        self.all = all
        let inner = host.host
        service = DiscoveryService(
            peer: host.peer, interfaces: [interface].compactMap(\.self), loop: inner.loop,
            listens: { inner.listenAddresses },
            found: { peer, addresses in all.found.withLock { $0[peer] = addresses } })
    }

    func found(_ peer: PeerID) -> [Multiaddr]? { all.found.withLock { $0[peer] } }
}
