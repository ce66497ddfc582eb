// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Network
import Node
import Replication
import Synchronization
import TestSupport
import Testing

/// What the processes of a network have told, each by its name.
final class Heard: Sendable {
    private let decided = Mutex<[String: Set<String>]>([:])
    private let settled = Mutex<[String: Int]>([:])
    private let network = Mutex<[String: [NetworkEvent]]>([:])

    func note(_ told: NodeProcess.Told, of name: String) {
        if case .network(let event) = told {
            network.withLock { $0[name, default: []].append(event) }
        }
        guard case .node(.batch(_, _, _, let events, _)) = told else { return }
        for event in events {
            switch event {
            case .decided(_, let result):
                decided.withLock { _ = $0[name, default: []].insert(result.requestID) }
            case .settled: settled.withLock { $0[name, default: 0] += 1 }
            default: break
            }
        }
    }

    func decisions(of name: String) -> Int { decided.withLock { $0[name]?.count ?? 0 } }
    /// The peers that a node sent away, each with the answer to its hello.
    func sentAway(of name: String) -> [(peer: PeerID, answer: PeerDirectory.Answer?)] {
        network.withLock { $0[name] ?? [] }.compactMap { event in
            if case .refused(let peer, let answer) = event { (peer, answer) } else { nil }
        }
    }

    /// The peers that came to speak for a party, each time that they did.
    func parties(of name: String) -> [PeerID] {
        network.withLock { $0[name] ?? [] }.compactMap { event in
            if case .party(_, let peer) = event { peer } else { nil }
        }
    }

    func payments(of name: String) -> Int { settled.withLock { $0[name] ?? 0 } }
}

/// Validators and the bridge, each with a network of its own, over sockets of this machine.
@Suite("Nodes over sockets", .serialized)
struct NodeProcessTests {
    static func make(
        _ folder: TemporaryFolder, _ count: Int, threshold: UInt32
    ) throws -> LocalNetwork {
        var configuration = try Samples.configuration()
        configuration.validators = Array(configuration.validators.prefix(count))
        configuration.parameters.threshold = threshold
        return try LocalNetwork.initialise(
            configuration: configuration, at: folder.file("net"),
            protection: .keyFile(path: nil), startTime: try SystemClock().checked(),
            portsFrom: TestPorts.reserve(count + 1))
    }

    static func start(_ home: NodeHome, _ heard: Heard) async throws -> NodeProcess {
        var options = NodeProcess.Options()
        options.node.followsProjections = false
        return try await NodeProcess(
            home, transportKey: try home.openTransportKey(.keyFile(path: nil)),
            options: options, tell: { heard.note($0, of: home.validator) })
    }

    static func until(_ what: String, _ holds: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(testPatienceSeconds)
        while !holds() {
            try #require(ContinuousClock.now < end, "waited in vain: \(what)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    static func requests(
        _ network: LocalNetwork, _ lines: Range<Int>
    ) throws -> [Message] {
        let submitter = try #require(network.submitters.first)
        let client = try NodeClient(home: network.nodes[0].path)
        let reader = RequestReader(
            ledger: network.ledger, circuits: try client.state().state.circuits.map(\.circuit),
            signers: [submitter.named])
        return try Samples.lines()[lines].map { line in
            .request(try reader.read(line: Array(line.utf8)).message)
        }
    }

    @Test("ten nodes and the bridge agree over sockets, pay, and hold one ledger")
    func ten() async throws {
        let folder = try TemporaryFolder()
        let network = try Self.make(folder, 10, threshold: 7)
        let heard = Heard()
        let requests = try Self.requests(network, 0..<6)
        var nodes: [NodeProcess] = []
        for home in network.nodes { nodes.append(try await Self.start(home, heard)) }
        let bridge = try #require(network.bridge)
        let bank = try await NodeProcess(
            bridge: bridge, transportKey: try bridge.openTransportKey(.keyFile(path: nil)),
            tell: { _ in })
        try await Self.until("all reach all") { nodes.allSatisfy { $0.parties.count == 10 } }
        for (place, request) in requests.enumerated() {
            nodes[place].node?.submit(request)
        }
        let names = network.nodes.map(\.validator)
        try await Self.until("all decide") {
            names.allSatisfy { heard.decisions(of: $0) == requests.count }
        }
        try await Self.until("the bridge has paid what was approved") {
            nodes.allSatisfy { $0.facts?.settlements == 0 } && heard.payments(of: names[0]) > 0
        }
        // All hear all themselves, and whoever a client handed its request to: hardly anything is
        // passed on.
        for kind in ["/consensus", "/requests"] {
            var (sent, wanted) = (UInt64(0), UInt64(0))
            for node in nodes {
                let traffic = try #require(await node.traffic())
                for (topic, line) in traffic.topics where topic.description.hasSuffix(kind) {
                    sent += line.sent.messages
                    wanted += line.published.messages * 10
                }
            }
            #expect(sent > 0 && sent * 10 < wanted * 15, "\(kind): \(sent) sent, \(wanted) wanted")
        }
        for node in nodes { #expect(await node.stop() == nil) }
        #expect(await bank.stop() == nil)
        let ledgers = try network.nodes.map { try Networks.entries($0) }
        let shortest = ledgers.map(\.count).min() ?? 0
        #expect(Set(ledgers.map { $0.prefix(shortest).map(\.encoded) }).count == 1)
    }

    @Test("a node that was away comes back and catches up; without a quorum nothing is decided")
    func away() async throws {
        let folder = try TemporaryFolder()
        let network = try Self.make(folder, 4, threshold: 3)
        let heard = Heard()
        let requests = try Self.requests(network, 0..<3)
        var nodes: [NodeProcess] = []
        for home in network.nodes.prefix(2) { nodes.append(try await Self.start(home, heard)) }
        try await Self.until("two reach each other") {
            nodes.allSatisfy { $0.parties.count == 1 }
        }
        nodes[0].node?.submit(requests[0])
        try await Task.sleep(for: .seconds(1))
        #expect(heard.decisions(of: network.nodes[0].validator) == 0)
        nodes.append(try await Self.start(network.nodes[2], heard))
        try await Self.until("three decide") {
            network.nodes.prefix(3).allSatisfy { heard.decisions(of: $0.validator) == 1 }
        }
        // The fourth hears of it by catching up, not by gossip.
        nodes.append(try await Self.start(network.nodes[3], heard))
        try await Self.until("the fourth catches up") {
            heard.decisions(of: network.nodes[3].validator) == 1
        }
        for node in nodes { #expect(await node.stop() == nil) }
    }

    /// The home of an observer that knows only these peers; nil for all.
    private static func observer(
        _ name: String, of network: LocalNetwork, peers: [Multiaddr]? = nil
    ) throws -> NodeHome {
        let made = try LocalNetwork.addHome(
            of: .observer, named: name, in: network.path, protection: .keyFile(path: nil))
        if let peers {
            var configuration = try Configuration.load(path: "\(made.path)/recount.toml")
            configuration.network.peers = peers.map(\.description)
            try Data(configuration.toml.utf8).write(
                to: URL(fileURLWithPath: "\(made.path)/recount.toml"))
        }
        return try NodeHome.open(at: made.path, protection: .keyFile(path: nil))
    }

    @Test("observers follow from late on, one by way of another, and hold the same ledger")
    func observers() async throws {
        let folder = try TemporaryFolder()
        let network = try Self.make(folder, 4, threshold: 3)
        let heard = Heard()
        let requests = try Self.requests(network, 0..<4)
        var nodes: [NodeProcess] = []
        for home in network.nodes { nodes.append(try await Self.start(home, heard)) }
        try await Self.until("all reach all") { nodes.allSatisfy { $0.parties.count == 3 } }
        for request in requests.prefix(2) { nodes[0].node?.submit(request) }
        let names = network.nodes.map(\.validator)
        try await Self.until("they decide") {
            names.allSatisfy { heard.decisions(of: $0) == 2 }
        }
        let first = try Self.observer("watcher", of: network)
        #expect(first.isObserver && first.index == nil && first.validator == "watcher")
        let watcher = try await Self.start(first, heard)
        try await Self.until("the observer catches up") { heard.decisions(of: "watcher") == 2 }
        let second = try Self.observer("second", of: network, peers: await watcher.addresses())
        let other = try await Self.start(second, heard)
        try await Self.until("its observer catches up") { heard.decisions(of: "second") == 2 }
        #expect(other.parties.isEmpty && nodes.allSatisfy { $0.parties.count == 3 })
        // What a client hands in to either goes to those who decide.
        watcher.node?.submit(requests[2])
        other.node?.submit(requests[3])
        try await Self.until("all decide") {
            (names + ["watcher", "second"]).allSatisfy { heard.decisions(of: $0) == 4 }
        }
        for node in nodes + [watcher, other] { #expect(await node.stop() == nil) }
        let ledgers = try (network.nodes + [first, second]).map { try Networks.entries($0) }
        let shortest = ledgers.map(\.count).min() ?? 0
        #expect(Set(ledgers.map { $0.prefix(shortest).map(\.encoded) }).count == 1)
        // A run of the network in one process leaves them alone.
        let opened = try LocalNetwork.open(at: network.path, protection: .keyFile(path: nil))
        #expect(opened.nodes.map(\.validator) == names)
        #expect(throws: NodeError.self) {
            _ = try LocalNetwork.open(
                at: network.path, only: ["watcher"], protection: .keyFile(path: nil))
        }
    }

    @Test("an observer that asks without end gets what its budget allows, and decisions go on")
    func insatiable() async throws {
        let folder = try TemporaryFolder()
        let network = try Self.make(folder, 4, threshold: 3)
        let heard = Heard()
        let requests = try Self.requests(network, 0..<3)
        var nodes: [NodeProcess] = []
        for home in network.nodes { nodes.append(try await Self.start(home, heard)) }
        try await Self.until("all reach all") { nodes.allSatisfy { $0.parties.count == 3 } }
        let names = network.nodes.map(\.validator)
        for (place, request) in requests.prefix(2).enumerated() {
            nodes[0].node?.submit(request)
            try await Self.until("they decide") {
                names.allSatisfy { heard.decisions(of: $0) == place + 1 }
            }
        }

        let answers = Mutex(0)
        let transport = NetworkTransport(Hello(ledger: network.ledger, party: nil), tell: { _ in })
        transport.receive { arrival in
            if arrival.bytes.first == PeerMessageKind.batch.rawValue {
                answers.withLock { $0 += 1 }
            }
            arrival.judge?(.ignore)
        }
        var settings = PeerNetworkSettings(host: HostSettings(identity: SigningKey(), listen: []))
        settings.peers = await nodes[0].addresses()
        let glutton = transport.makeNetwork(settings)
        try await glutton.start()
        try await Self.until("it reaches the node") { transport.parties.count == 1 }
        let question = PeerMessage.status(
            Status(
                height: Height(1), round: 0, hasProposal: false, prevotes: [], precommits: [],
                wanted: [])
        ).encoded
        let start = ContinuousClock.now
        for _ in 0..<2_000 { transport.send(question, to: network.nodes[0].key.publicKey) }
        nodes[1].node?.submit(requests[2])
        try await Self.until("they decide again") {
            names.allSatisfy { heard.decisions(of: $0) == 3 }
        }
        try await Task.sleep(for: .seconds(1))
        let seconds = start.duration(to: .now) / .seconds(1)
        let perSecond = NodeLimits.observerBytesPerSecond / NodeLimits.observerQuestionBytes
        let count = answers.withLock(\.self)
        // An answer is all batches, each a message of its own.
        let batches = Double(try #require(nodes[0].facts).height.rawValue)
        #expect(count > 0)
        #expect(Double(count) <= batches * Double(perSecond) * (seconds + 1))
        try await glutton.stop()
        for node in nodes { #expect(await node.stop() == nil) }
    }

    @Test("a node of another ledger, and one that speaks for a party falsely, are sent away")
    func strangers() async throws {
        let folder = try TemporaryFolder()
        let network = try Self.make(folder, 4, threshold: 3)
        let refused = Mutex<[String]>([])
        let home = network.nodes[0]
        let node = try await NodeProcess(
            home, transportKey: try home.openTransportKey(.keyFile(path: nil)),
            tell: { told in
                guard case .network(.refused(_, let answer)) = told else { return }
                refused.withLock { $0.append(answer.map { "\($0)" } ?? "unreadable") }
            })
        let address = try #require(await node.addresses().first)
        let victim = network.nodes[1].key
        let lies: [(SigningKey) -> Hello] = [
            { key in
                Hello(
                    ledger: LedgerID(Digest(hashing: [1])), key: victim, number: 1,
                    transport: key.publicKey)
            },
            // A hello of the party that names another peer.
            { key in
                Hello(
                    ledger: network.ledger, key: victim, number: 1,
                    transport: SigningKey().publicKey)
            },
        ]
        for lie in lies {
            let key = SigningKey()
            let transport = NetworkTransport(lie(key), tell: { _ in })
            var settings = PeerNetworkSettings(host: HostSettings(identity: key, listen: []))
            settings.peers = [address]
            let liar = transport.makeNetwork(settings)
            let before = refused.withLock(\.count)
            try await liar.start()
            try await Self.until("it is sent away") { refused.withLock(\.count) > before }
            try await liar.stop()
        }
        let words = refused.withLock { $0 }
        #expect(words.contains { $0.hasPrefix("otherLedger") } && words.contains("unsigned"))
        #expect(node.parties.isEmpty)
        #expect(await node.stop() == nil)
    }
}
