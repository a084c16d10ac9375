import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { keyNumber } from '#test/conformance/specimens.ts';
import { openDatabase } from './database.ts';
import { finishInstall, installCopy } from './install-copy.ts';
import { LIMITS } from './limits.ts';
import { takeLock } from './lock.ts';
import { openSqlite } from './open-sqlite.ts';
import { StoreRefused } from './store-refused.ts';
import { openWriter } from './writer.ts';

const CALENDAR = calendarOf('UTC');
const OLD = ['key 1', 'key 2'];
const NEW = ['key 7'];

let folder: string;
let storePath: string;
let copyPath: string;
let asidePath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  storePath = join(folder, 'quota.db');
  asidePath = join(folder, 'replaced-20261125T083716Z');
  mkdirSync(join(folder, 'restoring'));
  copyPath = join(folder, 'restoring', 'copy.db');
  makeDatabase(copyPath, [7]);
});
afterEach(() => rmSync(folder, { recursive: true }));

const install = () => installCopy({ copyPath, storePath, asidePath });
const aside = (name = 'quota.db') => join(asidePath, name);
const journalPath = () => `${storePath}.restoring`;
const writeJournal = (journal: object) => writeFileSync(journalPath(), JSON.stringify(journal));
/** What a kill leaves behind in the two halves of an install. */
const journal = (prepared: boolean) => ({
  copy: 'restoring/copy.db',
  aside: 'replaced-20261125T083716Z',
  prepared,
});

test('the copy is served, and the old database is whole in its directory, with its log', () => {
  makeOld();
  const files = ['quota.db', 'quota.db-shm', 'quota.db-wal'];
  const before = files.map((name) => readFileSync(join(folder, name)));
  install();
  const names = ['quota.db', 'quota.db.lock', 'replaced-20261125T083716Z', 'restoring'];
  expect(readdirSync(folder).sort()).toEqual(names);
  expect(readdirSync(asidePath).sort()).toEqual(files);
  expect(files.map((name) => readFileSync(aside(name)))).toEqual(before);
  expect(statSync(asidePath).mode & 0o777).toBe(0o700);
  expect(statSync(aside()).nlink).toBe(1);
  expect(labels(storePath)).toEqual(NEW);
  expect(labels(aside())).toEqual(OLD);
  expect(finishInstall(storePath)).toBe(false);
});

test.each([
  { name: 'a log without its database', files: ['quota.db-wal'] },
  { name: 'a journal of another mode', files: ['quota.db', 'quota.db-journal'] },
  { name: 'nothing', files: [] },
])('where there is $name, nothing of it stays beside the new database', ({ files }) => {
  for (const name of files) writeFileSync(join(folder, name), 'x'.repeat(9_999));
  install();
  expect(existsSync(asidePath)).toBe(files.length > 0);
  if (files.length > 0) expect(readdirSync(asidePath).sort()).toEqual(files);
  expect(readdirSync(folder).filter((name) => /^quota\.db/.test(name))).toEqual([
    'quota.db',
    'quota.db.lock',
  ]);
  expect(labels(storePath)).toEqual(NEW);
});

test('what a killed install left is finished by the next start, wherever the directory is by then', async () => {
  makeOld();
  writeJournal(journal(false));
  mkdirSync(asidePath);
  linkSync(storePath, aside());
  // It was cut short, and its database served on by an older version since.
  writeFileSync(aside('quota.db-wal'), 'of an earlier state');
  moveFolder();
  const store = await openSqlite({ path: storePath, calendar: CALENDAR });
  expect((await store.keys.account({ id: keyNumber(7).id }))?.key.label).toBe('key 7');
  await store.close();
  expect(labels(aside())).toEqual(OLD);
  expect(existsSync(journalPath())).toBe(false);
});

test('an earlier install is finished before the next', () => {
  makeOld();
  writeJournal(journal(false));
  const [first, second] = [aside(), join(folder, 'replaced-20261125T083717Z')];
  mkdirSync(join(folder, 'again'));
  makeDatabase(join(folder, 'again', 'quota.db'), [8]);
  installCopy({ copyPath: join(folder, 'again', 'quota.db'), storePath, asidePath: second });
  expect(labels(first)).toEqual(OLD);
  expect(labels(join(second, 'quota.db'))).toEqual(NEW);
  expect(labels(storePath)).toEqual(['key 8']);
});

test.each([{ prepared: true }, { prepared: false }])(
  'a journal whose copy is gone is over, prepared: $prepared',
  ({ prepared }) => {
    makeOld();
    writeJournal(journal(prepared));
    mkdirSync(asidePath);
    linkSync(storePath, aside());
    rmSync(join(folder, 'restoring'), { recursive: true });
    expect(finishInstall(storePath)).toBe(true);
    expect(finishInstall(storePath)).toBe(false);
    // Two names for the database that is served would be one too many.
    expect(existsSync(asidePath)).toBe(prepared);
    expect(labels(storePath)).toEqual(OLD);
  },
);

test('once the copy is beside the database, it is no matter what becomes of where it was', () => {
  makeOld();
  writeJournal(journal(false));
  renameSync(copyPath, `${storePath}.incoming`);
  rmSync(join(folder, 'restoring'), { recursive: true });
  expect(finishInstall(storePath)).toBe(true);
  expect(labels(storePath)).toEqual(NEW);
  expect(labels(aside())).toEqual(OLD);
});

test('where the copy and the database are gone, no empty one is served', async () => {
  writeJournal(journal(true));
  const opening = openSqlite({ path: storePath, calendar: CALENDAR });
  await expect(opening).rejects.toThrow(/quota\.db\.restoring .* move it aside, then put .*replaced-.* back/);
  expect(existsSync(storePath)).toBe(false);
});

test.each([
  { name: 'empty', text: '' },
  { name: 'cut off', text: '{"copy":"restoring/co' },
  { name: 'null', text: 'null' },
  { name: 'without a member', text: '{"copy":"restoring/copy.db","aside":"a"}' },
  { name: 'about the directory itself', text: '{"copy":"restoring/copy.db","aside":"","prepared":false}' },
  { name: 'about elsewhere', text: '{"copy":"../copy.db","aside":"a","prepared":false}' },
])('a journal that is $name is refused by name, and nothing is changed', ({ text }) => {
  makeOld();
  writeFileSync(journalPath(), text);
  const before = readdirSync(folder);
  expect(() => finishInstall(storePath)).toThrow(StoreRefused);
  expect(() => finishInstall(storePath)).toThrow(/quota\.db\.restoring cannot be read .* move it aside/);
  expect(readdirSync(folder)).toEqual(before);
});

test('beside a running server nothing is touched', () => {
  makeOld();
  const lock = takeLock(storePath);
  expect(install).toThrow(/is served by another quota-proxy: stop that one first/);
  lock.release();
  expect(existsSync(copyPath)).toBe(true);
  expect(labels(storePath)).toEqual(OLD);
  install();
  expect(labels(storePath)).toEqual(NEW);
});

test('what cannot be kept is not replaced, and the next start is not asked to try', () => {
  makeOld();
  mkdirSync(`${storePath}-journal`);
  expect(install).toThrow(/EPERM/);
  expect(existsSync(journalPath())).toBe(false);
  expect(existsSync(asidePath)).toBe(false);
  expect(existsSync(copyPath)).toBe(true);
  takeLock(storePath).release();
});

test.each([
  {
    name: 'the directory for the old one is there',
    spoil: () => mkdirSync(asidePath),
    says: /there already/,
  },
  { name: 'the copy has a log', spoil: () => writeFileSync(`${copyPath}-wal`, 'x'), says: /has a log/ },
  { name: 'there is no copy', spoil: () => rmSync(copyPath), says: /ENOENT/ },
  { name: 'the old one is to go elsewhere', spoil: () => (asidePath = `${folder}-aside`), says: /not below/ },
  { name: 'the copy is elsewhere', spoil: () => (copyPath = join(tmpdir(), 'copy.db')), says: /not below/ },
])('a mistake of the caller changes nothing: $name', ({ spoil, says }) => {
  spoil();
  expect(install).toThrow(says);
  expect(readdirSync(folder).filter((name) => /^quota\.db/.test(name))).toEqual(['quota.db.lock']);
});

test('a directory by another name is the same', () => {
  makeOld();
  const other = `${folder}-link`;
  symlinkSync(folder, other);
  copyPath = join(other, 'restoring', 'copy.db');
  installCopy({ copyPath, storePath: join(other, 'quota.db'), asidePath });
  rmSync(other);
  expect(labels(storePath)).toEqual(NEW);
});

test('who still has the old database open does not harm the new one', async () => {
  makeOld();
  const outsider = new Database(storePath);
  outsider.exec("UPDATE keys SET label = 'renamed' WHERE label = 'key 2'");
  install();
  const store = await openSqlite({ path: storePath, calendar: CALENDAR });
  await store.keys.add(keyNumber(9), null);
  outsider.exec("UPDATE keys SET label = 'renamed' WHERE label = 'key 1'");
  outsider.close();
  expect(statSync(`${storePath}-wal`).size).toBeGreaterThan(0);
  expect(labels(storePath)).toEqual([...NEW, 'key 9']);
  expect(labels(aside())).toEqual(['renamed', 'renamed']);
  await store.close();
});

/** A database of these keys, closed in good order. */
function makeDatabase(path: string, keys: readonly number[]): void {
  const writer = openWriter(openDatabase(path), CALENDAR, LIMITS);
  writer.answer(keys.map((n) => ['addKey', keyNumber(n), null]));
  writer.close();
}

/** The database of two keys as a kill leaves it: the second is only in the log. */
function makeOld(): void {
  const made = join(folder, 'made.db');
  makeDatabase(made, [1]);
  const writer = openWriter(openDatabase(made), CALENDAR, LIMITS);
  writer.answer([['addKey', keyNumber(2), null]]);
  for (const part of ['', '-wal', '-shm']) copyFileSync(made + part, storePath + part);
  writer.close();
  rmSync(made);
}

function moveFolder(): void {
  const moved = `${folder}-moved`;
  renameSync(folder, moved);
  folder = moved;
  storePath = join(moved, 'quota.db');
  asidePath = join(moved, 'replaced-20261125T083716Z');
}

/** The keys of a database, read by a stranger. */
function labels(path: string): readonly string[] {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    return database.prepare<[], string>('SELECT label FROM keys ORDER BY id').pluck().all();
  } finally {
    database.close();
  }
}
