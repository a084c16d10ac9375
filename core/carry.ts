import { apply, includesDay, plus } from './apply.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import type { Account, Amount, Bucket, Buckets, Instant, Reservation } from './model.ts';
import { NOTHING } from './model.ts';
import type { Calendar } from './window.ts';

/** Why more than a limit may have been used in a window, where the entries that would tell are gone. */
export interface Excuse {
  /** What the upstream billed beyond its reservations. */
  readonly overdraft: Amount;
  /** Used and held when something was last brought in from another system. */
  readonly broughtTo: Amount;
  /** When the first reservation in the window was made; `null`: there was none. */
  readonly firstAt: Instant | null;
}

/** What removed entries amounted to: an account as it was after them, and one excuse for each of its buckets. */
export interface Carried {
  readonly account: Account;
  readonly ofKey: readonly Excuse[];
  readonly ofSponsor: readonly Excuse[];
}

export const NO_EXCUSE: Excuse = { overdraft: NOTHING, broughtTo: NOTHING, firstAt: null };

/** An entry that is about to be removed, and the reservation that it makes or ends. */
export interface Removed {
  readonly entry: LedgerEntry;
  readonly reservation: Reservation | undefined;
}

/**
 * Adds an entry to what was carried of its key so far. `current` are the key's buckets as they are now: their windows
 * were begun in the time zone of then, which may be another one than the calendar's.
 * @throws Error if the entry cannot follow
 */
export function carry(
  { account, ofKey, ofSponsor }: Carried,
  { entry, reservation }: Removed,
  current: Buckets,
  calendar: Calendar,
): Carried {
  const open = reservation === undefined || entry.kind === 'reserved' ? [] : [reservation];
  const after = apply({ ...account, open }, entry, calendarAround(current, calendar));
  const excused = (before: Buckets, now: Buckets, excuses: readonly Excuse[]) =>
    now.map((bucket, index) => {
      const isNew = bucket.startsAt !== before[index]?.startsAt;
      return excuse((isNew ? undefined : excuses[index]) ?? NO_EXCUSE, bucket, entry, reservation);
    });
  return {
    account: { ...after, open: [] },
    ofKey: excused(account.buckets, after.buckets, ofKey),
    ofSponsor:
      entry.kind === 'reset' ? ofSponsor : excused(account.sponsor.buckets, after.sponsor.buckets, ofSponsor),
  };
}

function excuse(
  known: Excuse,
  bucket: Bucket,
  entry: LedgerEntry,
  reservation: Reservation | undefined,
): Excuse {
  switch (entry.kind) {
    case 'reserved':
      return { ...known, firstAt: known.firstAt ?? entry.at };
    case 'settled':
      if (reservation === undefined || reservation.madeAt < bucket.startsAt) return known;
      return { ...known, overdraft: plus(known.overdraft, entry.overdraft) };
    case 'imported':
      if (!includesDay(bucket, entry.usedAt)) return known;
      return { ...known, broughtTo: plus(bucket.used, bucket.held) };
    case 'reset':
      return { ...known, broughtTo: NOTHING };
    case 'released':
    case 'lapsed':
      return known;
  }
}

/** The windows of `calendar`, but that those which are current have begun when they did. */
function calendarAround(current: Buckets, calendar: Calendar): Calendar {
  const startOf = new Map(current.map(({ period, startsAt }) => [period, startsAt]));
  return {
    ...calendar,
    windowOf(period, at) {
      const startsAt = startOf.get(period) ?? Number.POSITIVE_INFINITY;
      return at >= startsAt ? { startsAt, endsAt: null } : calendar.windowOf(period, at);
    },
  };
}
