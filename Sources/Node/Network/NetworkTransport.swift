// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Ledger
package import Network
internal import Synchronization

/// The transport over a network of peers: what is for all goes by gossip, what is for one over a
/// stream of its own; which peer speaks for which party, hellos say.
///
/// An observer is answered by its transport key, and asks one peer after the other.
///
/// What arrives by gossip is from whoever brought it. It goes to others when it is judged, and what
/// a peer sent this node alone holds that peer up until it is judged, once that is too much.
package final class NetworkTransport: Transport {
    private struct Contents {
        var directory: PeerDirectory
        var network: PeerNetwork?
        var onArrival: (@Sendable (Arrival) -> Void)?
        var said = RecentDigests()
        /// The turn of an observer that asks.
        var turn = 0

        /// Whom a message for all goes to that goes to each by itself.
        mutating func receivers(isObserver: Bool) -> [PublicKey] {
            guard isObserver else { return directory.all }
            let sources = directory.sources
            guard !sources.isEmpty else { return [] }
            turn = (turn + 1) % sources.count
            return [sources[turn]]
        }
    }

    private let topics: NetworkTopics
    private let hello: [UInt8]
    private let isObserver: Bool
    private let contents: Mutex<Contents>
    private let tell: @Sendable (NetworkEvent) -> Void

    /// A transport that is in no network yet.
    ///
    /// - Parameters:
    ///   - hello: What is said first to each peer.
    ///   - tell: Told of what a person may want to know; must return soon.
    package init(_ hello: Hello, tell: @escaping @Sendable (NetworkEvent) -> Void) {
        topics = NetworkTopics(hello.ledger)
        self.hello = hello.encoded
        isObserver = hello.party == nil
        contents = Mutex(Contents(directory: PeerDirectory(hello.ledger)))
        self.tell = tell
    }

    /// Makes the network that it is in; `settings` needs no topics and protocols.
    package func makeNetwork(_ settings: PeerNetworkSettings) -> PeerNetwork {
        var settings = settings
        settings.topics = topics.all
        settings.protocols = [
            NetworkTopics.messages, NetworkTopics.hellos, NetworkTopics.reaches,
        ]
        let network = PeerNetwork(settings) { [weak self] in self?.handle($0) }
        contents.withLock { $0.network = network }
        return network
    }

    /// The parties that can be reached, by the bytes of their keys.
    package var parties: [PublicKey] {
        contents.withLock { contents in
            contents.directory.all.compactMap { contents.directory.party(of: $0) }.sorted()
        }
    }

    /// The party that a peer speaks for; nil where it speaks for none.
    package func party(of peer: PeerID) -> PublicKey? {
        contents.withLock { $0.directory.party(of: peer.publicKey) }
    }

    // MARK: Sending

    package func send(_ bytes: [UInt8], to receiver: PublicKey) {
        let (network, peer) = contents.withLock {
            ($0.network, $0.directory.peer(of: receiver) ?? receiver)
        }
        send(bytes, to: peer, network)
    }

    package func sendToAll(_ bytes: [UInt8]) {
        let topic = topics.topic(of: bytes)
        let digest = topic == nil ? nil : Digest(hashing: bytes)
        let (network, peers, isNew) = contents.withLock { contents in
            (
                contents.network, contents.receivers(isObserver: isObserver),
                digest.map { contents.said.add($0) } ?? false
            )
        }
        // Gossip says nothing twice: what is said again was not heard by somebody, as after a cut.
        if let topic, isNew {
            _ = network?.publish(bytes, in: topic)
            return
        }
        for peer in peers { send(bytes, to: peer, network) }
    }

    private func send(_ bytes: [UInt8], to peer: PublicKey, _ network: PeerNetwork?) {
        // Where a peer is slow, statuses tell later what it lacks.
        _ = network?.send(bytes, to: PeerID(peer), by: NetworkTopics.messages.id)
    }

    // MARK: Receiving

    package func receive(_ onArrival: @escaping @Sendable (Arrival) -> Void) {
        contents.withLock { $0.onArrival = onArrival }
    }

    private func handle(_ event: PeerNetwork.Event) {
        switch event {
        case .connected(let peer, _, let address):
            let (network, reached) = contents.withLock { contents in
                (contents.network, contents.directory.all.compactMap(contents.directory.party))
            }
            _ = network?.send(hello, to: peer, by: NetworkTopics.hellos.id)
            for party in reached { say(Reach(isReached: true, party: party), to: [peer], network) }
            tell(.connected(peer, address))
        case .disconnected(let peer, _):
            let (network, party) = contents.withLock { contents in
                let party = contents.directory.party(of: peer.publicKey)
                contents.directory.disconnect(peer.publicKey)
                return (contents.network, party)
            }
            if let party {
                let others = network?.connectedPeers ?? []
                say(Reach(isReached: false, party: party), to: others, network)
            }
            tell(.disconnected(peer))
        case .gossip(let token, let topic, let bytes, let peer):
            handle(token, topic, bytes, from: peer)
        case .message(let token, NetworkTopics.hellos.id, let bytes, let peer):
            handleHello(bytes, from: peer)
            contents.withLock { $0.network }?.release(token)
        case .message(let token, NetworkTopics.reaches.id, let bytes, let peer):
            handleReach(bytes, from: peer)
            contents.withLock { $0.network }?.release(token)
        case .message(let token, _, let bytes, let peer):
            deliver(bytes, from: peer, isForAll: false) { network, _ in
                network?.release(token)
            }
        case .identified, .lost, .unpublished: break
        }
    }

    private func handle(
        _ token: Gossipsub.Token, _ topic: Topic, _ bytes: [UInt8], from peer: PeerID
    ) {
        guard topics.topic(of: bytes) == topic else {
            contents.withLock { $0.network }?.judge(token, .reject)
            return
        }
        deliver(bytes, from: peer, isForAll: true) { [weak self] network, worth in
            network?.judge(token, self?.verdict(worth, from: peer) ?? .ignore)
        }
    }

    /// What gossip does with a message: of what a party says to all whom it reaches, only those get
    /// a copy who do not hear it themselves.
    ///
    /// A client's message is said to all by the party that it was handed to. Whoever hands one on
    /// instead leaves out those who hear where it had it from: so all who reach the party that
    /// brings it have it already. Where that party lied, whoever lacks it asks for it once there
    /// are votes on it, and gossip names it.
    private func verdict(_ worth: Worth, from peer: PeerID) -> Gossipsub.Acceptance {
        switch worth {
        case .passOn(let party):
            contents.withLock { contents in
                guard let party = party ?? contents.directory.party(of: peer.publicKey) else {
                    return .accept
                }
                return .acceptFor(Set(contents.directory.lacking(party).map { PeerID($0) }))
            }
        case .ignore: .ignore
        case .reject: .reject
        }
    }

    private func say(_ reach: Reach, to peers: [PeerID], _ network: PeerNetwork?) {
        let bytes = reach.encoded
        for peer in peers { _ = network?.send(bytes, to: peer, by: NetworkTopics.reaches.id) }
    }

    private func handleReach(_ bytes: [UInt8], from peer: PeerID) {
        do throws(DecodingError) {
            let reach = try Reach(decoding: bytes)
            contents.withLock { $0.directory.note(reach, from: peer.publicKey) }
        } catch {
            // Nobody of ours says such a thing.
            tell(.refused(peer, nil))
            contents.withLock { $0.network }?.disconnect(peer)
        }
    }

    private func deliver(
        _ bytes: [UInt8], from peer: PeerID, isForAll: Bool,
        judge: @escaping @Sendable (PeerNetwork?, Worth) -> Void
    ) {
        let (onArrival, network, sender) = contents.withLock {
            ($0.onArrival, $0.network, $0.directory.party(of: peer.publicKey) ?? peer.publicKey)
        }
        guard let onArrival else { return judge(network, .ignore) }
        onArrival(
            Arrival(bytes, from: sender, isForAll: isForAll) { [weak network] worth in
                judge(network, worth)
            })
    }

    private func handleHello(_ bytes: [UInt8], from peer: PeerID) {
        var answer: PeerDirectory.Answer?
        do throws(DecodingError) {
            let hello = try Hello(decoding: bytes)
            answer = contents.withLock { $0.directory.note(hello, from: peer.publicKey) }
        } catch {
            // Nobody of ours says such a thing.
        }
        let network = contents.withLock { $0.network }
        switch answer {
        case .party(let key, let instead):
            if let instead { network?.disconnect(PeerID(instead)) }
            let others = network?.connectedPeers.filter { $0 != peer } ?? []
            say(Reach(isReached: true, party: key), to: others, network)
            tell(.party(key, peer))
        case .observer: break
        case .otherLedger, .unsigned, .outdated, .tooMany, nil:
            tell(.refused(peer, answer))
            network?.disconnect(peer)
        }
    }
}

/// The digests of what was said last.
private struct RecentDigests {
    private static let countMax = 8_192

    private var known: Set<Digest> = []
    private var order: [Digest] = []
    private var next = 0

    /// Adds one; false where it is there already.
    mutating func add(_ digest: Digest) -> Bool {
        guard known.insert(digest).inserted else { return false }
        if order.count < Self.countMax {
            order.append(digest)
        } else {
            known.remove(order[next])
            order[next] = digest
            next = (next + 1) % Self.countMax
        }
        return true
    }
}

/// What a person may want to know of a network.
package enum NetworkEvent: Sendable {
    /// A peer is there.
    case connected(PeerID, Multiaddr?)
    /// A peer is gone.
    case disconnected(PeerID)
    /// A peer speaks for a party.
    case party(PublicKey, PeerID)
    /// A peer was sent away for its hello; nil where that, or whom it says to reach, could not be
    /// read.
    case refused(PeerID, PeerDirectory.Answer?)
}
