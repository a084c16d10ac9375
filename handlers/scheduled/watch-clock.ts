import { behindLedger, type ClockReading, jumpBetween } from '#core/clock-jump.ts';
import type { Instant } from '#core/model.ts';
import type { Services } from '../services.ts';

/** So long an operator is reminded that the clock was set forward. */
const REMINDED_MS = 24 * 3_600_000;

const KEEP_RIGHT = 'compare it with date -u, and let the machine keep it by NTP (timedatectl set-ntp true)';

/**
 * Compares the clock with the one that is never set, and with the ledger; each look with the one before.
 * @throws StoreUnavailable if the ledger must be asked, and cannot be
 */
export function watchClock({
  clock,
  keys,
  troubles,
}: Pick<Services, 'clock' | 'keys' | 'troubles'>): () => Promise<void> {
  let last: ClockReading | undefined;
  let setMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = { wall: clock.now(), elapsedMs: clock.elapsedMs() };
    const jump = last === undefined ? 0 : jumpBetween(last, now);
    const isFirst = last === undefined;
    last = now;
    if (!isFirst && jump === 0 && troubles.of('clock') === undefined) return;
    if (jump !== 0) {
      setMs = jump > 0 ? now.elapsedMs : Number.NEGATIVE_INFINITY;
      troubles.begin('clock', `set at ${now.elapsedMs}`, setMessage(jump, now.wall), new Error('clock set'));
      return;
    }
    const { latestAt } = await keys.sponsor();
    const behindMs = behindLedger(now.wall, latestAt);
    if (behindMs > 0 && isFirst) {
      troubles.begin(
        'clock',
        'behind',
        behindMessage(behindMs, now.wall, latestAt),
        new Error('clock behind'),
      );
    }
    if (behindMs === 0 && now.elapsedMs - setMs > REMINDED_MS) {
      troubles.end('clock', 'The clock is not behind the ledger, and was not set for a while.');
    }
  };
}

function setMessage(jump: number, now: Instant): string {
  const to = new Date(now).toISOString();
  if (jump > 0) {
    return `The clock was set forward by ${spanOf(jump)}, to ${to}: quotas whose window ended in between have begun anew. If that is wrong, ${KEEP_RIGHT}`;
  }
  return `The clock was set back by ${spanOf(-jump)}, to ${to}: quotas go on in the window that they had reached until the clock gets there again. If that is wrong, ${KEEP_RIGHT}`;
}

function behindMessage(behindMs: number, now: Instant, latestAt: Instant): string {
  return `The clock says ${new Date(now).toISOString()}, ${spanOf(behindMs)} before the last entry of the ledger (${new Date(latestAt).toISOString()}): quotas go on in the window of that entry until the clock gets there. If the clock is wrong, ${KEEP_RIGHT}`;
}

function spanOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
