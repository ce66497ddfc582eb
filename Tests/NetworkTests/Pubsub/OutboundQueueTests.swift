// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import Testing

@Suite("pubsub: what waits for a peer")
struct OutboundQueueTests {
    private func put(
        _ bytes: [UInt8], as kind: OutboundQueue.Class, in queue: inout OutboundQueue
    ) -> Bool { queue.append(bytes, as: kind) }

    private func drain(_ queue: OutboundQueue) -> [UInt8] {
        var queue = queue
        var order: [UInt8] = []
        while let bytes = queue.first {
            order.append(bytes[0])
            queue.removeFirst()
        }
        #expect(queue.byteCount == 0)
        #expect(queue.isEmpty)
        return order
    }

    @Test("control goes before gossip, gossip before messages, each in its order")
    func order() {
        var queue = OutboundQueue(bytesMax: 100)
        let all: [(UInt8, OutboundQueue.Class)] = [
            (1, .messages), (2, .gossip), (3, .control), (4, .messages), (5, .gossip),
            (6, .control),
        ]
        for (mark, kind) in all { #expect(put([mark, 0], as: kind, in: &queue)) }
        #expect(queue.byteCount == 12)
        #expect(drain(queue) == [3, 6, 2, 5, 1, 4])
    }

    @Test("a slow peer loses the oldest gossip, then the oldest messages, and no control")
    func losing() {
        var queue = OutboundQueue(bytesMax: 50)
        func bytes(_ mark: UInt8) -> [UInt8] { [mark] + [UInt8](repeating: 0, count: 9) }
        #expect(put(bytes(9), as: .control, in: &queue))
        for mark in 1...3 { #expect(put(bytes(UInt8(mark)), as: .gossip, in: &queue)) }
        for mark in 4...7 { #expect(put(bytes(UInt8(mark)), as: .messages, in: &queue)) }
        #expect(queue.lossyBytes == 50)
        #expect(drain(queue) == [9, 3, 4, 5, 6, 7])
        #expect(put(bytes(8), as: .messages, in: &queue))
        #expect(put(bytes(10), as: .messages, in: &queue))
        #expect(drain(queue) == [9, 5, 6, 7, 8, 10])
        #expect(queue.lostCount == 4)
        #expect(put([11] + [UInt8](repeating: 0, count: 99), as: .messages, in: &queue))
        #expect(drain(queue) == [9])
    }

    @Test("too much control is too much")
    func control() {
        var queue = OutboundQueue(bytesMax: 50)
        let most = OutboundQueue.controlBytesMax
        #expect(put([UInt8](repeating: 0, count: most), as: .control, in: &queue))
        #expect(put([0], as: .control, in: &queue) == false)
    }

    @Test("an RPC is of the class of the part that must come most")
    func classes() {
        #expect(Bench.saying("a").queueClass == .messages)
        #expect(Bench.wanting([Bench.id("a")]).queueClass == .gossip)
        #expect(Bench.having([Bench.id("a")]).queueClass == .gossip)
        var both = Bench.having([Bench.id("a")])
        both.grafts = [Bench.topic]
        #expect(both.queueClass == .control)
        #expect(Bench.joining().queueClass == .control)
        #expect(Bench.pruning().queueClass == .control)
    }
}
