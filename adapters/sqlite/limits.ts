/** What the writer keeps in memory, and how long it lets its log grow. */
export interface Limits {
  /** How many entries an account may be behind its row. */
  readonly tailEntries: number;
  /** Accounts that are kept for the next request. */
  readonly accounts: number;
  /** How many of them are written back at once where nobody need wait for more. */
  readonly writtenAccounts: number;
  /** How large the write-ahead log may become, or as large as the database if that is larger. */
  readonly logBytesMax: number;
}

/**
 * A start replays about as many entries as the tail has, in a tenth of a second; a busy key is written once
 * for so many. An account takes one to two kilobytes; five hundred are written in some 30 milliseconds. Without a long
 * reader the log has 16 MiB; a backup reads several times as fast as requests write, and is over before the log is as large
 * as what it reads.
 */
export const LIMITS: Limits = {
  tailEntries: 16_384,
  accounts: 10_000,
  writtenAccounts: 500,
  logBytesMax: 1024 ** 3,
};
