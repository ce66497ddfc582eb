// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Until when who may not be grafted in which topic.
///
/// Bounded by topic, and by the number in each, where the one that ends first goes first.
struct Backoffs: Sendable {
    private var ends = SortedTable<Topic, SortedTable<PeerID, UInt64>>()
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    var count: Int { ends.values.reduce(0) { $0 + $1.count } }

    /// When the backoff ends, in milliseconds; nil where there is none.
    func end(_ peer: PeerID, _ topic: Topic) -> UInt64? { ends[topic]?[peer] }

    /// Begins a backoff, or lengthens it.
    mutating func add(_ peer: PeerID, _ topic: Topic, until end: UInt64) {
        var peers = ends[topic] ?? SortedTable()
        peers[peer] = max(end, peers[peer] ?? 0)
        if peers.count > countMax, let first = peers.rows.min(by: { $0.1 < $1.1 }) {
            peers[first.0] = nil
        }
        ends[topic] = peers
    }

    /// Forgets the backoffs that ended before this time.
    mutating func expire(at now: UInt64) {
        ends.updateAll { _, peers in peers.removeAll { _, end in end < now } }
        ends.removeAll { _, peers in peers.isEmpty }
    }
}
