import Database from 'better-sqlite3';
import { examine } from '#adapters/sqlite/doctor.ts';

/** How often a request is in the ledger. */
export interface Recorded {
  readonly reserved: number;
  readonly ended: number;
}

/** Reads a database as a stranger with the sqlite3 command does: from a connection of its own, and only reading. */
export function readDatabase<T>(path: string, read: (database: Database.Database) => T): T {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** The requests that are not in the ledger exactly once: reserved once and ended once. */
export function notOnce(path: string, requestIds: readonly string[]): ReadonlyMap<string, Recorded> {
  return readDatabase(path, (database) => {
    const count = database.prepare<[Buffer], Recorded>(
      `SELECT count(*) FILTER (WHERE kind = 'reserved') AS reserved,
              count(*) FILTER (WHERE kind IN ('settled', 'released', 'lapsed')) AS ended
       FROM ledger WHERE request_id = ?`,
    );
    const found = requestIds.map((id) => [id, count.get(blobOf(id)) ?? { reserved: 0, ended: 0 }] as const);
    return new Map(found.filter(([, { reserved, ended }]) => reserved !== 1 || ended !== 1));
  });
}

/** How many requests were ever reserved. */
export function reservedCount(path: string): number {
  const sql = "SELECT count(*) FROM ledger WHERE kind = 'reserved'";
  return readDatabase(path, (database) => database.prepare<[], number>(sql).pluck().get() ?? 0);
}

/** What `quota-proxy doctor` finds wrong with a database; it looks at SQLite's own structures, too. */
export function problemsOf(path: string): readonly string[] {
  return examine(path).flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
}

/** Forgets the entries of a request, as a store would that acknowledged too early. */
export function forget(path: string, requestId: string): void {
  const database = new Database(path);
  database.pragma('foreign_keys = OFF');
  database.prepare('DELETE FROM ledger WHERE request_id = ?').run(blobOf(requestId));
  database.close();
}

function blobOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
