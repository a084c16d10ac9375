/**
 * What a key's old secret was and until when it works, empty where there is none; and answers to admin calls, which are
 * kept for a day under their Idempotency-Key.
 */
export const SCHEMA_4 = `
ALTER TABLE keys ADD COLUMN previous_digest BLOB CHECK (length(previous_digest) = 32);
ALTER TABLE keys ADD COLUMN previous_hint TEXT;
ALTER TABLE keys ADD COLUMN previous_ends_at INTEGER;
CREATE UNIQUE INDEX keys_previous_digest ON keys (previous_digest) WHERE previous_digest IS NOT NULL;

-- Encrypted under the Idempotency-Key, which is nowhere: an answer may show a key.
CREATE TABLE kept_replies (
  n INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  request BLOB NOT NULL CHECK (length(request) = 32),
  at INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  -- Of all up to this one: so two rows tell how much is between them.
  through_bytes INTEGER NOT NULL
) STRICT;
`;
