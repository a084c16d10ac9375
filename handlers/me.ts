import { limitsOf } from '#core/authorize.ts';
import type { Standing } from '#core/decision.ts';
import { statusOf } from '#core/expire.ts';
import type { Account, Digest, Instant } from '#core/model.ts';
import { findHolder } from './find-holder.ts';
import { inWords } from './quota-in-words.ts';
import { refuse } from './refusal.ts';
import { json } from './reply.ts';
import type { Exchange, Route } from './route.ts';
import type { Services } from './services.ts';

export type MeServices = Pick<Services, 'keys' | 'clock' | 'calendar' | 'policy' | 'prices'>;

/** What the holder of a key may know of it. */
export function meRoutes(services: MeServices): readonly Route[] {
  async function handle(exchange: Exchange, digest: Digest): Promise<Response> {
    const headers = { 'cache-control': 'no-store', 'x-request-id': exchange.requestId };
    const holder = await findHolder(digest, exchange, services);
    if (!holder.ok) return refuse(holder.denial, holder.at, headers);
    return json(200, stateOf(holder.account, holder.at, services), headers);
  }
  return ['/v1/quota', '/quota'].map((path) => ({ method: 'GET', path, access: 'key', handle }));
}

function stateOf(account: Account, at: Instant, { calendar, policy, prices }: MeServices) {
  const { key, open } = account;
  const { expiresAt, maxConcurrency } = key;
  const { requestsPerMinute } = policy;
  const { standings, rate } = limitsOf(account, { at, requestsPerMinute }, calendar);
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

function isoOf(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
