/**
 * What a ledger that is not kept for ever needs: which entries were removed, and what they amounted to. So
 * used = what is carried + the sum over the entries that are there, for each key and the sponsor (whose id is zeros).
 */
export const SCHEMA_6 = `
-- Of the entries up to removed_through_n only those are there that made a reservation which was not ended by then.
CREATE TABLE retention (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  removed_through_n INTEGER NOT NULL CHECK (removed_through_n >= 0),
  removed_entries INTEGER NOT NULL CHECK (removed_entries >= 0),
  -- When the latest of them was recorded.
  removed_until_at INTEGER NOT NULL
) STRICT;
INSERT INTO retention VALUES (1, 0, 0, 0);

-- Accounts as they were after entry removed_through_n.
CREATE TABLE carried_accounts (
  key_id BLOB PRIMARY KEY,
  last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE carried_buckets (
  key_id BLOB NOT NULL,
  period TEXT NOT NULL CHECK (period IN ('minute', 'hour', 'day', 'month', 'total')),
  starts_at INTEGER NOT NULL,
  requests_used INTEGER NOT NULL CHECK (requests_used >= 0),
  requests_held INTEGER NOT NULL CHECK (requests_held >= 0),
  tokens_used INTEGER NOT NULL CHECK (tokens_used >= 0),
  tokens_held INTEGER NOT NULL CHECK (tokens_held >= 0),
  cost_used_micros INTEGER NOT NULL CHECK (cost_used_micros >= 0),
  cost_held_micros INTEGER NOT NULL CHECK (cost_held_micros >= 0),
  -- What explains more than a limit allows: overdrafts, what was brought in, and when the first reservation was made.
  requests_overdraft INTEGER NOT NULL CHECK (requests_overdraft >= 0),
  tokens_overdraft INTEGER NOT NULL CHECK (tokens_overdraft >= 0),
  cost_overdraft_micros INTEGER NOT NULL CHECK (cost_overdraft_micros >= 0),
  requests_brought_to INTEGER NOT NULL CHECK (requests_brought_to >= 0),
  tokens_brought_to INTEGER NOT NULL CHECK (tokens_brought_to >= 0),
  cost_brought_to_micros INTEGER NOT NULL CHECK (cost_brought_to_micros >= 0),
  first_at INTEGER,
  PRIMARY KEY (key_id, period)
) STRICT, WITHOUT ROWID;

-- An entry that is deleted must be no open reservation's: without this, all of them are looked at for each.
CREATE INDEX reservations_n ON reservations (n);
`;
