import type { Clock } from '#core/ports.ts';

/** The machine's clocks: the wall's, and the one that is never set. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
};
