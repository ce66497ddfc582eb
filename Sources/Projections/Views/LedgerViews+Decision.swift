// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import GRDB
package import Ledger

/// Where the log holds a request, its votes and its decision, for those who look there themselves.
package struct DecisionView: Sendable {
    /// A validator that could vote.
    package struct Member: Sendable {
        /// Its number.
        package var number: ValidatorIndex
        /// Its key.
        package var key: PublicKey
        /// Its stake when the round opened.
        package var stake: Stake
        /// Its reputation then.
        package var reputation: Reputation
    }

    /// The entry of the request.
    package var request: UInt64
    /// The entry that registered its circuit.
    package var circuit: UInt64
    /// The key that submitted it.
    package var submitter: PublicKey
    /// When votes end.
    package var deadline: Time
    /// The entry of the decision; nil of an open request.
    package var decided: UInt64?
    /// The entry that closed the round; nil while it is open.
    package var closed: UInt64?
    /// The opening of the batch of the entry that decided; nil of an open request.
    package var batch: UInt64?
    /// The entries of the votes, rising.
    package var votes: [UInt64]
    /// Who could vote, by number.
    package var pinned: [Member]
}

extension LedgerViews {
    /// Where a request stands; nil where the entry is none. Costs as much as it has votes.
    package func decision(ofRequest entry: UInt64) throws(ViewError) -> DecisionView? {
        let place = Int64(clamping: entry)
        let votes = try rows("SELECT entry FROM vote WHERE request = ? ORDER BY entry", [place]) {
            cells throws(ViewError) in try cells.number("entry")
        }
        let pinned = try pinned(at: place)
        return try first(
            """
            SELECT circuit.entry AS circuit, submitter.key AS submitter, request.deadline,
                request.decided, request.closed,
                (SELECT entry FROM batch WHERE entry <= request.deciding ORDER BY entry DESC
                    LIMIT 1) AS batch
            FROM request JOIN circuit ON circuit.number = request.circuit
            JOIN submitter ON submitter.number = request.submitter
            WHERE request.entry = ?
            """, [place]
        ) { cells throws(ViewError) in
            DecisionView(
                request: entry, circuit: try cells.number("circuit"),
                submitter: try cells.key("submitter"), deadline: Time(try cells.number("deadline")),
                decided: try cells.numberIfAny("decided"),
                closed: try cells.numberIfAny("closed"), batch: try cells.numberIfAny("batch"),
                votes: votes, pinned: pinned)
        }
    }

    /// The identity of the request of an entry; nil where it introduced none.
    package func requestID(at entry: UInt64) throws(ViewError) -> RequestID? {
        try first("SELECT id FROM request WHERE entry = ?", [Int64(clamping: entry)]) {
            cells throws(ViewError) in RequestID(try cells.digest("id"))
        }
    }

    /// The validators in office at an entry, with stakes and reputations as they were before it.
    func pinned(at entry: Int64) throws(ViewError) -> [DecisionView.Member] {
        try rows(
            """
            SELECT membership.validator AS number, validator.key AS key,
                (SELECT stake FROM stake_change AS change
                    WHERE change.validator = membership.validator AND change.entry < ?1
                    ORDER BY change.entry DESC LIMIT 1) AS stake,
                (SELECT after FROM reputation_change AS change
                    WHERE change.validator = membership.validator AND change.entry < ?1
                    ORDER BY change.entry DESC LIMIT 1) AS reputation
            FROM membership JOIN validator ON validator.number = membership.validator
            WHERE membership.joined < ?1 AND (membership.left IS NULL OR membership.left > ?1)
            ORDER BY membership.validator
            """, [entry]
        ) { cells throws(ViewError) in
            guard let number = UInt16(exactly: try cells.number("number")) else {
                throw .unreadable(column: "membership.validator")
            }
            return DecisionView.Member(
                number: ValidatorIndex(number), key: try cells.key("key"),
                stake: Stake(try cells.number("stake")),
                reputation: Reputation(try cells.number("reputation")))
        }
    }
}

extension Cells {
    fileprivate func digest(_ column: String) throws(ViewError) -> Digest {
        guard let bytes = Bytes32(try bytes(column)) else { throw .unreadable(column: column) }
        return Digest(bytes)
    }

    fileprivate func key(_ column: String) throws(ViewError) -> PublicKey {
        guard let bytes = Bytes32(try bytes(column)) else { throw .unreadable(column: column) }
        return PublicKey(bytes)
    }
}
