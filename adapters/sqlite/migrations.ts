import type Database from 'better-sqlite3';
import { SCHEMA_1 } from './schema-1.ts';
import { SCHEMA_2 } from './schema-2.ts';
import { SCHEMA_3 } from './schema-3.ts';
import { SCHEMA_4 } from './schema-4.ts';
import { SCHEMA_5 } from './schema-5.ts';
import { SCHEMA_6 } from './schema-6.ts';
import { SCHEMA_7 } from './schema-7.ts';
import { SCHEMA_8 } from './schema-8.ts';
import { StoreRefused } from './store-refused.ts';

/** Marks a file as quota-proxy's in its header (https://sqlite.org/pragma.html#pragma_application_id): "QPRX". */
export const APPLICATION_ID = 0x51505258;

/** Number 1 is the first; `user_version` says which was the last to be applied. Never edited once released. */
export const MIGRATIONS: readonly string[] = [
  ...[SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5, SCHEMA_6, SCHEMA_7, SCHEMA_8],
];

/**
 * Brings the schema up to date, each step in a transaction of its own with its number: old or new, never between.
 * @throws StoreRefused if the file is newer than this program
 */
export function migrate(database: Database.Database, path: string): void {
  const version = migratedTo(database, path);
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    const step = database.transaction(() => {
      applyStep(database, sql);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${index + 1}`);
    });
    step.immediate();
  }
}

/** Runs one step. One that changes the text of a table's CHECK needs what is forbidden otherwise. */
export function applyStep(database: Database.Database, sql: string): void {
  database.unsafeMode(true);
  try {
    database.exec(sql);
  } finally {
    database.unsafeMode(false);
  }
}

/** The number of the last step that was applied. @throws StoreRefused if this program does not know it */
export function migratedTo(database: Database.Database, path: string): number {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version <= MIGRATIONS.length) return version;
  throw new StoreRefused(
    `${path} has schema ${version}, and this version of quota-proxy knows ${MIGRATIONS.length}: ` +
      'start the newer version, or restore a backup that this one made',
  );
}
