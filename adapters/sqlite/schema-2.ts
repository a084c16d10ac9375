/**
 * What backups need: whose history this is, what changed that the ledger does not tell, and what is in which vault;
 * and what a health check needs.
 */
export const SCHEMA_2 = `
-- The identity of this database. A restored copy gets a new one, and remembers the old as its parent.
CREATE TABLE lineage (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lineage BLOB NOT NULL CHECK (length(lineage) = 16),
  parent BLOB CHECK (length(parent) = 16)
) STRICT;
INSERT INTO lineage VALUES (1, randomblob(16), NULL);

-- Once more in a page that is written all the time: pages of another database's log bring another one.
ALTER TABLE projection ADD COLUMN lineage BLOB;
UPDATE projection SET lineage = (SELECT lineage FROM lineage);

-- Flipped by each health check: a page that stays what it is is not written, and proves nothing.
ALTER TABLE projection ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;

-- Which keys changed, in the order of happening; zeros are the sponsor's terms. Numbers are never used again.
CREATE TABLE key_changes (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id BLOB NOT NULL
) STRICT;
INSERT INTO key_changes (key_id) SELECT id FROM keys;
INSERT INTO key_changes (key_id) VALUES (zeroblob(16));
CREATE TRIGGER key_added AFTER INSERT ON keys
BEGIN INSERT INTO key_changes (key_id) VALUES (NEW.id); END;
CREATE TRIGGER key_changed AFTER UPDATE ON keys
BEGIN INSERT INTO key_changes (key_id) VALUES (NEW.id); END;
CREATE TRIGGER sponsor_changed AFTER UPDATE ON sponsor
BEGIN INSERT INTO key_changes (key_id) VALUES (zeroblob(16)); END;

-- One row for each vault that was ever backed up to.
CREATE TABLE backup_state (
  location TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (json_valid(state))
) STRICT, WITHOUT ROWID;
`;
