import type { KeyExpiry, KeyTerms } from '#core/applications.ts';
import type { Instant, Quota } from '#core/model.ts';
import type { Policy } from '../services.ts';
import type { Asked } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { invalid } from './invalid.ts';

type Creation = Asked<Contract['keys']['create']>['body'];

const DAY_MS = 24 * 60 * 60_000;

/** The terms of a new key, called `label` if nothing is said. What is not said is as it is for other new keys now. */
export function termsOf(body: Creation, label: string, policy: Policy): KeyTerms {
  return {
    label: body.label ?? label,
    expiry: expiryOf(body, policy.keyExpiryDays),
    quotas: quotasOf(body, policy.dailyRequestLimit),
    models: body.models ?? null,
    ips: body.ips ?? null,
    requestsPerMinute: body.requests_per_minute ?? null,
    maxConcurrency: body.max_concurrency ?? null,
    metadata: body.metadata ?? {},
  };
}

/** The refusal of terms under which a key would have expired at `at`; `undefined` if they are none. */
export function refuseExpired({ expiry }: KeyTerms, at: Instant): Response | undefined {
  if (expiry.kind !== 'at' || expiry.at > at) return undefined;
  const message = 'must be in the future, in milliseconds since 1970; null is never';
  return invalid('body', [{ field: 'expires_at', message }]);
}

/** When a new key expires. `defaultDays` if nothing is said; 0 days are never. */
function expiryOf({ expires_at, expires_in_days }: Creation, defaultDays: number): KeyExpiry {
  if (expires_at === null) return { kind: 'never' };
  if (expires_at !== undefined) return { kind: 'at', at: expires_at };
  const days = expires_in_days ?? defaultDays;
  return days === 0 ? { kind: 'never' } : { kind: 'after', spanMs: days * DAY_MS };
}

/**
 * The quotas of a new key: those that are asked for, else the default one of the day; 0 is none.
 * `daily_limit` takes the default's place, `total_quota` comes beside it.
 */
export function quotasOf(
  { quotas, daily_limit, total_quota }: Creation,
  defaultDailyLimit: number,
): readonly Quota[] {
  const day = daily_limit === undefined && quotas === undefined ? defaultDailyLimit : daily_limit;
  return [
    ...(quotas ?? []),
    ...(day ? [{ meter: 'requests', period: 'day', limit: day } as const] : []),
    ...(total_quota ? [{ meter: 'requests', period: 'total', limit: total_quota } as const] : []),
  ];
}
