import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Account } from '#core/model.ts';
import { StoreUnavailable } from '#core/ports.ts';
import { calendarOf } from '#core/window.ts';
import {
  keyNumber,
  releasing,
  requestsADay,
  reserving,
  settling,
  usageOf,
} from '#test/conformance/specimens.ts';
import { committing } from '#test/fakes/committing.ts';
import { openDatabase } from './database.ts';
import { examine } from './doctor.ts';
import { LIMITS } from './limits.ts';
import type { Answer, Call } from './methods.ts';
import { storeOver } from './store-over.ts';
import { openWriter, type Writer } from './writer.ts';

const CALENDAR = calendarOf('UTC');
const KEY = keyNumber(1, { quotas: requestsADay(500) });

let folder: string;
let database: Database.Database;
let writer: Writer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  database = openDatabase(join(folder, 'quota.db'));
  writer = openWriter(database, CALENDAR, LIMITS);
  writer.answer([['addKey', KEY, null]]);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const kindsOf = (answers: readonly Answer[]) => answers.map(({ kind }) => kind);
const account = () => {
  const [answer] = writer.answer([['account', { id: KEY.id }]]);
  return (answer as { value: Account }).value;
};
const reserves = (from: number, count: number): Call[] =>
  Array.from({ length: count }, (_, index) => ['execute', reserving(from + index, KEY)]);

test('a full disk fails the whole group, changes nothing, and is over when there is space again', () => {
  writer.answer(reserves(1, 2));
  const before = account();
  database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`);
  // Enough rows that a page is needed.
  expect(new Set(kindsOf(writer.answer(reserves(100, 200))))).toEqual(new Set(['unavailable']));
  expect(account()).toEqual(before);
  expect(kindsOf(writer.answer([['execute', settling(1, KEY, usageOf(1, 1))]]))).toEqual(['done']);

  database.pragma('max_page_count = 1000000');
  expect(new Set(kindsOf(writer.answer(reserves(100, 200))))).toEqual(new Set(['done']));
  expect(account().open).toHaveLength(201);
  expect(problems()).toEqual([]);
});

test('an outsider’s change is met by the next call, and loses nothing of the tail', () => {
  writer.answer([...reserves(1, 3), ['execute', settling(1, KEY, usageOf(2, 2))]]);
  const before = account();
  const outsider = new Database(database.name);
  outsider.exec('UPDATE keys SET disabled = 1');
  outsider.close();
  expect(account()).toEqual({ ...before, key: { ...KEY, disabled: true } });
  expect(writer.answer(reserves(9, 1))).toMatchObject([{ value: { denial: { kind: 'key_disabled' } } }]);
  writer.answer([['execute', releasing(2, KEY)]]);
  expect(account().open).toHaveLength(1);
  expect(problems()).toEqual([]);
});

test('rest writes back all, once, and what comes after is counted on top', () => {
  writer.answer([...reserves(1, 2), ['execute', settling(1, KEY, usageOf(2, 2))]]);
  expect(stored()).toEqual([]);
  writer.rest();
  expect(stored()).toEqual([{ requests: 2, tokens: 4 }]);
  writer.rest();
  writer.answer([['execute', settling(2, KEY, usageOf(3, 3))]]);
  writer.rest();
  expect(stored()).toEqual([{ requests: 2, tokens: 10 }]);
  expect(problems()).toEqual([]);
});

test('many accounts are written back in parts, and reports see all of them', async () => {
  writer = openWriter(database, CALENDAR, { ...LIMITS, writtenAccounts: 2 });
  const keys = [2, 3, 4, 5, 6].map((n) => keyNumber(n));
  const useAll = (from: number) =>
    writer.answer(keys.map((key, index) => ['execute', reserving(from + index, key)]));
  writer.answer(keys.map((key) => ['addKey', key, null]));
  useAll(1);
  expect([writer.rest(), stored().length]).toEqual([true, 2]);
  expect([writer.rest(), stored().length]).toEqual([true, 4]);
  expect([writer.rest(), stored().length]).toEqual([false, 5]);

  useAll(10);
  const asked: string[] = [];
  const store = storeOver(lineTo(writer, ([method]) => asked.push(method)));
  expect((await store.reports.usage({ groupBy: 'day', limit: 9 })).totals).toMatchObject({ requests: 10 });
  expect(asked).toEqual(['writeBack', 'writeBack', 'scanUsage']);
  useAll(20);
  expect(await store.reports.usage({ groupBy: 'key', limit: 9 })).toMatchObject({
    totals: { requests: 15 },
    rows: [{}, {}, {}, {}, {}],
  });
  expect(problems()).toEqual([]);
});

test('reports are given, and nothing goes on being tried, where nothing can be written back', async () => {
  let failing = false;
  const path = join(folder, 'other.db');
  const broken = committing(openDatabase(path), (commit) => {
    if (failing) throw new Error('disk I/O error');
    commit();
  });
  writer = openWriter(broken, CALENDAR, { ...LIMITS, writtenAccounts: 1 });
  const keys = [2, 3, 4].map((n) => keyNumber(n));
  for (const [index, key] of keys.entries())
    writer.answer([
      ['addKey', key, null],
      ['execute', reserving(index, key)],
    ]);
  failing = true;
  const asked: string[] = [];
  const store = storeOver(lineTo(writer, ([method]) => asked.push(method)));
  expect((await store.reports.usage({ groupBy: 'day', limit: 9 })).totals).toMatchObject({ requests: 3 });
  expect(asked).toEqual(['writeBack', 'scanUsage']);
  expect(writer.rest()).toBe(false);
  failing = false;
  expect([writer.rest(), writer.rest(), writer.rest()]).toEqual([true, true, false]);
  writer.close();
});

/** A line that crosses no thread; who listens hears what was asked. */
function lineTo(writer: Writer, heard: (call: Call) => void): Parameters<typeof storeOver>[0] {
  const call = async (...given: readonly unknown[]) => {
    const call = given as unknown as Call;
    heard(call);
    const [answer] = writer.answer([call]);
    if (answer?.kind !== 'done') throw new StoreUnavailable(answer?.message ?? 'no answer');
    return answer.value;
  };
  return { call, callSoon: call } as Parameters<typeof storeOver>[0];
}

test('only what is behind the tail’s length is written back', () => {
  writer = openWriter(database, CALENDAR, { ...LIMITS, tailEntries: 3, accounts: 10 });
  const other = keyNumber(2);
  writer.answer([
    ['addKey', other, null],
    ['execute', reserving(50, other)],
  ]);
  for (let n = 1; n <= 6; n += 1) writer.answer(reserves(n, 1));
  const marks = database.prepare(
    'SELECT through_n AS n FROM accounts WHERE key_id = (SELECT max(id) FROM keys)',
  );
  expect(marks.get()).toEqual({ n: 4 });
  // The other account is not behind: its row is of when it had been, and its entries are in the tail.
  expect(database.prepare('SELECT replay_from AS n FROM projection').get()).toMatchObject({ n: 6 });
  expect(problems()).toEqual([]);
});

function stored(): unknown[] {
  return database
    .prepare('SELECT requests, prompt_tokens + completion_tokens AS tokens FROM usage_days')
    .all();
}

function problems(): readonly string[] {
  return examine(database.name).flatMap((check) => check.problems);
}
