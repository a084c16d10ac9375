import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { UsageQuery } from '#core/reports.ts';
import { gatherUsage } from './gather-usage.ts';
import { applyStep, MIGRATIONS } from './migrations.ts';
import { usageReport } from './usage-report.ts';
import { toUuid } from './uuid-blob.ts';

const DAYS = ['2026-11-30', '2026-12-01', '2026-12-09', '2026-12-10', '2027-01-01', '2027-01-20'];

/** Pages that do not meet may never end. */
const PAGES_MAX = 50;

/** Six days, three keys, two models: 36 rows with numbers of their own. */
function open() {
  const database = new Database(':memory:');
  for (const sql of MIGRATIONS) applyStep(database, sql);
  const insert = database.prepare('INSERT INTO usage_days VALUES (?, ?, ?, ?, ?, 0, 0, 1, 1, 0, 1, ?)');
  let n = 0;
  for (const day of DAYS)
    for (const key of [1, 2, 3])
      for (const model of ['m', 'n']) {
        n += 1;
        insert.run(day, Buffer.alloc(16, key), model, (n * 7) % 5, (n * 7) % 5, n);
      }
  return database;
}

/** All pages of a report that is read in parts of about so many rows, and how many parts there were. */
async function pagesInParts(query: UsageQuery, rows: number) {
  const database = open();
  const report = usageReport(database, rows);
  let parts = 0;
  const read = async (asked: UsageQuery, beforeDay: string | null) => {
    parts += 1;
    return report(asked, beforeDay);
  };
  const pages = [];
  for (let more = true; more; ) {
    const after = pages.at(-1)?.rows.at(-1);
    const page = await gatherUsage({ ...query, ...(after && { after }) }, read);
    pages.push(page);
    more = page.more;
    expect(pages.length).toBeLessThan(PAGES_MAX);
  }
  return { parts, pages };
}

const KEY_ID = toUuid(Buffer.alloc(16, 2));

test.each(['key', 'model', 'key_model', 'day', 'month'] as const)(
  'by %s, small parts amount to the same as one large one, on every page',
  async (groupBy) => {
    for (const more of [
      {},
      { fromDay: '2026-12-01', toDay: '2027-01-01' },
      { model: 'n' },
      { keyId: KEY_ID },
      { limit: 4 },
      { limit: 1 },
      { limit: 2, sort: 'key', keyId: KEY_ID },
    ] as const) {
      const query: UsageQuery = { groupBy, limit: 99, ...more };
      const whole = await pagesInParts(query, 1000);
      const small = await pagesInParts(query, 7);
      expect(small.pages).toEqual(whole.pages);
      expect(whole.parts).toBe(whole.pages.length);
      expect(small.parts).toBeGreaterThan(small.pages.length);
    }
  },
);

test('days are read together, and by key as many as are not too many rows; what does not fit on a page is not looked for', async () => {
  const database = open();
  const report = usageReport(database, 135);
  const partsOf = async (query: UsageQuery) => {
    const parts: number[] = [];
    await gatherUsage(query, async (asked, beforeDay) => {
      const part = report(asked, beforeDay);
      parts.push(part.rows.length);
      return part;
    });
    return parts;
  };
  expect(await partsOf({ groupBy: 'day', limit: 9 })).toEqual([6]);
  expect(await partsOf({ groupBy: 'key', limit: 9 })).toEqual([10]);
  expect(await partsOf({ groupBy: 'key', limit: 99 })).toEqual([15, 3]);
});
