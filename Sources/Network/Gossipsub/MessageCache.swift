// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The messages of the last heartbeats, for peers that ask for them.
///
/// Bounded in heartbeats, in number and in bytes; the oldest go first.
/// Source: libp2p, gossipsub-v1.0, "Message Cache".
struct MessageCache: Sendable {
    private struct Entry: Sendable {
        let message: GossipMessage
        /// In which heartbeat it came.
        let window: UInt64
        /// How many times it was sent to a peer that asked.
        var served = SortedTable<PeerID, Int>()
    }

    private var entries: [MessageID: Entry] = [:]
    private var order = Fifo<MessageID>()
    /// The ids of each topic, by heartbeat, newest last.
    private var windows: [(number: UInt64, ids: SortedTable<Topic, [MessageID]>)] = []
    private var window: UInt64 = 0
    private(set) var byteCount = 0
    private let lengths: (history: Int, gossip: Int)
    private let limits: (bytes: Int, messages: Int)

    init(_ settings: GossipsubSettings) {
        lengths = (settings.historyLength, settings.historyGossip)
        limits = (settings.limits.cachedBytes, settings.limits.cachedMessages)
        windows = [(0, SortedTable())]
    }

    var count: Int { entries.count }

    /// Adds a message of the current heartbeat.
    mutating func put(_ message: GossipMessage, _ id: MessageID) {
        guard entries[id] == nil else { return }
        entries[id] = Entry(message: message, window: window)
        order.append(id)
        byteCount += message.size
        let topic = message.topic
        let last = windows.count - 1
        if windows[last].ids.update(topic, { $0.append(id) }) == nil {
            windows[last].ids[topic] = [id]
        }
        while byteCount > limits.bytes || entries.count > limits.messages { dropOldest() }
    }

    private mutating func dropOldest() {
        guard let id = order.popFirst(), let entry = entries.removeValue(forKey: id) else { return }
        byteCount -= entry.message.size
    }

    /// The message for a peer that asks for it, unless that has been sent it too many times.
    mutating func serve(_ id: MessageID, to peer: PeerID, timesMax: Int) -> GossipMessage? {
        guard let entry = entries[id] else { return nil }
        let served = entry.served[peer] ?? 0
        guard served < timesMax else { return nil }
        entries[id]?.served[peer] = served + 1
        return entry.message
    }

    /// The ids to gossip of in a topic.
    func gossip(_ topic: Topic) -> [MessageID] {
        windows.suffix(lengths.gossip).flatMap { $0.ids[topic] ?? [] }
            .filter { entries[$0] != nil }
    }

    /// Begins the next heartbeat and drops what has become too old.
    mutating func shift() {
        window += 1
        windows.append((window, SortedTable()))
        if windows.count > lengths.history { windows.removeFirst() }
        let oldest = windows[0].number
        while let id = order.first, let entry = entries[id], entry.window < oldest { dropOldest() }
    }
}
