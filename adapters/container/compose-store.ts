import { type SqliteStore, type SqliteThread, startSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { StoreRefused } from '#adapters/sqlite/store-refused.ts';
import { systemClock } from '#adapters/system/system-clock.ts';
import { calendarOf } from '#core/window.ts';
import type { BackupConfig } from './backup-config.ts';
import type { StorePlace } from './compose-backups.ts';
import type { VaultRestored } from './compose-restore.ts';
import type { Config } from './config.ts';
import { memoryBytes } from './memory-bytes.ts';
import { refuseBadStart } from './start-refused.ts';

/** The store that a server is to serve from. */
export interface OpenedStore {
  readonly store: SqliteStore;
  /** What was restored first, because there was no database; `null` if nothing was. */
  readonly restored: VaultRestored | null;
}

/** Starts the thread of a store that will be opened. */
export function startStoreThread(): SqliteThread {
  return startSqlite();
}

/**
 * Opens the store of a server in a thread that was started.
 * @throws ConfigError, StartRefused, StoreRefused, which says what to do with what is there
 */
export async function openServedStore(config: Config, thread: SqliteThread): Promise<OpenedStore> {
  refuseBadStart({ now: systemClock.now(), memoryBytes: memoryBytes() });
  const { backup, restoreIfMissing } = config;
  const restored = backup !== null && restoreIfMissing ? await restoredIfMissing(backup, config) : null;
  return { restored, store: await openStore(config, thread) };
}

async function restoredIfMissing(backup: BackupConfig, place: StorePlace): Promise<VaultRestored | null> {
  const { restoreIfMissing } = await import('./compose-restore.ts');
  return restoreIfMissing(backup, place);
}

async function openStore(
  { storePath, timeZone, backup }: Config,
  thread: SqliteThread,
): Promise<SqliteStore> {
  try {
    return await thread.open({ path: storePath, calendar: calendarOf(timeZone) });
  } catch (error) {
    if (!(error instanceof StoreRefused) || error.kind !== 'damaged') throw error;
    throw new StoreRefused(`${error.message}: ${backup === null ? EXAMINE : RESTORE}`, 'damaged');
  }
}

/** Checks a database without serving from it. */
export async function examineStore(path: string) {
  const { examine } = await import('#adapters/sqlite/doctor.ts');
  return examine(path);
}

/** Nothing is moved or replaced before the operator says so: a restart is not to lose what can still be read. */
const RESTORE =
  'stop this server, and restore the newest backup with quota-proxy restore latest --force, which keeps this one aside';
const EXAMINE =
  'quota-proxy doctor says what is wrong with it, and BACKUP_TARGET is not set: put back a copy that you have, ' +
  'with quota-proxy restore --from FILE --force, which keeps this one aside';
