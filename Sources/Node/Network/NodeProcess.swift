// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
package import Cryptography
internal import Foundation
internal import Ledger
package import Network
internal import Replication

/// One validator, an observer, or the bridge in a network of peers: the only node of its process.
package final class NodeProcess: Sendable {
    /// What a person is told.
    package enum Told: Sendable {
        /// Of the ledger.
        case node(NodeTold)
        /// Of the network.
        case network(NetworkEvent)
    }

    /// How it runs.
    package struct Options: Sendable {
        /// How a validator runs.
        package var node = NodeOptions()
        /// Where it listens, where not at the addresses of its configuration.
        package var listen: [Multiaddr]?

        /// As its configuration says.
        package init() { node.settings = ReplicationSettings() }
    }

    private enum Party: Sendable {
        case validator(ValidatorNode, NodeShare)
        case bridge(BridgeParty)

        func end() -> NodeError? {
            switch self {
            case .validator(let node, let share):
                node.stop()
                defer { share.stop() }
                return node.wait()
            case .bridge(let bridge):
                bridge.stop()
                return bridge.wait()
            }
        }
    }

    private let party: Party
    private let line: Line

    /// The way to the peers.
    private struct Line: Sendable {
        let network: PeerNetwork
        let transport: NetworkTransport

        /// - Parameter party: Whom the node speaks for; nil for an observer.
        init(
            _ ledger: LedgerID, party: SigningKey?, _ configuration: Configuration,
            transportKey: SigningKey, listen: [Multiaddr]?, clock: any NodeClock,
            tell: @escaping @Sendable (Told) -> Void
        ) throws(NodeError) {
            var hello = Hello(ledger: ledger, party: nil)
            if let party {
                hello = Hello(
                    ledger: ledger, key: party, number: try clock.checked().rawValue,
                    transport: transportKey.publicKey)
            }
            transport = NetworkTransport(hello, tell: { tell(.network($0)) })
            network = transport.makeNetwork(
                try NodeProcess.settings(configuration, transportKey, listen, clock))
        }
    }

    /// Opens the home of a validator or an observer and starts the node; throws what opening
    /// throws, and nothing runs then.
    package init(
        _ home: NodeHome, transportKey: SigningKey, options: Options = Options(),
        clock: any NodeClock = SystemClock(), onChange: @escaping @Sendable () -> Void = {},
        tell: @escaping @Sendable (Told) -> Void
    ) async throws(NodeError) {
        line = try Line(
            home.ledger, party: home.isObserver ? nil : home.key, home.configuration,
            transportKey: transportKey, listen: options.listen, clock: clock, tell: tell)
        let share = NodeShare(jobs: home.configuration.compute.runnerOptions)
        do throws(NodeError) {
            let node = try ValidatorNode(
                home: home, transport: line.transport, share: share, options: options.node,
                clock: clock, onChange: onChange, tell: { tell(.node($0)) })
            party = .validator(node, share)
        } catch {
            share.stop()
            throw error
        }
        try await start()
    }

    /// The same for the bridge.
    package init(
        bridge home: BridgeHome, transportKey: SigningKey, options: Options = Options(),
        clock: any NodeClock = SystemClock(), onChange: @escaping @Sendable () -> Void = {},
        tell: @escaping @Sendable (Told) -> Void
    ) async throws(NodeError) {
        line = try Line(
            home.ledger, party: home.key, home.configuration, transportKey: transportKey,
            listen: options.listen, clock: clock, tell: tell)
        party = .bridge(
            try BridgeParty(
                home: home, transport: line.transport, onEnd: onChange,
                tell: { tell(.node(.event($0))) }))
        try await start()
    }

    private static func settings(
        _ configuration: Configuration, _ key: SigningKey, _ listen: [Multiaddr]?,
        _ clock: any NodeClock
    ) throws(NodeError) -> PeerNetworkSettings {
        let network = configuration.network
        let own: [Multiaddr]
        if let listen { own = listen } else { own = try addresses(network.listen) }
        var host = HostSettings(identity: key, listen: own)
        host.agent = "recount/\(NodeLimits.programVersion)"
        host.connectionsMax = Int(network.connectionsMax)
        // Records of a later run count for more.
        host.recordSequence = try clock.checked().rawValue
        var settings = PeerNetworkSettings(host: host)
        settings.peers = network.peerDiscovery == "off" ? [] : try addresses(network.peers)
        settings.gossip.gossip.heartbeatMilliseconds = network.gossipsubHeartbeatMilliseconds
        // Everybody tells all peers what is its own: a mesh is there for those who are cut off from
        // its author. Of four in it one is honest, where three may lie.
        settings.gossip.gossip.degreeLow = 4
        settings.gossip.gossip.degree = 4
        settings.gossip.gossip.degreeHigh = 5
        settings.gossip.gossip.degreeScore = 3
        settings.gossip.gossip.degreeOut = 2
        // Most messages are no longer than a few of their ids.
        settings.gossip.gossip.degreeLazy = 3
        settings.gossip.gossip.historyGossip = 2
        // Nobody else can dial an address of this machine alone.
        if network.peerDiscovery == "mdns", own.contains(where: { !$0.isLoopback }) {
            settings.discovery = .multicast(interfaces: [])
        }
        return settings
    }

    private static func addresses(_ texts: [String]) throws(NodeError) -> [Multiaddr] {
        var result: [Multiaddr] = []
        for text in texts {
            do throws(MultiaddrError) { result.append(try Multiaddr(text: text)) } catch {
                throw .cannot("the address \(text) cannot be read: \(error)")
            }
        }
        return result
    }

    private func start() async throws(NodeError) {
        do {
            try await line.network.start()
        } catch {
            await stop()
            throw .cannot("the network could not be joined: \(error)")
        }
    }

    // MARK: While it runs

    /// Where the node listens, with its name.
    package func addresses() async -> [Multiaddr] {
        do {
            return try await line.network.listenAddresses().map { $0.with(line.network.peer) }
        } catch {
            return []
        }
    }

    /// What was sent and received so far; nil where that cannot be told any more.
    package func traffic() async -> Traffic? {
        do { return try await line.network.traffic() } catch { return nil }
    }

    /// How the network is; nil where that cannot be told any more.
    package func networkReading() async -> NetworkReading? {
        do { return try await line.network.reading() } catch { return nil }
    }

    /// The party that a peer speaks for; nil where it speaks for none.
    package func party(of peer: PeerID) -> PublicKey? { line.transport.party(of: peer) }

    /// The parties that can be reached.
    package var parties: [PublicKey] { line.transport.parties }

    /// Where a validator stands; nil for the bridge.
    package var facts: NodeFacts? {
        if case .validator(let node, _) = party { node.facts } else { nil }
    }

    /// The validator's node, which clients of this process may use; nil for the bridge.
    package var node: ValidatorNode? {
        if case .validator(let node, _) = party { node } else { nil }
    }

    /// Whether it has ended by itself; the error where it did not end in order.
    package var ended: (isOver: Bool, error: NodeError?) {
        switch party {
        case .validator(let node, _): node.ended
        case .bridge(let bridge): bridge.ended
        }
    }

    /// Ends it in order: what is durable stays, and peers see it go. Returns the error where the
    /// party did not end in order.
    @discardableResult
    package func stop() async -> NodeError? {
        let party = party
        let error = await withCheckedContinuation { continuation in
            // It may take as long as a batch, which is no thread of the pool's to wait for.
            Thread { continuation.resume(returning: party.end()) }.start()
        }
        do { try await line.network.stop() } catch {
            // It is gone either way.
        }
        return error
    }
}

extension Multiaddr {
    /// Whether it is an address of the machine alone.
    fileprivate var isLoopback: Bool {
        switch parts.first {
        case .ip4(let address): address >> 24 == 127
        case .ip6(let address): address == 1
        default: false
        }
    }
}
