// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// A change of a reputation.
package struct ReputationView: Codable, Equatable, Sendable {
    /// The place of the entry in the log, from 0.
    package var entry: UInt64
    /// The time of its batch.
    package var time: UInt64
    /// `joined`, `correct`, `bonus`, `incorrect`, `missed`, `equivocation` or `decay`.
    package var cause: String
    /// The request, job or evidence.
    package var about: UInt64?
    /// What it was, in thousandths of a point.
    package var before: UInt64
    /// What it is.
    package var after: UInt64
    /// The identity of the request or job.
    package var aboutID: String?
    /// What the validator voted on the request, or the status that it reported of the job.
    package var answer: String?
    /// How the request or job was decided.
    package var outcome: String?
}

/// How often a cause changed a reputation, and by how much in all.
package struct CauseView: Codable, Equatable, Sendable {
    /// The cause.
    package var cause: String
    /// How often.
    package var count: UInt64
    /// The sum of the changes, in thousandths of a point.
    package var change: Int64
}

/// The reputation of a validator at some moments.
package struct ReputationSeries: Codable, Equatable, Sendable {
    /// A moment.
    package struct Point: Codable, Equatable, Sendable {
        /// The last entry that is taken in.
        package var entry: UInt64
        /// The time of its batch.
        package var time: UInt64
        /// Thousandths of a point; nil before the validator joined.
        package var reputation: UInt64?
    }

    /// The validator's number, from 0.
    package var validator: UInt64
    /// Its name.
    package var name: String?
    /// The moments, in order.
    package var points: [Point]
}

/// Whether moments are apart by equal times or by equal numbers of entries.
package enum SampleAxis: String, Sendable, CaseIterable {
    /// Equal times.
    case time
    /// Equal numbers of entries.
    case entry
}

extension LedgerViews {
    /// The newest `limit` changes of a reputation, the newest last.
    package func reputation(
        of validator: UInt64, newest limit: UInt64
    ) throws(ViewError) -> [ReputationView] {
        try rows(
            """
            SELECT change.entry AS entry, cause, about, before, after, (SELECT time FROM batch
                WHERE batch.entry <= change.entry
                ORDER BY batch.entry DESC LIMIT 1) AS time,
                coalesce(request.id, job.id) AS about_id,
                coalesce(vote.vote, result.status) AS answer,
                coalesce(request.outcome, job.decision) AS outcome
            FROM reputation_change AS change
            LEFT JOIN request ON request.entry = change.about
            LEFT JOIN job ON job.entry = change.about
            LEFT JOIN vote ON vote.request = change.about AND vote.validator = change.validator
            LEFT JOIN result ON result.job = change.about AND result.validator = change.validator
            WHERE change.validator = ? ORDER BY change.entry DESC LIMIT ?
            """, [Int64(clamping: validator), Int64(clamping: limit)]
        ) { cells throws(ViewError) in
            ReputationView(
                entry: try cells.number("entry"), time: try cells.number("time"),
                cause: try cells.text("cause"), about: try cells.numberIfAny("about"),
                before: try cells.number("before"), after: try cells.number("after"),
                aboutID: try cells.hexIfAny("about_id"), answer: try cells.textIfAny("answer"),
                outcome: try cells.textIfAny("outcome"))
        }.reversed()
    }

    /// What changed a reputation, by cause, in the order of the words.
    package func causes(of validator: UInt64) throws(ViewError) -> [CauseView] {
        try rows(
            """
            SELECT cause, count(*) AS count, sum(after - before) AS change
            FROM reputation_change WHERE validator = ? GROUP BY cause ORDER BY cause
            """, [Int64(clamping: validator)]
        ) { cells throws(ViewError) in
            CauseView(
                cause: try cells.text("cause"), count: try cells.number("count"),
                change: try cells.signedIfAny("change") ?? 0)
        }
    }

    /// The reputations of validators at `count` moments from the first entry to the last.
    ///
    /// A moment is the end of a batch, or an entry; the last is the end of the log. No moments
    /// where nothing was folded. Costs a look-up for each moment and validator.
    /// - Parameter height: The last batch that counts, where it is an earlier one.
    package func reputationSeries(
        _ validators: [UInt64], _ axis: SampleAxis, count: Int, to height: UInt64? = nil
    ) throws(ViewError) -> [ReputationSeries] {
        let moments = try moments(axis, count: max(2, count), to: height)
        let names = try validatorNames()
        return try validators.map { validator throws(ViewError) in
            var points: [ReputationSeries.Point] = []
            for moment in moments {
                let reputation = try first(
                    """
                    SELECT after FROM reputation_change WHERE validator = ? AND entry <= ?
                    ORDER BY entry DESC LIMIT 1
                    """, [Int64(clamping: validator), Int64(clamping: moment.entry)]
                ) { cells throws(ViewError) in try cells.number("after") }
                points.append(
                    ReputationSeries.Point(
                        entry: moment.entry, time: moment.time, reputation: reputation))
            }
            return ReputationSeries(
                validator: validator, name: names[validator], points: points)
        }
    }

    private func moments(
        _ axis: SampleAxis, count: Int, to height: UInt64?
    ) throws(ViewError) -> [(entry: UInt64, time: UInt64)] {
        let newest = try lastHeight()
        guard let last = height ?? newest,
            let end = try first(
                "SELECT sealed, time FROM batch WHERE height = ?", [Int64(last)],
                { cells throws(ViewError) in
                    (entry: try cells.number("sealed"), time: try cells.number("time"))
                })
        else { return [] }
        let begin = try batchTime(0)
        let steps = UInt64(count - 1)
        var moments: [(entry: UInt64, time: UInt64)] = []
        for step in 0..<UInt64(count) {
            switch axis {
            case .time:
                let time = begin + Self.part(step, of: steps, end.time - min(begin, end.time))
                let sealed = try first(
                    "SELECT sealed FROM batch WHERE height = ?",
                    [Int64(try heightUpTo(time, last: last))]
                ) { cells throws(ViewError) in try cells.number("sealed") }
                moments.append((sealed ?? 0, time))
            case .entry:
                let entry = Self.part(step, of: steps, end.entry)
                moments.append((entry, try self.time(of: entry)))
            }
        }
        return moments
    }

    /// `whole * step / steps` without overflow.
    private static func part(_ step: UInt64, of steps: UInt64, _ whole: UInt64) -> UInt64 {
        UInt64(clamping: UInt128(whole) * UInt128(step) / UInt128(max(1, steps)))
    }

    private func heightUpTo(_ time: UInt64, last: UInt64) throws(ViewError) -> UInt64 {
        guard time < .max, let after = try firstHeight(at: time + 1) else { return last }
        return after > 0 ? after - 1 : 0
    }
}
