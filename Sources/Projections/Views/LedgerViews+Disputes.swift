// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
internal import Ledger

/// A round or job in which not all said the same, with who said what.
package struct DisputeView: Codable, Equatable, Sendable {
    /// One who was asked.
    package struct Said: Codable, Equatable, Sendable {
        /// The validator's number, from 0.
        package var validator: UInt64
        /// Its name.
        package var name: String?
        /// Equal numbers said the same.
        package var side: UInt64
        /// The vote, or the status reported of a job.
        package var answer: String?
        /// Why it voted so; nil of a job.
        package var reason: String?
    }

    /// The entry that records it.
    package var entry: UInt64
    /// `request` or `job`.
    package var matter: String
    /// The entry that introduced the request or job.
    package var about: UInt64
    /// The identity of it.
    package var aboutID: String
    /// `open`, or how it was decided.
    package var outcome: String
    /// Who said what, by number.
    package var said: [Said]
}

/// Two signed messages that convict a validator, or the bridge.
package struct EvidenceView: Codable, Equatable, Sendable {
    /// The entry of the evidence.
    package var entry: UInt64
    /// The batch time of it.
    package var time: UInt64
    /// The validator; nil where it is the bridge.
    package var validator: UInt64?
    /// Its name.
    package var name: String?
    /// `vote`, `proposal`, `prevote`, `precommit`, `result`, `amnesia`, `checkpoint` or
    /// `settlement`.
    package var slot: String
    /// The request of votes and settlements.
    package var request: UInt64?
    /// The job of results.
    package var job: UInt64?
    /// The height of what was said of a batch.
    package var height: UInt64?
    /// The round of it.
    package var round: UInt64?
    /// The size of checkpoints.
    package var size: UInt64?
}

/// What a validator said that it runs, at a start of it.
package struct AnnouncementView: Codable, Equatable, Sendable {
    /// The entry that says so.
    package var entry: UInt64
    /// The validator's number, from 0.
    package var validator: UInt64
    /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
    package var name: String
    /// The version of the program.
    package var program: String
    /// The engine of its jobs; empty where it runs none.
    package var engine: String
    /// The version of the engine.
    package var engineVersion: String
    /// Whether its journal was begun anew.
    package var journalIsNew: Bool
}

/// How many requests there are of each state, and what went wrong.
package struct TotalsView: Codable, Equatable, Sendable {
    /// Requests that are not decided.
    package var open: UInt64 = 0
    /// Requests that were approved.
    package var approved: UInt64 = 0
    /// Requests that were rejected.
    package var rejected: UInt64 = 0
    /// Requests on which time ran out.
    package var timedOut: UInt64 = 0
    /// Jobs.
    package var jobs: UInt64 = 0
    /// Rounds and jobs in which not all said the same.
    package var disagreements: UInt64 = 0
    /// Pairs of messages that convict.
    package var convictions: UInt64 = 0
    /// Messages that the rules refused.
    package var refusals: UInt64 = 0
}

/// Something that is called so.
package struct FoundThing: Codable, Equatable, Sendable {
    /// `request`, `job`, `validator`, `nullifier`, `entry` or `batch`.
    package var kind: String
    /// The entry, number or height; of a nullifier the entry of its newest request.
    package var number: UInt64
    /// The identity or name; nil where the number says it.
    package var name: String?
}

extension LedgerViews {
    /// The newest `limit` disagreements recorded in a range, the newest last.
    package func disputes(
        _ range: EntryRange, newest limit: UInt64
    ) throws(ViewError) -> [DisputeView] {
        let (from, to) = range.bounds
        let found = try rows(
            """
            SELECT found.entry AS entry, found.about AS about,
                iif(request.id IS NULL, 'job', 'request') AS matter,
                coalesce(request.id, job.id) AS id,
                coalesce(request.outcome, job.decision, 'open') AS outcome
            FROM (
                SELECT DISTINCT entry, about FROM disagreement WHERE entry BETWEEN ? AND ?
                ORDER BY entry DESC LIMIT ?
            ) AS found
            LEFT JOIN request ON request.entry = found.about
            LEFT JOIN job ON job.entry = found.about
            ORDER BY found.entry
            """, [from, to, Int64(clamping: limit)]
        ) { cells throws(ViewError) in
            DisputeView(
                entry: try cells.number("entry"), matter: try cells.text("matter"),
                about: try cells.number("about"), aboutID: try cells.hex("id"),
                outcome: try cells.text("outcome"), said: [])
        }
        return try found.map { row throws(ViewError) in
            var row = row
            row.said = try said(about: row.about)
            return row
        }
    }

    private func said(about entry: UInt64) throws(ViewError) -> [DisputeView.Said] {
        try rows(
            """
            SELECT disagreement.validator, validator.name, side,
                coalesce(vote.vote, result.status) AS answer, vote.reason
            FROM disagreement JOIN validator ON validator.number = disagreement.validator
            LEFT JOIN vote ON vote.request = about AND vote.validator = disagreement.validator
            LEFT JOIN result ON result.job = about AND result.validator = disagreement.validator
            WHERE about = ? ORDER BY disagreement.validator
            """, [Int64(clamping: entry)]
        ) { cells throws(ViewError) in
            DisputeView.Said(
                validator: try cells.number("validator"), name: try cells.textIfAny("name"),
                side: try cells.number("side"), answer: try cells.textIfAny("answer"),
                reason: try cells.textIfAny("reason"))
        }
    }

    /// The newest `limit` pieces of evidence in a range, the newest last.
    package func evidence(
        _ range: EntryRange, newest limit: UInt64
    ) throws(ViewError) -> [EvidenceView] {
        let (from, to) = range.bounds
        return try rows(
            """
            SELECT evidence.entry, slot, evidence.validator, name, request, job, height, round,
                size, (SELECT time FROM batch WHERE batch.entry <= evidence.entry
                    ORDER BY batch.entry DESC LIMIT 1) AS time
            FROM evidence LEFT JOIN validator ON validator.number = evidence.validator
            WHERE evidence.entry BETWEEN ? AND ? ORDER BY evidence.entry DESC LIMIT ?
            """, [from, to, Int64(clamping: limit)]
        ) { cells throws(ViewError) in
            EvidenceView(
                entry: try cells.number("entry"), time: try cells.number("time"),
                validator: try cells.numberIfAny("validator"), name: try cells.textIfAny("name"),
                slot: try cells.text("slot"), request: try cells.numberIfAny("request"),
                job: try cells.numberIfAny("job"), height: try cells.numberIfAny("height"),
                round: try cells.numberIfAny("round"), size: try cells.numberIfAny("size"))
        }.reversed()
    }

    /// The newest `limit` announcements in a range, the newest last.
    package func announcements(
        _ range: EntryRange, newest limit: UInt64
    ) throws(ViewError) -> [AnnouncementView] {
        let (from, to) = range.bounds
        return try rows(
            """
            SELECT entry, validator, name, program, engine, engine_version, journal_is_new
            FROM announcement JOIN validator ON validator.number = announcement.validator
            WHERE entry BETWEEN ? AND ? ORDER BY entry DESC LIMIT ?
            """, [from, to, Int64(clamping: limit)]
        ) { cells throws(ViewError) in
            AnnouncementView(
                entry: try cells.number("entry"), validator: try cells.number("validator"),
                name: try cells.text("name"), program: try cells.text("program"),
                engine: try cells.text("engine"),
                engineVersion: try cells.text("engine_version"),
                journalIsNew: try cells.isTrue("journal_is_new"))
        }.reversed()
    }

    /// How many requests there are of each state. Costs one pass over them.
    package func totals() throws(ViewError) -> TotalsView {
        var totals = TotalsView()
        try forEach(
            """
            SELECT coalesce(outcome, 'open') AS outcome, count(*) AS count FROM request
            GROUP BY outcome
            """
        ) { cells throws(ViewError) in
            let count = try cells.number("count")
            switch Outcome(jsonName: try cells.text("outcome")) {
            case .approved?: totals.approved = count
            case .rejected?: totals.rejected = count
            case .timedOut?: totals.timedOut = count
            case nil: totals.open = count
            }
        }
        totals.jobs = try count("SELECT count(*) AS count FROM job")
        totals.disagreements = try count(
            "SELECT count(DISTINCT entry) AS count FROM disagreement")
        totals.convictions = try count("SELECT count(*) AS count FROM evidence")
        totals.refusals = try count("SELECT count(*) AS count FROM refusal")
        return totals
    }

    /// What is called so, a few of each kind: by the first digits of an identity, the start of a
    /// validator's name, or a number.
    package func search(_ name: String) throws(ViewError) -> [FoundThing] {
        var found: [FoundThing] = []
        if let number = UInt64(plain: name) {
            if try sealed(number) != nil {
                found.append(FoundThing(kind: "batch", number: number))
            }
            let size = try count("SELECT entries AS count FROM position")
            if number < size { found.append(FoundThing(kind: "entry", number: number)) }
        }
        found += try things(
            "validator",
            """
            SELECT number, name AS text FROM validator WHERE substr(name, 1, length(?1)) = ?1
            ORDER BY number LIMIT \(Self.foundMax)
            """, [name])
        guard let (low, high) = Self.bounds(name) else { return found }
        for (kind, sql) in Self.prefixSQL {
            found += try things(kind, sql + " LIMIT \(Self.foundMax)", [low, high])
        }
        return found
    }

    private static let foundMax = 6

    private static let prefixSQL = [
        (
            "request",
            """
            SELECT entry AS number, lower(hex(id)) AS text FROM request
            WHERE id BETWEEN ? AND ? ORDER BY id
            """
        ),
        (
            "job",
            """
            SELECT entry AS number, lower(hex(id)) AS text FROM job
            WHERE id BETWEEN ? AND ? ORDER BY id
            """
        ),
        (
            "validator",
            """
            SELECT number, name AS text FROM validator
            WHERE key BETWEEN ? AND ? ORDER BY number
            """
        ),
        (
            "nullifier",
            """
            SELECT max(request) AS number, lower(hex(nullifier)) AS text FROM nullifier
            WHERE nullifier BETWEEN ? AND ? GROUP BY nullifier ORDER BY nullifier
            """
        ),
    ]

    private func things(
        _ kind: String, _ sql: String, _ arguments: StatementArguments
    ) throws(ViewError) -> [FoundThing] {
        try rows(sql, arguments) { cells throws(ViewError) in
            FoundThing(
                kind: kind, number: try cells.number("number"), name: try cells.text("text"))
        }
    }

    /// The last entry of a batch; nil where there is no such batch.
    package func sealed(_ height: UInt64) throws(ViewError) -> UInt64? {
        try first("SELECT sealed FROM batch WHERE height = ?", [Int64(clamping: height)]) {
            cells throws(ViewError) in try cells.number("sealed")
        }
    }
}
