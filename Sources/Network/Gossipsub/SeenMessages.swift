// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Which messages have been seen of late, and what became of them.
///
/// Bounded in time and in number; the oldest go first.
struct SeenMessages: Sendable {
    /// What has become of a message.
    enum State: Sendable, Equatable {
        /// It is being judged.
        case pending
        /// It was accepted, at this time in milliseconds.
        case accepted(UInt64)
        /// It was refused as false.
        case rejected
        /// It was dropped, and nobody is at fault.
        case ignored
    }

    struct Entry: Sendable {
        var topic: Topic
        var state: State
        /// Who has brought it, the first of them first; each once.
        var senders: [PeerID]
    }

    /// How many senders of a message are remembered.
    static let sendersMax = 64

    private var entries: [MessageID: Entry] = [:]
    private var order = Fifo<(id: MessageID, expires: UInt64)>()
    private let milliseconds: UInt64
    private let countMax: Int

    init(milliseconds: UInt64, countMax: Int) {
        self.milliseconds = milliseconds
        self.countMax = countMax
    }

    var count: Int { entries.count }

    func contains(_ id: MessageID) -> Bool { entries[id] != nil }

    subscript(id: MessageID) -> Entry? { entries[id] }

    /// Notes a message that has not been seen.
    mutating func insert(_ id: MessageID, _ entry: Entry, at now: UInt64) {
        if entries.updateValue(entry, forKey: id) == nil {
            order.append((id, now + milliseconds))
        }
        while entries.count > countMax, let oldest = order.popFirst() { entries[oldest.id] = nil }
    }

    /// Notes what has become of a message, and returns its entry as it was.
    @discardableResult
    mutating func resolve(_ id: MessageID, _ state: State) -> Entry? {
        let entry = entries[id]
        entries[id]?.state = state
        return entry
    }

    /// Notes that a peer has brought a message that has been seen.
    /// - Returns: whether it is the first time that this peer does.
    mutating func note(_ sender: PeerID, of id: MessageID) -> Bool {
        guard let senders = entries[id]?.senders, !senders.contains(sender),
            senders.count < Self.sendersMax
        else { return false }
        entries[id]?.senders.append(sender)
        return true
    }

    /// Forgets what was seen too long ago.
    mutating func expire(at now: UInt64) {
        while let oldest = order.first, oldest.expires <= now {
            entries[oldest.id] = nil
            _ = order.popFirst()
        }
    }
}
