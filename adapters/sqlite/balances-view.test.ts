import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Account, ApiKey, Buckets } from '#core/model.ts';
import type { PastUse } from '#core/past-use.ts';
import { calendarOf } from '#core/window.ts';
import { DAY_MS, idOf, keyNumber, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { SPONSOR_ID } from './account-rows.ts';
import { openDatabase } from './database.ts';
import { LIMITS } from './limits.ts';
import type { Call } from './methods.ts';
import { openWriter } from './writer.ts';

const CALENDAR = calendarOf('Asia/Shanghai');
/** The last is brought in from another system, with what it used there. */
const KEYS = [keyNumber(1), keyNumber(2), keyNumber(3)];
const BROUGHT_IN = keyNumber(3);

const step = fc.record({
  act: fc.constantFrom('reserve', 'settle', 'lapse', 'reset', 'rest', 'import', 'remove'),
  key: fc.constantFrom(...KEYS.slice(0, 2)),
  request: fc.nat(3),
  waitMs: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(30_000), fc.nat(DAY_MS)),
});

test('a stranger with the sqlite3 command sees exact balances at any moment', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 15, maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      (steps, tailEntries) => {
        const folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
        const database = openDatabase(join(folder, 'quota.db'));
        const writer = openWriter(database, CALENDAR, { ...LIMITS, tailEntries, accounts: 10 });
        const stranger = new Database(database.name, { readonly: true });
        try {
          writer.answer(KEYS.slice(0, 2).map((key) => ['addKey', key, null]));
          let at = NOON - 3 * DAY_MS;
          const reservers: ApiKey[] = [];
          for (const { act, key, request, waitMs } of steps) {
            at += waitMs;
            if (act === 'reserve') reservers.push(key);
            const n = act === 'reserve' ? reservers.length : Math.max(1, reservers.length - request);
            const holder = act === 'reset' ? key : (reservers[n - 1] ?? key);
            if (act === 'rest') writer.rest();
            else if (act === 'remove')
              writer.answer([['removeEntries', { before: at, throughN: null, entriesMax: 9 }]]);
            else if (act === 'import') writer.answer([['bringIn', BROUGHT_IN, pastDays(at), at, null]]);
            else writer.answer([commandOf(act, holder, n, at)]);
            const accounts = KEYS.map(({ id }) => writer.answer([['account', { id }]])[0]);
            const expected = accounts.flatMap((answer) => (answer as { value?: Account }).value ?? []);
            expect(viewed(stranger)).toEqual(expectedRows(expected));
          }
        } finally {
          stranger.close();
          writer.close();
          rmSync(folder, { recursive: true });
        }
      },
    ),
    { numRuns: 50 },
  );
}, 120_000);

/** Today, a week ago, and a month ago: 100, 10 and 1 requests. */
function pastDays(at: number): readonly PastUse[] {
  return [32, 7, 0].map((days, index) => {
    const used = { requests: 10 ** index, tokens: 3, cost: 5 };
    const usage = { prompt: 2, completion: 1, cached: 0, cacheWritten: 0, reasoning: 0 };
    const usedAt = CALENDAR.windowOf('day', at - days * DAY_MS).startsAt;
    return { usedAt, used, usage, successes: 1, errors: 0 };
  });
}

test('so does one who looks in the first minute of a day on which something came in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  const database = openDatabase(join(folder, 'quota.db'));
  const writer = openWriter(database, CALENDAR, { ...LIMITS, tailEntries: 12, accounts: 10 });
  const at = CALENDAR.windowOf('day', NOON).startsAt + 1;
  writer.answer([['bringIn', BROUGHT_IN, pastDays(at), at, null]]);
  const used = database
    .prepare('SELECT requests_used FROM balances WHERE key_id = ? ORDER BY period')
    .pluck();
  // In the order of the names: day, hour, minute, month, total.
  expect(used.all(BROUGHT_IN.id)).toEqual([100, 0, 0, 110, 111]);
  writer.close();
  rmSync(folder, { recursive: true });
});

function commandOf(act: string, key: ApiKey, n: number, at: number): Call {
  switch (act) {
    case 'reserve':
      return ['execute', reserving(n, key, { at })];
    case 'settle':
      return ['execute', settling(n, key, usageOf(n, 3), { at })];
    case 'lapse':
      return ['execute', { kind: 'lapse', at, requestId: idOf('request', n), keyId: key.id }];
    default:
      return ['execute', { kind: 'reset', at, keyId: key.id }];
  }
}

function viewed(stranger: Database.Database): unknown[] {
  return stranger
    .prepare('SELECT * FROM balances ORDER BY key_id, starts_at, period')
    .raw()
    .all()
    .map((row) => (row as unknown[]).toSpliced(1, 1))
    .sort();
}

function expectedRows(accounts: readonly Account[]): unknown[] {
  const rows = (id: string, buckets: Buckets) =>
    buckets.map(({ period, startsAt, used, held }) => {
      const amounts = [used.requests, held.requests, used.tokens, held.tokens, used.cost, held.cost];
      return [id, period, startsAt, ...amounts];
    });
  const ofKeys = accounts.flatMap(({ key, buckets }) => rows(key.id, buckets));
  return [...ofKeys, ...rows(SPONSOR_ID, accounts[0]?.sponsor.buckets ?? [])].sort();
}

test('so does one who looks after the time zone was changed, in a day that goes on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  const path = join(folder, 'quota.db');
  const first = openWriter(openDatabase(path), CALENDAR, LIMITS);
  first.answer([
    ['addKey', BROUGHT_IN, null],
    ['execute', reserving(1, BROUGHT_IN)],
  ]);
  first.close();
  const database = openDatabase(path);
  // Its day begins thirteen hours later, before what was recorded.
  const writer = openWriter(database, calendarOf('America/New_York'), LIMITS);
  writer.answer([['execute', reserving(2, BROUGHT_IN, { at: NOON + 1 })]]);
  const accounts = writer.answer([['account', { id: BROUGHT_IN.id }]]);
  const expected = accounts.flatMap((answer) => (answer as { value?: Account }).value ?? []);
  expect(viewed(database)).toEqual(expectedRows(expected));
  writer.close();
  rmSync(folder, { recursive: true });
});
