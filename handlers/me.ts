import { enter, standingsOf } from '#core/authorize.ts';
import type { Standing } from '#core/decision.ts';
import { statusOf } from '#core/expire.ts';
import type { Account, Digest, Instant } from '#core/model.ts';
import { rateStanding } from '#core/rate.ts';
import { inWords } from './quota-in-words.ts';
import { refuse } from './refusal.ts';
import { json } from './reply.ts';
import type { Exchange, Route } from './route.ts';
import type { Services } from './services.ts';

export type MeServices = Pick<Services, 'keys' | 'clock' | 'calendar' | 'policy' | 'prices'>;

/** What the holder of a key may know of it. */
export function meRoutes(services: MeServices): readonly Route[] {
  const { keys, clock } = services;
  async function handle({ env, requestId }: Exchange, digest: Digest): Promise<Response> {
    const headers = { 'cache-control': 'no-store', 'x-request-id': requestId };
    const at = clock.now();
    const account = await keys.account({ digest });
    if (account === undefined) return refuse({ kind: 'unknown_key' }, at, headers);
    const denial = enter(account.key, { digest, address: env.address, at });
    if (denial !== undefined) return refuse(denial, at, headers);
    return json(200, stateOf(account, at, services), headers);
  }
  return ['/v1/quota', '/quota'].map((path) => ({ method: 'GET', path, access: 'key', handle }));
}

function stateOf(account: Account, at: Instant, { calendar, policy, prices }: MeServices) {
  const { key, buckets, open } = account;
  const { expiresAt, maxConcurrency } = key;
  const standings = standingsOf(key.quotas, buckets, at, calendar);
  const rate = rateOf(account, at, key.requestsPerMinute ?? policy.requestsPerMinute);
  const currency = prices.table()?.currency ?? null;
  return {
    id: key.id,
    label: key.label,
    status: statusOf(key, at),
    created_at: key.createdAt,
    expires_at: expiresAt,
    expires_at_iso: isoOf(expiresAt),
    in_words: inWords({ standings, rate, inFlight: open.length, maxConcurrency, expiresAt, currency }, at),
    quotas: standings.map(quotaOf),
    rate: rate && { requests_per_minute: rate.requestsPerMinute, remaining: rate.remaining },
    models: key.models,
    max_concurrency: maxConcurrency,
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
  return requestsPerMinute === 0 ? null : rateStanding(arrivalUs, requestsPerMinute, at);
}

function isoOf(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
