// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What has arrived and waits to be looked at: a bounded queue for each sender.
///
/// A full queue drops what comes: what waits in it is without a gap then, and its sender, who sends
/// faster than is looked at, learns from statuses what was lost. Nobody's messages touch the queue
/// of another, and turns go around, so that a flood costs others nothing but a share of the time.
package struct PeerQueues: Sendable {
    private struct Queue {
        var messages: [Arrival?] = []
        var first = 0
        var bytes = 0

        var count: Int { messages.count - first }

        mutating func next() -> Arrival? {
            guard first < messages.count, let message = messages[first] else { return nil }
            messages[first] = nil
            first += 1
            bytes -= message.bytes.count
            if first == messages.count {
                messages.removeAll(keepingCapacity: true)
                first = 0
            } else if first > 1024 {
                messages.removeFirst(first)
                first = 0
            }
            return message
        }
    }

    /// Nothing waits yet.
    package init() {}

    private var queues: [PublicKey: Queue] = [:]
    /// The senders that have something waiting, the next one first.
    private var turns: [PublicKey] = []
    /// Messages that found no room.
    package private(set) var dropped: UInt64 = 0

    /// Whether nothing waits.
    package var isEmpty: Bool { turns.isEmpty }

    /// Messages of the sender with the most.
    var waitingMax: Int { queues.values.reduce(0) { max($0, $1.count) } }

    /// Adds a message where there is room for it; one that is larger than a queue passes an empty
    /// one. Returns whether it did.
    package mutating func add(_ message: Arrival) -> Bool {
        let sender = message.sender
        var queue = queues.removeValue(forKey: sender) ?? Queue()
        let isNew = queue.count == 0
        let hasRoom =
            isNew
            || queue.count < NodeLimits.peerMessagesMax
                && queue.bytes + message.bytes.count <= NodeLimits.peerBytesMax
        if hasRoom, !isNew || turns.count < NodeLimits.sendersMax {
            queue.messages.append(message)
            queue.bytes += message.bytes.count
            if isNew { turns.append(sender) }
            queues[sender] = queue
            return true
        }
        if !isNew { queues[sender] = queue }
        dropped += 1
        return false
    }

    /// Takes what is next, at most so many messages: a few of each sender in turn.
    package mutating func pop(_ countMax: Int) -> [Arrival] {
        var taken: [Arrival] = []
        while taken.count < countMax, let sender = turns.first {
            turns.removeFirst()
            guard var queue = queues.removeValue(forKey: sender) else { continue }
            var count = 0
            while count < NodeLimits.messagesPerTurn, taken.count < countMax,
                let message = queue.next()
            {
                taken.append(message)
                count += 1
            }
            if queue.count > 0 {
                queues[sender] = queue
                turns.append(sender)
            }
        }
        return taken
    }
}
