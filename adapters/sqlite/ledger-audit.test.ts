import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import {
  DAY_MS,
  keyNumber,
  pastUse,
  releasing,
  reserving,
  settling,
  usageOf,
} from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { problemsOf } from '#test/faults/ledger-file.ts';
import { openDatabase } from './database.ts';
import { LIMITS } from './limits.ts';
import { openWriter, type Writer } from './writer.ts';

const KEYS = [keyNumber(1), keyNumber(2)];
const OLD = NOON - 100 * DAY_MS;

let folder: string;
let path: string;
let writer: Writer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  path = join(folder, 'quota.db');
  writer = openWriter(openDatabase(path), calendarOf('UTC'), LIMITS);
  writer.answer(KEYS.map((key) => ['addKey', key, null]));
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

/** Requests by both keys in turns, each settled, from `n` on. */
function serve(n: number, count: number, at: number): void {
  for (let index = 0; index < count; index += 1) {
    const key = KEYS[index % KEYS.length] ?? keyNumber(1);
    const when = { at: at + index };
    writer.answer([
      ['execute', reserving(n + index, key, when)],
      ['execute', settling(n + index, key, usageOf(3, 4), when)],
    ]);
  }
}

function remove(): void {
  writer.answer([['removeEntries', { before: NOON - DAY_MS, throughN: null, entriesMax: 1000 }]]);
}

test.each([
  {
    plant: 'UPDATE carried_buckets SET tokens_used = tokens_used - 1',
    says: /total: used is .* the ledger says/,
  },
  { plant: 'DELETE FROM carried_buckets WHERE key_id <> zeroblob(16)', says: /the ledger says/ },
  { plant: 'UPDATE carried_accounts SET last_used_at = 1', says: /last used at another time/ },
  { plant: 'UPDATE retention SET removed_through_n = 5', says: /entry 6 is missing: 7 is in its place/ },
  { plant: 'UPDATE retention SET removed_through_n = 8', says: /entry 8 was removed, and is there/ },
  { plant: 'DELETE FROM ledger WHERE n = 7', says: /entry 7 is missing/ },
])('doctor finds: $plant', ({ plant, says }) => {
  serve(1, 3, OLD);
  serve(4, 1, NOON);
  writer.rest();
  remove();
  expect(problemsOf(path)).toEqual([]);
  const outsider = new Database(path);
  outsider.pragma('foreign_keys = OFF');
  outsider.exec(plant).close();
  expect(problemsOf(path).join('\n')).toMatch(says);
});

test('an overdraft and an import explain what is above a limit, also when they are gone', () => {
  const key = keyNumber(3, {
    quotas: [{ meter: 'tokens', period: 'total', limit: 100 }],
    quotasSetAt: OLD - 1,
  });
  writer.answer([
    ['addKey', key, null],
    ['execute', reserving(1, key, { at: OLD })],
    ['execute', settling(1, key, usageOf(10, 900), { at: OLD })],
    ['execute', reserving(2, keyNumber(1), { at: NOON })],
  ]);
  writer.rest();
  remove();
  expect(problemsOf(path)).toEqual([]);
  new Database(path).exec('UPDATE carried_buckets SET tokens_overdraft = 0').close();
  expect(problemsOf(path)).toEqual([
    `limits: key ${key.id}: 910 tokens in this total, where 100 were allowed`,
  ]);
});

test('so does what was brought in from another system', () => {
  const key = keyNumber(3, { quotasSetAt: OLD - DAY_MS });
  writer.answer([
    ['bringIn', key, [pastUse(OLD - DAY_MS, 7)], OLD, null],
    ['execute', reserving(1, key, { at: OLD })],
    ['execute', releasing(1, key, { at: OLD })],
    ['execute', reserving(2, keyNumber(1), { at: NOON })],
  ]);
  writer.rest();
  remove();
  const quotas = '[{"meter":"tokens","period":"total","limit":5}]';
  new Database(path)
    .exec(`UPDATE keys SET quotas = '${quotas}', quotas_set_at = 1 WHERE label = 'key 3'`)
    .close();
  expect(problemsOf(path)).toEqual([]);
  new Database(path).exec('UPDATE carried_buckets SET tokens_brought_to = 0').close();
  expect(problemsOf(path)).toEqual([`limits: key ${key.id}: 7 tokens in this total, where 5 were allowed`]);
});
