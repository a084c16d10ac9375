import type { Amount, Instant, Usage } from './model.ts';

/** What a key used in one local day of another system, before its history came here. */
export interface PastUse {
  /** When that day began. Of the time within the day nothing is known. */
  readonly usedAt: Instant;
  readonly used: Amount;
  /** How many of its requests succeeded, and how many did not, as far as the other system knew. */
  readonly successes: number;
  readonly errors: number;
  readonly usage: Usage;
}
