import type { SqliteStore } from '#adapters/sqlite/open-sqlite.ts';
import { calendarOf } from '#core/window.ts';
import type { Config } from './config.ts';

/** Opens the store of a configuration. @throws StoreRefused, which says what to do with what is there */
export async function openStore({ storePath, timeZone, backup }: Config): Promise<SqliteStore> {
  const { openSqlite } = await import('#adapters/sqlite/open-sqlite.ts');
  const { StoreRefused } = await import('#adapters/sqlite/store-refused.ts');
  try {
    return await openSqlite({ path: storePath, calendar: calendarOf(timeZone) });
  } catch (error) {
    if (!(error instanceof StoreRefused) || error.kind !== 'damaged') throw error;
    throw new StoreRefused(`${error.message}: ${backup === null ? EXAMINE : RESTORE}`, 'damaged');
  }
}

/** Checks a database without serving from it. */
export async function examineStore(path: string, timeZone: string) {
  const { examine } = await import('#adapters/sqlite/doctor.ts');
  return examine(path, calendarOf(timeZone));
}

/** Nothing is moved or replaced before the operator says so: a restart is not to lose what can still be read. */
const RESTORE =
  'stop this server, and restore the newest backup with quota-proxy restore latest --force, which keeps this one aside';
const EXAMINE =
  'quota-proxy doctor says what is wrong with it, and BACKUP_TARGET is not set: put back a copy that you have, ' +
  'with quota-proxy restore --from FILE --force, which keeps this one aside';
