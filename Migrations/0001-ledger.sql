-- Recount: an event-sourced ledger for a quorum of validators.
-- SPDX-License-Identifier: Apache-2.0

-- The projections of one ledger. Everything here is folded from its log and from nothing else;
-- the file may be deleted at any time and comes back the same.
--
-- Entries are positions in the log, times are milliseconds since 1970 UTC, reputations are
-- thousandths of a point, keys and hashes are blobs (hex(id) shows them). A number above 2^63 - 1,
-- which no integer of SQLite holds, is its decimal digits as text, in the columns of type ANY. Words
-- are those of the JSON that the program prints.

-- How far the fold has come. Written in the transaction of the rows that it speaks of.
CREATE TABLE position (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    ledger BLOB NOT NULL,            -- SHA-256 of the first entry
    schema BLOB NOT NULL,            -- SHA-256 of the migrations that made the tables
    entries INTEGER NOT NULL,        -- entries folded: the next is the entry of this number
    height INTEGER NOT NULL,         -- the last batch
    log_root BLOB NOT NULL,          -- the root of the log of that many entries
    state_root BLOB NOT NULL         -- what the last batch states of its state
) STRICT;

CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    bridge BLOB NOT NULL,
    time INTEGER NOT NULL
) STRICT;

CREATE TABLE batch (
    height INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL,          -- its first entry
    sealed INTEGER NOT NULL,         -- its last entry, BatchSealed
    time INTEGER NOT NULL,
    proposer INTEGER,                -- none for batch 0
    round INTEGER NOT NULL,          -- how many in rank were passed over
    log_root BLOB NOT NULL,          -- the root of the log before the seal, as the seal states it
    state_root BLOB NOT NULL
) STRICT;

-- What T validators may change; one row for the first entry and each change.
CREATE TABLE parameters (
    entry INTEGER PRIMARY KEY,
    threshold INTEGER NOT NULL,
    verification_milliseconds INTEGER NOT NULL,
    job_milliseconds INTEGER NOT NULL,
    settlement_milliseconds INTEGER NOT NULL,
    reputation_min INTEGER NOT NULL,
    reputation_max INTEGER NOT NULL,
    stake_weight INTEGER NOT NULL,
    reputation_weight INTEGER NOT NULL,
    normalisation TEXT NOT NULL CHECK (normalisation IN ('share', 'raw')),
    unclosed_max INTEGER NOT NULL,
    refusals_per_minute INTEGER NOT NULL,
    job_fuel_max ANY NOT NULL,
    job_memory_bytes_max INTEGER NOT NULL,
    job_input_bytes_max INTEGER NOT NULL,
    job_module_bytes_max INTEGER NOT NULL,
    job_milliseconds_min INTEGER NOT NULL
) STRICT;

-- A validator keeps its number and its name for ever.
CREATE TABLE validator (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    stake ANY NOT NULL,
    reputation INTEGER NOT NULL,
    is_member INTEGER NOT NULL CHECK (is_member IN (0, 1))
) STRICT;

-- When a validator was one: from the entry after `joined` to the entry `left`.
CREATE TABLE membership (
    validator INTEGER NOT NULL REFERENCES validator,
    joined INTEGER NOT NULL,
    left INTEGER,
    PRIMARY KEY (validator, joined)
) STRICT, WITHOUT ROWID;

CREATE TABLE stake_change (
    validator INTEGER NOT NULL REFERENCES validator,
    entry INTEGER NOT NULL,
    stake ANY NOT NULL,
    PRIMARY KEY (validator, entry)
) STRICT, WITHOUT ROWID;

-- Every change, also where a bound left the reputation as it was; the first row is the joining.
CREATE TABLE reputation_change (
    validator INTEGER NOT NULL REFERENCES validator,
    entry INTEGER NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN (
        'joined', 'correct', 'bonus', 'incorrect', 'missed', 'equivocation', 'decay')),
    about INTEGER,                   -- the request, job or evidence
    before INTEGER NOT NULL,
    after INTEGER NOT NULL,
    PRIMARY KEY (validator, entry)
) STRICT, WITHOUT ROWID;

-- What validators said that they run, at their starts.
CREATE TABLE announcement (
    entry INTEGER PRIMARY KEY,
    validator INTEGER NOT NULL REFERENCES validator,
    number ANY NOT NULL,             -- rising, per validator
    program TEXT NOT NULL,
    engine TEXT NOT NULL,            -- empty where no jobs are run
    engine_version TEXT NOT NULL,
    journal_is_new INTEGER NOT NULL CHECK (journal_is_new IN (0, 1))
) STRICT;

CREATE TABLE submitter (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    quota INTEGER NOT NULL
) STRICT;

CREATE TABLE circuit (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    entry INTEGER NOT NULL
) STRICT;

CREATE TABLE circuit_root (
    circuit INTEGER NOT NULL REFERENCES circuit,
    root BLOB NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (circuit, root)
) STRICT, WITHOUT ROWID;

-- Changes that T validators agreed on.
CREATE TABLE governance (
    entry INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    change TEXT NOT NULL,
    signers INTEGER NOT NULL
) STRICT;

-- A request with its round and, once there is one, its outcome.
CREATE TABLE request (
    entry INTEGER PRIMARY KEY,       -- the entry that introduced it
    id BLOB NOT NULL,
    height INTEGER NOT NULL,
    circuit INTEGER NOT NULL REFERENCES circuit,
    submitter INTEGER NOT NULL REFERENCES submitter,
    amount ANY NOT NULL,
    recipient BLOB NOT NULL,
    timestamp ANY NOT NULL,          -- the submitter's own time
    leader INTEGER NOT NULL REFERENCES validator,
    threshold INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    outcome TEXT CHECK (outcome IN ('approved', 'rejected', 'timedOut')),
    reason TEXT,
    approvals INTEGER,
    rejections INTEGER,
    abstentions INTEGER,
    margin INTEGER,                  -- approvals less the threshold
    deciding INTEGER,                -- the entry that decided it
    decided INTEGER,                 -- the entry that says so
    decided_time INTEGER,
    closed INTEGER,                  -- the entry after which no vote was taken
    close_cause TEXT
) STRICT;

CREATE TABLE vote (
    request INTEGER NOT NULL REFERENCES request,
    validator INTEGER NOT NULL REFERENCES validator,
    entry INTEGER NOT NULL,
    vote TEXT NOT NULL CHECK (vote IN ('approve', 'reject', 'abstain')),
    reason TEXT NOT NULL,
    timestamp INTEGER NOT NULL,      -- the validator's own time
    PRIMARY KEY (request, validator)
) STRICT, WITHOUT ROWID;

-- What a request would spend, and what became of it.
CREATE TABLE nullifier (
    nullifier BLOB NOT NULL,
    request INTEGER NOT NULL REFERENCES request,
    spent INTEGER,                   -- the entry that spent it
    released INTEGER,                -- the entry that released it
    PRIMARY KEY (nullifier, request)
) STRICT, WITHOUT ROWID;

CREATE TABLE settlement (
    request INTEGER PRIMARY KEY REFERENCES request,
    ordered INTEGER NOT NULL,        -- the entry of the order
    leader INTEGER NOT NULL REFERENCES validator,
    next_turn INTEGER NOT NULL,
    reported INTEGER,                -- the entry of the report
    result TEXT CHECK (result IN ('settled', 'failed')),
    reference BLOB
) STRICT;

CREATE TABLE job (
    entry INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    height INTEGER NOT NULL,
    submitter INTEGER NOT NULL REFERENCES submitter,
    module BLOB NOT NULL,
    input BLOB NOT NULL,
    module_bytes ANY NOT NULL,
    input_bytes ANY NOT NULL,
    fuel ANY NOT NULL,
    memory_bytes ANY NOT NULL,
    milliseconds ANY NOT NULL,
    engine TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    timestamp ANY NOT NULL,
    assigned INTEGER,                -- the entry that drew its validators
    deadline INTEGER,
    decision TEXT CHECK (decision IN ('agreed', 'disagreed', 'timedOut')),
    status TEXT,
    status_code INTEGER,
    output BLOB,
    deciding INTEGER,
    decided INTEGER,
    decided_time INTEGER,
    closed INTEGER,
    close_cause TEXT
) STRICT;

CREATE TABLE job_validator (
    job INTEGER NOT NULL REFERENCES job,
    place INTEGER NOT NULL,
    validator INTEGER NOT NULL REFERENCES validator,
    PRIMARY KEY (job, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE result (
    job INTEGER NOT NULL REFERENCES job,
    validator INTEGER NOT NULL REFERENCES validator,
    entry INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    output BLOB NOT NULL,
    fuel ANY NOT NULL,
    PRIMARY KEY (job, validator)
) STRICT, WITHOUT ROWID;

-- Validators convicted by two signed messages of their own.
CREATE TABLE evidence (
    entry INTEGER PRIMARY KEY,
    validator INTEGER REFERENCES validator,  -- absent where the bridge contradicts itself
    slot TEXT NOT NULL CHECK (slot IN ('vote', 'proposal', 'prevote', 'precommit', 'result',
        'amnesia', 'checkpoint', 'settlement')),
    request INTEGER REFERENCES request,      -- of votes and settlements
    height ANY,
    round INTEGER,                           -- of an amnesia that of the prevote
    job INTEGER REFERENCES job,
    size INTEGER                             -- of checkpoints
) STRICT;

-- Recorded votes or results that differ, one row for each validator.
CREATE TABLE disagreement (
    about INTEGER NOT NULL,          -- the request or job
    validator INTEGER NOT NULL REFERENCES validator,
    entry INTEGER NOT NULL,
    side INTEGER NOT NULL,           -- equal numbers said the same
    PRIMARY KEY (about, validator)
) STRICT, WITHOUT ROWID;

-- Messages that the rules refused.
CREATE TABLE refusal (
    entry INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    sender BLOB,
    reason TEXT NOT NULL
) STRICT;

-- What each validator did and led in the whole ledger: sums, so that whoever asks about all of it
-- need not read every vote. Probabilities, their variances and shares of the weights are summed in
-- units of 2^-32.
CREATE TABLE tally (
    validator INTEGER PRIMARY KEY REFERENCES validator,
    pinned INTEGER NOT NULL,         -- rounds of requests that asked it, open ones among them
    approved INTEGER NOT NULL,       -- its votes, those in open rounds among them
    rejected INTEGER NOT NULL,
    abstained INTEGER NOT NULL,
    contradicted INTEGER NOT NULL,   -- votes on requests that the outcome proved wrong
    request_candidate INTEGER NOT NULL,  -- requests that it could have led
    request_led INTEGER NOT NULL,
    request_stood_in INTEGER NOT NULL,   -- nobody stands in for the leader of a request
    request_expected INTEGER NOT NULL,
    request_variance INTEGER NOT NULL,
    request_weights INTEGER NOT NULL,
    batch_candidate INTEGER NOT NULL,    -- batches that the first in rank proposed
    batch_led INTEGER NOT NULL,
    batch_stood_in INTEGER NOT NULL,     -- batches that it proposed since the first was passed over
    batch_expected INTEGER NOT NULL,
    batch_variance INTEGER NOT NULL,
    batch_weights INTEGER NOT NULL
) STRICT;
