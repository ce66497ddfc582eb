// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix

/// Looks whether anybody listens where peers should: it connects and hangs up, and says nothing.
package enum PeerProbe {
    /// How long an address has, in seconds.
    private static let seconds: Int64 = 2
    /// Addresses that are tried; of the rest nothing is known.
    package static let addressesMax = 256

    /// The first `addressesMax` of the addresses at which somebody takes a connection.
    package static func answering(_ addresses: [Multiaddr]) async -> Set<Multiaddr> {
        await withTaskGroup(of: Multiaddr?.self) { group in
            for address in addresses.prefix(addressesMax) {
                group.addTask { await isAnswering(address) ? address : nil }
            }
            var found: Set<Multiaddr> = []
            for await case let address? in group { found.insert(address) }
            return found
        }
    }

    private static func isAnswering(_ address: Multiaddr) async -> Bool {
        guard let (host, port) = address.tcp, let text = host.hostText else { return false }
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(seconds))
                .connect(host: text, port: Int(port)).get()
            channel.close(promise: nil)
            return true
        } catch {
            return false
        }
    }
}
