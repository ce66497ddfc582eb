// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Network
import Node
import Synchronization
import TestSupport
import Testing

/// A peer that says what it likes, when it likes, and reads nothing that is said to it.
private final class Intruder: Sendable {
    private final class Count: Sendable {
        let ends = Mutex(0)
    }

    /// Its transport key.
    let key: SigningKey
    private let network: PeerNetwork
    private let count = Count()

    var peer: PeerID { network.peer }
    var isConnected: Bool { !network.connectedPeers.isEmpty }
    /// Whether a connection of it was ended; it dials again by itself.
    var wasSentAway: Bool { count.ends.withLock { $0 } > 0 }

    /// Connects to a node.
    init(_ key: SigningKey = SigningKey(), to node: NodeProcess) async throws {
        self.key = key
        var settings = PeerNetworkSettings(host: HostSettings(identity: key, listen: []))
        settings.peers = await node.addresses()
        settings.protocols = [
            NetworkTopics.messages, NetworkTopics.hellos, NetworkTopics.reaches,
        ]
        let count = count
        network = PeerNetwork(settings) { event in
            if case .disconnected = event { count.ends.withLock { $0 += 1 } }
        }
        try await network.start()
        for _ in 0..<6_000 where !isConnected { try await Task.sleep(for: .milliseconds(10)) }
        try #require(isConnected)
    }

    /// Says something to all that it is connected to; false where it is connected to nobody.
    @discardableResult
    func say(_ bytes: [UInt8], _ line: DirectProtocol) async throws -> Bool {
        for other in network.connectedPeers {
            while true {
                switch network.send(bytes, to: other, by: line.id) {
                case .taken: return true
                case .full: try await Task.sleep(for: .milliseconds(1))
                case .notConnected, .tooLong: return false
                }
            }
        }
        return false
    }

    @discardableResult
    func say(_ hello: Hello) async throws -> Bool {
        try await say(hello.encoded, NetworkTopics.hellos)
    }

    func stop() async throws { try await network.stop() }
}

/// What peers say of themselves and of whom they reach, over sockets, to nodes that decide.
extension NodeProcessTests {
    /// Runs `body` with three of four validators; the key of the fourth is the last argument.
    private static func threeOfFour(
        _ body: (LocalNetwork, [NodeProcess], Heard, SigningKey) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let network = try make(folder, 4, threshold: 3)
        let heard = Heard()
        var nodes: [NodeProcess] = []
        for home in network.nodes.prefix(3) { nodes.append(try await start(home, heard)) }
        try await until("they reach each other") { nodes.allSatisfy { $0.parties.count == 2 } }
        try await body(network, nodes, heard, network.nodes[3].key)
        for node in nodes { #expect(await node.stop() == nil) }
    }

    /// Hands in a request that is new, and waits until all have decided it.
    private static func decide(
        _ number: Int, _ network: LocalNetwork, _ nodes: [NodeProcess], _ heard: Heard
    ) async throws {
        let request = try requests(network, number..<(number + 1))[0]
        nodes[number % nodes.count].node?.submit(request)
        try await until("decision \(number)") {
            network.nodes.prefix(nodes.count).allSatisfy {
                heard.decisions(of: $0.validator) == number + 1
            }
        }
    }

    @Test("a flood of whom a peer says to reach holds up nobody, and what is none of it ends it")
    func reaches() async throws {
        try await Self.threeOfFour { network, nodes, heard, _ in
            let name = network.nodes[0].validator
            let intruder = try await Intruder(to: nodes[0])
            try await intruder.say(Hello(ledger: network.ledger, party: nil))
            // Cancelled, it would end in the midst of what it says.
            let isEnough = Mutex(false)
            let flood = Task {
                var random = SplitMix64(seed: 3)
                var said = 0
                while !isEnough.withLock({ $0 }) || said < 20_000 {
                    // Of strangers, of those who are there, and of both that they are not.
                    var key = network.nodes[Int(random.next() % 4)].key.publicKey
                    if random.next() % 4 > 0 { key = PublicKey(Bytes32(random.bytes(32)) ?? .zero) }
                    let reach = Reach(isReached: random.next() % 8 > 0, party: key)
                    guard try await intruder.say(reach.encoded, NetworkTopics.reaches) else {
                        break
                    }
                    said += 1
                }
                return said
            }
            for number in 0..<3 { try await Self.decide(number, network, nodes, heard) }
            isEnough.withLock { $0 = true }
            // What it says is allowed, and no reason to send it away.
            #expect(try await flood.value >= 20_000)
            #expect(intruder.isConnected && heard.sentAway(of: name).isEmpty)
            let reading = try #require(await nodes[0].networkReading())
            #expect(reading.peers.count == 3)

            let key = network.nodes[1].key.publicKey
            let lies: [[UInt8]] = [
                [2] + Reach(isReached: true, party: key).encoded.dropFirst(), [], [1, 2],
            ]
            for (count, lie) in lies.enumerated() {
                let liar = try await Intruder(to: nodes[0])
                try await liar.say(Hello(ledger: network.ledger, party: nil))
                try await liar.say(lie, NetworkTopics.reaches)
                try await Self.until("it is sent away") {
                    heard.sentAway(of: name).contains { $0.peer == liar.peer && $0.answer == nil }
                }
                try await Self.until("it is gone: \(count)") { liar.wasSentAway }
                try await liar.stop()
            }
            #expect(nodes.allSatisfy { $0.parties.count == 2 })
            try await intruder.stop()
        }
    }

    @Test("an old hello, and one that was said by another, take nobody's place")
    func oldHellos() async throws {
        try await Self.threeOfFour { network, nodes, heard, victim in
            let name = network.nodes[0].validator
            let (old, new) = (SigningKey(), SigningKey())
            func hello(_ number: UInt64, _ key: SigningKey) -> Hello {
                Hello(
                    ledger: network.ledger, key: victim, number: number,
                    transport: key.publicKey)
            }
            func answers(_ peer: PeerID, at node: String) -> [PeerDirectory.Answer?] {
                heard.sentAway(of: node).filter { $0.peer == peer }.map(\.answer)
            }
            let current = try await Intruder(new, to: nodes[0])
            try await current.say(hello(6, new))
            try await Self.until("it speaks for the fourth") {
                nodes[0].party(of: current.peer) == victim.publicKey
            }
            // The transport key of before, with its own hellos and with that of the other.
            for (count, said) in [hello(5, old), hello(6, old), hello(6, new)].enumerated() {
                let thief = try await Intruder(old, to: nodes[0])
                try await thief.say(said)
                try await Self.until("it is sent away") {
                    answers(thief.peer, at: name).count > count
                }
                try await Self.until("it is gone") { thief.wasSentAway }
                #expect(answers(thief.peer, at: name).allSatisfy { $0 == .outdated })
                #expect(nodes[0].party(of: current.peer) == victim.publicKey)
                #expect(nodes[0].parties.count == 3 && current.isConnected)
                try await thief.stop()
            }
            // A node that has never heard of it takes the hello of nobody else.
            let thief = try await Intruder(old, to: nodes[1])
            try await thief.say(hello(6, new))
            try await Self.until("it is sent away") {
                answers(thief.peer, at: network.nodes[1].validator) == [.unsigned]
            }
            #expect(nodes[1].parties.count == 2)
            try await thief.stop()
            // Nor does it when the other has gone.
            try await current.stop()
            try await Self.until("the other has gone") { nodes[0].parties.count == 2 }
            let late = try await Intruder(old, to: nodes[0])
            try await late.say(hello(5, old))
            try await Self.until("it is sent away again") {
                answers(late.peer, at: name).count > 3
            }
            #expect(nodes[0].parties.count == 2)
            try await late.stop()
            try await Self.decide(0, network, nodes, heard)
        }
    }

    @Test("a party that says hello again and again is sent away, and others hear little of it")
    func hellos() async throws {
        try await Self.threeOfFour { network, nodes, heard, party in
            let name = network.nodes[0].validator
            let intruder = try await Intruder(to: nodes[0])
            for number in 1...200 as ClosedRange<UInt64> {
                let hello = Hello(
                    ledger: network.ledger, key: party, number: number,
                    transport: intruder.key.publicKey)
                guard try await intruder.say(hello) else { break }
            }
            try await Self.until("it is sent away") {
                heard.sentAway(of: name).contains {
                    $0.peer == intruder.peer && $0.answer == .tooMany
                }
            }
            try await Self.until("it is gone") {
                nodes[0].parties.count == 2 && intruder.wasSentAway
            }
            // Each that counts is told to all other peers.
            let taken = heard.parties(of: name).count { $0 == intruder.peer }
            #expect(taken > 0 && taken <= PeerDirectory.hellosMax)
            try await intruder.stop()
            try await Self.decide(0, network, nodes, heard)
        }
    }
}
