import type { Quota } from '#core/model.ts';
import { countIn, datetimeIn, labelIn } from './cells.ts';
import { daySums, unusedDay } from './day-sums.ts';
import type { Cells, ForeignDatabase } from './foreign-database.ts';
import type { ForeignDay, ForeignFile, Found, Reading } from './foreign-file.ts';
import { joined, type Numbered } from './joined.ts';
import { keyProblem, termsProblem, usageProblem } from './problems.ts';
import { SLOT_SECONDS, slotStart } from './slot.ts';

const KEYS = `
SELECT rowid AS ref, key, label, total_quota, used_quota, created_at, expires_at,
       rowid NOT IN (SELECT min(rowid) FROM api_keys GROUP BY key) AS is_second
FROM api_keys ORDER BY rowid`;

const USAGE = `
SELECT k.ref, unixepoch(u.timestamp) / ${SLOT_SECONDS} AS slot, count(*) AS requests,
       sum(u.status_code IS NOT NULL AND u.status_code >= 400) AS errors
FROM usage_log u JOIN (SELECT min(rowid) AS ref, key FROM api_keys GROUP BY key) k ON k.key = u.api_key
GROUP BY 1, 2 ORDER BY 1, 2`;

const OF_NO_KEY =
  'SELECT count(*) FROM usage_log WHERE api_key IS NULL OR api_key NOT IN (SELECT key FROM api_keys WHERE key IS NOT NULL)';

/** An older quota-proxy: keys with a quota of requests for all time, and a log of requests. */
export function apiKeys(database: ForeignDatabase): ForeignFile | undefined {
  const isThis =
    database.has('api_keys', 'key', 'label', 'total_quota', 'used_quota', 'created_at', 'expires_at') &&
    database.has('usage_log', 'api_key', 'timestamp', 'status_code');
  if (!isThis) return undefined;
  return {
    format: 'an older quota-proxy (api_keys, usage_log)',
    keyCount: database.count('SELECT count(*) FROM api_keys'),
    pricedModels: null,
    *found(reading) {
      for (const { key, rows } of joined(database.rows(KEYS), database.rows(USAGE))) {
        yield* keyIn(key, rows, reading);
      }
      const rows = database.count(OF_NO_KEY);
      if (rows > 0) yield usageProblem('is of a key that is not there', 'usage_log', rows);
    },
    close: database.close,
  };
}

function* keyIn(row: Numbered, usage: readonly Cells[], reading: Reading): Generator<Found> {
  const place = `api_keys, row ${row.ref}`;
  const secret = row['key'];
  if (typeof secret !== 'string' || secret === '') return yield keyProblem('has no key', place);
  if (row['is_second'] === 1n) return yield keyProblem('has a key that another row has, too', place);
  const used = countIn(row['used_quota']);
  const total = countIn(row['total_quota']);
  if (used === undefined) return yield keyProblem('has a used_quota that cannot be', place);
  if (total === undefined) return yield keyProblem('has a total_quota that cannot be', place);
  const createdAt = datetimeIn(row['created_at']) ?? null;
  if (createdAt === null) yield termsProblem('created_at is no time: it counts as made today', secret);
  const expiresAt = datetimeIn(row['expires_at']) ?? null;
  const isUnclear = expiresAt === null && row['expires_at'] !== null && row['expires_at'] !== '';
  if (isUnclear) yield termsProblem('expires_at is no time: it comes in disabled', secret);

  const logged = yield* loggedIn(usage, place, reading);
  const rest = restOf(used, logged, createdAt, reading);
  const days = rest === undefined ? logged : [rest, ...logged];
  const terms = { label: labelIn(row['label']), createdAt, expiresAt, models: null, ips: null };
  const quotas = row['total_quota'] === null ? null : totalQuota(total, used, days);
  if (quotas === null) yield termsProblem('total_quota is none: it gets the quota of a new key', secret);
  yield { kind: 'key', key: { secret, ...terms, disabled: isUnclear, quotas, days } };
}

function* loggedIn(
  usage: readonly Cells[],
  place: string,
  { days }: Reading,
): Generator<Found, readonly ForeignDay[]> {
  const sums = daySums();
  for (const { slot, requests, errors } of usage) {
    const day = slot === null ? undefined : days.at(slotStart(slot));
    const counts = { requests: Number(requests), errors: Number(errors) };
    if (day === undefined) yield usageProblem('is of a time that cannot be', place, counts.requests);
    else sums.add({ ...unusedDay(day), ...counts });
  }
  return sums.days();
}

/** What was used beyond what the log tells counts for the day on which the key was made. */
function restOf(
  used: number,
  logged: readonly ForeignDay[],
  createdAt: number | null,
  { days }: Reading,
): ForeignDay | undefined {
  const requests = used - requestsOf(logged);
  const day = (createdAt === null ? undefined : days.at(createdAt)) ?? logged[0]?.day ?? days.today;
  return requests > 0 ? { ...unusedDay(day), requests } : undefined;
}

/** What remained there remains here, also where the log has more than was counted against the quota. */
function totalQuota(total: number, used: number, days: readonly ForeignDay[]): readonly Quota[] {
  const limit = Math.max(0, total - used) + requestsOf(days);
  return [{ meter: 'requests', period: 'total', limit }];
}

function requestsOf(days: readonly ForeignDay[]): number {
  return days.reduce((sum, { requests }) => sum + requests, 0);
}
