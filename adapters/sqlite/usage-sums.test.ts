import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { UsageQuery } from '#core/reports.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { committing } from '#test/fakes/committing.ts';
import { openDatabase } from './database.ts';
import { LIMITS } from './limits.ts';
import { usageSums } from './usage-sums.ts';
import { openWriter, type Writer } from './writer.ts';

const CALENDAR = calendarOf('UTC');
const KEY = keyNumber(1);
const BY_DAY: UsageQuery = { groupBy: 'day', limit: 9 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sums-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function totals(writer: Writer) {
  const [answer] = writer.answer([['scanUsage', BY_DAY, null]]);
  return answer?.kind === 'done' ? (answer.value as { totals: object }).totals : answer;
}

test('what came after a report is in the next one, whether it could be recorded in between or not', () => {
  let failing = false;
  const writer = openWriter(
    committing(openDatabase(join(folder, 'quota.db')), (commit) => {
      if (failing) throw new Error('disk I/O error');
      commit();
    }),
    CALENDAR,
    LIMITS,
  );
  writer.answer([
    ['addKey', KEY, null],
    ['execute', reserving(1, KEY)],
  ]);
  failing = true;
  expect(totals(writer)).toMatchObject({ requests: 1, successes: 0 });
  expect(writer.answer([['execute', reserving(2, KEY)]])).toMatchObject([{ kind: 'unavailable' }]);
  expect(totals(writer)).toMatchObject({ requests: 1, successes: 0 });
  failing = false;
  expect(totals(writer)).toMatchObject({ requests: 1, successes: 0 });
  writer.answer([['execute', settling(1, KEY, usageOf(2, 3))]]);
  expect(totals(writer)).toMatchObject({ requests: 1, successes: 1, prompt: 2 });
  writer.answer([['execute', reserving(3, KEY)]]);
  writer.rest();
  expect(totals(writer)).toMatchObject({ requests: 2, successes: 1, prompt: 2 });
  writer.close();
});

test('what an outsider changes is in the next report', () => {
  const path = join(folder, 'quota.db');
  const writer = openWriter(openDatabase(path), CALENDAR, LIMITS);
  writer.answer([
    ['addKey', KEY, null],
    ['execute', reserving(1, KEY)],
  ]);
  expect(totals(writer)).toMatchObject({ requests: 1, errors: 0 });
  const outsider = new Database(path);
  outsider.exec('UPDATE usage_days SET errors = 7');
  outsider.close();
  expect(totals(writer)).toMatchObject({ requests: 1, errors: 7 });
  writer.close();
});

test('no more sums are kept than there is room for', () => {
  const database = openDatabase(join(folder, 'quota.db'));
  const insert = database.prepare('INSERT INTO usage_days VALUES (?, ?, ?, 1, 0, 0, 0, 0, 0, 0, 0, 5)');
  const days = ['2026-11-01', '2026-11-02', '2026-11-03'];
  for (const day of days) for (const model of ['m', 'n']) insert.run(day, Buffer.alloc(16, 1), model);
  const sums = usageSums(database, 5);
  const kept = () => days.filter((day) => sums.isKept(day));
  for (const day of days.slice(0, 2)) expect(sums.of(day)).toMatchObject({ rows: 2, models: [{}, {}] });
  expect(kept()).toEqual(days.slice(0, 2));
  sums.of('2026-11-03');
  expect(kept()).toEqual(['2026-11-03']);
  sums.of('2026-11-01');
  sums.forget('2026-11-03');
  sums.of('2026-11-02');
  expect(kept()).toEqual(['2026-11-01', '2026-11-02']);
  database.close();
});
