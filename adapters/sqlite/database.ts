import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { APPLICATION_ID, migrate, migratedTo } from './migrations.ts';
import { brokenOperation, operationRows } from './operation-rows.ts';
import { openStoreDirectory } from './store-access.ts';
import { StoreRefused } from './store-refused.ts';
import { troubleOf } from './store-trouble.ts';

/** Earlier versions can corrupt a WAL database when two connections write (https://sqlite.org/wal.html, "WAL-reset bug"). */
const SQLITE_VERSION_MIN = [3, 51, 3];

/** A full check reads every page: about a second for each gigabyte of warm pages, longer from a slow disk. */
const FULL_CHECK_BYTES_MAX = 64 * 1024 * 1024;

/** After a long reader is gone, the log shrinks again to this: four checkpoints' worth. */
const LOG_BYTES_KEPT = 64 * 1024 * 1024;

/** From here on a database says whose history it is. */
const SCHEMA_WITH_LINEAGE = 2;

/** How long to wait for a person with the sqlite3 command who is writing just now. */
export const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens the database at `path` for the writer, making it and its directory if there is none.
 * A file that is damaged, foreign or newer is left as it is.
 * @throws StoreRefused if it must not be served from
 */
export function openDatabase(path: string): Database.Database {
  inspect(path);
  makeFile(path);
  const database = connect(path, {});
  try {
    refuseOldSqlite(database);
    configure(database);
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw asRefusal(error, path);
  }
}

/**
 * The path without symbolic links, so that two names of one file are one; its directory is made.
 * @throws StoreRefused if this user cannot write there
 */
export function resolveStorePath(path: string): string {
  openStoreDirectory(path);
  return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
}

/** A refusal for whatever SQLite says about a file that it cannot use. */
export function asRefusal(error: unknown, path: string): unknown {
  const trouble = troubleOf(error, path);
  if (trouble === undefined) return error;
  if (trouble.kind === 'foreign') return foreign(path, trouble.message);
  if (trouble.kind === 'damaged') return damaged(path, error instanceof Error ? error.message : '');
  return new StoreRefused(trouble.message, trouble.kind === 'full' ? 'full' : 'other');
}

/**
 * Looks at what is there by a connection that only reads: one that may write folds the log into the file
 * when it is closed, and would so change what is about to be refused.
 */
function inspect(path: string): void {
  refuseLostDatabase(path);
  refuseTruncated(path);
  if (!existsSync(path)) return;
  finishRollback(path);
  const database = connect(path, { readonly: true });
  try {
    refuseForeign(database, path);
    const schema = migratedTo(database, path);
    if (schema >= SCHEMA_WITH_LINEAGE) refuseOtherLineage(database, path);
    refuseDamaged(database, path);
    if (schema > 0) refuseMixed(database, path);
  } catch (error) {
    // The name is right, and what follows it is not: the header is torn.
    const isTorn = troubleOf(error, path)?.kind === 'foreign' && isNamedSqlite(headerOf(path));
    throw isTorn ? damaged(path, 'its header is torn') : asRefusal(error, path);
  } finally {
    database.close();
  }
}

/**
 * Power that was lost while the first start made the database leaves a journal of how it was before. Only a connection
 * that may write can take that back, as any program would that opens the file; and there is no log yet.
 */
function finishRollback(path: string): void {
  if (!existsSync(`${path}-journal`)) return;
  const database = connect(path, {});
  try {
    database.pragma('schema_version');
  } catch (error) {
    throw asRefusal(error, path);
  } finally {
    database.close();
  }
}

/** A new database is for its owner alone, as a new directory is; SQLite gives that mode to the files beside it, too. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch {
    // It is there, or cannot be made: then SQLite says why.
  }
}

function connect(path: string, options: Database.Options): Database.Database {
  try {
    return new Database(path, { timeout: BUSY_TIMEOUT_MS, ...options });
  } catch (error) {
    throw asRefusal(error, path);
  }
}

function configure(database: Database.Database): void {
  database.pragma('journal_mode = WAL');
  // NORMAL loses acknowledged commits at power loss: 12 of 12 rounds in a trial, FULL 0 of 12.
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('temp_store = MEMORY');
  // The hot pages are written again and again: 16 MiB of log between checkpoints writes each of them seldom.
  database.pragma('wal_autocheckpoint = 4000');
  database.pragma(`journal_size_limit = ${LOG_BYTES_KEPT}`);
}

function refuseOldSqlite(database: Database.Database): void {
  const version = database.prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? '0';
  const given = version.split('.').map(Number);
  const at = SQLITE_VERSION_MIN.findIndex((least, index) => given[index] !== least);
  if (at >= 0 && (given[at] ?? 0) < (SQLITE_VERSION_MIN[at] ?? 0)) {
    throw new StoreRefused(
      `SQLite ${version} is older than ${SQLITE_VERSION_MIN.join('.')}: run npm ci again`,
    );
  }
}

/** @throws StoreRefused if the file is not ours, and not new either */
export function refuseForeign(database: Database.Database, path: string): void {
  const id = database.pragma('application_id', { simple: true });
  const objects = database.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (id === APPLICATION_ID || (id === 0 && objects === 0)) return;
  if (isOfOlderVersion(database)) {
    throw new StoreRefused(
      `${path} is the database of an older quota-proxy: set STORE_PATH to a new file, and bring its keys over with ` +
        `quota-proxy import ${path}`,
    );
  }
  throw foreign(path, 'it is the database of another program');
}

/** Before this program wrote a mark into its files, keys were in tables of these names. */
function isOfOlderVersion(database: Database.Database): boolean {
  const sql =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('trial_keys', 'api_keys')";
  return database.prepare<[], number>(sql).pluck().get() !== 0;
}

function refuseDamaged(database: Database.Database, path: string): void {
  // A file too large to be read at every start is checked by `doctor` and by each backup.
  if (statSync(path).size > FULL_CHECK_BYTES_MAX) return;
  // Unlike quick_check it looks at the indexes, too: they are what a log of another database disagrees with.
  const found = database.pragma('integrity_check(1)', { simple: true });
  if (found !== 'ok') throw damaged(path, String(found).replaceAll('\n', ' '));
}

/** A log of another database brings its own often written pages, and not the one that is never written. */
function refuseOtherLineage(database: Database.Database, path: string): void {
  const sql = 'SELECT lineage.lineage IS projection.lineage FROM lineage, projection';
  const isOne = database.prepare<[], number>(sql).pluck().get();
  if (isOne !== 1) throw damaged(path, `its log ${path}-wal belongs to another database`);
}

/** The pages of another database's log may fit; the keys that they bring are not those that the ledger names. */
function refuseMixed(database: Database.Database, path: string): void {
  if (statSync(path).size > FULL_CHECK_BYTES_MAX) return;
  const sql = 'SELECT n FROM ledger WHERE key_id NOT IN (SELECT id FROM keys) LIMIT 1';
  const n = database.prepare<[], number>(sql).pluck().get();
  if (n !== undefined) throw damaged(path, `entry ${n} of the ledger is of a key that there is none of`);
  const { brokenAt } = operationRows(database).verify();
  if (brokenAt !== null) throw damaged(path, brokenOperation(database, brokenAt));
}

/** SQLite would throw such a log away, and with it the last that is known of the lost database. */
function refuseLostDatabase(path: string): void {
  const size = (name: string) => (existsSync(name) ? statSync(name).size : 0);
  if (size(path) > 0 || size(`${path}-wal`) === 0) return;
  throw new StoreRefused(
    `${path} is missing or empty, and its log ${path}-wal is not: put the database back or restore a backup; ` +
      'to begin anew, move the log aside',
  );
}

/** Without a log, a file that is shorter than its header says has lost its end (https://sqlite.org/fileformat.html §1.3). */
function refuseTruncated(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  if (existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0) return;
  const header = headerOf(path);
  if (!isNamedSqlite(header)) throw foreign(path, 'it is not an SQLite database');
  if (header.length < 100) throw damaged(path, 'its header is cut off');
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const expected = pageBytes * header.readUInt32BE(28);
  if (statSync(path).size < expected) {
    throw damaged(path, `${statSync(path).size} bytes where its header says ${expected}`);
  }
}

function isNamedSqlite(header: Buffer): boolean {
  return header.toString('latin1', 0, 15) === 'SQLite format 3';
}

/**
 * The first hundred bytes, or as many as there are. Only for whoever has the lock: on POSIX systems closing a file
 * drops all locks that this process has on it, also those of another connection (https://sqlite.org/howtocorrupt.html §2.2).
 */
function headerOf(path: string): Buffer {
  try {
    const header = Buffer.alloc(100);
    const file = openSync(path, 'r');
    try {
      return header.subarray(0, readSync(file, header));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new StoreRefused(
      `${path} cannot be read (${messageOf(error)}): make it a file that this user may read`,
    );
  }
}

function foreign(path: string, what: string): StoreRefused {
  return new StoreRefused(
    `${path} is not quota-proxy's: ${what}. Set STORE_PATH to another file, or move it aside`,
  );
}

/** What is to be done is for those to say who know whether there are backups. */
function damaged(path: string, how: string): StoreRefused {
  return new StoreRefused(`${path} is damaged (${how}) and was left as it is`, 'damaged');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
