import type { ForeignDay } from './foreign-file.ts';

/** What one key used, by day. */
export interface DaySums {
  add(day: ForeignDay): void;
  /** Oldest first. */
  days(): readonly ForeignDay[];
}

export function daySums(): DaySums {
  const sums = new Map<string, ForeignDay>();
  return {
    add(day) {
      const before = sums.get(day.day);
      sums.set(day.day, before === undefined ? day : plus(before, day));
    },
    days: () => [...sums.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
  };
}

/** A day on which nothing was used. */
export function unusedDay(day: string): ForeignDay {
  return { day, requests: 0, errors: 0, prompt: 0, completion: 0, costMicros: 0 };
}

function plus(a: ForeignDay, b: ForeignDay): ForeignDay {
  return {
    day: a.day,
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    prompt: a.prompt + b.prompt,
    completion: a.completion + b.completion,
    costMicros: a.costMicros + b.costMicros,
  };
}
