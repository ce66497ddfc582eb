// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// A batch with what it holds.
package struct BatchView: Codable, Equatable, Sendable {
    /// A request with what the batch did to it.
    package struct Change: Codable, Equatable, Sendable {
        /// The entry that introduced the request.
        package var request: UInt64
        /// Its identity: 64 hexadecimal digits.
        package var requestID: String
        /// Whether the batch introduced it.
        package var isSubmitted: Bool
        /// How the batch decided it, if it did.
        package var outcome: String?
        /// The entry that says so.
        package var decided: UInt64?
    }

    /// The height: how many batches came before it.
    package var batch: UInt64
    /// Its first entry.
    package var entry: UInt64
    /// Its last entry, which seals it.
    package var sealed: UInt64
    /// The number of its entries.
    package var entries: UInt64
    /// Its time.
    package var time: UInt64
    /// Who proposed it; nobody proposes batch 0.
    package var proposer: UInt64?
    /// The name of the proposer.
    package var proposerName: String?
    /// How many in rank were passed over.
    package var round: UInt64
    /// The root of the log before the seal, as the seal states it.
    package var root: String
    /// The root of the state, likewise.
    package var stateRoot: String
    /// Votes in it.
    package var votes: UInt64 = 0
    /// Jobs submitted in it.
    package var jobs: UInt64 = 0
    /// Settlements that it orders.
    package var settlementsOrdered: UInt64 = 0
    /// Settlements reported in it.
    package var settlementsReported: UInt64 = 0
    /// Pairs of messages in it that convict a validator.
    package var evidence: UInt64 = 0
    /// Messages that it refuses.
    package var refusals: UInt64 = 0
    /// Changes that T validators agreed on.
    package var governance: UInt64 = 0
    /// The requests that it introduced or decided, by entry.
    package var requests: [Change] = []

    init(_ cells: Cells) throws(ViewError) {
        batch = try cells.number("height")
        entry = try cells.number("entry")
        sealed = try cells.number("sealed")
        entries = sealed - min(sealed, entry) + 1
        time = try cells.number("time")
        proposer = try cells.numberIfAny("proposer")
        round = try cells.number("round")
        root = try cells.hex("log_root")
        stateRoot = try cells.hex("state_root")
    }
}

extension LedgerViews {
    /// A batch by its height.
    ///
    /// What has no index by entry (votes, decisions) is looked for among the requests that were
    /// open while the batch was; a round is open for a bounded time.
    package func batch(_ height: UInt64) throws(ViewError) -> BatchView? {
        let found = try first("SELECT * FROM batch WHERE height = ?", [Int64(clamping: height)]) {
            cells throws(ViewError) in try BatchView(cells)
        }
        guard var batch = found else { return nil }
        batch.proposerName = try batch.proposer.flatMap { number throws(ViewError) in
            try party(number)?.name
        }
        let (from, to) = EntryRange(from: batch.entry, to: batch.sealed).bounds
        batch.requests = try rows(
            """
            SELECT entry, id, outcome, decided FROM request
            WHERE entry BETWEEN ?1 AND ?2 OR (entry < ?1 AND decided BETWEEN ?1 AND ?2)
            ORDER BY entry
            """, [from, to]
        ) { cells throws(ViewError) in
            let entry = try cells.number("entry")
            let decided = try cells.numberIfAny("decided").flatMap {
                $0 >= batch.entry && $0 <= batch.sealed ? $0 : nil
            }
            return BatchView.Change(
                request: entry, requestID: try cells.hex("id"), isSubmitted: entry >= batch.entry,
                outcome: decided == nil ? nil : try cells.textIfAny("outcome"), decided: decided)
        }
        batch.votes = try count(
            """
            SELECT count(*) AS count FROM request CROSS JOIN vote ON vote.request = request.entry
            WHERE request.entry <= ?2 AND (request.closed IS NULL OR request.closed >= ?1)
                AND vote.entry BETWEEN ?1 AND ?2
            """, [from, to])
        let counts: [(WritableKeyPath<BatchView, UInt64>, String)] = [
            (\.jobs, "job WHERE entry"), (\.evidence, "evidence WHERE entry"),
            (\.settlementsOrdered, "settlement WHERE ordered"),
            (\.settlementsReported, "settlement WHERE reported"),
            (\.refusals, "refusal WHERE entry"), (\.governance, "governance WHERE entry"),
        ]
        for (part, place) in counts {
            batch[keyPath: part] = try count(
                "SELECT count(*) AS count FROM \(place) BETWEEN ? AND ?", [from, to])
        }
        return batch
    }
}
