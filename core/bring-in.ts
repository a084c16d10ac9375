import { ledgerTime } from './amend.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import type { Instant, KeyId, Sponsor } from './model.ts';
import type { PastUse } from './past-use.ts';

/**
 * The facts that a key's history in another system comes to: one for each of its days. They stand at the ledger's
 * own time, which never runs backwards; what they count for is the day on which it was used.
 * @throws Error if something was used in the future
 */
export function bringIn(
  keyId: KeyId,
  history: readonly PastUse[],
  sponsor: Pick<Sponsor, 'latestAt'>,
  now: Instant,
): readonly LedgerEntry[] {
  const at = ledgerTime(sponsor, now);
  return history.map((past) => {
    if (past.usedAt > at) throw new Error(`what is brought in was used at ${past.usedAt}, after ${at}`);
    return { kind: 'imported', keyId, at, ...past };
  });
}
