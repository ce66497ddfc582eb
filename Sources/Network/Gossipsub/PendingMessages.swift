// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Messages that have been delivered and not yet judged.
///
/// Bounded in number, bytes and time, and so is the part of each peer: one that sends much that
/// takes long to judge leaves room for others.
struct PendingMessages: Sendable {
    struct Entry: Sendable {
        let id: MessageID
        let message: GossipMessage
        let sender: PeerID
        let expires: UInt64
    }

    private struct Share: Sendable {
        var count = 0
        var bytes = 0
    }

    private var entries: [Gossipsub.Token: Entry] = [:]
    private var shares: [PeerID: Share] = [:]
    /// Tokens in the order in which their time ends; some have been judged.
    private var order = Fifo<Gossipsub.Token>()
    private var next: UInt64 = 0
    private(set) var byteCount = 0
    private let limits: GossipsubLimits

    init(_ limits: GossipsubLimits) { self.limits = limits }

    var count: Int { entries.count }

    /// Takes a message in; nil where there is no room for it.
    mutating func add(
        _ message: GossipMessage, _ id: MessageID, from sender: PeerID, at now: UInt64
    ) -> Gossipsub.Token? {
        let size = message.size
        var share = shares[sender] ?? Share()
        share.count += 1
        share.bytes += size
        guard count < limits.pendingMessages, byteCount + size <= limits.pendingBytes,
            share.count <= max(1, limits.pendingMessages / limits.pendingShares),
            share.bytes <= limits.pendingBytes / limits.pendingShares
        else { return nil }
        let token = Gossipsub.Token(rawValue: next)
        next += 1
        shares[sender] = share
        byteCount += size
        entries[token] = Entry(
            id: id, message: message, sender: sender, expires: now + limits.pendingMilliseconds)
        order.append(token)
        return token
    }

    /// Whether half of what may wait of a peer does.
    func isPressed(by peer: PeerID) -> Bool {
        guard let share = shares[peer] else { return false }
        return share.count * 2 * limits.pendingShares >= limits.pendingMessages
            || share.bytes * 2 * limits.pendingShares >= limits.pendingBytes
    }

    /// Takes a message out; nil where it has been judged or has waited for too long.
    mutating func remove(_ token: Gossipsub.Token) -> Entry? {
        guard let entry = entries.removeValue(forKey: token) else { return nil }
        byteCount -= entry.message.size
        var share = shares[entry.sender] ?? Share()
        share.count -= 1
        share.bytes -= entry.message.size
        shares[entry.sender] = share.count > 0 ? share : nil
        while let first = order.first, entries[first] == nil { _ = order.popFirst() }
        return entry
    }

    /// Takes out the next message that has waited for too long.
    mutating func removeExpired(at now: UInt64) -> Entry? {
        guard let first = order.first, let entry = entries[first], entry.expires <= now
        else { return nil }
        return remove(first)
    }
}
