import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreUnavailable } from '#core/ports.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, reserving } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { LIMITS } from './limits.ts';
import { openSqlite, startSqlite } from './open-sqlite.ts';
import { StoreRefused } from './store-refused.ts';

const CALENDAR = calendarOf('UTC');

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  path = join(folder, 'quota.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => openSqlite({ path, calendar: CALENDAR });

/** A database with `keys` keys, closed in good order. */
async function made(keys = 1): Promise<void> {
  const store = await open();
  await Promise.all(Array.from({ length: keys }, (_, n) => store.keys.add(keyNumber(n), null)));
  await store.close();
}

test('a thread that rests goes on until all is written back', async () => {
  const store = await openSqlite({ path, calendar: CALENDAR, limits: { ...LIMITS, writtenAccounts: 1 } });
  for (const n of [1, 2, 3]) {
    await store.keys.add(keyNumber(n), null);
    await store.ledger.execute(reserving(n, keyNumber(n)));
  }
  const outsider = new Database(path);
  const written = outsider.prepare('SELECT count(*) FROM usage_days').pluck();
  expect(written.get()).toBe(0);
  await expect.poll(() => written.get()).toBe(3);
  outsider.close();
  await store.close();
});

test('a thread that no store was opened in ends when it is disposed of; with a store, when that is closed', async () => {
  await using unused = startSqlite();
  await unused[Symbol.asyncDispose]();
  await expect(unused.open({ path, calendar: CALENDAR })).rejects.toThrow(StoreUnavailable);
  expect(existsSync(path)).toBe(false);

  const used = startSqlite();
  const store = await used.open({ path, calendar: CALENDAR });
  await used[Symbol.asyncDispose]();
  await store.keys.add(keyNumber(1), null);
  await store.close();
  await expect(store.keys.account({ id: keyNumber(1).id })).rejects.toThrow('the store is closed');
});

test('a health check writes, each time: what is not written proves nothing about the disk', async () => {
  await (await open()).close();
  const store = await open();
  const sizes: number[] = [];
  for (let check = 0; check < 3; check += 1) {
    await store.health.check();
    sizes.push((await store.health.status()).walBytes);
  }
  await store.close();
  expect(sizes[0]).toBeGreaterThan(0);
  expect(sizes[1]).toBeGreaterThan(sizes[0] ?? 0);
  expect(sizes[2]).toBeGreaterThan(sizes[1] ?? 0);
});

test('makes the directory for its owner alone, and an empty file is a new database', async () => {
  path = join(folder, 'a', 'b', 'quota.db');
  await made();
  expect(statSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700);
  path = join(folder, 'empty.db');
  writeFileSync(path, '');
  await made();
  expect(statSync(path).size).toBeGreaterThan(0);
});

test('makes the files of a new database for their owner alone, and leaves those of an old one as they are', async () => {
  const store = await open();
  await store.keys.add(keyNumber(1), null);
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  await store.close();
  chmodSync(path, 0o640);
  await made();
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test('a second server on the same file is refused at once, and the first goes on', async () => {
  const first = await open();
  await expect(open()).rejects.toThrow(/quota\.db is served by another quota-proxy: stop that one/);
  await expect(open()).rejects.toBeInstanceOf(StoreRefused);
  await first.keys.add(keyNumber(1), null);
  expect(await first.ledger.execute(reserving(1, keyNumber(1)))).toMatchObject({ admitted: true });
  await first.close();
  await made(0);
});

test('the sqlite3 command reads and writes beside a running server', async () => {
  const store = await open();
  await store.keys.add(keyNumber(1), null);
  const outsider = new Database(path, { timeout: 1000 });
  expect(outsider.prepare('SELECT label FROM keys').all()).toEqual([{ label: 'key 1' }]);
  outsider.exec("UPDATE keys SET label = 'renamed'");
  outsider.close();
  expect((await store.keys.account({ id: keyNumber(1).id }))?.key.label).toBe('renamed');
  await store.close();
});

test.each([
  {
    name: 'text',
    spoil: () => writeFileSync(path, 'not a database at all, only some text in a file\n'.repeat(9)),
    why: /not quota-proxy's: it is not an SQLite/,
  },
  {
    name: 'another program’s database',
    spoil: () => new Database(path).exec('CREATE TABLE t (x)').close(),
    why: /database of another program/,
  },
  {
    name: 'a truncated file',
    spoil: () => truncateSync(path, statSync(path).size - 4096),
    why: /damaged \(\d+ bytes where its header says/,
  },
  { name: 'a spoilt page', spoil: () => spoilPage(2), why: /damaged .* was left as it is/ },
  {
    name: 'a newer schema',
    spoil: () => new Database(path).exec('PRAGMA user_version = 99').close(),
    why: /has schema 99/,
  },
  {
    name: 'a log without its database',
    spoil: () => rmSync(path),
    why: /quota\.db is missing or empty, and its log/,
    keepLog: true,
  },
])('$name is refused by name and left as it is', async ({ name, spoil, why, keepLog = false }) => {
  if (!name.startsWith('another')) await made(200);
  if (keepLog) {
    const store = await open();
    await store.keys.add(keyNumber(999), null);
    copyFileSync(`${path}-wal`, join(folder, 'wal'));
    await store.close();
    copyFileSync(join(folder, 'wal'), `${path}-wal`);
  }
  spoil();
  const before = existsSync(path) ? readFileSync(path) : undefined;
  const refusal = await open().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(StoreRefused);
  expect(String(refusal)).toMatch(why);
  expect(String(refusal)).not.toContain('\n');
  expect(existsSync(path) ? readFileSync(path) : undefined).toEqual(before);
  if (keepLog) expect(readFileSync(`${path}-wal`)).toEqual(readFileSync(join(folder, 'wal')));
});

test('a directory in the place of the file is refused by name', async () => {
  path = folder;
  await expect(open()).rejects.toThrow(/ is a directory: set STORE_PATH/);
  expect(existsSync(`${folder}.lock`)).toBe(false);
});

test('a directory that cannot be made is named', async () => {
  writeFileSync(join(folder, 'file'), '');
  path = join(folder, 'file', 'quota.db');
  await expect(open()).rejects.toThrow(/the data directory .*file is not a directory: set STORE_PATH/);
});

test('a closed store says so, and closing twice is no harm', async () => {
  const store = await open();
  await store.close();
  await expect(store.health.check()).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.ledger.lapsed(NOON, 1)).rejects.toThrow('closed');
  await store.close();
});

test('close finishes what was asked for before it', async () => {
  const store = await open();
  await store.keys.add(keyNumber(1), null);
  const asked = Array.from({ length: 50 }, (_, n) => store.ledger.execute(reserving(n, keyNumber(1))));
  await Promise.all([...asked, store.close()]);
  const again = await open();
  expect(await again.health.status()).toMatchObject({ entries: 50, openReservations: 50 });
  await again.close();
});

function spoilPage(number: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, (number - 1) * 4096, number * 4096);
  writeFileSync(path, bytes);
}
