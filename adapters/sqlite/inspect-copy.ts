import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CopyBroken, type Lineage, type Mark, type SnapshotFacts } from '#core/snapshot.ts';
import { refuseForeign } from './database.ts';
import { migratedTo } from './migrations.ts';
import { refuseOtherSchema } from './own-schema.ts';
import { StoreRefused } from './store-refused.ts';
import { tableDigests } from './table-digests.ts';

/** Pages are read once, from the system's cache: a copy in memory of what was just written costs nothing twice. */
const MAPPED_BYTES_MAX = 1024 ** 3;

/**
 * Reads every page of a copy that nobody else has open. Takes a second or more for each 200 MB.
 * @throws CopyBroken
 */
export function checkCopy(path: string): void {
  withCopy(path, (database) => {
    const found = database.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') throw new CopyBroken(`${path} is damaged: ${String(found).replaceAll('\n', ' ')}`);
  });
}

/** Reads every row of a copy that nobody else has open. Takes a second or more for each 100 MB. @throws CopyBroken */
export function describeCopy(path: string): SnapshotFacts {
  return withCopy(path, (database) => {
    refuseForeign(database, path);
    const schema = migratedTo(database, path);
    // What SQLite's own backup calls success may be an empty file.
    if (schema === 0) throw new CopyBroken(`${path} is empty`);
    refuseOtherSchema(database, path, schema);
    return {
      lineage: lineageOf(database),
      schema,
      mark: markOf(database),
      tables: tableDigests(database),
      bytes: statSync(path).size,
    };
  });
}

function withCopy<T>(path: string, read: (database: Database.Database) => T): T {
  const database = openCopy(path);
  try {
    database.pragma(`mmap_size = ${MAPPED_BYTES_MAX}`);
    return read(database);
  } catch (error) {
    throw asBroken(error, path);
  } finally {
    database.close();
  }
}

/** Whose history the database is. */
export function lineageOf(database: Database.Database): Lineage {
  const row = database
    .prepare<[], { lineage: Buffer; parent: Buffer | null }>('SELECT lineage, parent FROM lineage')
    .get();
  if (row === undefined) throw new Error('the lineage of this database is gone');
  return { id: row.lineage.toString('hex'), parent: row.parent?.toString('hex') ?? null };
}

/** How far the database is. */
export function markOf(database: Database.Database): Mark {
  const last = (table: string) =>
    database.prepare<[], number>(`SELECT coalesce(max(n), 0) FROM ${table}`).pluck().get() ?? 0;
  return { ledgerN: last('ledger'), operationN: last('operations'), keyChangeN: last('key_changes') };
}

/** Whatever SQLite says about a copy is one thing: it is broken. */
export function asBroken(error: unknown, path: string): unknown {
  if (error instanceof Database.SqliteError) {
    return new CopyBroken(`${path} cannot be read as a database: ${error.message}`, { cause: error });
  }
  if (error instanceof StoreRefused) return new CopyBroken(error.message, { cause: error });
  return error;
}

function openCopy(path: string): Database.Database {
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true });
    // It may be anybody's (https://sqlite.org/security.html, "Untrusted SQLite Database Files").
    database.pragma('trusted_schema = OFF');
    database.pragma('cell_size_check = ON');
    return database;
  } catch (error) {
    throw asBroken(error, path);
  }
}
