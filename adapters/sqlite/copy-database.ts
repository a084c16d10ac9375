import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CopyBroken, type SnapshotFacts } from '#core/snapshot.ts';
import { asRefusal } from './database.ts';
import { inspectCopy } from './inspect-copy.ts';

/**
 * Copies the database at `storePath`, beside the server that serves it, into a new file at `path`, and reads the copy
 * whole. A read transaction of its own: it sees one instant, never begins anew, and keeps no writer waiting.
 * Blocks the thread that it runs in. @throws CopyBroken, StoreRefused
 */
export function copyDatabase(storePath: string, path: string): SnapshotFacts {
  if (existsSync(path)) throw new CopyBroken(`${path} exists already`);
  const database = openToRead(storePath);
  try {
    // The copy is synced below, and while it is being written by whoever waits for this.
    database.pragma('synchronous = OFF');
    database.prepare('VACUUM INTO ?').run(path);
  } catch (error) {
    throw asRefusal(error, storePath);
  } finally {
    database.close();
  }
  if (!existsSync(path)) throw new CopyBroken(`${path} was not written`);
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
  return inspectCopy(path);
}

function openToRead(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw asRefusal(error, path);
  }
}
