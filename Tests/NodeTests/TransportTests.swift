// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Node
import Synchronization
import Testing

/// The hub of one process, and what a receiver keeps of it.
@Suite("Transport")
struct TransportTests {
    private static func key(_ number: UInt8) -> PublicKey {
        SigningKey(seed: Bytes32([UInt8](repeating: number, count: 32)) ?? .zero).publicKey
    }

    @Test("what is sent to all reaches all validators but the sender, and no client")
    func toAll() {
        let hub = LocalHub()
        let heard = Mutex<[String]>([])
        let names: [(UInt8, LocalHub.Part)] = [(1, .validator), (2, .validator), (3, .client)]
        var ports: [LocalPort] = []
        for (number, part) in names {
            let port = hub.join(Self.key(number), as: part)
            port.receive { message in
                let from = (1...3).first { Self.key($0) == message.sender } ?? 0
                heard.withLock { $0.append("\(number) hears \(message.bytes) of \(from)") }
            }
            ports.append(port)
        }
        ports[0].sendToAll([7])
        ports[0].send([8], to: Self.key(3))
        ports[0].send([9], to: Self.key(4))
        #expect(heard.withLock { $0 } == ["2 hears [7] of 1", "3 hears [8] of 1"])
        hub.leave(Self.key(1))
        ports[0].sendToAll([10])
        #expect(heard.withLock { $0.count } == 2)
    }

    @Test("a flood fills the queue of its sender and of nobody else, and turns go around")
    func flood() {
        var queues = PeerQueues()
        let liar = Self.key(1)
        let honest = Self.key(2)
        var kept = 0
        for _ in 0...NodeLimits.peerMessagesMax where queues.add(Arrival([1], from: liar)) {
            kept += 1
        }
        #expect(kept == NodeLimits.peerMessagesMax)
        let isKept = queues.add(Arrival([2], from: honest))
        #expect(isKept)
        #expect(queues.dropped == 1)
        let taken = queues.pop(2 * NodeLimits.messagesPerTurn)
        #expect(taken.contains { $0.sender == honest })
        #expect(taken.count(where: { $0.sender == liar }) >= NodeLimits.messagesPerTurn)
    }

    @Test("a queue is bounded in bytes, and one message larger than it passes when it is empty")
    func bytes() {
        var queues = PeerQueues()
        let peer = Self.key(1)
        let large = [UInt8](repeating: 0, count: NodeLimits.peerBytesMax + 1)
        let first = [queues.add(Arrival(large, from: peer)), queues.add(Arrival([1], from: peer))]
        #expect(first == [true, false])
        let taken = queues.pop(1)
        #expect(taken.count == 1 && queues.isEmpty)
        let second = [queues.add(Arrival([1], from: peer)), queues.add(Arrival(large, from: peer))]
        #expect(second == [true, false])
    }
}
