// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Node
import Replication
import Synchronization
import TestSupport
import Testing

/// A node whose fellows agree on what does not follow.
@Suite(.timeLimit(.minutes(30)))
struct StoppedNodeTests {
    @Test func nodeThatComesApartKeepsACaseAndDoesNothingUntilItIsReleased() async throws {
        let folder = try TemporaryFolder()
        let network = try RunningNodes.network(folder)
        let derived = Mutex<[String]>([])
        var options = NodeOptions()
        options.derivesAgain = { path in derived.withLock { $0.append(path) } }
        let nodes = try RunningNodes(network, [0], options: options)
        let home = network.nodes[0]
        let batch = try Self.batch(network, at: nodes.clock.now())
        let fellow = nodes.hub.join(network.nodes[1].key.publicKey, as: .validator)
        let heard = Mutex(0)
        fellow.receive { _ in heard.withLock { $0 += 1 } }
        let isOver = try await nodes.wait {
            // What comes before the node listens is lost.
            fellow.send(PeerMessage.batch(batch).encoded, to: home.key.publicKey)
            return nodes.node(0)?.ended.isOver == true
        }
        #expect(isOver)
        let error = try #require(nodes.stop([0]).first)
        #expect("\(error)".contains("recount case show"))
        let path = try #require(derived.withLock { $0 }.first)
        #expect(path.hasPrefix("\(home.path)/cases/"))
        #expect(try CaseFile.load(path, disk: POSIXDisk()).answer == .derivation)

        heard.withLock { $0 = 0 }
        try nodes.start(0)
        let node = try #require(nodes.node(0))
        #expect(try await nodes.wait { node.facts.stopped != nil })
        #expect(
            try await nodes.wait {
                nodes.told.contains { $0.contains("recount case release") }
            })
        // It can be read, takes nothing, and ends in order.
        #expect(nodes.state { $0.height } == Height(0))
        let answers = Mutex<[String]>([])
        let message = try #require(try nodes.requests(1).first)
        node.submit(.request(message)) { answer in answers.withLock { $0.append("\(answer)") } }
        #expect(try await nodes.wait { !answers.withLock { $0.isEmpty } })
        #expect(answers.withLock { $0 } == ["busy"])
        fellow.send(PeerMessage.batch(batch).encoded, to: home.key.publicKey)
        node.makeCheckpoint()
        try await Task.sleep(for: .seconds(2))
        #expect(nodes.stop([0]).isEmpty)
        #expect(heard.withLock { $0 } == 0, "it says nothing")

        let store = CaseStore(home: home.path, disk: POSIXDisk())
        try store.note(.released, of: try #require(try store.all().first).name)
        try nodes.start(0)
        let again = try #require(nodes.node(0))
        #expect(again.facts.stopped == nil)
        #expect(nodes.stop().isEmpty)
    }

    /// Batch 1, as three of four agree on it: with a root in its seal that does not follow.
    private static func batch(_ network: LocalNetwork, at time: Time) throws -> DecidedBatch {
        let log = try EventLog.open(
            directory: network.nodes[0].ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        guard case .ledgerOpened(let opened) = try Event(decoding: log.entry(at: 0)) else {
            fatalError("a ledger begins with its opening")
        }
        let base = try BatchRun(opening: opened)
        let state = base.state
        var frontier = base.frontier
        var run = BatchRun(state: state, frontier: frontier)
        func key(_ index: ValidatorIndex) -> SigningKey {
            let wanted = state.validator(index)?.key
            return network.nodes.first { $0.key.publicKey == wanted }?.key ?? network.nodes[0].key
        }
        let opening = state.nextOpening(
            at: max(time, state.time.adding(milliseconds: 1)), root: frontier.root, key: key)
        try run.take(.openBatch(Checked(unchecked: opening), root: frontier.root))
        try run.seal()
        var events = run.entries.map(\.event)
        guard case .batchSealed(var seal)? = events.popLast() else { fatalError("no seal") }
        seal.components[7] = Digest(hashing: [7])
        events.append(.batchSealed(seal))
        for event in events { frontier.append(leaf: event.encoded) }
        let signers = try network.nodes.dropFirst().map {
            try #require(state.validatorIndex(of: $0.key.publicKey))
        }
        return DecidedBatch(
            precommits: Precommits(
                to: frontier.root, of: Height(1), by: signers.sorted(), in: state.ledger, key: key),
            entries: events.map { EntryBytes($0.encoded) })
    }
}
