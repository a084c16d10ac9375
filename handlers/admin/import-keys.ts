import type { ApiKey, Instant } from '#core/model.ts';
import type { PastUse } from '#core/past-use.ts';
import { hintOf, isForeign, isWellFormed } from '#core/secret.ts';
import { type Calendar, dayNamed } from '#core/window.ts';
import type { Services } from '../services.ts';
import type { Asked, Implementation } from './contract/action.ts';
import type { ImportOutcome } from './contract/keys-import.ts';
import type { Contract } from './contract.ts';
import { quotasOf } from './new-key-terms.ts';

type Asking = Asked<Contract['keys']['import']>;
type ForeignKey = Asking['body']['keys'][number];
type Import = Implementation<Contract['keys']>['import'];

export type ImportServices = Pick<Services, 'keys' | 'secrets' | 'ids' | 'calendar' | 'policy' | 'prices'>;

/** Brings keys of another system in. Of a secret nothing goes further than this but its digest and its hint. */
export function importKeys(services: ImportServices): Import {
  const { calendar, prices } = services;
  return async (asked) => {
    // All at once: the store records what comes together with one commit.
    const outcomes = await Promise.all(asked.body.keys.map((given) => importOne(given, asked, services)));
    return {
      outcomes,
      today: calendar.dayOf(asked.at),
      time_zone: calendar.timeZone,
      priced_models: [...(prices.table()?.models.keys() ?? [])],
    };
  };
}

async function importOne(given: ForeignKey, asked: Asking, services: ImportServices): Promise<ImportOutcome> {
  const { keys, secrets, policy } = services;
  const { secret } = given;
  const hint = hintOf(secret);
  const refused = (reason: string): ImportOutcome => ({ key: hint, id: null, status: 'refused', reason });
  if (!isWellFormed(secret) && !isForeign(secret, policy.keyPrefix)) return refused(UNUSABLE);
  const history = historyOf(given, services.calendar, asked.at);
  if (typeof history === 'string') return refused(history);

  const key = keyOf(given, hint, asked, services);
  const there = async (): Promise<ImportOutcome> => {
    const account = await keys.account({ digest: secrets.digest(secret) });
    return {
      key: hint,
      id: account?.key.id ?? null,
      status: account ? 'exists' : 'importable',
      reason: null,
    };
  };
  if (asked.body.dry_run === true) return there();
  const operation = asked.operation(key.id, detailsOf(given, history));
  const isNew = await keys.bringIn(key, history, asked.at, operation);
  return isNew ? { key: hint, id: key.id, status: 'imported', reason: null } : there();
}

const UNUSABLE =
  'no client could use it: a key has 16 to 200 printable ASCII characters, no comma, and not the form of a key of this proxy with a wrong checksum';

function keyOf(
  given: ForeignKey,
  hint: string,
  { at }: Asking,
  { secrets, ids, policy }: ImportServices,
): ApiKey {
  return {
    id: ids.next(),
    digest: secrets.digest(given.secret),
    hint,
    previous: null,
    label: given.label,
    createdAt: given.created_at ?? at,
    expiresAt: given.expires_at ?? null,
    disabled: given.disabled ?? false,
    deletedAt: null,
    quotas: quotasOf(given.quotas === undefined ? {} : { quotas: given.quotas }, policy.dailyRequestLimit),
    quotasSetAt: at,
    models: given.models ?? null,
    ips: given.ips ?? null,
    requestsPerMinute: given.requests_per_minute ?? null,
    maxConcurrency: given.max_concurrency ?? null,
    metadata: given.metadata ?? {},
  };
}

/** The days on which something was used; or what is wrong with one. */
function historyOf({ usage = [] }: ForeignKey, calendar: Calendar, at: Instant): readonly PastUse[] | string {
  const today = calendar.dayOf(at);
  const history: PastUse[] = [];
  for (const { day, requests, ...more } of usage) {
    if (day > today) return `it was used on ${day}, and today is ${today}`;
    const usedAt = dayNamed(day, calendar)?.startsAt;
    if (usedAt === undefined) return `there was no ${day} in ${calendar.timeZone}`;
    const { prompt_tokens: prompt = 0, completion_tokens: completion = 0, cached_tokens: cached = 0 } = more;
    const { errors = 0, successes = Math.max(0, requests - errors), cost_micros: cost = 0 } = more;
    const used = { requests, tokens: prompt + completion, cost };
    const usage = { prompt, completion, cached, cacheWritten: 0, reasoning: 0 };
    history.push({ usedAt, used, successes, errors, usage });
  }
  return history;
}

/** For the operation log: all but the secret, and sums instead of days. */
function detailsOf({ secret: _, usage, ...terms }: ForeignKey, history: readonly PastUse[]) {
  const sum = (part: (past: PastUse) => number) => history.reduce((total, past) => total + part(past), 0);
  return {
    ...terms,
    days: history.length,
    requests: sum(({ used }) => used.requests),
    tokens: sum(({ used }) => used.tokens),
    cost_micros: sum(({ used }) => used.cost),
  };
}
