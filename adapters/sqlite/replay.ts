import { apply } from '#core/apply.ts';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Account, Sponsor } from '#core/model.ts';
import type { Calendar } from '#core/window.ts';

/** The sponsor as it was stored, and then as the tail changes it. */
export interface ReplayedSponsor {
  sponsor: Sponsor;
  /** The last entry that is in it from the beginning. */
  readonly throughN: number;
}

/** Applies entry `n` of the tail to its account, and to the sponsor unless that has it already. */
export function replay(
  account: Account,
  replayed: ReplayedSponsor,
  n: number,
  entry: LedgerEntry,
  calendar: Calendar,
): Account {
  const has = n <= replayed.throughN;
  const sponsor = has ? { ...replayed.sponsor, buckets: [] } : replayed.sponsor;
  const after = apply({ ...account, sponsor }, entry, calendar);
  if (!has) replayed.sponsor = after.sponsor;
  return after;
}
