import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { idOf } from '#test/conformance/specimens.ts';
import { openDatabase } from './database.ts';
import { examine } from './doctor.ts';
import { APPLICATION_ID, applyStep, MIGRATIONS } from './migrations.ts';
import { refuseOtherSchema } from './own-schema.ts';
import { toBlob } from './uuid-blob.ts';

const ENTRIES = 50_000;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  path = join(folder, 'quota.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A database as the first release left it: schema 2, with a key and entries. */
function released(): Database.Database {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  for (const sql of MIGRATIONS.slice(0, 2)) database.exec(sql);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma('user_version = 2');
  const key = toBlob(idOf('key', 1));
  database
    .prepare(
      `INSERT INTO keys VALUES (?, zeroblob(32), 'h', '', 0, NULL, 0, NULL, '[]', 0, NULL, NULL, 0, NULL, '{}')`,
    )
    .run(key);
  database
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       INSERT INTO ledger SELECT n, 'reset', NULL, NULL, ?, n, 0, 0, 0, '{}' FROM numbers`,
    )
    .run(ENTRIES, key);
  database.pragma('wal_checkpoint(TRUNCATE)');
  return database;
}

const schemaOf = (database: Database.Database) =>
  database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();

test('a released database becomes what a new one is, and takes what was imported', () => {
  released().close();
  const migrated = openDatabase(path);
  const fresh = openDatabase(join(folder, 'fresh.db'));
  expect(schemaOf(migrated)).toEqual(schemaOf(fresh));
  expect(() => refuseOtherSchema(migrated, path, MIGRATIONS.length)).not.toThrow();
  expect(migrated.pragma('integrity_check', { simple: true })).toBe('ok');
  const add = (kind: string, requestId: Buffer | null, ending: number | null) =>
    migrated
      .prepare('INSERT INTO ledger VALUES (?, ?, ?, ?, zeroblob(16), 0, 0, 0, 0, ?)')
      .run(ENTRIES + 1, kind, requestId, ending, '{}');
  expect(() => add('imported', Buffer.alloc(16), null)).toThrow('CHECK');
  expect(() => add('imported', null, 1)).toThrow('CHECK');
  expect(() => add('exported', null, null)).toThrow('CHECK');
  expect(add('imported', null, null).changes).toBe(1);
  for (const database of [migrated, fresh]) database.close();
});

test('however many entries there are, only the schema is written, and it stays out of reach', () => {
  const database = released();
  const bytes = statSync(path).size;
  expect(bytes).toBeGreaterThan(2_000_000);
  database.transaction(() => applyStep(database, MIGRATIONS[2] ?? '')).immediate();
  expect(statSync(`${path}-wal`).size).toBeLessThan(100_000);
  database.exec('PRAGMA writable_schema = ON');
  expect(() => database.exec("UPDATE sqlite_schema SET sql = '' WHERE FALSE")).toThrow('may not be modified');
  database.close();
});

test('D14: a kill after any statement of a migration leaves the old schema or the new one', () => {
  const database = released();
  const statements = (MIGRATIONS[2] ?? '').split(/;\n/).filter((sql) => sql.trim() !== '');
  expect(statements.length).toBeGreaterThan(4);
  const versions: number[] = [];
  const look = (name: string) => {
    const image = join(folder, `${name}.db`);
    for (const part of ['', '-wal']) if (existsSync(path + part)) copyFileSync(path + part, image + part);
    const found = new Database(image);
    const version = found.pragma('user_version', { simple: true }) as number;
    versions.push(version);
    expect(() => refuseOtherSchema(found, image, version)).not.toThrow();
    found.close();
    openDatabase(image).close();
    expect(examine(image).flatMap(({ problems }) => problems)).toEqual([]);
  };
  // So small a cache that pages go to the log before the commit.
  database.pragma('cache_size = 1');
  database.exec('BEGIN IMMEDIATE');
  for (const [index, sql] of statements.entries()) {
    applyStep(database, sql);
    look(`after-${index}`);
  }
  database.pragma('user_version = 3');
  look('before-commit');
  database.exec('COMMIT');
  look('after-commit');
  expect(versions).toEqual([...statements.map(() => 2), 2, 3]);
  database.close();
}, 120_000);
