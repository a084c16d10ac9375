import type { Amount, Bucket, Buckets, Instant, Quota } from '#core/model.ts';
import { METERS, PERIODS } from '#core/model.ts';
import type { CurrentAccounts } from './current-accounts.ts';
import type { LedgerAudit, Tally } from './ledger-audit.ts';

/**
 * Invariant 1: each stored bucket with the tail, the sums over the ledger's rows,
 * and the whole log reduced by `apply` say the same.
 */
export function* auditBalances(current: CurrentAccounts, audit: LedgerAudit): Generator<string> {
  yield* current.problems;
  let stored = 0;
  for (const [id, { buckets, open, lastUsedAt }] of current.accounts) {
    yield* differences(`key ${id}`, buckets, audit.ofKey.get(id) ?? []);
    const folded = audit.folded.get(id);
    if (folded !== undefined && current.otherZoneN === 0)
      yield* otherFold(`key ${id}`, buckets, folded.buckets);
    if ((folded?.lastUsedAt ?? null) !== lastUsedAt)
      yield `key ${id}: was last used at another time than stored`;
    const ended = open.find((reservation) => !audit.open.has(reservation.id));
    if (ended !== undefined)
      yield `key ${id}: request ${ended.id} is stored as open, and the ledger ended it`;
    stored += open.length;
  }
  if (stored !== audit.open.size)
    yield `reservations stored as open: ${stored}; open in the ledger: ${audit.open.size}`;
  yield* differences('the sponsor', current.sponsor.buckets, audit.ofSponsor);
  if (current.otherZoneN === 0) yield* otherFold('the sponsor', current.sponsor.buckets, audit.foldedSponsor);
}

/**
 * Invariant 2: nothing is above its limit but by a recorded overdraft, by use from before the limit was set, or by what
 * was brought in from another system: nothing passes until that fits again.
 */
export function* auditLimits(current: CurrentAccounts, audit: LedgerAudit): Generator<string> {
  for (const [id, { key, buckets }] of current.accounts) {
    yield* excesses(`key ${id}`, key, buckets, audit.ofKey.get(id) ?? []);
  }
  yield* excesses('the sponsor', current.sponsor, current.sponsor.buckets, audit.ofSponsor);
}

function* differences(holder: string, buckets: Buckets, tallies: readonly Tally[]): Generator<string> {
  for (const [index, { period, used, held }] of buckets.entries()) {
    const tally = tallies[index];
    if (tally === undefined) continue;
    if (!isSame(used, tally.used))
      yield `${holder}, ${period}: used is ${told(used)}, the ledger says ${told(tally.used)}`;
    if (!isSame(held, tally.held))
      yield `${holder}, ${period}: held is ${told(held)}, the ledger says ${told(tally.held)}`;
  }
}

function* otherFold(holder: string, buckets: Buckets, folded: Buckets): Generator<string> {
  for (const [index, bucket] of buckets.entries()) {
    const other = folded[index];
    if (other === undefined || isSameBucket(bucket, other)) continue;
    yield `${holder}, ${bucket.period}: the stored bucket is not what its entries amount to`;
  }
}

interface Terms {
  readonly quotas: readonly Quota[];
  readonly quotasSetAt: Instant;
}

function* excesses(
  holder: string,
  { quotas, quotasSetAt }: Terms,
  buckets: Buckets,
  tallies: readonly Tally[],
): Generator<string> {
  for (const { meter, period, limit } of quotas) {
    const [bucket, tally] = [buckets[PERIODS.indexOf(period)], tallies[PERIODS.indexOf(period)]];
    if (bucket === undefined || tally?.firstAt === undefined || tally.firstAt <= quotasSetAt) continue;
    const total = bucket.used[meter] + bucket.held[meter];
    const allowed = Math.max(limit, tally.broughtTo[meter]) + tally.overdraft[meter];
    if (total > allowed)
      yield `${holder}: ${total} ${meter} in this ${period}, where ${allowed} were allowed`;
  }
}

function isSame(a: Amount, b: Amount): boolean {
  return METERS.every((meter) => a[meter] === b[meter]);
}

function isSameBucket(a: Bucket, b: Bucket): boolean {
  return a.startsAt === b.startsAt && isSame(a.used, b.used) && isSame(a.held, b.held);
}

function told({ requests, tokens, cost }: Amount): string {
  return `${requests} requests, ${tokens} tokens, ${cost} micros`;
}
