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
import { applyStep, MIGRATIONS } from './migrations.ts';
import { auditSums } from './sums-audit.ts';
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

test('whatever rows are added, changed and removed, the sums are those of the rows', () => {
  const database = openDatabase(join(folder, 'quota.db'));
  const sumsOf = usageSums(database);
  const key = (n: number) => `x'${'00'.repeat(15)}0${n}'`;
  const row = (day: number, n: number, model: string, count: number) =>
    `INSERT INTO usage_days VALUES ('2026-11-0${day}', ${key(n)}, '${model}', ${count}, 1, 2, 3, 4, 5, 6, 7, ${count})
     ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, updated_at = excluded.updated_at`;
  for (const day of [1, 2]) for (const n of [3, 1, 2]) database.exec(row(day, n, 'm', n));
  database.exec(row(1, 3, 'n', 9));
  database.exec(row(1, 2, 'm', 40));
  database.exec(row(1, 1, 'm', 7));
  const six = {
    successes: 3,
    errors: 6,
    rejections: 9,
    prompt: 12,
    completion: 15,
    cached: 18,
    costMicros: 21,
  };
  expect(sumsOf('2026-11-01')).toEqual({
    rows: 4,
    models: [
      { model: 'm', requests: 53, ...six, updatedAt: 40 },
      expect.objectContaining({ model: 'n', requests: 9, costMicros: 7, updatedAt: 9 }),
    ],
  });
  database.exec(`UPDATE usage_days SET errors = 12, rejections = 13 WHERE key_id = ${key(1)}`);
  database.exec(`DELETE FROM usage_days WHERE model = 'n' OR key_id = ${key(3)}`);
  expect(sumsOf('2026-11-01')).toMatchObject({ rows: 2, models: [{ model: 'm', requests: 50, errors: 14 }] });
  expect(sumsOf('2026-11-02')).toMatchObject({
    rows: 2,
    models: [{ model: 'm', requests: 3, errors: 14, rejections: 16, updatedAt: 3 }],
  });
  expect(sumsOf('2026-11-03')).toEqual({ rows: 0, models: [] });
  expect([...auditSums(database)]).toEqual([]);
  database.close();
});

test('what was counted before there were sums is in them', () => {
  const database = new Database(':memory:');
  const BEFORE = MIGRATIONS.findIndex((sql) => sql.includes('CREATE TABLE usage_sums'));
  for (const sql of MIGRATIONS.slice(0, BEFORE)) applyStep(database, sql);
  expect([...auditSums(database)]).toEqual([]);
  for (const n of [1, 2, 3])
    database.exec(
      `INSERT INTO usage_days VALUES ('2026-11-01', x'0${n}', 'm', ${n}, 1, 0, 0, 0, 0, 0, 0, ${n})`,
    );
  for (const sql of MIGRATIONS.slice(BEFORE)) applyStep(database, sql);
  expect(usageSums(database)('2026-11-01')).toMatchObject({
    rows: 3,
    models: [{ requests: 6, successes: 3, updatedAt: 3 }],
  });
  expect([...auditSums(database)]).toEqual([]);
});
