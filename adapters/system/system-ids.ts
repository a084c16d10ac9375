import { randomBytes } from 'node:crypto';
import type { Instant } from '#core/model.ts';
import type { Ids } from '#core/ports.ts';
import { systemClock } from './system-clock.ts';

/** The machine's randomness. */
export const systemIds: Ids = idsAfter(() => systemClock.now());

const VARIANTS = '89ab'; // RFC 9562 §4.1: the two high bits of this digit are 10
const COUNTER_MAX = 0xfff;
// One call to the system for so many ids: it costs more than all else that an id takes.
const IDS_PER_BATCH = 256;
const RANDOM_DIGITS = 16;

/**
 * UUIDv7s that ascend whatever the clock does: ids of one millisecond are numbered (RFC 9562 §6.2, method 1),
 * and where numbers run out or the clock is set back, the last millisecond is counted on.
 */
export function idsAfter(now: () => Instant): Ids {
  let lastMs = 0;
  let time = '';
  let counter = 0;
  let digits = '';
  let used = 0;

  function tick(random: string): void {
    const nowMs = now();
    if (nowMs <= lastMs && counter < COUNTER_MAX) {
      counter += 1;
      return;
    }
    lastMs = Math.max(nowMs, lastMs + 1);
    const hex = lastMs.toString(16).padStart(12, '0');
    time = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    counter = Number.parseInt(random.slice(0, 2), 16); // begins low, so that a whole millisecond fits above it
  }

  return {
    next() {
      if (used === digits.length) {
        digits = randomBytes((IDS_PER_BATCH * RANDOM_DIGITS) / 2).toString('hex');
        used = 0;
      }
      const random = digits.slice(used, used + RANDOM_DIGITS);
      used += RANDOM_DIGITS;
      tick(random);
      const variant = VARIANTS[Number.parseInt(random.charAt(0), 16) & 3];
      const number = counter.toString(16).padStart(3, '0');
      return `${time}${number}-${variant}${random.slice(1, 4)}-${random.slice(4)}`;
    },
    random: (bytes) => randomBytes(bytes),
  };
}
