// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension PeerScores {
    /// What a score is made of, weighted.
    package struct Parts: Equatable, Sendable {
        /// P1 to P4 of all topics, capped.
        package var topics = FixedPoint.zero
        /// P5.
        package var application = FixedPoint.zero
        /// P6.
        package var colocation = FixedPoint.zero
        /// P7.
        package var behaviour = FixedPoint.zero

        /// The score.
        package var sum: FixedPoint { topics + application + colocation + behaviour }
    }

    /// The score of a peer; zero for one of which nothing is known.
    package func score(of peer: PeerID) -> FixedPoint { parts(of: peer).sum }

    /// What the score of a peer is made of.
    package func parts(of peer: PeerID) -> Parts {
        var parts = Parts()
        guard let row = rows[peer] else { return parts }
        for (topic, counters) in row.topics.rows {
            guard let settings = topicSettings[topic] else { continue }
            parts.topics += settings.weight * counters.value(settings)
        }
        if let cap = settings.topicCap { parts.topics = min(parts.topics, cap) }
        parts.application = settings.applicationWeight * row.application
        let surplus = colocation(of: row) - settings.colocationThreshold
        if surplus > 0 {
            parts.colocation = settings.colocationWeight * FixedPoint(surplus).squared
        }
        let excess = row.penalties - settings.behaviourThreshold
        if excess > 0 { parts.behaviour = settings.behaviourWeight * excess.squared }
        return parts
    }
}

extension PeerScores.TopicCounters {
    /// How much a peer in the mesh brings too little, in messages.
    func deficit(_ settings: TopicScoreSettings) -> FixedPoint {
        guard isMeasured, meshDeliveries < settings.meshDeliveriesThreshold else { return 0 }
        return settings.meshDeliveriesThreshold - meshDeliveries
    }

    /// P1 to P4, weighted.
    func value(_ settings: TopicScoreSettings) -> FixedPoint {
        var value = FixedPoint.zero
        if meshSince != nil {
            let quanta = meshMilliseconds / max(settings.timeInMeshQuantumMilliseconds, 1)
            let time = min(FixedPoint(Int(clamping: quanta)), settings.timeInMeshCap)
            value += settings.timeInMeshWeight * time
        }
        value += settings.firstDeliveriesWeight * firstDeliveries
        value += settings.meshDeliveriesWeight * deficit(settings).squared
        value += settings.meshFailureWeight * meshFailures
        value += settings.invalidDeliveriesWeight * invalidDeliveries.squared
        return value
    }
}
