// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Projections

/// Who led, and how often, against what the weights predict: what `recount leaders --json` prints.
package struct LeadersAnswer: Codable, Sendable {
    /// What was led, a request or a batch.
    package struct Led: Codable, Sendable {
        /// The request, where it is one.
        package var request: UInt64?
        /// The batch, where it is one.
        package var batch: UInt64?
        /// Who led it.
        package var leader: UInt64
        /// What the leader is called.
        package var leaderName: String?
        /// Of a batch, how many in rank were passed over.
        package var round: UInt64?

        init(_ led: Leadership, _ kind: LeadingKind, _ names: [UInt64: String]) {
            switch kind {
            case .requests: request = led.number
            case .batches:
                batch = led.number
                round = led.round
            }
            leader = led.leader
            leaderName = names[led.leader]
        }
    }

    /// One kind of what is led.
    package struct Part: Codable, Sendable {
        /// How often each led.
        package var shares: LeaderShares
        /// The newest, oldest first.
        package var history: [Led]
    }

    /// The kinds that were asked for, in the order of asking.
    package let parts: [Part]

    /// Asks the projections.
    ///
    /// - Parameter newest: How many of the history.
    package init(
        _ kinds: [LeadingKind], _ range: LogRange, newest: UInt64, _ views: LedgerViews
    ) throws(ViewError) {
        guard let range = try range.entries(views) else {
            parts = []
            return
        }
        let names = try views.validatorNames()
        parts = try kinds.map { kind throws(ViewError) in
            Part(
                shares: try LeaderShares.read(kind, range, views),
                history: try views.leaderships(kind, range, newest: newest).map {
                    Led($0, kind, names)
                })
        }
    }

    package init(from decoder: any Decoder) throws {
        let object = try [String: Part](from: decoder)
        parts = LeadingKind.allCases.compactMap { object[$0.rawValue] }
    }

    package func encode(to encoder: any Encoder) throws {
        var object: [String: Part] = [:]
        for part in parts { object[part.shares.kind.rawValue] = part }
        try object.encode(to: encoder)
    }
}

extension LeaderShares {
    /// The shares in a range of a ledger.
    package static func read(
        _ kind: LeadingKind, _ range: EntryRange, _ views: LedgerViews
    ) throws(ViewError) -> LeaderShares {
        var shares = LeaderShares(kind)
        if range.isWhole {
            shares.add(try views.leadingSums(kind))
            shares.name(try views.validatorNames())
            return shares
        }
        try views.forEachLeadership(kind, range) { led, candidates, isSame throws(ViewError) in
            shares.add(led, candidates, isSame: isSame)
        }
        shares.finish()
        shares.name(try views.validatorNames())
        return shares
    }
}
