// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// The statements of the fold, prepared once for a connection.
final class TableStatements {
    let ledger, batch, parameters, membership, stakeChange, reputationChange: BoundStatement
    let circuit, circuitRoot, governance, request, vote, nullifier, settlement: BoundStatement
    let job, jobValidator, result, evidence, disagreement, refusal: BoundStatement
    let validator, submitter, announcement, tally: BoundStatement
    let leave, decideRequest, closeRequest, spend, release, report: BoundStatement
    let assignJob, decideJob, closeJob: BoundStatement

    init(_ db: Database) throws {
        ledger = try BoundStatement(db, into: "ledger", columns: 4)
        batch = try BoundStatement(db, into: "batch", columns: 8)
        parameters = try BoundStatement(db, into: "parameters", columns: 17)
        membership = try BoundStatement(db, into: "membership", columns: 3)
        stakeChange = try BoundStatement(db, into: "stake_change", columns: 3)
        reputationChange = try BoundStatement(db, into: "reputation_change", columns: 6)
        circuit = try BoundStatement(db, into: "circuit", columns: 4)
        circuitRoot = try BoundStatement(db, into: "circuit_root", columns: 3)
        governance = try BoundStatement(db, into: "governance", columns: 4)
        request = try BoundStatement(db, into: "request", columns: 22)
        vote = try BoundStatement(db, into: "vote", columns: 6)
        nullifier = try BoundStatement(db, into: "nullifier", columns: 4)
        settlement = try BoundStatement(db, into: "settlement", columns: 7)
        job = try BoundStatement(db, into: "job", columns: 25)
        jobValidator = try BoundStatement(db, into: "job_validator", columns: 3)
        result = try BoundStatement(db, into: "result", columns: 7)
        evidence = try BoundStatement(db, into: "evidence", columns: 8)
        disagreement = try BoundStatement(db, into: "disagreement", columns: 4)
        refusal = try BoundStatement(db, into: "refusal", columns: 4)
        announcement = try BoundStatement(db, into: "announcement", columns: 7)
        validator = try BoundStatement(
            db,
            """
            INSERT INTO validator VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET
            stake = excluded.stake, reputation = excluded.reputation,
            is_member = excluded.is_member
            """)
        submitter = try BoundStatement(
            db,
            """
            INSERT INTO submitter VALUES (?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET quota = excluded.quota
            """)
        tally = try BoundStatement(
            db, "INSERT OR REPLACE INTO tally VALUES (?\(String(repeating: ", ?", count: 17)))")
        leave = try BoundStatement(
            db, "UPDATE membership SET left = ? WHERE validator = ? AND left IS NULL")
        decideRequest = try BoundStatement(
            db,
            """
            UPDATE request SET outcome = ?, reason = ?, approvals = ?, rejections = ?,
            abstentions = ?, margin = ?, deciding = ?, decided = ?, decided_time = ?
            WHERE entry = ?
            """)
        closeRequest = try BoundStatement(
            db, "UPDATE request SET closed = ?, close_cause = ? WHERE entry = ?")
        spend = try BoundStatement(
            db, "UPDATE nullifier SET spent = ? WHERE nullifier = ? AND request = ?")
        release = try BoundStatement(
            db, "UPDATE nullifier SET released = ? WHERE nullifier = ? AND request = ?")
        report = try BoundStatement(
            db,
            "UPDATE settlement SET reported = ?, result = ?, reference = ? WHERE request = ?")
        assignJob = try BoundStatement(
            db, "UPDATE job SET assigned = ?, deadline = ? WHERE entry = ?")
        decideJob = try BoundStatement(
            db,
            """
            UPDATE job SET decision = ?, status = ?, status_code = ?, output = ?, deciding = ?,
            decided = ?, decided_time = ? WHERE entry = ?
            """)
        closeJob = try BoundStatement(
            db, "UPDATE job SET closed = ?, close_cause = ? WHERE entry = ?")
    }
}
