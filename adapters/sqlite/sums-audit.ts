import type Database from 'better-sqlite3';
import { columnsOf } from './row-json.ts';
import { SUMS } from './usage-columns.ts';
import { type DaySums, daySumsOf, type SumsRow, usageSums } from './usage-sums.ts';

/** Invariant 6: the sums of each day, of which reports of all keys are made, are those of its rows in `usage_days`. */
export function* auditSums(database: Database.Database): Generator<string> {
  // A file that an older version made has none.
  if (columnsOf(database, 'usage_sums').length === 0) return;
  const days = database
    .prepare<[], string>('SELECT day FROM usage_sums UNION SELECT day FROM usage_days ORDER BY day')
    .pluck();
  const kept = usageSums(database);
  // Day by day: SQL sorts what it groups, and there is a row for each key, day and model.
  const right = database.prepare<[string], SumsRow>(
    `SELECT model, count(*) AS rows, ${SUMS} FROM usage_days WHERE day = ? GROUP BY model ORDER BY model`,
  );
  for (const day of days.all()) {
    if (told(kept(day)) === told(daySumsOf(right.all(day)))) continue;
    yield `reports of all keys together are wrong for ${day}; those of one key, or by key, are not, and quotas and balances are not touched`;
  }
}

/** Without the times, which a row that is gone may have set. */
function told({ rows, models }: DaySums): string {
  return JSON.stringify([rows, ...models.map(({ updatedAt: _, ...use }) => use)]);
}
