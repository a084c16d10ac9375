import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { ADA, FOREIGN_FILES } from '#test/fakes/foreign-files.ts';
import type { ForeignKey, Problem, Reading } from './foreign-file.ts';
import { localDays } from './local-days.ts';
import { openForeignFile } from './open-foreign-file.ts';

const UTC = calendarOf('UTC');
const TODAY = '2026-11-24';
const LONG_AGO = '2026-10-15';
const MADE = '2026-08-26';
const READING: Reading = { days: localDays(UTC, UTC, TODAY), moneyQuotas: 'cost' };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'foreign-'));
  path = join(folder, 'a file');
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(name: keyof typeof FOREIGN_FILES, reading = READING) {
  FOREIGN_FILES[name](path, NOON);
  return readAll(reading);
}

/** Runs statements on the file; makes it if it is not there. */
function withTables(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function readAll(reading = READING) {
  const file = openForeignFile(path);
  const [keys, problems]: [ForeignKey[], Problem[]] = [[], []];
  for (const found of file.found(reading)) {
    if (found.kind === 'key') keys.push(found.key);
    else problems.push(found.problem);
  }
  file.close();
  const told = problems.map(({ about, where, what, rows }) => `${about}: ${where} ${what} (${rows})`);
  return { format: file.format, count: file.keyCount, keys, told };
}

const requests = ({ days }: Pick<ForeignKey, 'days'>) =>
  days.map((day) => [day.day, day.requests, day.errors]);

test('trial_keys and usage_stats: limits a day, switched off ones, and what cannot be', () => {
  const { format, count, keys, told } = read('trialKeys');
  expect([format, count]).toEqual(['an older quota-proxy (trial_keys, usage_stats)', 6]);
  expect(keys).toMatchObject([
    {
      secret: ADA.trialKeys,
      label: '张三',
      createdAt: NOON - 90 * 86_400_000,
      expiresAt: null,
      disabled: false,
    },
    { label: 'Bob', disabled: true, days: [] },
    { label: 'Eve', createdAt: null, quotas: null, disabled: false },
    { label: 'Too long' },
  ]);
  expect(keys[0]?.quotas).toEqual([{ meter: 'requests', period: 'day', limit: 3 }]);
  expect(keys.map(requests)[0]).toEqual([
    [LONG_AGO, 100, 0],
    [TODAY, 2, 0],
  ]);
  expect(told).toEqual([
    'usage: trial_keys, row 1 is of a day that cannot be (1)',
    'usage: trial_keys, row 1 is of a day that cannot be (1)',
    'usage: trial_keys, row 2 has a count that cannot be (1)',
    'key: trial_keys, row 3 has no key (1)',
    'key: trial_keys, row 4 has a key that another row has, too (1)',
    'terms: trial-…cdef created_at is no time: it counts as made today (1)',
    'terms: trial-…cdef daily_limit is none: it gets that of a new key (1)',
    'usage: usage_stats is of a key that is not there (1)',
  ]);
});

test('JSON: keys without terms of their own', () => {
  const { format, count, keys, told } = read('trialJson');
  expect([format, count]).toEqual(['an older quota-proxy (JSON)', 3]);
  expect(keys).toMatchObject([
    { secret: ADA.trialJson, label: 'Ada', quotas: null, disabled: false },
    { label: 'Bob', days: [] },
  ]);
  expect(keys.map(requests)[0]).toEqual([
    [LONG_AGO, 100, 0],
    [TODAY, 2, 0],
  ]);
  expect(told).toEqual([
    'usage: keys, number 1 is of a day that cannot be (1)',
    'key: keys, number 3 is no object (1)',
    'usage: usage is of a key that is not there (1)',
  ]);
});

test('api_keys and usage_log: what remains stays what it was, whatever the log tells', () => {
  const { keys, told } = read('apiKeys');
  expect(keys).toMatchObject([
    { secret: ADA.apiKeys, expiresAt: NOON + 90 * 86_400_000, quotas: [{ period: 'total', limit: 100 }] },
    // Two in the log, one of which was not charged: 99 remain, as there.
    { label: 'Bob', expiresAt: null, quotas: [{ period: 'total', limit: 101 }] },
  ]);
  expect(keys.map(requests)).toEqual([
    [
      [MADE, 97, 0],
      [TODAY, 2, 1],
    ],
    [
      ['2026-11-22', 1, 0],
      ['2026-11-23', 1, 1],
    ],
  ]);
  expect(told).toEqual([
    'usage: api_keys, row 1 is of a time that cannot be (1)',
    'key: api_keys, row 3 has a used_quota that cannot be (1)',
    'usage: usage_log is of a key that is not there (1)',
  ]);
});

test('one-api: quotas in money, and what keeps a key out there keeps it out here', () => {
  const { format, keys, told } = read('oneApi');
  expect(format).toBe('one-api (tokens, logs)');
  const [ada, unlimited] = keys;
  expect(ada).toMatchObject({
    secret: ADA.oneApi,
    label: 'Ada',
    models: ['demo', 'other'],
    ips: null,
    disabled: false,
  });
  // 500,000 are a dollar: 1 is left, 1.50 were used, of which the log tells 1.
  expect(ada?.quotas).toEqual([{ meter: 'cost', period: 'total', limit: 2_500_000 }]);
  expect(ada?.days).toEqual([
    { day: MADE, requests: 0, errors: 0, prompt: 0, completion: 0, costMicros: 500_000 },
    { day: LONG_AGO, requests: 1, errors: 0, prompt: 20, completion: 10, costMicros: 500_000 },
    { day: TODAY, requests: 2, errors: 0, prompt: 2000, completion: 1000, costMicros: 500_000 },
  ]);
  // What its owner has is the limit of one that has none of its own.
  expect(unlimited).toMatchObject({ ips: ['10.0.0.0/8', '127.0.0.1'], quotas: [{ limit: 50_000_000 }] });
  expect(keys.map(({ label, disabled }) => [label, disabled])).toEqual([
    ['Ada', false],
    ['Unlimited', false],
    ['Used up', false],
    ['Of one who is out', true],
    ['Bad range', true],
    ['Twin', false],
    ['Twin', false],
  ]);
  expect(keys[2]?.quotas).toEqual([{ meter: 'cost', period: 'total', limit: 200 }]);
  expect(told).toEqual([
    'usage: tokens, id 1 is of a time that cannot be (1)',
    'terms: sk-Netw…Netw "everywhere" is no address or range: it comes in disabled (1)',
    'usage: logs has counts or a time that cannot be (1)',
    'usage: logs is of a key that is not there, or of one of several with the same name (2)',
  ]);
});

test('one-api without quotas in money: what was used up stays out', () => {
  const { keys } = read('oneApi', { ...READING, moneyQuotas: 'none' });
  expect(keys.map(({ quotas, disabled }) => [quotas?.length, disabled])).toEqual([
    [0, false],
    [0, false],
    [0, true],
    [0, true],
    [0, true],
    [0, false],
    [0, false],
  ]);
});

test('one-api: its own QuotaPerUnit counts', () => {
  FOREIGN_FILES.oneApi(path, NOON);
  withTables("UPDATE options SET value = '1000000'");
  expect(readAll().keys[0]?.quotas).toMatchObject([{ limit: 1_250_000 }]);
});

test('new-api: by the id of the token, with limits of models and addresses, without deleted ones', () => {
  const { format, keys, told } = read('newApi');
  expect(format).toBe('new-api (tokens, logs)');
  expect(keys).toMatchObject([
    { secret: ADA.newApi, models: ['demo', 'other'], ips: ['127.0.0.1', '10.0.0.0/8'], disabled: false },
    { label: 'No models', disabled: true },
    { label: 'Expired', models: null, expiresAt: NOON - 86_400_000, disabled: false },
  ]);
  expect(keys[0]?.days.map(({ day, requests: count, costMicros }) => [day, count, costMicros])).toEqual([
    [MADE, 0, 400_000],
    [TODAY, 1, 600_000],
  ]);
  expect(told).toEqual([
    'key: tokens, id 2 was deleted there (1)',
    'terms: sk-None…None it may use no model at all: it comes in disabled (1)',
    'usage: logs is of a key that is not there, or of one of several with the same name (1)',
  ]);
});

test('days are those of this server', () => {
  FOREIGN_FILES.oneApi(path, NOON + 5 * 3_600_000);
  const shanghai = calendarOf('Asia/Shanghai');
  const days = localDays(shanghai, shanghai, '2026-11-25');
  expect(readAll({ ...READING, days }).keys[0]?.days.at(-1)).toMatchObject({
    day: '2026-11-25',
    requests: 2,
  });
});

test('no problem shows a secret', () => {
  for (const name of Object.keys(FOREIGN_FILES) as (keyof typeof FOREIGN_FILES)[]) {
    rmSync(path, { force: true });
    const { keys, told } = read(name);
    for (const { secret } of keys) expect(told.join('\n')).not.toContain(secret.slice(7, -4));
  }
});

test('a file in use is read as it was when it was opened, and is not changed', () => {
  FOREIGN_FILES.trialKeys(path, NOON);
  const server = new DatabaseSync(path);
  server.exec('PRAGMA journal_mode = WAL');
  server.exec("UPDATE trial_keys SET label = 'from the log' WHERE label = 'Bob'");
  const file = openForeignFile(path);
  const before = readFileSync(path);
  server.exec("DELETE FROM usage_stats; UPDATE trial_keys SET label = 'later'");
  const keys = [...file.found(READING)].flatMap((found) => (found.kind === 'key' ? [found.key] : []));
  expect(keys.map(({ label }) => label)).toEqual(['张三', 'from the log', 'Eve', 'Too long']);
  expect(keys.map(requests)[0]).toHaveLength(2);
  file.close();
  expect(readFileSync(path).equals(before)).toBe(true);
  server.close();
});

test('what a crash left in the log is read, and stays there', () => {
  FOREIGN_FILES.trialKeys(path, NOON);
  const server = new DatabaseSync(path);
  server.exec("PRAGMA journal_mode = WAL; UPDATE trial_keys SET label = 'from the log' WHERE label = 'Bob'");
  const image = join(folder, 'image');
  for (const part of ['', '-wal']) copyFileSync(path + part, image + part);
  server.close();
  const bytes = () => ['', '-wal'].map((part) => readFileSync(image + part).toString('latin1'));
  const before = bytes();
  path = image;
  expect(readAll().keys.map(({ label }) => label)).toContain('from the log');
  expect(bytes()).toEqual(before);
});

test.each([
  { name: 'nothing', make: () => writeFileSync(path, ''), says: 'neither an SQLite database nor JSON' },
  {
    name: 'a picture',
    make: () => writeFileSync(path, '\x89PNG…'),
    says: 'neither an SQLite database nor JSON',
  },
  { name: 'other JSON', make: () => writeFileSync(path, '{"keys":[]}'), says: 'has no keys by name' },
  {
    name: 'a broken database',
    make: () => writeFileSync(path, 'SQLite format 3\0garbage'),
    says: 'cannot be read as a database',
  },
  {
    name: 'other tables',
    make: () => withTables('CREATE TABLE songs (x)'),
    says: 'the tables songs: recognised are',
  },
  {
    name: 'tokens of another kind',
    make: () => withTables('CREATE TABLE tokens (id, secret)'),
    says: 'the tables tokens',
  },
  { name: 'a directory', make: () => undefined, says: 'cannot be read' },
])('what is none of these is named: $name', ({ make, says }) => {
  make();
  expect(() => openForeignFile(path)).toThrow(says);
});

test('a database of our own is not one to be imported', () => {
  withTables('CREATE TABLE ledger (n); CREATE TABLE key_changes (n)');
  expect(() => openForeignFile(path)).toThrow('is a database of this quota-proxy');
});
