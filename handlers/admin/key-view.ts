import type * as z from 'zod';
import { standingsOf } from '#core/authorize.ts';
import { statusOf } from '#core/expire.ts';
import type { Account, ApiKey, Buckets, Instant, Quota } from '#core/model.ts';
import { inGrace } from '#core/rotate.ts';
import type { Calendar } from '#core/window.ts';
import type { Contract } from './contract.ts';

export type KeyView = z.output<Contract['keys']['get']['reply']>;
export type StandingView = KeyView['quotas'][number];

/** A key and what it stands at, as the admin API shows it: never its digest, never its secret. */
export function keyView(
  { key, buckets, open, lastUsedAt }: Pick<Account, 'key' | 'buckets' | 'open' | 'lastUsedAt'>,
  at: Instant,
  calendar: Calendar,
): KeyView {
  return {
    id: key.id,
    key: key.hint,
    label: key.label,
    status: statusOf(key, at),
    previous_key: previousView(key, at),
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    deleted_at: key.deletedAt,
    last_used_at: lastUsedAt,
    quotas: standingViews(key.quotas, buckets, at, calendar),
    models: key.models && [...key.models],
    ips: key.ips && [...key.ips],
    requests_per_minute: key.requestsPerMinute,
    max_concurrency: key.maxConcurrency,
    in_flight: open.length,
    metadata: { ...key.metadata },
  };
}

function previousView(key: ApiKey, at: Instant): KeyView['previous_key'] {
  const previous = inGrace(key, at);
  return previous && { key: previous.hint, ends_at: previous.endsAt };
}

/** Quotas and what they stand at. */
export function standingViews(
  quotas: readonly Quota[],
  buckets: Buckets,
  at: Instant,
  calendar: Calendar,
): StandingView[] {
  return standingsOf(quotas, buckets, at, calendar).map(({ resetsAt, ...standing }) => ({
    ...standing,
    resets_at: resetsAt,
  }));
}
