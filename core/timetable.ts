import type { Instant } from './model.ts';

/** When something is to be done, again and again. */
export interface Timetable {
  /** The first time after `after`, which is not a time of its own. */
  next(after: Instant): Instant;
}

// A clock is set back by minutes or hours, and then it is soon where it was; by more, and it had been wrong.
const AHEAD_MS_MAX = 24 * 3_600_000;

const RETRY_MS_MIN = 10_000;
// A vault that is back is used again within minutes, and one that is away is not asked all the time.
const RETRY_MS_MAX = 5 * 60_000;

/**
 * Whether it is time again, `lastAt` being the last time that it was done; `null` for never, which is due at once.
 * What was done in the future, by a clock that was set back since, is waited for at most AHEAD_MS_MAX.
 */
export function isDue(timetable: Timetable, lastAt: Instant | null, now: Instant): boolean {
  if (lastAt === null) return true;
  if (lastAt > now) return lastAt - now > AHEAD_MS_MAX;
  return timetable.next(lastAt) <= now;
}

/** When to try again what failed at `failedAt`, for the `failures`th time in a row: from 1 on. */
export function retryAt(failures: number, failedAt: Instant): Instant {
  if (!Number.isSafeInteger(failures) || failures < 1)
    throw new Error(`${failures} failures are no reason to retry`);
  return failedAt + Math.min(RETRY_MS_MIN * 2 ** (failures - 1), RETRY_MS_MAX);
}
