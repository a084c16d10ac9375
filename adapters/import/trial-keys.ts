import type { Quota } from '#core/model.ts';
import { countIn, integerIn, labelIn, millisecondsIn } from './cells.ts';
import { daySums, unusedDay } from './day-sums.ts';
import type { Cells, ForeignDatabase } from './foreign-database.ts';
import type { ForeignFile, Found, Reading } from './foreign-file.ts';
import { joined, type Numbered } from './joined.ts';
import { keyProblem, termsProblem, usageProblem } from './problems.ts';

const KEYS = `
SELECT rowid AS ref, key, label, created_at, daily_limit, is_active,
       rowid NOT IN (SELECT min(rowid) FROM trial_keys GROUP BY key) AS is_second
FROM trial_keys ORDER BY rowid`;

const USAGE = `
SELECT k.ref, u.day, u.requests
FROM usage_stats u JOIN (SELECT min(rowid) AS ref, key FROM trial_keys GROUP BY key) k ON k.key = u.trial_key
ORDER BY k.ref`;

const OF_NO_KEY =
  'SELECT count(*) FROM usage_stats WHERE trial_key IS NULL OR trial_key NOT IN (SELECT key FROM trial_keys WHERE key IS NOT NULL)';

/** An older quota-proxy: keys with a limit a day, and requests counted by day. */
export function trialKeys(database: ForeignDatabase): ForeignFile | undefined {
  const isThis =
    database.has('trial_keys', 'key', 'label', 'created_at', 'daily_limit', 'is_active') &&
    database.has('usage_stats', 'trial_key', 'day', 'requests');
  if (!isThis) return undefined;
  return {
    format: 'an older quota-proxy (trial_keys, usage_stats)',
    keyCount: database.count('SELECT count(*) FROM trial_keys'),
    pricedModels: null,
    *found(reading) {
      for (const { key, rows } of joined(database.rows(KEYS), database.rows(USAGE))) {
        yield* keyIn(key, rows, reading);
      }
      const rows = database.count(OF_NO_KEY);
      if (rows > 0) yield usageProblem('is of a key that is not there', 'usage_stats', rows);
    },
    close: database.close,
  };
}

function* keyIn(row: Numbered, usage: readonly Cells[], { days }: Reading): Generator<Found> {
  const place = `trial_keys, row ${row.ref}`;
  const secret = row['key'];
  if (typeof secret !== 'string' || secret === '') return yield keyProblem('has no key', place);
  if (row['is_second'] === 1n) return yield keyProblem('has a key that another row has, too', place);
  const createdAt = millisecondsIn(row['created_at']) ?? null;
  if (createdAt === null) yield termsProblem('created_at is no time: it counts as made today', secret);
  const quotas = dailyLimitIn(row['daily_limit']);
  if (quotas === null) yield termsProblem('daily_limit is none: it gets that of a new key', secret);

  const sums = daySums();
  for (const { day: name, requests: cell } of usage) {
    const [day, requests] = [days.named(String(name)), countIn(cell)];
    if (day === undefined) yield usageProblem('is of a day that cannot be', place);
    else if (requests === undefined) yield usageProblem('has a count that cannot be', place);
    else if (requests > 0) sums.add({ ...unusedDay(day), requests });
  }
  const terms = { label: labelIn(row['label']), createdAt, expiresAt: null, quotas, models: null, ips: null };
  const disabled = integerIn(row['is_active']) !== 1;
  yield { kind: 'key', key: { secret, ...terms, disabled, days: sums.days() } };
}

function dailyLimitIn(cell: unknown): readonly Quota[] | null {
  const limit = countIn(cell);
  return limit ? [{ meter: 'requests', period: 'day', limit }] : null;
}
