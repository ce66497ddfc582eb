// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What is thought of each peer: the counters behind P1 to P7.
///
/// Kept for connected peers, and for some time for peers that have gone with a score that is not
/// positive, so that leaving and coming back washes nothing off.
/// Invariants: a peer is in the mesh of a topic here exactly when it is in the router's mesh;
/// `colocated` counts the rows of each address.
/// Source: libp2p, gossipsub-v1.1, "The Score Function".
package struct PeerScores: Sendable {
    /// The counters of a peer in a topic.
    struct TopicCounters: Sendable {
        /// Since when the peer has been in the mesh, in milliseconds; nil where it is not.
        var meshSince: UInt64?
        /// How long that was when it was last looked at.
        var meshMilliseconds: UInt64 = 0
        /// Whether it has been in the mesh for long enough to be measured by P3.
        var isMeasured = false
        var firstDeliveries = FixedPoint.zero
        var meshDeliveries = FixedPoint.zero
        var meshFailures = FixedPoint.zero
        var invalidDeliveries = FixedPoint.zero
    }

    /// The counters of a peer.
    struct Row: Sendable {
        /// When the row goes, for a peer that has gone; nil while it is connected.
        var expires: UInt64?
        var topics = SortedTable<Topic, TopicCounters>()
        /// The address that counts for P6, by its group; nil where it is exempt.
        var address: Multiaddr.Part?
        var penalties = FixedPoint.zero
        var application = FixedPoint.zero
    }

    let settings: ScoreSettings
    /// Those of the topics that are scored.
    let topicSettings: SortedTable<Topic, TopicScoreSettings>
    let retainedMax: Int
    var rows = SortedTable<PeerID, Row>()
    /// How many rows an address has.
    private var colocated: [Multiaddr.Part: Int] = [:]
    private var decayed: UInt64?

    init(_ settings: GossipsubSettings) {
        self.settings = settings.score
        retainedMax = settings.limits.retainedScores
        var scored = SortedTable<Topic, TopicScoreSettings>()
        for (topic, settings) in settings.topics.rows { scored[topic] = settings.score }
        topicSettings = scored
    }

    // MARK: - Coming and going

    /// A peer has come; what is remembered of it counts again.
    mutating func connect(_ peer: PeerID, address: Multiaddr.Part?) {
        let isExempt = address.map { settings.colocationExempt.contains($0) } ?? true
        let group = isExempt ? nil : address.map { Self.group(of: $0) }
        var row = rows[peer] ?? Row()
        leaveAddress(row.address)
        row.expires = nil
        row.address = group
        if let group { colocated[group, default: 0] += 1 }
        rows[peer] = row
    }

    /// A peer has gone.
    mutating func disconnect(_ peer: PeerID, at now: UInt64) {
        guard rows.contains(peer) else { return }
        for topic in topicSettings.keys { prune(peer, topic) }
        if score(of: peer) > 0 { return forget(peer) }
        rows.update(peer) { row in
            row.expires = now + settings.retainMilliseconds
            // Else a peer would come back with a merit that it does not go on to earn.
            row.topics.updateAll { _, counters in counters.firstDeliveries = 0 }
        }
        boundRetained()
    }

    private mutating func forget(_ peer: PeerID) {
        leaveAddress(rows[peer]?.address)
        rows[peer] = nil
    }

    private mutating func leaveAddress(_ address: Multiaddr.Part?) {
        guard let address, let count = colocated[address] else { return }
        colocated[address] = count > 1 ? count - 1 : nil
    }

    /// Where too many are remembered, the least bad go first: new identities wash off no old one.
    private mutating func boundRetained() {
        let retained = rows.rows.filter { $0.1.expires != nil }.map(\.0)
        guard retained.count > retainedMax else { return }
        if let best = retained.max(by: { score(of: $0) < score(of: $1) }) { forget(best) }
    }

    /// The address by which peers are counted: of IPv6 the network, which one host may have whole.
    static func group(of address: Multiaddr.Part) -> Multiaddr.Part {
        guard case .ip6(let value) = address else { return address }
        return .ip6((value >> 64) << 64)
    }

    /// How many peers have the address of a peer, it included.
    func colocation(of row: Row) -> Int {
        row.address.flatMap { colocated[$0] } ?? 0
    }

    // MARK: - What peers do

    private mutating func update(
        _ peer: PeerID, _ topic: Topic, _ body: (inout TopicCounters, TopicScoreSettings) -> Void
    ) {
        guard let settings = topicSettings[topic] else { return }
        rows.update(peer) { row in
            var counters = row.topics[topic] ?? TopicCounters()
            body(&counters, settings)
            row.topics[topic] = counters
        }
    }

    /// A peer has come into the mesh of a topic.
    mutating func graft(_ peer: PeerID, _ topic: Topic, at now: UInt64) {
        update(peer, topic) { counters, _ in
            counters.meshSince = now
            counters.meshMilliseconds = 0
            counters.isMeasured = false
        }
    }

    /// A peer has gone from the mesh of a topic; what it owes sticks to it (P3b).
    mutating func prune(_ peer: PeerID, _ topic: Topic) {
        guard rows[peer]?.topics[topic]?.meshSince != nil else { return }
        update(peer, topic) { counters, settings in
            counters.meshFailures += counters.deficit(settings).squared
            counters.meshSince = nil
            counters.isMeasured = false
        }
    }

    /// A peer was the first to bring a message that was accepted (P2 and P3).
    mutating func creditFirst(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { counters, settings in
            counters.firstDeliveries = min(
                counters.firstDeliveries + 1, settings.firstDeliveriesCap)
        }
        creditMesh(peer, topic)
    }

    /// A peer brought a message that was accepted, first or nearly (P3).
    mutating func creditMesh(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { counters, settings in
            guard counters.meshSince != nil else { return }
            counters.meshDeliveries = min(counters.meshDeliveries + 1, settings.meshDeliveriesCap)
        }
    }

    /// A peer brought a message that is false (P4).
    mutating func debitInvalid(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { counters, _ in counters.invalidDeliveries += 1 }
    }

    /// A peer did what it should not (P7).
    mutating func penalise(_ peer: PeerID, by count: Int = 1) {
        rows.update(peer) { $0.penalties += FixedPoint(count) }
    }

    /// The owner's own opinion of a peer (P5).
    mutating func setApplication(_ peer: PeerID, _ value: FixedPoint) {
        rows.update(peer) { $0.application = value }
    }

    // MARK: - Time

    /// Lets counters decay as often as intervals have passed, and forgets who is long gone.
    mutating func advance(to now: UInt64) {
        let gone = rows.rows.filter { ($0.1.expires ?? .max) <= now }.map(\.0)
        for peer in gone { forget(peer) }
        guard let last = decayed else {
            decayed = now
            return
        }
        let intervals = (now - min(last, now)) / settings.decayMilliseconds
        guard intervals > 0 else { return }
        decayed = last + intervals * settings.decayMilliseconds
        // After so many intervals every counter is zero, unless it decays very slowly.
        let steps = min(intervals, 1000)
        let (settings, topicSettings) = (settings, topicSettings)
        let zero = settings.decayToZero
        rows.updateAll { _, row in
            for _ in 0..<steps {
                row.penalties.decay(by: settings.behaviourDecay, zeroBelow: zero)
            }
            row.topics.updateAll { topic, counters in
                guard let settings = topicSettings[topic] else { return }
                for _ in 0..<steps { counters.decay(settings, zeroBelow: zero) }
                guard let since = counters.meshSince else { return }
                counters.meshMilliseconds = now - min(since, now)
                counters.isMeasured =
                    counters.meshMilliseconds > settings.meshDeliveriesActivationMilliseconds
            }
        }
    }
}

extension PeerScores.TopicCounters {
    fileprivate mutating func decay(_ settings: TopicScoreSettings, zeroBelow zero: FixedPoint) {
        firstDeliveries.decay(by: settings.firstDeliveriesDecay, zeroBelow: zero)
        meshDeliveries.decay(by: settings.meshDeliveriesDecay, zeroBelow: zero)
        meshFailures.decay(by: settings.meshFailureDecay, zeroBelow: zero)
        invalidDeliveries.decay(by: settings.invalidDeliveriesDecay, zeroBelow: zero)
    }
}

extension FixedPoint {
    fileprivate mutating func decay(by factor: FixedPoint, zeroBelow zero: FixedPoint) {
        let left = self * factor
        self = left < zero ? 0 : left
    }
}
