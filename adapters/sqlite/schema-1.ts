import { BALANCES } from './balances-view.ts';

/**
 * The first schema. What is true for ever is `ledger`, `keys`, `sponsor` and `operations`;
 * everything under "projection" could be computed again from them.
 */
export const SCHEMA_1 = `
CREATE TABLE keys (
  id BLOB PRIMARY KEY CHECK (length(id) = 16),
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  hint TEXT NOT NULL,
  label TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  deleted_at INTEGER,
  quotas TEXT NOT NULL CHECK (json_valid(quotas)),
  quotas_set_at INTEGER NOT NULL,
  -- Versions before 3.45 say of NULL that it is no JSON, and check the file of an operator who has one.
  models TEXT CHECK (models IS NULL OR json_valid(models)),
  ips TEXT CHECK (ips IS NULL OR json_valid(ips)),
  requests_per_minute INTEGER,
  max_concurrency INTEGER,
  metadata TEXT NOT NULL CHECK (json_valid(metadata))
) STRICT, WITHOUT ROWID;

CREATE TABLE sponsor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  quotas TEXT NOT NULL CHECK (json_valid(quotas)),
  quotas_set_at INTEGER NOT NULL
) STRICT;
INSERT INTO sponsor VALUES (1, '[]', 0);

-- One row for each fact, in the order of happening. The amounts are what was held where kind is 'reserved',
-- and what was used where it is 'settled' or 'lapsed'. No index by key: it would cost as much as the row.
CREATE TABLE ledger (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  request_id BLOB CHECK ((request_id IS NULL) = (kind = 'reset')),
  ending INTEGER,
  key_id BLOB NOT NULL,
  at INTEGER NOT NULL,
  requests INTEGER NOT NULL CHECK (requests >= 0),
  tokens INTEGER NOT NULL CHECK (tokens >= 0),
  cost_micros INTEGER NOT NULL CHECK (cost_micros >= 0),
  details TEXT NOT NULL,
  -- Not as a list after IN: SQLite builds such a list anew for each row, a quarter of what the row costs.
  CHECK (CASE kind
    WHEN 'reserved' THEN ending IS 0
    WHEN 'settled' THEN ending IS 1
    WHEN 'released' THEN ending IS 1
    WHEN 'lapsed' THEN ending IS 1
    WHEN 'reset' THEN ending IS NULL
    ELSE FALSE
  END)
) STRICT;
-- Reserved at most once, ended at most once: whatever a bug may try.
CREATE UNIQUE INDEX ledger_request ON ledger (request_id, ending) WHERE request_id IS NOT NULL;

CREATE TABLE operations (
  n INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  details TEXT NOT NULL CHECK (json_valid(details)),
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER operations_stay_as_they_are BEFORE UPDATE ON operations
BEGIN SELECT RAISE(ABORT, 'operations are never changed'); END;
CREATE TRIGGER operations_stay BEFORE DELETE ON operations
BEGIN SELECT RAISE(ABORT, 'operations are never deleted'); END;

-- Projection: accounts as they were after entry through_n. The sponsor's has an id of zeros.
-- Entries from replay_from on are not in all of them yet; use the view balances for exact figures.
CREATE TABLE projection (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  replay_from INTEGER NOT NULL,
  time_zone TEXT NOT NULL,
  -- The last entry in another time zone: its days and months cannot be computed any more.
  other_zone_n INTEGER NOT NULL
) STRICT;
INSERT INTO projection VALUES (1, 1, '', 0);

CREATE TABLE accounts (
  key_id BLOB PRIMARY KEY,
  through_n INTEGER NOT NULL,
  last_used_at INTEGER,
  arrival_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE buckets (
  key_id BLOB NOT NULL,
  period TEXT NOT NULL CHECK (period IN ('minute', 'hour', 'day', 'month', 'total')),
  starts_at INTEGER NOT NULL,
  requests_used INTEGER NOT NULL CHECK (requests_used >= 0),
  requests_held INTEGER NOT NULL CHECK (requests_held >= 0),
  tokens_used INTEGER NOT NULL CHECK (tokens_used >= 0),
  tokens_held INTEGER NOT NULL CHECK (tokens_held >= 0),
  cost_used_micros INTEGER NOT NULL CHECK (cost_used_micros >= 0),
  cost_held_micros INTEGER NOT NULL CHECK (cost_held_micros >= 0),
  PRIMARY KEY (key_id, period)
) STRICT, WITHOUT ROWID;

-- Open reservations by the number of their ledger entry.
CREATE TABLE reservations (
  key_id BLOB NOT NULL,
  n INTEGER NOT NULL REFERENCES ledger (n),
  PRIMARY KEY (key_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_days (
  day TEXT NOT NULL,
  key_id BLOB NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL CHECK (requests >= 0),
  successes INTEGER NOT NULL CHECK (successes >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  rejections INTEGER NOT NULL CHECK (rejections >= 0),
  prompt_tokens INTEGER NOT NULL CHECK (prompt_tokens >= 0),
  completion_tokens INTEGER NOT NULL CHECK (completion_tokens >= 0),
  cached_tokens INTEGER NOT NULL CHECK (cached_tokens >= 0),
  cost_micros INTEGER NOT NULL CHECK (cost_micros >= 0),
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (day, key_id, model)
) STRICT, WITHOUT ROWID;

-- The days and months that reservations were made in. SQL knows no time zones; the view asks here.
CREATE TABLE windows (
  period TEXT NOT NULL CHECK (period IN ('day', 'month')),
  starts_at INTEGER NOT NULL,
  PRIMARY KEY (period, starts_at)
) STRICT, WITHOUT ROWID;
${BALANCES}
`;
