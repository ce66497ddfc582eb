// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Messages that peers said they have, were asked for, and have not been brought since.
///
/// Of each request one message is remembered, chosen at random, so that a peer cannot know which.
/// Source: libp2p, gossipsub-v1.1, "Spam Protection Measures".
struct Promises: Sendable {
    private struct Promise: Sendable {
        let peer: PeerID
        let id: MessageID
        let expires: UInt64
    }

    /// Who promised a message that has not come.
    private var waiting: [MessageID: [PeerID]] = [:]
    /// All promises in the order in which they end, the kept ones too.
    private var order = Fifo<Promise>()
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    var count: Int { order.count }

    /// Notes that a peer was asked for a message, until a time that is not before that of others.
    mutating func add(_ id: MessageID, by peer: PeerID, expires: UInt64) {
        guard order.count < countMax, waiting[id]?.contains(peer) != true else { return }
        waiting[id, default: []].append(peer)
        order.append(Promise(peer: peer, id: id, expires: expires))
    }

    /// A message has come, from whomever.
    mutating func fulfil(_ id: MessageID) { waiting[id] = nil }

    /// Takes out the promises that were not kept, and tells how many are whose, by peer.
    mutating func takeBroken(at now: UInt64) -> SortedTable<PeerID, Int> {
        var broken = SortedTable<PeerID, Int>()
        while let promise = order.first, promise.expires <= now {
            _ = order.popFirst()
            guard var peers = waiting[promise.id],
                let index = peers.firstIndex(of: promise.peer)
            else { continue }
            peers.remove(at: index)
            waiting[promise.id] = peers.isEmpty ? nil : peers
            broken[promise.peer] = (broken[promise.peer] ?? 0) + 1
        }
        return broken
    }
}
