import { enter, standingsOf } from '#core/authorize.ts';
import type { Standing } from '#core/decision.ts';
import { statusOf } from '#core/expire.ts';
import type { Account, Digest, Instant } from '#core/model.ts';
import { passRate } from '#core/rate.ts';
import type { Calendar } from '#core/window.ts';
import { refuse } from './refusal.ts';
import { json } from './reply.ts';
import type { Exchange, Route } from './route.ts';
import type { Services } from './services.ts';

export type MeServices = Pick<Services, 'keys' | 'clock' | 'calendar' | 'policy'>;

/** What the holder of a key may know of it. */
export function meRoutes({ keys, clock, calendar, policy }: MeServices): readonly Route[] {
  async function handle({ env, requestId }: Exchange, digest: Digest): Promise<Response> {
    const headers = { 'cache-control': 'no-store', 'x-request-id': requestId };
    const at = clock.now();
    const account = await keys.account({ digest });
    if (account === undefined) return refuse({ kind: 'unknown_key' }, at, headers);
    const denial = enter(account.key, env.address, at);
    if (denial !== undefined) return refuse(denial, at, headers);
    return json(200, stateOf(account, at, calendar, policy.requestsPerMinute), headers);
  }
  return ['/v1/quota', '/quota'].map((path) => ({ method: 'GET', path, access: 'key', handle }));
}

function stateOf(account: Account, at: Instant, calendar: Calendar, defaultRate: number) {
  const { key, buckets, open } = account;
  return {
    id: key.id,
    label: key.label,
    status: statusOf(key, at),
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    expires_at_iso: isoOf(key.expiresAt),
    quotas: standingsOf(key.quotas, buckets, at, calendar).map(quotaOf),
    rate: rateOf(account, at, key.requestsPerMinute ?? defaultRate),
    models: key.models,
    max_concurrency: key.maxConcurrency,
    in_flight: open.length,
  };
}

/** Nothing is below zero remaining, not even where the upstream billed more than was allowed. */
function quotaOf({ resetsAt, ...standing }: Standing) {
  const remaining = Math.max(standing.limit - standing.used - standing.held, 0);
  return { ...standing, remaining, resets_at: resetsAt, resets_at_iso: isoOf(resetsAt) };
}

/** What the rate limit stands at; `null` if there is none. */
function rateOf({ arrivalUs }: Account, at: Instant, requestsPerMinute: number) {
  if (requestsPerMinute === 0) return null;
  const { allowed, standing } = passRate(arrivalUs, requestsPerMinute, at);
  // The standing is that after one more request, and this is none.
  return { requests_per_minute: requestsPerMinute, remaining: standing.remaining + (allowed ? 1 : 0) };
}

function isoOf(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
