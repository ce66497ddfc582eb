// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport

extension FuzzTarget {
    /// RPCs of gossip, as they are and given to a router.
    static let gossip = FuzzTarget(
        name: "gossip",
        about: "RPCs of gossipsub; what is read is written alike, and a router takes any of them",
        bytesMax: 8192,
        seeds: {
            var full = RPC()
            full.subscriptions = [
                RPC.Subscription(joins: true, topic: NetworkSeeds.topics[0]),
                RPC.Subscription(joins: false, topic: NetworkSeeds.topics[1]),
            ]
            full.messages = [NetworkSeeds.unsigned, NetworkSeeds.signed]
            full.grafts = NetworkSeeds.topics
            var control = RPC()
            let ids = [NetworkSeeds.unsigned.id(by: .unsigned), MessageID(bytes: [1, 2, 3])]
            control.haves = [RPC.Have(topic: NetworkSeeds.topics[0], ids: ids)]
            control.wants = [ids]
            let hint = RPC.PeerHint(
                peer: PeerID(NetworkSeeds.key(9).publicKey).bytes, record: NetworkSeeds.record)
            control.prunes = [
                RPC.Prune(topic: NetworkSeeds.topics[0], peers: [hint], backoffSeconds: 60)
            ]
            return [
                Seed(name: "full", bytes: Parts.list(full.bytes)),
                Seed(name: "control", bytes: Parts.list(control.bytes)),
                Seed(
                    name: "both",
                    bytes: Parts.list(full.bytes) + Parts.list(full.bytes)
                        + Parts.list(control.bytes)),
            ]
        },
        run: { bytes in
            var generator = SplitMix64(seed: 1)
            var router = router(using: &generator)
            var parts = Parts(bytes)
            var now: UInt64 = 1000
            var number: UInt8 = 0
            while !parts.isAtEnd {
                let body = parts.list()
                number = (number + 1) % 3
                now += 100
                let peer = NetworkSeeds.peers[Int(number)]
                let input: Gossipsub.Input
                if let rpc = decoded({ () throws(WireError) in try RPC(bytes: body[...]) }) {
                    let again = decoded { () throws(WireError) in try RPC(bytes: rpc.bytes[...]) }
                    law(again == rpc, "an RPC that is written is read alike")
                    input = .received(rpc, from: peer)
                } else {
                    input = .receivedJunk(from: peer)
                }
                perform(input, on: &router, at: now, using: &generator)
                if number == 0 { perform(.heartbeat, on: &router, at: now, using: &generator) }
            }
        })

    private static func router(using generator: inout SplitMix64) -> Gossipsub {
        var settings = GossipsubSettings()
        settings.limits.pendingMessages = 8
        settings.limits.seenMessages = 16
        settings.limits.cachedMessages = 8
        for (topic, policy) in zip(NetworkSeeds.topics, [SignaturePolicy.unsigned, .signed]) {
            var rules = TopicSettings()
            rules.policy = policy
            rules.score = TopicScoreSettings()
            settings.topics[topic] = rules
        }
        var router = Gossipsub(settings, identity: NetworkSeeds.peers[3])
        for topic in NetworkSeeds.topics {
            _ = router.step(.subscribe(topic), at: 0, using: &generator)
        }
        for number in UInt8(0)..<3 {
            let peer = NetworkSeeds.peers[Int(number)]
            let connected = Gossipsub.Input.connected(
                peer, version: .meshsub11, isOutbound: number == 0, address: .ip4(1))
            _ = router.step(connected, at: 0, using: &generator)
        }
        return router
    }

    /// Gives the router an input, and judges what it delivers by its first byte.
    private static func perform(
        _ input: Gossipsub.Input, on router: inout Gossipsub, at now: UInt64,
        using generator: inout SplitMix64
    ) {
        for effect in router.step(input, at: now, using: &generator) {
            guard case .deliver(let token, let message, _) = effect else { continue }
            let rules = zip(NetworkSeeds.topics, [SignaturePolicy.unsigned, .signed])
            let policy = rules.first { $0.0 == message.topic }?.1
            law(policy.map { message.check(by: $0) } == .proper, "what is delivered has its form")
            let verdicts: [Gossipsub.Acceptance] = [.accept, .ignore, .reject, .accept]
            let verdict = verdicts[Int(message.data.first ?? 0) % 4]
            _ = router.step(.verdict(token, verdict), at: now, using: &generator)
        }
        router.checkSoundness()
    }

    /// Fields of protocol buffers, and the numbers in them.
    static let fields = FuzzTarget(
        name: "fields",
        about:
            "fields of protocol buffers; those that are read, one after the other, are the input",
        bytesMax: 1024,
        seeds: {
            var writer = ProtobufWriter()
            writer.write(1, varint: .max)
            writer.write(2, bytes: [1, 2, 3])
            let fixed: [UInt8] = [0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2D, 1, 2, 3, 4]
            return [Seed(name: "all", bytes: writer.bytes + fixed)]
        },
        run: { bytes in
            var reader = ProtobufReader(bytes)
            var writer = ProtobufWriter()
            var isWhole = true
            do {
                while let field = try reader.next() { writer.write(raw: field.raw) }
            } catch { isWhole = false }
            law(bytes.starts(with: writer.bytes), "fields are parts of the input")
            law(!isWhole || writer.bytes == bytes, "fields are all of the input")
            for form in [Varint.Form.multiformats, .protobuf] {
                let number = decoded { () throws(WireError) in
                    try Varint.decode(bytes[...], form: form)
                }
                guard let number = number ?? nil else { continue }
                let shortest = Varint.encode(number.value)
                law(shortest.count == Varint.size(number.value), "numbers have their size")
                let isShort = bytes.starts(with: shortest)
                law(form == .protobuf || isShort, "numbers of multiformats have one form")
            }
        })
}

/// Real values to start from, with keys that are known.
enum NetworkSeeds {
    static let topics = [Topic("unsigned"), Topic("signed")]

    static func key(_ number: UInt8) -> SigningKey {
        SigningKey(seed: Digest(hashing: [number]).value)
    }

    /// Three peers of a router, and the router's own name.
    static let peers = (UInt8(0)..<4).map { PeerID(key($0).publicKey) }
    static let unsigned = GossipMessage(topic: topics[0], data: [4, 1, 2])
    static let signed = GossipMessage(
        topic: topics[1], data: [4, 3], sequence: 7, signedWith: key(1))
    static let address = Multiaddr.tcp(.ip4(0x7F00_0001), 4001)
    static let record = PeerRecord.seal(sequence: 5, addresses: [address], with: key(9))
}
