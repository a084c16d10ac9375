import type { Instant } from './model.ts';

/** Lets go of the oldest entries of the ledger. What they amounted to is kept, and stays in every balance and count. */
export interface LedgerRetention {
  /**
   * When the latest local days began in which anything was reserved or brought in, up to `at`: at most `count`, newest
   * first.
   */
  daysInUse(at: Instant, count: number): Promise<readonly Instant[]>;
  /**
   * Removes entries from the oldest on, in one atomic step. A reservation goes with its ending: one that is open, or was
   * ended by an entry that stays, stays. @throws StoreUnavailable
   */
  removeEntries(order: RemovalOrder): Promise<Removal>;
}

export interface RemovalOrder {
  /** Only what was recorded earlier goes; the first entry that was not ends the step. */
  readonly before: Instant;
  /** Nothing after this entry goes: no backup has it yet. `null`: none is asked. */
  readonly throughN: number | null;
  /** How many entries are looked at: a step keeps commands waiting. */
  readonly entriesMax: number;
}

export type Removal =
  | { readonly kind: 'removed'; readonly entries: number; readonly more: boolean }
  /** The ledger says what cannot be: nothing was removed. */
  | { readonly kind: 'stuck'; readonly problem: string };

const DAY_MS = 24 * 3_600_000;

/** No current window of a month may reach what is removed: 31 days, and the hour by which a clock is set back. */
export const LEDGER_DAYS_MIN = 32;

/**
 * A clock that was set ahead by mistake is noticed within days, as a rule; until then requests are made on a few days of
 * the future at most. So it is from the seventh day in use that the days to keep are counted.
 */
export const DAYS_IN_USE = 7;

/**
 * What was recorded before this may be removed of the ledger if `days` days are to be kept; `null`: nothing may.
 * @param daysInUse when they began, newest first
 */
export function removableBefore(days: number, now: Instant, daysInUse: readonly Instant[]): Instant | null {
  return days < LEDGER_DAYS_MIN ? null : oldBefore(days, now, daysInUse);
}

/**
 * What was before this is `days` days old; `null`: nothing is known to be. Counted from the seventh last day in use, and
 * never from later than `now`: neither clock alone, the wall's or the ledger's, lets go of anything.
 * @param daysInUse when they began, newest first
 */
export function oldBefore(days: number, now: Instant, daysInUse: readonly Instant[]): Instant | null {
  const reached = daysInUse[DAYS_IN_USE - 1];
  return reached === undefined ? null : Math.min(now, reached) - days * DAY_MS;
}
