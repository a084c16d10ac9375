import type { Instant } from './model.ts';
import { passCells } from './rate.ts';

/** So many at once, and again so many within each span. 0: any number. */
export interface Rate {
  readonly count: number;
  readonly withinMs: number;
}

/** Lets each name do something now and then, in bounded memory: of too many names those are forgotten that were quiet longest. */
export interface Throttle {
  /** 0: it passes, and counts. Else how long to wait, in milliseconds: nothing was counted. */
  take(name: string, at: Instant): number;
  /** How many names are remembered. */
  size(): number;
}

/** About 100 bytes each. Who has more names than this gains `count` with each of them, and no more. */
const NAMES_MAX = 10_000;

/** One number for each name is all the state there is. */
export function throttle({ count, withinMs }: Rate): Throttle {
  // Two halves, of which the older one is dropped whole: to look for the oldest name would take longer than to count it.
  let arrivals = new Map<string, number>();
  let older = new Map<string, number>();
  return {
    take(name, at) {
      if (count === 0) return 0;
      const before = arrivals.get(name) ?? older.get(name) ?? 0;
      const { arrivalUs, retryMs } = passCells(before, { count, withinUs: withinMs * 1000 }, at);
      if (arrivals.size >= NAMES_MAX / 2 && !arrivals.has(name)) {
        older = arrivals;
        arrivals = new Map();
      }
      arrivals.set(name, arrivalUs);
      return retryMs;
    },
    size: () => arrivals.size + older.size,
  };
}
