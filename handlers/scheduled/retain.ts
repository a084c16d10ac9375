import { DAYS_IN_USE, removableBefore } from '#core/ledger-retention.ts';
import type { Instant } from '#core/model.ts';
import type { Services } from '../services.ts';

/** Removes what the ledger need not keep any longer: a little each time. */
export type Retain = (at: Instant) => Promise<void>;

type RetainServices = Pick<Services, 'retention' | 'backups' | 'observer' | 'policy'>;

// What about a hundred requests take of the ledger's thread, 1 to 2 ms, where each is of another key; less where not.
const STEP_ENTRIES = 64;
// With a step between two commits and a sending each second this is 1,000 entries a second, 88 million a day.
const STEPS_MAX = 16;
/** How long what is old enough may wait where everything older is gone. */
const LOOK_MS = 60_000;

/** The retention of one process: it remembers when it looked last. */
export function createRetain({ retention, backups, observer, policy }: RetainServices): Retain {
  let lookedAt: Instant | null = null;

  /** Nothing is removed that the backups do not have. `null`: none are made. */
  async function shippedThrough(at: Instant): Promise<number | null> {
    if (backups === null) return null;
    const { state } = await backups.status(at);
    return state?.shipped?.mark.ledgerN ?? 0;
  }

  return async (at) => {
    if (policy.ledgerDays === 0) return;
    // A clock that was set back is no reason to wait until it is there again.
    if (lookedAt !== null && at >= lookedAt && at - lookedAt < LOOK_MS) return;
    lookedAt = at;
    const before = removableBefore(policy.ledgerDays, at, await retention.daysInUse(at, DAYS_IN_USE));
    if (before === null) return;
    const order = { before, throughN: await shippedThrough(at), entriesMax: STEP_ENTRIES };
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const removal = await retention.removeEntries(order);
      if (removal.kind === 'stuck') {
        const message = 'Old entries of the ledger cannot be removed: run quota-proxy doctor.';
        observer.failed(message, new Error(removal.problem), {});
        return;
      }
      if (!removal.more) return;
    }
    // There is more: it goes on at the next sending.
    lookedAt = null;
  };
}
