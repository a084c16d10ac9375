import type { KeyAmendment } from './key-registry.ts';
import type { ApiKey, Instant, Sponsor } from './model.ts';

/** The key as an amendment leaves it. Quotas that are given count as set at the ledger's own time. */
export function amended(
  key: ApiKey,
  { at, ...changes }: KeyAmendment,
  sponsor: Pick<Sponsor, 'latestAt'>,
): ApiKey {
  const quotasSetAt = changes.quotas === undefined ? key.quotasSetAt : ledgerTime(sponsor, at);
  return { ...key, ...changes, quotasSetAt };
}

/** Never before what was reserved or brought in last, even where the clock was set back since. */
export function ledgerTime({ latestAt }: Pick<Sponsor, 'latestAt'>, at: Instant): Instant {
  return Math.max(at, latestAt);
}
