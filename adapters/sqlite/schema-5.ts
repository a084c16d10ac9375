/**
 * Who asked for a key. What changed is told to backups by the table of keys that did: an application has an id of its
 * own, and is told apart by where it is found.
 */
export const SCHEMA_5 = `
CREATE TABLE applications (
  id BLOB PRIMARY KEY CHECK (length(id) = 16),
  -- Of the token by which the applicant claims the key.
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  name TEXT NOT NULL,
  contact TEXT,
  reason TEXT,
  made_at INTEGER NOT NULL,
  verdict TEXT CHECK (verdict IN ('approved', 'rejected')),
  decided_at INTEGER CHECK ((decided_at IS NULL) = (verdict IS NULL)),
  decided_by TEXT CHECK ((decided_by IS NULL) = (verdict IS NULL)),
  -- Of an approval: what the key will be.
  terms TEXT CHECK ((terms IS NULL) = (verdict IS NOT 'approved')),
  -- Of a rejection.
  answer TEXT CHECK (answer IS NULL OR verdict IS 'rejected'),
  claimed_at INTEGER CHECK (claimed_at IS NULL OR verdict IS 'approved'),
  key_id BLOB UNIQUE CHECK ((key_id IS NULL) = (claimed_at IS NULL)),
  CHECK (terms IS NULL OR json_valid(terms))
) STRICT, WITHOUT ROWID;
CREATE INDEX applications_undecided ON applications (made_at) WHERE verdict IS NULL;
CREATE TRIGGER application_added AFTER INSERT ON applications
BEGIN INSERT INTO key_changes (key_id) VALUES (NEW.id); END;
CREATE TRIGGER application_changed AFTER UPDATE ON applications
BEGIN INSERT INTO key_changes (key_id) VALUES (NEW.id); END;
`;
