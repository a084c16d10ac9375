import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { UsageQuery } from '#core/reports.ts';
import { gatherUsage } from './gather-usage.ts';
import { applyStep, MIGRATIONS } from './migrations.ts';
import { usageReport } from './usage-report.ts';

const DAYS = ['2026-11-30', '2026-12-01', '2026-12-09', '2026-12-10', '2027-01-01', '2027-01-20'];

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

test.each(['key', 'model', 'key_model', 'day', 'month'] as const)(
  'by %s, small parts amount to the same as one large one',
  async (groupBy) => {
    const database = open();
    for (const more of [{}, { fromDay: '2026-12-01', toDay: '2027-01-01' }, { model: 'n' }, { limit: 4 }]) {
      const query: UsageQuery = { groupBy, limit: 99, ...more };
      const inParts = async (rows: number) => {
        const report = usageReport(database, rows);
        let parts = 0;
        const page = await gatherUsage(query, async (asked, beforeDay) => {
          parts += 1;
          return report(asked, beforeDay);
        });
        return { parts, page };
      };
      const whole = await inParts(1000);
      const small = await inParts(7);
      expect(small.page).toEqual(whole.page);
      expect(whole.parts).toBe(1);
      expect(small.parts).toBeGreaterThan(1);
    }
  },
);
