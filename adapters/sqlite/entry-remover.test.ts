import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Removal } from '#core/ledger-retention.ts';
import type { Mark, NewRows } from '#core/snapshot.ts';
import { calendarOf } from '#core/window.ts';
import { DAY_MS, idOf, keyNumber, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { problemsOf } from '#test/faults/ledger-file.ts';
import { auditCopy } from './audit-copy.ts';
import { copyDatabase } from './copy-database.ts';
import { openDatabase } from './database.ts';
import { examine } from './doctor.ts';
import { entryRemover } from './entry-remover.ts';
import { describeCopy } from './inspect-copy.ts';
import { LIMITS } from './limits.ts';
import type { Call } from './methods.ts';
import { emptyProjection } from './projection.ts';
import { replayRows } from './replay-rows.ts';
import { openWriter, type Writer } from './writer.ts';

const UTC = calendarOf('UTC');
const KEYS = [keyNumber(1), keyNumber(2)];
const OLD = NOON - 100 * DAY_MS;
const BEGINNING: Mark = { ledgerN: 0, operationN: 0, keyChangeN: 0 };

let folder: string;
let path: string;
let writer: Writer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  path = join(folder, 'quota.db');
  writer = openWriter(openDatabase(path), UTC, LIMITS);
  writer.answer(KEYS.map((key) => ['addKey', key, null]));
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

/** Requests by both keys in turns, each settled, from `n` on. */
function serve(n: number, count: number, at: number): void {
  const calls = Array.from({ length: count }, (_, index): readonly Call[] => {
    const key = KEYS[index % KEYS.length] ?? keyNumber(1);
    const when = { at: at + index };
    return [
      ['execute', reserving(n + index, key, when)],
      ['execute', settling(n + index, key, usageOf(3, 4), when)],
    ];
  });
  writer.answer(calls.flat());
}

function ask<T>(call: Call): T {
  const [answer] = writer.answer([call]);
  if (answer?.kind !== 'done') throw new Error(answer?.message);
  return answer.value as T;
}

function remove(entriesMax = 1000): Removal {
  return ask(['removeEntries', { before: NOON - DAY_MS, throughN: null, entriesMax }]);
}

/** As a stranger with the sqlite3 command reads it. */
function read(sql: string, file = path): unknown[] {
  const stranger = new Database(file, { readonly: true });
  try {
    return stranger.prepare(sql).raw().all();
  } finally {
    stranger.close();
  }
}

const BALANCES = 'SELECT * FROM balances ORDER BY key_id, period';

test("what is in no account's row yet is not removed, however old; the view is exact in between", () => {
  serve(1, 4, OLD);
  const balances = read(BALANCES);
  expect(remove()).toEqual({ kind: 'removed', entries: 0, more: false });
  writer.rest();
  serve(5, 2, OLD + DAY_MS);
  expect(remove()).toEqual({ kind: 'removed', entries: 8, more: false });
  expect(read('SELECT min(n), max(n) FROM ledger')).toEqual([[9, 12]]);
  expect(read(BALANCES)).not.toEqual(balances);
  writer.answer([['scanUsage', { groupBy: 'day', limit: 1, sort: 'requests' }, null]]);
  const later = read(BALANCES);
  remove();
  expect(read(BALANCES)).toEqual(later);
});

test('used is what is carried and the sum of what remains, as anybody may add it up', () => {
  serve(1, 6, OLD);
  serve(7, 3, NOON);
  writer.rest();
  remove();
  const sums = read(`
    SELECT b.key_id, b.tokens_used, c.tokens_used + coalesce(sum(l.tokens), 0)
    FROM buckets b JOIN carried_buckets c USING (key_id, period)
    LEFT JOIN ledger l ON l.kind IN ('settled', 'lapsed', 'imported') AND (l.key_id = b.key_id OR b.key_id = zeroblob(16))
    WHERE b.period = 'total' GROUP BY b.key_id`) as [Buffer, number, number][];
  expect(sums.map(([, used, summed]) => [used, summed])).toEqual([
    [63, 63],
    [35, 35],
    [28, 28],
  ]);
});

test('a kill anywhere within a step leaves all of it, or nothing', () => {
  serve(1, 40, OLD);
  serve(41, 2, NOON);
  writer.rest();
  writer.close();
  const database = openDatabase(path);
  // So small a cache that pages go to the log before the commit.
  database.pragma('cache_size = 1');
  const images: string[] = [];
  const look = () => {
    const image = join(folder, `image-${images.length}.db`);
    for (const part of ['', '-wal']) if (existsSync(path + part)) copyFileSync(path + part, image + part);
    images.push(image);
  };
  database.function('look', () => look());
  database.exec(
    'CREATE TEMP TRIGGER watch AFTER DELETE ON main.ledger WHEN OLD.n % 16 = 0 BEGIN SELECT look(); END',
  );
  const removeEntries = entryRemover(database, emptyProjection(database, UTC, LIMITS));
  database.exec('BEGIN IMMEDIATE');
  removeEntries({ before: NOON - DAY_MS, throughN: null, entriesMax: 1000 });
  look();
  database.exec('COMMIT; DROP TRIGGER temp.watch');
  look();
  database.close();
  const rows = images.map((image) => {
    openWriter(openDatabase(image), UTC, LIMITS).close();
    expect(problemsOf(image)).toEqual([]);
    return read('SELECT count(*) FROM ledger', image).flat()[0];
  });
  expect(rows.length).toBeGreaterThan(5);
  expect(rows).toEqual([...rows.slice(1).map(() => 84), 4]);
  writer = openWriter(openDatabase(path), UTC, LIMITS);
});

test('pages that were freed are used again: the file does not grow', () => {
  const pages = () => {
    writer.rest();
    return read('SELECT page_count FROM pragma_page_count').flat()[0] as number;
  };
  serve(1, 400, OLD);
  const before = pages();
  for (let round = 1; round <= 4; round += 1) {
    remove();
    serve(1 + 400 * round, 400, OLD + round);
    // The tables of what is carried, and half-full pages where a range ends.
    expect(pages()).toBeLessThan(before + 8);
  }
});

test('a change of the time zone is no damage, for a key that was not used since either', () => {
  serve(1, 3, OLD);
  changeZone('Asia/Tokyo');
  serve(11, 1, OLD + 2 * DAY_MS);
  serve(12, 1, NOON);
  writer.rest();
  remove(2);
  expect(problemsNow()).toEqual([]);
  remove();
  expect(problemsNow()).toEqual([]);
  expect(read('SELECT count(*) FROM ledger')).toEqual([[2]]);
});

function changeZone(name: string): void {
  writer.close();
  writer = openWriter(openDatabase(path), calendarOf(name), LIMITS);
}

function problemsNow(): readonly string[] {
  return examine(path).flatMap(({ problems }) => problems);
}

test('where the ledger says what cannot be, nothing is removed, and other commands are served', () => {
  serve(1, 3, OLD);
  writer.rest();
  const outsider = new Database(path);
  outsider.pragma('foreign_keys = OFF');
  outsider.exec('DELETE FROM ledger WHERE n = 3').close();
  const [removal, admission] = writer.answer([
    ['removeEntries', { before: NOON, throughN: null, entriesMax: 100 }],
    ['execute', reserving(9, keyNumber(1))],
  ]);
  expect(removal).toEqual({
    kind: 'done',
    value: { kind: 'stuck', problem: 'entry 4 ends a request that was never reserved' },
  });
  expect(admission).toMatchObject({ kind: 'done', value: { admitted: true } });
  expect(read('SELECT count(*) FROM ledger')).toEqual([[6]]);
});

test('a copy of what remains is described, goes on with rows that came later, and is audited', () => {
  serve(1, 300, OLD);
  writer.answer([['execute', reserving(999, keyNumber(1), { at: OLD + DAY_MS })]]);
  serve(1001, 3, NOON);
  writer.rest();
  const shipped = ask<Mark>(['mark']);
  const whole = join(folder, 'whole.db');
  copyDatabase(path, whole);
  remove();
  const copy = join(folder, 'copy.db');
  copyDatabase(path, copy);
  const { tables } = describeCopy(copy);
  expect(tables['ledger']?.rows).toBe(7);
  expect(tables['retention']?.rows).toBe(1);
  expect(describeCopy(whole).tables['carried_buckets']?.digest).not.toBe(tables['carried_buckets']?.digest);
  writer.answer([['execute', settling(999, keyNumber(1), usageOf(1, 1), { at: NOON + 50 })]]);
  serve(2001, 2, NOON + 60);
  const sponsor = ask<{ buckets: unknown }>(['sponsor']).buckets;
  // Of a copy that is older than the removal, and of one that is younger: both become what is served.
  for (const file of [whole, copy]) {
    for (const since of [shipped, BEGINNING]) {
      const rows = join(folder, 'rows.jsonl');
      writeFileSync(rows, allRows(file, since).join('') + ask<NewRows>(['rowsAfter', shipped, 1000]).text);
      expect(replayRows(file, rows, 'UTC').sponsor).toEqual(sponsor);
      expect(auditCopy(file)).toEqual([]);
      expect(problemsOf(file)).toEqual([]);
    }
  }
});

/** The rows that the database had before anything was removed, as a segment has them. */
function allRows(file: string, since: Mark): readonly string[] {
  if (since.ledgerN > 0) return [];
  const old = read(
    `SELECT json_object('entry', json_object('n', n, 'kind', kind, 'request_id', lower(hex(request_id)), 'ending', ending,
       'key_id', lower(hex(key_id)), 'at', at, 'requests', requests, 'tokens', tokens, 'cost_micros', cost_micros,
       'details', details)) FROM ledger ORDER BY n`,
    join(folder, 'whole.db'),
  );
  expect(old.length).toBeGreaterThan(600);
  expect(existsSync(file)).toBe(true);
  return old.flat().map((line) => `${line}\n`);
}

test('a request that was removed is not found by its number either', () => {
  serve(1, 2, OLD);
  serve(3, 1, NOON);
  writer.rest();
  remove();
  expect(ask(['receipt', idOf('request', 1)])).toBeUndefined();
  expect(ask(['receipt', idOf('request', 3)])).toMatchObject({ status: 'settled' });
});
