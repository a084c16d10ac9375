import type { Instant, Quota } from '#core/model.ts';
import type { Asked } from './contract/action.ts';
import type { Contract } from './contract.ts';

type Creation = Asked<Contract['keys']['create']>['body'];

export const DAY_MS = 24 * 60 * 60_000;

/** When a new key expires; `null` is never. `defaultDays` if nothing is said; 0 days are never. */
export function expiryOf(
  { expires_at, expires_in_days }: Creation,
  at: Instant,
  defaultDays: number,
): Instant | null {
  if (expires_at !== undefined) return expires_at;
  const days = expires_in_days ?? defaultDays;
  return days === 0 ? null : at + days * DAY_MS;
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
