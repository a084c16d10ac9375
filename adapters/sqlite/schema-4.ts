/** What a key's old secret was and until when it works: both are as the key's own, and empty where there is none. */
export const SCHEMA_4 = `
ALTER TABLE keys ADD COLUMN previous_digest BLOB CHECK (length(previous_digest) = 32);
ALTER TABLE keys ADD COLUMN previous_hint TEXT;
ALTER TABLE keys ADD COLUMN previous_ends_at INTEGER;
CREATE UNIQUE INDEX keys_previous_digest ON keys (previous_digest) WHERE previous_digest IS NOT NULL;
`;
