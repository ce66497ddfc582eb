// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import GRDB
package import Ledger

/// Where the log holds what a closed request rests on, for those who look there themselves.
package struct RequestPlacesView: Sendable {
    /// The entry of the request.
    package var request: UInt64
    /// The opening of its batch.
    package var opening: UInt64
    /// The entry that closed its round.
    package var closed: UInt64
    /// The changes agreed on before it, rising.
    package var changes: [UInt64]
    /// The reputations before it of those in office.
    package var reputations: [ValidatorIndex: Reputation]
    /// What each validator announced last before the batch, rising.
    package var announcements: [UInt64]
    /// The report of its settlement and evidence about its votes, after the close, rising.
    package var later: [UInt64]
}

/// Where the log holds what the standing of validators before a batch rests on.
package struct StandingPlacesView: Sendable {
    /// The opening of the batch before; its own for batch 1.
    package var previous: UInt64
    /// The last request before that.
    package var request: UInt64
    /// The changes agreed on before the batch, rising.
    package var changes: [UInt64]
    /// The reputations before the request of those in office.
    package var reputations: [ValidatorIndex: Reputation]
    /// The last entry before the batch that changed the reputation of each, without decays.
    package var moved: [ValidatorIndex: UInt64]
}

extension LedgerViews {
    /// Where a request stands; nil where the entry is none, or its round is open.
    package func places(ofRequest entry: UInt64) throws(ViewError) -> RequestPlacesView? {
        let place = Int64(clamping: entry)
        let found = try first(
            """
            SELECT batch.entry AS opening, request.closed
            FROM request JOIN batch ON batch.height = request.height
            WHERE request.entry = ? AND request.closed IS NOT NULL
            """, [place]
        ) { cells throws(ViewError) in
            (opening: try cells.number("opening"), closed: try cells.number("closed"))
        }
        guard let (opening, closed) = found else { return nil }
        return RequestPlacesView(
            request: entry, opening: opening, closed: closed, changes: try changes(before: entry),
            reputations: try reputations(before: entry),
            announcements: try entries(
                """
                SELECT max(entry) AS entry FROM announcement WHERE entry < ?
                GROUP BY validator ORDER BY 1
                """, [Int64(clamping: opening)]),
            later: try entries(
                """
                SELECT reported AS entry FROM settlement WHERE request = ?1 AND reported > ?2
                UNION SELECT entry FROM evidence WHERE request = ?1 AND entry > ?2 ORDER BY 1
                """, [place, Int64(clamping: closed)]))
    }

    /// The refused votes and settlements after an entry, rising; nil where they are more than a
    /// thousand.
    package func refusals(after entry: UInt64) throws(ViewError) -> [UInt64]? {
        let found = try entries(
            """
            SELECT entry FROM refusal WHERE entry > ? AND kind IN ('vote', 'settlement')
            ORDER BY entry LIMIT 1001
            """, [Int64(clamping: entry)])
        return found.count > 1_000 ? nil : found
    }

    /// The entry of the request that spent a nullifier last; nil where it was never spent.
    package func lastSpender(of nullifier: [UInt8]) throws(ViewError) -> UInt64? {
        try first(
            """
            SELECT request FROM nullifier WHERE nullifier = ? AND spent IS NOT NULL
            ORDER BY spent DESC LIMIT 1
            """, [Data(nullifier)]
        ) { cells throws(ViewError) in try cells.number("request") }
    }

    /// What the standing before a batch rests on; nil where no batch opens at the entry, or no
    /// request came before the batch before it.
    package func standing(atOpening entry: UInt64) throws(ViewError) -> StandingPlacesView? {
        let place = Int64(clamping: entry)
        let found = try first(
            """
            SELECT previous, (SELECT max(entry) FROM request WHERE entry < previous) AS request
            FROM (
                SELECT iif(batch.height = 1, batch.entry, before.entry) AS previous
                FROM batch LEFT JOIN batch AS before ON before.height = batch.height - 1
                WHERE batch.entry = ?
            )
            """, [place]
        ) { cells throws(ViewError) -> (previous: UInt64, request: UInt64)? in
            guard let request = try cells.numberIfAny("request") else { return nil }
            return (try cells.number("previous"), request)
        }
        guard case let (previous, request)?? = found else { return nil }
        return StandingPlacesView(
            previous: previous, request: request, changes: try changes(before: entry),
            reputations: try reputations(before: request), moved: try moved(before: place))
    }

    /// The opening of the batch with the last change, no decay, that a bound clamped, and the
    /// changes agreed on before it; nil where there is none.
    package func lastClamped(
        validator number: UInt64
    ) throws(ViewError) -> (opening: UInt64, changes: [UInt64])? {
        let freely = ReputationCause.allCases.map { cause in
            "WHEN '\(cause)' THEN \(cause.points * ReputationScale.thousandthsPerPoint)"
        }
        let found = try first(
            """
            SELECT max(batch.entry) AS opening FROM batch WHERE batch.entry < (
                SELECT entry FROM reputation_change
                WHERE validator = ? AND cause NOT IN ('joined', 'decay')
                    AND "after" - "before" <> CASE cause \(freely.joined(separator: " ")) END
                ORDER BY entry DESC LIMIT 1
            )
            """, [Int64(clamping: number)]
        ) { cells throws(ViewError) in try cells.numberIfAny("opening") }
        guard case let opening?? = found else { return nil }
        return (opening, try changes(before: opening))
    }

    private func changes(before entry: UInt64) throws(ViewError) -> [UInt64] {
        try entries(
            "SELECT entry FROM governance WHERE entry < ? ORDER BY entry",
            [Int64(clamping: entry)])
    }

    private func entries(
        _ sql: String, _ arguments: [Int64]
    ) throws(ViewError) -> [UInt64] {
        try rows(sql, StatementArguments(arguments)) { cells throws(ViewError) in
            try cells.number("entry")
        }
    }

    private func reputations(
        before entry: UInt64
    ) throws(ViewError) -> [ValidatorIndex: Reputation] {
        var found: [ValidatorIndex: Reputation] = [:]
        for member in try pinned(at: Int64(clamping: entry)) {
            found[member.number] = member.reputation
        }
        return found
    }

    private func moved(before entry: Int64) throws(ViewError) -> [ValidatorIndex: UInt64] {
        var found: [ValidatorIndex: UInt64] = [:]
        try forEach(
            """
            SELECT number, (
                SELECT entry FROM reputation_change AS change
                WHERE change.validator = number AND change.entry < ?
                    AND change.cause NOT IN ('joined', 'decay')
                ORDER BY change.entry DESC LIMIT 1
            ) AS entry
            FROM validator
            """, [entry]
        ) { cells throws(ViewError) in
            guard let number = UInt16(exactly: try cells.number("number")) else {
                throw .unreadable(column: "validator.number")
            }
            found[ValidatorIndex(number)] = try cells.numberIfAny("entry")
        }
        return found
    }
}
