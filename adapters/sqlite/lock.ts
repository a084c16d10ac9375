import Database from 'better-sqlite3';
import { asRefusal } from './database.ts';
import { StoreRefused } from './store-refused.ts';

/** Holds a database for one process. The system lets go of it when the process ends, however it ends. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock of the database at `path`: an exclusive transaction on a small database beside it, so that
 * the database itself stays open to the sqlite3 command.
 * @throws StoreRefused if somebody has it
 */
export function takeLock(path: string): Lock {
  const lock = openLock(path);
  try {
    // Nothing is ever written there: no journal has to lie beside it.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_BUSY') throw error;
    throw new StoreRefused(
      `${path} is served by another quota-proxy: stop that one first, or set STORE_PATH to another file`,
    );
  }
  return { release: () => lock.close() };
}

function openLock(path: string): Database.Database {
  try {
    return new Database(`${path}.lock`, { timeout: 0 });
  } catch (error) {
    throw asRefusal(error, path);
  }
}
