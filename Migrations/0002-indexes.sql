-- Recount: an event-sourced ledger for a quorum of validators.
-- SPDX-License-Identifier: Apache-2.0

-- What is looked up by other than its key. A rebuild makes these last.
CREATE UNIQUE INDEX request_by_id ON request (id);
CREATE UNIQUE INDEX job_by_id ON job (id);
CREATE INDEX batch_by_entry ON batch (entry);
CREATE INDEX disagreement_by_entry ON disagreement (entry);
-- Few of all requests.
CREATE INDEX request_open ON request (entry) WHERE closed IS NULL;
CREATE INDEX request_cut_short ON request (entry) WHERE close_cause = 'nullifierSpent';

-- Nullifiers in words: claimed by an open request, spent, released, or free again since the
-- request was not approved.
CREATE VIEW nullifier_condition AS
SELECT
    lower(hex(nullifier.nullifier)) AS nullifier,
    nullifier.request AS request,
    CASE
        WHEN nullifier.released IS NOT NULL THEN 'released'
        WHEN nullifier.spent IS NOT NULL THEN 'spent'
        WHEN request.outcome IS NULL THEN 'claimed'
        ELSE 'free'
    END AS condition
FROM nullifier JOIN request ON request.entry = nullifier.request;

-- Who was asked in each closed round, and what each answered: a vote, 'missed', or 'cutShort' where
-- another request spent a nullifier before there was an answer.
CREATE VIEW answer AS
SELECT
    request.entry AS request,
    membership.validator AS validator,
    validator.name AS name,
    coalesce(
        vote.vote, CASE request.close_cause WHEN 'nullifierSpent' THEN 'cutShort' ELSE 'missed' END
    ) AS answer
FROM request
JOIN membership
    ON membership.joined < request.entry
    AND (membership.left IS NULL OR membership.left > request.entry)
JOIN validator ON validator.number = membership.validator
LEFT JOIN vote ON vote.request = request.entry AND vote.validator = membership.validator
WHERE request.closed IS NOT NULL;
