import { SPONSOR_ID } from './account-rows.ts';
import type { Projection } from './projection.ts';

/** Writes back the accounts that have waited longest. Belongs at the beginning of a transaction. */
export function writeBackDue(projection: Projection): void {
  writeBack(projection, projection.lastN - projection.limits.tailEntries);
}

/** Writes back a part of what there is, what has waited longest. */
export function writeBackPart(projection: Projection): void {
  writeBack(projection, Number.POSITIVE_INFINITY, projection.limits.writtenAccounts);
}

/** Writes back all there is, so that the tables are exact. */
export function writeBackAll(projection: Projection): void {
  writeBack(projection, Number.POSITIVE_INFINITY);
}

function writeBack(projection: Projection, untilN: number, accountsMax = Number.POSITIVE_INFINITY): void {
  const { unwritten, staged, rows, lastN } = projection;
  let replayFrom = lastN + 1;
  for (const [id, { sinceN }] of unwritten) {
    if (sinceN > untilN || staged.written.length === accountsMax) {
      replayFrom = sinceN;
      break;
    }
    save(projection, id);
    staged.written.push(id);
  }
  if (staged.written.length === 0) return;
  // The sponsor goes with them, so that its mark is never before the mark of an account:
  // `recover` can then apply each entry of the tail to both, or to the account alone.
  const { buckets, latestAt } = projection.sponsor;
  rows.save(SPONSOR_ID, { throughN: lastN, lastUsedAt: latestAt, arrivalUs: 0, buckets });
  rows.setReplayFrom(replayFrom);
}

function save({ accounts, open, unwritten, rows, lastN }: Projection, id: string): void {
  const account = accounts.get(id);
  if (account === undefined) throw new Error(`account ${id} was forgotten before it was written`);
  const { buckets, lastUsedAt, arrivalUs } = account;
  rows.save(id, { throughN: lastN, lastUsedAt, arrivalUs, buckets });
  rows.saveOpen(
    id,
    account.open.map((reservation) => open.get(reservation.id)?.n ?? missing(reservation.id)),
  );
  for (const growth of unwritten.get(id)?.growths.values() ?? []) rows.grow(id, growth);
}

function missing(requestId: string): never {
  throw new Error(`open reservation ${requestId} has no entry`);
}
