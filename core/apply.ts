import type { LedgerEntry } from './ledger-entry.ts';
import type { Account, Amount, Bucket, Buckets, Instant, Period, Reservation } from './model.ts';
import { METERS, NOTHING, PERIODS } from './model.ts';
import type { PastUse } from './past-use.ts';
import type { Calendar } from './window.ts';

/**
 * What an entry means: the account after it. The whole state of a store is its entries, reduced by this.
 * An entry whose reservation is not open changes nothing.
 */
export function apply(account: Account, entry: LedgerEntry, calendar: Calendar): Account {
  switch (entry.kind) {
    case 'reserved':
      return hold(account, entry.reservation, entry.arrivalUs, calendar);
    case 'settled':
    case 'lapsed':
      return end(account, entry.requestId, entry.used);
    case 'released':
      return end(account, entry.requestId, NOTHING);
    case 'imported':
      return addPastUse(account, entry, entry.at, calendar);
    case 'reset':
      return { ...account, arrivalUs: 0, buckets: account.buckets.map(emptied) };
    default:
      return entry satisfies never;
  }
}

/** Whether the windows that an entry is in begin with it, if they have not begun. */
export function beginsWindows({ kind }: Pick<LedgerEntry, 'kind'>): boolean {
  return kind === 'reserved' || kind === 'imported';
}

/** Whether an entry ends a request. */
export function endsRequest(entry: LedgerEntry): entry is Extract<LedgerEntry, { requestId: string }> {
  return 'requestId' in entry && entry.kind !== 'reserved';
}

/** The buckets of something new. */
export function emptyBuckets(): Buckets {
  return PERIODS.map((period) => ({ period, startsAt: 0, used: NOTHING, held: NOTHING }));
}

/**
 * The buckets as they stand at `at`: those whose window is over are begun anew. Never an earlier window, nor one that had
 * begun when the last request came: after a change of the time zone, what was used in it would be forgotten.
 * Most requests come in a window that has begun: then these are the very same buckets.
 */
export function roll(buckets: Buckets, at: Instant, calendar: Calendar): Buckets {
  // Minutes are the same in all zones, and days begin with one.
  const lastMinute = buckets.find(({ period }) => period === 'minute')?.startsAt ?? 0;
  const isOver = ({ period, startsAt }: Bucket) =>
    calendar.windowOf(period, at).startsAt > Math.max(startsAt, lastMinute);
  if (!buckets.some(isOver)) return buckets;
  return buckets.map((bucket) => (isOver(bucket) ? begun(bucket.period, at, calendar) : bucket));
}

function hold(account: Account, reservation: Reservation, arrivalUs: number, calendar: Calendar): Account {
  const { madeAt, amount } = reservation;
  const add = (buckets: Buckets) =>
    roll(buckets, madeAt, calendar).map((bucket) => ({ ...bucket, held: plus(bucket.held, amount) }));
  return {
    key: account.key,
    buckets: add(account.buckets),
    open: [...account.open, reservation],
    lastUsedAt: madeAt,
    arrivalUs,
    sponsor: { ...account.sponsor, buckets: add(account.sponsor.buckets), latestAt: madeAt },
  };
}

/** Begins windows as a reservation does, so that what came in is never wiped out by a window that began before it. */
function addPastUse(account: Account, past: PastUse, at: Instant, calendar: Calendar): Account {
  const add = (buckets: Buckets) =>
    roll(buckets, at, calendar).map((bucket) =>
      includesDay(bucket, past.usedAt) ? { ...bucket, used: plus(bucket.used, past.used) } : bucket,
    );
  return {
    ...account,
    buckets: add(account.buckets),
    lastUsedAt: Math.max(account.lastUsedAt ?? 0, past.usedAt),
    sponsor: { ...account.sponsor, buckets: add(account.sponsor.buckets), latestAt: at },
  };
}

function end(account: Account, requestId: string, used: Amount): Account {
  const reservation = account.open.find(({ id }) => id === requestId);
  if (reservation === undefined) return account;
  const charge = (buckets: Buckets) => buckets.map((bucket) => charged(bucket, reservation, used));
  return {
    ...account,
    buckets: charge(account.buckets),
    open: account.open.filter((other) => other !== reservation),
    sponsor: { ...account.sponsor, buckets: charge(account.sponsor.buckets) },
  };
}

/** Whether a day's use belongs to the bucket's window: in which minute or hour of the day it was, nobody knows. */
export function includesDay(
  { period, startsAt }: Pick<Bucket, 'period' | 'startsAt'>,
  day: Instant,
): boolean {
  return period !== 'minute' && period !== 'hour' && day >= startsAt;
}

/** A hold and its charge meet in the window in which the reservation was made, or not at all if it is over. */
function charged(bucket: Bucket, reservation: Reservation, used: Amount): Bucket {
  if (reservation.madeAt < bucket.startsAt) return bucket;
  return { ...bucket, used: plus(bucket.used, used), held: minus(bucket.held, reservation.amount) };
}

function begun(period: Period, at: Instant, calendar: Calendar): Bucket {
  return { period, startsAt: calendar.windowOf(period, at).startsAt, used: NOTHING, held: NOTHING };
}

function emptied(bucket: Bucket): Bucket {
  return { ...bucket, used: NOTHING };
}

/** The sum of two amounts, meter by meter. */
export function plus(a: Amount, b: Amount): Amount {
  return { requests: a.requests + b.requests, tokens: a.tokens + b.tokens, cost: a.cost + b.cost };
}

function minus(a: Amount, b: Amount): Amount {
  const left = { requests: a.requests - b.requests, tokens: a.tokens - b.tokens, cost: a.cost - b.cost };
  for (const meter of METERS) if (left[meter] < 0) throw new Error(`held ${meter} would fall below zero`);
  return left;
}
