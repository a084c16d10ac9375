import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import {
  DAY_MS,
  keyNumber,
  operation,
  pastUse,
  releasing,
  requestsADay,
  reserving,
  settling,
  usageOf,
} from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { openDatabase } from './database.ts';
import { type Check, examine } from './doctor.ts';
import { LIMITS } from './limits.ts';
import { APPLICATION_ID, applyStep, MIGRATIONS } from './migrations.ts';
import { StoreRefused } from './store-refused.ts';
import { openWriter } from './writer.ts';

const CALENDAR = calendarOf('UTC');
const KEY = keyNumber(1, { quotas: requestsADay(3), quotasSetAt: NOON - DAY_MS });

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  path = join(folder, 'quota.db');
  const database = openDatabase(path);
  const writer = openWriter(database, CALENDAR, LIMITS);
  writer.answer([
    ['addKey', KEY, operation('keys.create', KEY.id)],
    ['appendOperation', operation('usage.reset')],
    ['appendOperation', operation('keys.patch')],
    ['execute', reserving(1, KEY)],
    ['execute', settling(1, KEY, usageOf(5, 5))],
    ['execute', reserving(2, KEY, { at: NOON + 1 })],
    ['execute', releasing(2, KEY, { at: NOON + 1 })],
    ['execute', reserving(3, KEY, { at: NOON + 2 })],
  ]);
  writer.rest();
  // What follows stays in the tail: nobody closes the writer.
  writer.answer([['execute', reserving(4, KEY, { at: NOON + 3 })]]);
  database.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

const broken = (checks: readonly Check[]) => checks.filter(({ problems }) => problems.length > 0);

test('where the time zone is changed, nothing is forgotten of a day that goes on', () => {
  // Its day begins five hours later, before all that is recorded.
  const calendar = calendarOf('America/New_York');
  const database = openDatabase(path);
  const answers = openWriter(database, calendar, LIMITS).answer([
    ['execute', reserving(5, KEY, { at: NOON + 4 })],
    ['execute', reserving(6, KEY, { at: NOON + DAY_MS })],
  ]);
  database.close();
  expect(answers).toMatchObject([{ value: { admitted: false } }, { value: { admitted: true } }]);
  expect(broken(examine(path))).toEqual([]);
});

test('a sound database: every check tells what it is about', () => {
  const checks = examine(path);
  expect(broken(checks)).toEqual([]);
  expect(checks.map(({ name, checked }) => [name, checked])).toEqual([
    ['integrity', expect.any(Number)],
    ['balances', 6],
    ['limits', 2],
    ['requests', 6],
    ['order', 6],
    ['usage', 1],
    ['operations', 3],
  ]);
});

test.each([
  {
    check: 'balances',
    plant: "UPDATE buckets SET tokens_used = 11 WHERE period = 'day'",
    says: /day: used is 1 requests, 11 tokens/,
  },
  {
    check: 'balances',
    plant: "UPDATE buckets SET cost_held_micros = 0 WHERE period = 'total'",
    says: /total: held/,
  },
  {
    check: 'balances',
    plant: "UPDATE buckets SET starts_at = starts_at - 86400000 WHERE period = 'day'",
    says: /not what its entries amount to/,
  },
  {
    check: 'balances',
    plant: 'DELETE FROM reservations',
    says: /stored as open: 1; open in the ledger: 2/,
  },
  { check: 'balances', plant: 'UPDATE ledger SET tokens = 12 WHERE n = 2', says: /the ledger says/ },
  { check: 'balances', plant: 'DELETE FROM keys', says: /no such key/ },
  {
    check: 'limits',
    plant: `UPDATE keys SET quotas = '[{"meter":"requests","period":"day","limit":1}]'`,
    says: /3 requests in this day, where 1 were allowed/,
  },
  {
    check: 'requests',
    plant: 'DELETE FROM ledger WHERE n = 1',
    says: /settled request .* which was not open/,
  },
  { check: 'requests', plant: 'DROP INDEX ledger_request', says: /ledger_request is gone/ },
  {
    check: 'requests',
    plant:
      'DROP INDEX ledger_request; INSERT INTO ledger SELECT 7, kind, request_id, ending, key_id, at, requests, tokens, cost_micros, details FROM ledger WHERE n = 6',
    says: /is reserved twice/,
  },
  { check: 'order', plant: 'UPDATE ledger SET n = 70 WHERE n = 6', says: /entry 6 is missing/ },
  { check: 'order', plant: 'UPDATE ledger SET at = at - 100 WHERE n = 6', says: /before the one before it/ },
  {
    check: 'operations',
    plant: "DROP TRIGGER operations_stay_as_they_are; UPDATE operations SET actor = 'nobody' WHERE n = 2",
    says: /operation 2 does not follow/,
  },
  {
    check: 'operations',
    plant: 'DROP TRIGGER operations_stay; DELETE FROM operations WHERE n = 1',
    says: /operation 2 does not follow/,
  },
  {
    check: 'operations',
    plant:
      'DROP TRIGGER operations_stay; CREATE TRIGGER operations_stay BEFORE DELETE ON operations BEGIN SELECT 1; END',
    says: /operations_stay in the schema is another one/,
  },
  { check: 'integrity', plant: 'DROP TABLE operations', says: /no such table: operations/ },
  {
    check: 'integrity',
    plant: "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'operations'",
    says: /./,
  },
])('finds in $check: $plant', ({ check, plant, says }) => {
  const outsider = new Database(path);
  outsider.unsafeMode(true);
  outsider.pragma('foreign_keys = OFF');
  outsider.exec(plant).close();
  const found = broken(examine(path)).find(({ name }) => name === check);
  expect(found?.problems.join('\n')).toMatch(says);
});

test('an overdraft is an explanation', () => {
  const writer = openWriter(openDatabase(path), CALENDAR, LIMITS);
  const key = keyNumber(2, {
    quotas: [{ meter: 'tokens', period: 'day', limit: 100 }],
    quotasSetAt: NOON - DAY_MS,
  });
  writer.answer([
    ['addKey', key, null],
    ['execute', reserving(20, key, { at: NOON + 9 })],
    ['execute', settling(20, key, usageOf(10, 900))],
  ]);
  writer.close();
  expect(broken(examine(path))).toEqual([]);
  new Database(path).exec(`UPDATE ledger SET details = json_remove(details, '$.overdraft')`).close();
  expect(broken(examine(path)).map(({ name }) => name)).toEqual(['limits']);
});

test('what was imported is an explanation, for itself alone', () => {
  const writer = openWriter(openDatabase(path), CALENDAR, LIMITS);
  const key = keyNumber(2, { quotas: requestsADay(1), quotasSetAt: NOON - DAY_MS });
  const midnight = CALENDAR.windowOf('day', NOON).startsAt;
  writer.answer([
    ['bringIn', key, [pastUse(midnight, 5)], NOON + 9, null],
    ['amendKey', key.id, { at: NOON, quotas: requestsADay(9) }, null],
    ['execute', reserving(20, key, { at: NOON + 9 })],
  ]);
  writer.close();
  expect(broken(examine(path))).toEqual([]);
  const limit = (requests: number) =>
    new Database(path)
      .exec(
        `UPDATE keys SET quotas_set_at = 0, quotas = '[{"meter":"requests","period":"day","limit":${requests}}]'
         WHERE label = 'key 2'`,
      )
      .close();
  limit(1);
  expect(broken(examine(path)).map(({ problems }) => problems)).toEqual([
    [`key ${key.id}: 3 requests in this day, where 2 were allowed`],
  ]);
  limit(3);
  expect(broken(examine(path))).toEqual([]);
});

test('what stops a replay is told, and no server starts on it', () => {
  const database = openDatabase(path);
  const writer = openWriter(database, CALENDAR, LIMITS);
  writer.rest();
  writer.answer([3, 4].map((n) => ['execute', settling(n, KEY, usageOf(1, 1), { at: NOON + 9 })]));
  database.exec('UPDATE buckets SET tokens_held = 0').close();
  expect(broken(examine(path))[0]?.problems[0]).toMatch(/entry 7 cannot follow what is stored/);
  expect(() => openWriter(openDatabase(path), CALENDAR, LIMITS)).toThrow(StoreRefused);
});

test('works beside a running server, and changes nothing', () => {
  const database = openDatabase(path);
  const writer = openWriter(database, CALENDAR, LIMITS);
  writer.answer([['execute', settling(3, KEY, usageOf(1, 1), { at: NOON + 9 })]]);
  const version = database.pragma('data_version');
  expect(broken(examine(path))).toEqual([]);
  expect(database.pragma('data_version')).toEqual(version);
  writer.close();
});

test('a file that is not there, or not ours, is named', () => {
  expect(() => examine(join(folder, 'none.db'))).toThrow(/none\.db cannot be opened/);
  const other = join(folder, 'other.db');
  new Database(other).exec('CREATE TABLE t (x)').close();
  expect(() => examine(other)).toThrow(StoreRefused);
});

test('a change of the time zone is no damage', () => {
  const tokyo = calendarOf('Asia/Tokyo');
  const writer = openWriter(openDatabase(path), tokyo, LIMITS);
  writer.answer([['execute', settling(3, KEY, usageOf(1, 1), { at: NOON + 9 })]]);
  writer.close();
  expect(broken(examine(path))).toEqual([]);
});

test('days are those of the zone that it was served in, whoever looks', () => {
  const served = join(folder, 'tokyo.db');
  const writer = openWriter(openDatabase(served), calendarOf('Asia/Tokyo'), LIMITS);
  writer.answer([
    ['addKey', KEY, operation('keys.create', KEY.id)],
    ['execute', reserving(1, KEY)],
    ['execute', settling(1, KEY, usageOf(5, 5))],
  ]);
  writer.close();
  expect(broken(examine(served))).toEqual([]);
});

test('a database of an older version is no damaged one: it is told what to do first', () => {
  const old = join(folder, 'old.db');
  const database = new Database(old);
  for (const sql of MIGRATIONS.slice(0, 3)) applyStep(database, sql);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma('user_version = 3');
  database.close();
  expect(() => examine(old)).toThrow(/old\.db has schema 3, of an older version: start this one on it first/);
});
