import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Mark } from '#core/snapshot.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, operation, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { problemsOf, readDatabase } from '#test/faults/ledger-file.ts';
import { auditCopy } from './audit-copy.ts';
import { beginLineage } from './begin-lineage.ts';
import { copyDatabase } from './copy-database.ts';
import { checkCopy, describeCopy } from './inspect-copy.ts';
import { MIGRATIONS } from './migrations.ts';
import { openSqlite, type SqliteStore } from './open-sqlite.ts';
import { replayRows } from './replay-rows.ts';

const KEY = keyNumber(1);
const BEGINNING: Mark = { ledgerN: 0, operationN: 0, keyChangeN: 0 };
let folder: string;
let store: SqliteStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'));
  store = await openSqlite({ path: join(folder, 'quota.db'), calendar: calendarOf('UTC') });
  await store.keys.add(KEY, operation('keys.create', KEY.id));
  await request(1);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function request(n: number): Promise<void> {
  await store.ledger.execute(reserving(n, KEY));
  await store.ledger.execute(settling(n, KEY, usageOf(10, 5)));
}

function copy(): string {
  const path = join(folder, 'copy.db');
  copyDatabase(join(folder, 'quota.db'), path);
  return path;
}

function rowsFile(text: string): string {
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, text);
  return path;
}

async function rowsAfter(mark: Mark): Promise<string> {
  return (await store.history.rowsAfter(mark, 1000))?.text ?? '';
}

test('a copy and all rows since the beginning, added twice, are the database: one file, balanced', async () => {
  const path = copy();
  await request(2);
  await store.keys.amend(KEY.id, { at: 0, label: 'changed' }, null);
  await store.ledger.execute(reserving(3, KEY));
  const rows = rowsFile(await rowsAfter(BEGINNING));
  const { sponsor } = await store.keys.sponsor().then(({ buckets }) => ({ sponsor: buckets }));
  for (let times = 0; times < 2; times += 1) {
    const replayed = replayRows(path, rows, 'UTC');
    expect(replayed.mark).toMatchObject({ ledgerN: 5, operationN: 1 });
    expect(replayed.sponsor).toEqual(sponsor);
  }
  expect(existsSync(`${path}-wal`)).toBe(false);
  expect(problemsOf(path)).toEqual([]);
  expect(auditCopy(path)).toEqual([]);
  const label = readDatabase(path, (database) => database.prepare('SELECT label FROM keys').pluck().get());
  expect(label).toBe('changed');
});

test.each([
  {
    name: 'a gap',
    change: (text: string) =>
      text
        .split('\n')
        .filter((line) => !line.includes('"n":3,'))
        .join('\n'),
    says: /row 4 of ledger does not follow row 2/,
  },
  {
    name: 'another history',
    change: (text: string) => text.replace('"tokens":100', '"tokens":101'),
    says: /row 1 of ledger is another one here: two histories are mixed/,
  },
  {
    name: 'another operation',
    change: (text: string) => text.replace('keys.create', 'keys.delete'),
    says: /row 1 of operations is another one here/,
  },
  { name: 'a row of another kind', change: () => '{"song":{"n":1}}\n', says: /unknown kind: song/ },
  { name: 'no row at all', change: () => '{}\n', says: /unknown kind/ },
  {
    name: 'an amount below zero',
    change: (text: string) => text.replace(/"n":3,(.*?)"tokens":100/, '"n":3,$1"tokens":-1'),
    says: /CHECK constraint/,
  },
])('$name is refused, and nothing is added', async ({ change, says }) => {
  const path = copy();
  await request(2);
  const text = await rowsAfter(BEGINNING);
  expect(text).toContain('"tokens":100');
  const before = describeCopy(path).tables;
  expect(() => replayRows(path, rowsFile(change(text)), 'UTC')).toThrow(says);
  expect(describeCopy(path).tables).toEqual(before);
});

test('a copy that begins a lineage of its own remembers where it comes from, and no vault', async () => {
  await store.history.rememberBackup('file:///x', {
    claim: 'c',
    shipped: null,
    pending: null,
    snapshot: null,
    drill: null,
  });
  const path = copy();
  const before = await store.history.lineage();
  expect(describeCopy(path).lineage).toEqual(before);
  beginLineage(path, { location: 'file:///y', claim: 'new' });
  const { id, parent } = describeCopy(path).lineage;
  expect(parent).toBe(before.id);
  expect(id).not.toBe(before.id);
  const reopened = await openSqlite({ path, calendar: calendarOf('UTC') });
  expect(await reopened.history.backupState('file:///x')).toBeUndefined();
  expect(await reopened.history.backupState('file:///y')).toMatchObject({ claim: 'new', shipped: null });
  await reopened.close();
});

test('the log of another database is told by its lineage', async () => {
  const other = join(folder, 'other.db');
  const calendar = calendarOf('UTC');
  await (await openSqlite({ path: other, calendar })).close();
  const theirs = await openSqlite({ path: other, calendar });
  await theirs.health.check();
  await store.close();
  const path = join(folder, 'quota.db');
  copyFileSync(`${other}-wal`, `${path}-wal`);
  await theirs.close();
  await expect(openSqlite({ path, calendar })).rejects.toThrow(
    /its log .*quota\.db-wal belongs to another database/,
  );
});

test('what breaks the books in a copy is found', async () => {
  const path = copy();
  replayRows(path, rowsFile(''), 'UTC');
  expect(auditCopy(path)).toEqual([]);
  const database = new Database(path);
  database.exec('UPDATE ledger SET tokens = tokens + 1 WHERE n = 2');
  database.close();
  expect(auditCopy(path)).toContainEqual(expect.stringMatching(/^balances: key .* the ledger says/));
});

test.each([
  { name: 'an empty file', content: '', says: /is empty/ },
  { name: 'a text', content: 'no database at all'.repeat(500), says: /cannot be read as a database/ },
])('$name is no copy', ({ content, says }) => {
  const path = join(folder, 'other.db');
  writeFileSync(path, content);
  expect(() => describeCopy(path)).toThrow(says);
  expect(() => checkCopy(join(folder, 'missing.db'))).toThrow(/cannot be read as a database/);
});

test.each([
  {
    name: 'a trigger of somebody else',
    sql: 'CREATE TRIGGER t AFTER INSERT ON ledger BEGIN DELETE FROM keys; END',
  },
  { name: 'another table under our name', sql: 'ALTER TABLE usage_days ADD COLUMN "x), (SELECT 1" TEXT' },
  { name: 'no guard of the operations', sql: 'DROP TRIGGER operations_stay' },
])('S16: a copy that has $name is not restored', ({ sql }) => {
  const path = copy();
  const database = new Database(path);
  database.exec(sql);
  database.close();
  expect(() => describeCopy(path)).toThrow(/copy\.db is not ours: /);
});

test('what an operator added to look things up is left alone', () => {
  const path = copy();
  const database = new Database(path);
  database.exec('CREATE INDEX mine ON ledger (key_id); CREATE VIEW ours AS SELECT * FROM balances');
  database.close();
  expect(describeCopy(path).schema).toBe(MIGRATIONS.length);
});

test('a copy is never written over what is there', () => {
  writeFileSync(join(folder, 'copy.db'), 'something');
  expect(copy).toThrow(/exists already/);
});
