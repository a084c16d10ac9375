import type { ApplicationId } from '#core/applications.ts';
import { DAYS_IN_USE, oldBefore } from '#core/ledger-retention.ts';
import type { Instant } from '#core/model.ts';
import type { Services } from '../services.ts';

/** Forgets who asked for a key, some time after that is settled: a little each time. */
export type ForgetApplications = (at: Instant) => Promise<void>;

// Removing all of them takes the ledger's thread about a millisecond.
const STEP_APPLICATIONS = 64;
const STEPS_MAX = 16;
/** How long what is old enough may wait. Nobody counts the days by the hour. */
const LOOK_MS = 60 * 60_000;

/** The task of one process: it remembers when it looked last, and how far it got. */
export function createForgetApplications({
  applications,
  retention,
  policy,
}: Pick<Services, 'applications' | 'retention' | 'policy'>): ForgetApplications {
  let lookedAt: Instant | null = null;
  let after: ApplicationId | null = null;
  return async (at) => {
    if (policy.applicationsDays === 0) return;
    const isSoon = lookedAt !== null && at >= lookedAt && at - lookedAt < LOOK_MS;
    if (isSoon && after === null) return;
    lookedAt = at;
    const before = oldBefore(policy.applicationsDays, at, await retention.daysInUse(at, DAYS_IN_USE));
    if (before === null) return;
    for (let step = 0; step < STEPS_MAX; step += 1) {
      after = await applications.forget({ before, after, lookMax: STEP_APPLICATIONS });
      if (after === null) return;
    }
  };
}
