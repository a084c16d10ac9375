import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import {
  DAY_MS,
  FAILED,
  keyNumber,
  pastUse,
  releasing,
  reserving,
  settling,
  usageOf,
} from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { problemsOf } from '#test/faults/ledger-file.ts';
import { auditCopy } from './audit-copy.ts';
import { openDatabase } from './database.ts';
import { LIMITS } from './limits.ts';
import { openWriter, type Writer } from './writer.ts';

const [KEY, OTHER, IMPORTED] = [keyNumber(1), keyNumber(2), keyNumber(3)];
const OLD = NOON - 100 * DAY_MS;
const OF_KEY = "WHERE key_id = (SELECT id FROM keys WHERE label = 'key 1')";

let folder: string;
let path: string;
let writer: Writer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  path = join(folder, 'quota.db');
  writer = openWriter(openDatabase(path), calendarOf('UTC'), LIMITS);
  writer.answer([KEY, OTHER].map((key) => ['addKey', key, null]));
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

function change(sql: string): void {
  const outsider = new Database(path);
  outsider.pragma('foreign_keys = OFF');
  outsider.exec(sql).close();
}

/** Each way of ending, on two days; one request stays open, one is estimated, one refused, and a history was imported. */
function live(): void {
  const later = { at: NOON + DAY_MS };
  writer.answer([
    ['bringIn', IMPORTED, [pastUse(NOON - DAY_MS, 5), pastUse(NOON - 2 * DAY_MS, 6)], NOON, null],
    ['execute', reserving(1, KEY)],
    ['execute', settling(1, KEY, usageOf(3, 4))],
    ['execute', reserving(2, KEY)],
    ['execute', settling(2, KEY, null)],
    ['execute', reserving(3, KEY)],
    ['execute', releasing(3, KEY, { outcome: FAILED })],
    ['execute', reserving(4, KEY)],
    ['execute', { kind: 'lapse', ...later, requestId: reserving(4, KEY).requestId, keyId: KEY.id }],
    ['execute', reserving(5, KEY, later)],
    ['execute', { kind: 'reset', ...later, keyId: KEY.id }],
    ['execute', reserving(6, OTHER, later)],
    ['execute', settling(6, OTHER, usageOf(1, 2), later)],
    ['execute', reserving(7, keyNumber(9), later)],
  ]);
}

describe('with all entries', () => {
  beforeEach(() => {
    live();
    writer.rest();
  });

  const ADVICE = `quotas and balances are not touched: go by its receipts (quota-proxy requests list --key ${KEY.id})`;

  test.each([
    { column: 'requests', off: '+1 requests' },
    { column: 'successes', off: '+1 successes and errors' },
    { column: 'errors', off: '+1 successes and errors' },
    { column: 'prompt_tokens', off: '+1 tokens' },
    { column: 'completion_tokens', off: '+1 tokens' },
    { column: 'cost_micros', off: '+1 micros' },
  ])('one more of $column is told, with the key', ({ column, off }) => {
    expect(problemsOf(path)).toEqual([]);
    const day = "AND day = (SELECT max(day) FROM usage_days) AND model <> ''";
    change(`UPDATE usage_days SET ${column} = ${column} + 1 ${OF_KEY} ${day}`);
    expect(problemsOf(path)).toEqual([`usage: key ${KEY.id}: reports of it are off by ${off}; ${ADVICE}`]);
  });

  test.each([
    { plant: 'UPDATE usage_days SET requests = requests - 1', off: '-1 requests' },
    { plant: 'UPDATE usage_days SET errors = errors - 1', off: '-1 successes and errors' },
    { plant: 'UPDATE usage_days SET completion_tokens = completion_tokens - 1', off: '-1 tokens' },
    { plant: 'UPDATE usage_days SET cost_micros = cost_micros - 1', off: '-1 micros' },
  ])('one less is told: $plant', ({ plant, off }) => {
    change(`${plant} ${OF_KEY} AND day = (SELECT min(day) FROM usage_days ${OF_KEY})`);
    expect(problemsOf(path)).toEqual([`usage: key ${KEY.id}: reports of it are off by ${off}; ${ADVICE}`]);
  });

  test('so is what was written back twice, of each key', () => {
    change(`UPDATE usage_days SET requests = requests * 2, successes = successes * 2, errors = errors * 2,
      prompt_tokens = prompt_tokens * 2, completion_tokens = completion_tokens * 2, cost_micros = cost_micros * 2`);
    expect(problemsOf(path)).toEqual([
      expect.stringContaining(`${KEY.id}: reports of it are off by +5 requests, +4 successes and errors, +2`),
      expect.stringContaining(`${OTHER.id}: reports of it are off by +1 requests, +1 successes`),
      expect.stringContaining(`${IMPORTED.id}: reports of it are off by +4 requests, +4 successes`),
    ]);
  });

  test.each([
    { row: 'of a request', counts: '1, 1, 0, 0, 3, 4, 0, 7' },
    { row: 'of a refusal', counts: '0, 0, 0, 1, 0, 0, 0, 0' },
  ])('a row $row of a key that there is none of is told', ({ counts }) => {
    const id = '01234567-89ab-7def-8123-456789abcdef';
    change(`INSERT INTO usage_days VALUES ('2026-11-24', x'${id.replaceAll('-', '')}', 'm', ${counts}, 5)`);
    expect(problemsOf(path)).toEqual([
      `usage: usage_days has 1 rows of key ${id}, and there is no such key: reports of all keys count them, too; quotas and balances are not touched`,
    ]);
  });

  test('a key with no row at all is told', () => {
    change(`DELETE FROM usage_days ${OF_KEY}`);
    expect(problemsOf(path)).toEqual([expect.stringMatching(/^usage: key .* off by -5 requests, -4 succ/)]);
  });

  test.each([
    'UPDATE usage_sums SET errors = errors + 1',
    'UPDATE usage_sums SET rows = rows + 1',
    'DELETE FROM usage_sums',
    "INSERT INTO usage_sums VALUES ('2026-11-24', 'of-nobody', 1, 1, 1, 0, 0, 3, 4, 0, 7, 5)",
  ])('sums of a day that are not those of its rows are told: %s', (plant) => {
    change(plant.startsWith('INSERT') ? plant : `${plant} WHERE day = '2026-11-24'`);
    expect(problemsOf(path)).toEqual([
      'usage: reports of all keys together are wrong for 2026-11-24; those of one key, or by key, are not, and quotas and balances are not touched',
    ]);
  });

  test('it is no fault of a copy: a drill that says so would take the backup for damaged', () => {
    change(`UPDATE usage_days SET requests = requests + 1 ${OF_KEY}`);
    expect(auditCopy(path)).toEqual([]);
  });
});

test('what is not written back yet is not expected there', () => {
  live();
  expect(problemsOf(path)).toEqual([]);
  writer.rest();
  writer.answer([['execute', reserving(8, KEY, { at: NOON + 2 * DAY_MS })]]);
  expect(problemsOf(path)).toEqual([]);
});

describe('where entries were removed', () => {
  function serve(n: number, at: number): void {
    writer.answer([
      ['execute', reserving(n, KEY, { at })],
      ['execute', settling(n, KEY, usageOf(3, 4), { at })],
    ]);
  }
  /** A reservation that is still open stays, with what came later. */
  function remove(): void {
    writer.answer([['execute', reserving(50, KEY, { at: OLD + DAY_MS })]]);
    serve(51, NOON);
    writer.rest();
    writer.answer([['removeEntries', { before: NOON - DAY_MS, throughN: null, entriesMax: 1000 }]]);
    expect(problemsOf(path)).toEqual([]);
  }
  const plus = (column: string, more: number) =>
    change(`UPDATE usage_days SET ${column} = ${column} + ${more} ${OF_KEY} AND day > '2026-11-01'`);

  test('what they charged is known', () => {
    serve(1, OLD);
    remove();
    plus('prompt_tokens', 1);
    plus('cost_micros', 2);
    expect(problemsOf(path)).toEqual([
      expect.stringMatching(/^usage: key .* off by at least \+1 tokens, \+2 micros; /),
    ]);
  });

  test('if some was reset, it is known of all keys together', () => {
    serve(1, OLD);
    writer.answer([['execute', { kind: 'reset', at: OLD, keyId: KEY.id }]]);
    serve(2, OLD + 1);
    remove();
    plus('prompt_tokens', 1);
    expect(problemsOf(path)).toEqual([expect.stringMatching(/off by at least \+1 tokens; /)]);
    plus('prompt_tokens', -2);
    expect(problemsOf(path)).toEqual([
      expect.stringMatching(/^usage: reports of all keys together are off by -1 tokens, of which key /),
    ]);
    plus('completion_tokens', -4);
    change(`DELETE FROM usage_days ${OF_KEY} AND day < '2026-11-01'`);
    expect(problemsOf(path)).toEqual([
      expect.stringMatching(/^usage: key .* off by at least -\d requests, /),
    ]);
  });

  test('of requests and endings there are no fewer than what was charged, or is there', () => {
    serve(1, OLD);
    writer.answer([
      ['execute', reserving(2, KEY, { at: OLD })],
      ['execute', releasing(2, KEY, { at: OLD })],
    ]);
    remove();
    plus('requests', 1);
    expect(problemsOf(path)).toEqual([]);
    change(`UPDATE usage_days SET requests = 0, successes = 0, errors = 0 ${OF_KEY}`);
    expect(problemsOf(path)).toEqual([
      expect.stringMatching(/^usage: key .* off by at least -3 requests, -1 successes and errors; /),
    ]);
  });
});
