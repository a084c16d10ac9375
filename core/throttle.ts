import type { Instant } from './model.ts';
import { passCells } from './rate.ts';

/** So many at once, and again so many within each span. */
export interface Rate {
  readonly count: number;
  readonly withinMs: number;
}

/** Lets each name do something now and then, in bounded memory. */
export interface Throttle {
  /** 0: it passes, and counts. Else how long to wait, in milliseconds: nothing was counted. */
  take(name: string, at: Instant): number;
}

/** Of more, the one that was longest not heard of is forgotten: who has so many names need not wait anyway. */
const NAMES_MAX = 10_000;

/** One number for each name is all the state there is. */
export function throttle({ count, withinMs }: Rate): Throttle {
  const arrivals = new Map<string, number>();
  return {
    take(name, at) {
      const before = arrivals.get(name) ?? 0;
      const { arrivalUs, retryMs } = passCells(before, { count, withinUs: withinMs * 1000 }, at);
      arrivals.delete(name);
      arrivals.set(name, retryMs === 0 ? arrivalUs : before);
      if (arrivals.size > NAMES_MAX) for (const first of arrivals.keys()) if (arrivals.delete(first)) break;
      return retryMs;
    },
  };
}
