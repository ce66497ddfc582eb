// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

/// One router whose peers are made up by a test, on a clock that the test moves.
struct Bench {
    static let topic = Topic("t")
    static let identity = peer(0)

    var router: Gossipsub
    var generator = SplitMix64(seed: 7)
    var now: UInt64 = 1_000_000

    init(
        joined: Bool = true, key: SigningKey? = nil,
        _ change: (inout GossipsubSettings) -> Void = { _ in }
    ) {
        var settings = GossipsubSettings()
        var topic = TopicSettings()
        topic.score = TopicScoreSettings()
        settings.topics[Self.topic] = topic
        change(&settings)
        let identity = key.map { PeerID($0.publicKey) } ?? Self.identity
        router = Gossipsub(settings, identity: identity, key: key)
        if joined { step(.subscribe(Self.topic)) }
    }

    /// The peer of a number; its key is no point of the curve, which a router does not ask.
    static func peer(_ number: Int) -> PeerID {
        let bytes = [UInt8(number >> 8), UInt8(number & 0xFF)] + [UInt8](repeating: 9, count: 30)
        return PeerID(PublicKey(Bytes32(bytes) ?? .zero))
    }

    @discardableResult
    mutating func step(_ input: Gossipsub.Input) -> [Gossipsub.Effect] {
        let effects = router.step(input, at: now, using: &generator)
        router.checkSoundness()
        return effects
    }

    /// Lets peers of these numbers come, each in the topic.
    @discardableResult
    mutating func connect(
        _ numbers: some Sequence<Int>, version: Gossipsub.Version = .meshsub11,
        outbound: Bool = false, address: ((Int) -> Multiaddr.Part?)? = nil, joins: Bool = true
    ) -> [Gossipsub.Effect] {
        numbers.flatMap { number in
            let place = address.map { $0(number) } ?? .ip4(0x0A00_0000 + UInt32(number))
            let connected = step(
                .connected(
                    Self.peer(number), version: version, isOutbound: outbound, address: place))
            return joins ? connected + receive(number, Self.joining()) : connected
        }
    }

    @discardableResult
    mutating func receive(_ number: Int, _ rpc: RPC) -> [Gossipsub.Effect] {
        step(.received(rpc, from: Self.peer(number)))
    }

    /// Moves the clock by heartbeats, each with what it does.
    @discardableResult
    mutating func heartbeat(_ count: Int = 1) -> [Gossipsub.Effect] {
        (0..<count).flatMap { _ in
            now += 1000
            return step(.heartbeat)
        }
    }

    var mesh: [PeerID] { router.mesh(of: Self.topic) }

    func score(_ number: Int) -> FixedPoint { router.scores.score(of: Self.peer(number)) }

    func parts(_ number: Int) -> PeerScores.Parts { router.scores.parts(of: Self.peer(number)) }

    /// Lets a message come and be judged; nil where it is not delivered.
    mutating func arrive(
        _ number: Int, _ text: String, _ verdict: Gossipsub.Acceptance? = nil
    ) -> [Gossipsub.Effect]? {
        let effects = receive(number, Self.saying(text))
        guard let token = effects.token else { return nil }
        guard let verdict else { return effects }
        return step(.verdict(token, verdict))
    }

    /// Lets a message come, which must be delivered, and be judged.
    @discardableResult
    mutating func bring(
        _ number: Int, _ text: String, _ verdict: Gossipsub.Acceptance
    ) throws -> [Gossipsub.Effect] {
        let effects = arrive(number, text, verdict)
        return try #require(effects)
    }

    // MARK: - RPCs

    static func joining(_ topic: Topic = topic, _ joins: Bool = true) -> RPC {
        var rpc = RPC()
        rpc.subscriptions = [RPC.Subscription(joins: joins, topic: topic)]
        return rpc
    }

    static func saying(_ texts: String...) -> RPC {
        var rpc = RPC()
        rpc.messages = texts.map { GossipMessage(topic: topic, data: Array($0.utf8)) }
        return rpc
    }

    static func saying(_ text: String, in topic: Topic) -> RPC {
        var rpc = RPC()
        rpc.messages = [GossipMessage(topic: topic, data: Array(text.utf8))]
        return rpc
    }

    static func id(_ text: String) -> MessageID {
        GossipMessage(topic: topic, data: Array(text.utf8)).id(by: .unsigned)
    }

    static func having(_ ids: [MessageID], _ topic: Topic = topic) -> RPC {
        var rpc = RPC()
        rpc.haves = [RPC.Have(topic: topic, ids: ids)]
        return rpc
    }

    static func wanting(_ ids: [MessageID]) -> RPC {
        var rpc = RPC()
        rpc.wants = [ids]
        return rpc
    }

    static func grafting(_ topic: Topic = topic) -> RPC {
        var rpc = RPC()
        rpc.grafts = [topic]
        return rpc
    }

    static func pruning(
        _ hints: [RPC.PeerHint] = [], _ topic: Topic = topic, backoffSeconds: UInt64? = 60
    ) -> RPC {
        var rpc = RPC()
        rpc.prunes = [RPC.Prune(topic: topic, peers: hints, backoffSeconds: backoffSeconds)]
        return rpc
    }
}

extension [Gossipsub.Effect] {
    /// The RPCs that are sent, each with its receiver.
    var sent: [(rpc: RPC, to: PeerID)] {
        compactMap { effect in
            guard case .send(let rpc, let peer) = effect else { return nil }
            return (rpc, peer)
        }
    }

    /// Who is sent messages, ascending.
    var receivers: [PeerID] { sent.filter { !$0.rpc.messages.isEmpty }.map(\.to).sorted() }
    /// Who is grafted, ascending.
    var grafted: [PeerID] { sent.filter { !$0.rpc.grafts.isEmpty }.map(\.to).sorted() }
    /// Who is pruned, ascending.
    var pruned: [PeerID] { sent.filter { !$0.rpc.prunes.isEmpty }.map(\.to).sorted() }
    /// Who is told of messages, ascending.
    var gossiped: [PeerID] { sent.filter { !$0.rpc.haves.isEmpty }.map(\.to).sorted() }
    /// What is asked for.
    var wanted: [MessageID] { sent.flatMap { $0.rpc.wants.joined() } }
    /// The prunes that are sent.
    var prunes: [RPC.Prune] { sent.flatMap(\.rpc.prunes) }

    /// The token of the one message that is delivered.
    var token: Gossipsub.Token? {
        let tokens = compactMap { effect -> Gossipsub.Token? in
            guard case .deliver(let token, _, _) = effect else { return nil }
            return token
        }
        return tokens.count == 1 ? tokens[0] : nil
    }
}
