import Database from 'better-sqlite3';
import { type BackupState, type Lineage, NOTHING_SHIPPED, type VaultClaim } from '#core/snapshot.ts';
import { asBroken, lineageOf } from './inspect-copy.ts';

/**
 * Makes a copy a database in its own right: what it writes from now on is another history than that of the database
 * which it was copied from, and which may still be running somewhere. It remembers no vault but the one that it claims.
 * @throws CopyBroken
 */
export function beginLineage(path: string, claim: VaultClaim | null): Lineage {
  try {
    const database = new Database(path, { fileMustExist: true });
    try {
      // One file, durable, whatever it was before.
      database.pragma('journal_mode = DELETE');
      database.pragma('synchronous = FULL');
      return database.transaction(() => begin(database, claim)).immediate();
    } finally {
      database.close();
    }
  } catch (error) {
    throw asBroken(error, path);
  }
}

function begin(database: Database.Database, claim: VaultClaim | null): Lineage {
  database.exec(`
    UPDATE lineage SET parent = lineage, lineage = randomblob(16);
    UPDATE projection SET lineage = (SELECT lineage FROM lineage);
    DELETE FROM backup_state;
  `);
  if (claim !== null) {
    const state: BackupState = { ...NOTHING_SHIPPED, claim: claim.claim };
    database.prepare('INSERT INTO backup_state VALUES (?, ?)').run(claim.location, JSON.stringify(state));
  }
  return lineageOf(database);
}
