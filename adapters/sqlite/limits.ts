/** What the writer keeps in memory. */
export interface Limits {
  /** How many entries an account may be behind its row. */
  readonly tailEntries: number;
  /** Accounts that are kept for the next request. */
  readonly accounts: number;
}

/**
 * A start replays about as many entries as the tail has, in a tenth of a second; a busy key is written once
 * for so many. An account takes one to two kilobytes.
 */
export const LIMITS: Limits = { tailEntries: 16_384, accounts: 10_000 };
