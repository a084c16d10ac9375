import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CopyBroken, type SnapshotFacts } from '#core/snapshot.ts';
import { asRefusal } from './database.ts';
import { checkCopy, describeCopy } from './inspect-copy.ts';

/**
 * Copies the database at `storePath`, beside the server that serves it, into a new file at `path`, and reads the copy
 * whole. A read transaction of its own: it sees one instant, never begins anew, and keeps no writer waiting.
 * The copy is not synced: what is sealed and sent need not survive power loss here, and a gigabyte that is written to
 * the disk meanwhile holds up the commits of requests. Blocks the thread that it runs in.
 * @throws CopyBroken, StoreRefused
 */
export function copyDatabase(storePath: string, path: string): SnapshotFacts {
  if (existsSync(path)) throw new CopyBroken(`${path} exists already`);
  const database = openToRead(storePath);
  try {
    database.pragma('synchronous = OFF');
    database.prepare('VACUUM INTO ?').run(path);
  } catch (error) {
    throw asRefusal(error, storePath);
  } finally {
    database.close();
  }
  if (!existsSync(path)) throw new CopyBroken(`${path} was not written`);
  checkCopy(path);
  return describeCopy(path);
}

function openToRead(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw asRefusal(error, path);
  }
}
