import { parseRange } from '#core/address.ts';
import type { Quota } from '#core/model.ts';
import { countIn, integerIn, labelIn, listIn, secondsIn } from './cells.ts';
import { daySums, unusedDay } from './day-sums.ts';
import type { Cells } from './foreign-database.ts';
import type { ForeignDay, Found, Reading } from './foreign-file.ts';
import type { Numbered } from './joined.ts';
import { keyProblem, termsProblem, usageProblem } from './problems.ts';
import { slotStart } from './slot.ts';

/** How to read a token: what its quota is in money. */
export interface TokenReading extends Reading {
  readonly microsPerQuota: number;
}

// Of the column `status`.
const ENABLED = 1;
const NEVER = -1;

// The key is stored without it, and clients send it with it.
const PREFIX = 'sk-';

/** As many as a key may have here. */
const LIST_ITEMS_MAX = 100;

/** A token as a key, with what it used. `row` is of `tokens` and its owner, `usage` of `logs`. */
export function* tokenKey(row: Numbered, usage: readonly Cells[], reading: TokenReading): Generator<Found> {
  const place = `tokens, id ${String(row['id'])}`;
  const stored = row['key'];
  if (typeof stored !== 'string' || stored === '') return yield keyProblem('has no key', place);
  if (row['deleted_at'] !== null) return yield keyProblem('was deleted there', place);
  if (row['is_second'] === 1n) return yield keyProblem('has a key that another row has, too', place);
  const used = countIn(row['used_quota']);
  if (used === undefined) return yield keyProblem('has a used_quota that cannot be', place);
  const remaining = remainingOf(row);
  if (remaining === undefined) return yield keyProblem('has a remain_quota that cannot be', place);

  const secret = stored.startsWith(PREFIX) ? stored : PREFIX + stored;
  const createdAt = secondsIn(row['created_time']) ?? null;
  if (createdAt === null) yield termsProblem('created_time is no time: it counts as made today', secret);
  const logged = yield* loggedIn(usage, place, reading);
  const days = withRest(logged, { micros: used * reading.microsPerQuota, createdAt }, reading);
  const doubts = doubtsAbout(row);
  for (const doubt of doubts) yield termsProblem(`${doubt}: it comes in disabled`, secret);
  const quotas = reading.moneyQuotas === 'none' ? [] : quotasOf(remaining, days, reading);
  const disabled = doubts.length > 0 || isOut(row, reading, quotas);
  const lists = { models: modelsOf(row), ips: rangesOf(row) };
  const expiresAt = secondsIn(row['expired_time']) ?? null;
  const terms = { label: labelIn(row['name']), createdAt, expiresAt, disabled, quotas };
  yield { kind: 'key', key: { secret, ...terms, ...kept(lists), days } };
}

/** What is left, in quota: that of the token, and no more than its owner has; `null` for no limit. */
function remainingOf(row: Cells): number | null | undefined {
  const balance = row['balance'] === null ? null : integerIn(row['balance']);
  const own = integerIn(row['unlimited_quota']) === 1 ? null : integerIn(row['remain_quota']);
  if (balance === undefined || own === undefined) return undefined;
  if (balance === null && own === null) return null;
  return Math.max(0, Math.min(balance ?? Number.POSITIVE_INFINITY, own ?? Number.POSITIVE_INFINITY));
}

/** What remained there remains here: the limit is that and all that comes along as used. */
function quotasOf(
  remaining: number | null,
  days: readonly ForeignDay[],
  { microsPerQuota }: TokenReading,
): readonly Quota[] {
  if (remaining === null) return [];
  const used = days.reduce((sum, { costMicros }) => sum + costMicros, 0);
  const limit = Math.min(Number.MAX_SAFE_INTEGER, Math.floor(remaining * microsPerQuota) + used);
  return [{ meter: 'cost', period: 'total', limit }];
}

function* loggedIn(
  usage: readonly Cells[],
  place: string,
  { days, microsPerQuota }: TokenReading,
): Generator<Found, readonly ForeignDay[]> {
  const sums = daySums();
  for (const { slot, requests: count, quota, prompt, completion } of usage) {
    const [day, requests] = [days.at(slotStart(slot)), Number(count)];
    if (day === undefined) yield usageProblem('is of a time that cannot be', place, requests);
    else {
      const costMicros = Number(quota) * microsPerQuota;
      sums.add({
        day,
        requests,
        errors: 0,
        prompt: Number(prompt),
        completion: Number(completion),
        costMicros,
      });
    }
  }
  // Rounded once a day, and up: nothing gets cheaper by coming here.
  return sums.days().map((day) => ({ ...day, costMicros: Math.ceil(day.costMicros) }));
}

/** What was charged beyond what the log tells counts for the day on which the key was made. */
function withRest(
  logged: readonly ForeignDay[],
  { micros, createdAt }: { readonly micros: number; readonly createdAt: number | null },
  { days }: TokenReading,
): readonly ForeignDay[] {
  const rest = Math.ceil(micros) - logged.reduce((sum, { costMicros }) => sum + costMicros, 0);
  if (rest <= 0) return logged;
  const day = (createdAt === null ? undefined : days.at(createdAt)) ?? logged[0]?.day ?? days.today;
  const sums = daySums();
  for (const each of [...logged, { ...unusedDay(day), costMicros: rest }]) sums.add(each);
  return sums.days();
}

/** Whether it would not work there, though it says nothing that would keep it from working here. */
function isOut(row: Cells, { moneyQuotas }: TokenReading, quotas: readonly Quota[]): boolean {
  if (row['is_owner_out'] === 1n) return true;
  const status = integerIn(row['status']);
  if (status === ENABLED) return moneyQuotas === 'none' && remainingOf(row) === 0;
  // Expired or used up: then its time or its quota says so here, too, and it works again when that is changed.
  if (status === 3) return !(Number(row['expired_time']) > 0);
  if (status === 4) return quotas.length === 0;
  return true;
}

/** What cannot be carried over exactly, and would let somebody in who was kept out. */
function doubtsAbout(row: Cells): string[] {
  const doubts: string[] = [];
  const expiry = integerIn(row['expired_time']);
  if (expiry !== NEVER && secondsIn(row['expired_time']) === undefined)
    doubts.push('expired_time is no time');
  const isLimited = integerIn(row['model_limits_enabled']) === 1;
  if (isLimited && modelsOf(row).length === 0) doubts.push('it may use no model at all');
  const ranges = rangesOf(row);
  const bad = ranges.find((range) => parseRange(range) === undefined);
  if (bad !== undefined) doubts.push(`${JSON.stringify(bad.slice(0, 50))} is no address or range`);
  const lists = { models: modelsOf(row), addresses: ranges };
  for (const [name, { length }] of Object.entries(lists))
    if (length > LIST_ITEMS_MAX) doubts.push(`it has ${length} ${name}, where ${LIST_ITEMS_MAX} can be`);
  return doubts;
}

function modelsOf(row: Cells): readonly string[] {
  if (integerIn(row['model_limits_enabled']) === 1) return listIn(row['model_limits']);
  return listIn(row['models']);
}

function rangesOf(row: Cells): readonly string[] {
  return [...listIn(row['subnet']), ...listIn(row['allow_ips'])];
}

/** An empty list allows everything there. */
function kept({ models, ips }: { readonly models: readonly string[]; readonly ips: readonly string[] }) {
  const sound = ips.filter((range) => parseRange(range) !== undefined).slice(0, LIST_ITEMS_MAX);
  return {
    models: models.length === 0 ? null : models.slice(0, LIST_ITEMS_MAX),
    ips: sound.length === 0 ? null : sound,
  };
}
