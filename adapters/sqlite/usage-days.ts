import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Instant, Reservation } from '#core/model.ts';
import type { UsageCounts } from '#core/reports.ts';

/** What one day and model of a key grew by. */
export interface DayGrowth extends UsageCounts {
  readonly day: string;
  readonly model: string;
  readonly updatedAt: Instant;
}

/** Refused calls count under no model: clients invent names, and each would be a row for ever. */
const NO_MODEL = '';

/** What was used in another system counts under this: no client can ask for such a model by mistake. */
const OTHER_SYSTEM = '(imported)';

/** What an entry adds to the counts of its reservation's day, or of the day it was brought in for; `undefined`: nothing. */
export function growthOf(
  entry: LedgerEntry,
  reservation: Reservation | undefined,
  dayOf: (at: Instant) => string,
): DayGrowth | undefined {
  if (entry.kind === 'imported') return growthOfImport(entry, dayOf);
  if (reservation === undefined) return undefined;
  const place = { day: dayOf(reservation.madeAt), model: reservation.model, updatedAt: entry.at };
  switch (entry.kind) {
    case 'reserved':
      return { ...ZERO, ...place, requests: 1 };
    case 'settled': {
      const ended = entry.outcome.status < 400 ? { successes: 1 } : { errors: 1 };
      // An estimate has no classes: its tokens count as completion, so that the classes add up to what was used.
      const { prompt, completion, cached } = entry.usage ?? {
        prompt: 0,
        completion: entry.used.tokens,
        cached: 0,
      };
      return { ...ZERO, ...place, ...ended, prompt, completion, cached, costMicros: entry.used.cost };
    }
    case 'lapsed':
      return { ...ZERO, ...place, errors: 1, completion: entry.used.tokens, costMicros: entry.used.cost };
    case 'released':
      return { ...ZERO, ...place, ...(entry.outcome.status < 400 ? { successes: 1 } : { errors: 1 }) };
    case 'reset':
      return undefined;
  }
}

function growthOfImport(
  { usedAt, at, used, usage, successes, errors }: Extract<LedgerEntry, { kind: 'imported' }>,
  dayOf: (at: Instant) => string,
): DayGrowth {
  const { prompt, completion, cached } = usage;
  const place = { day: dayOf(usedAt), model: OTHER_SYSTEM, updatedAt: at };
  const counts = { requests: used.requests, successes, errors, prompt, completion, cached };
  return { ...ZERO, ...place, ...counts, costMicros: used.cost };
}

/** A refusal, which no entry tells of. */
export function rejection(day: string, at: Instant): DayGrowth {
  return { ...ZERO, day, model: NO_MODEL, updatedAt: at, rejections: 1 };
}

/** Two growths of one day and model as one. */
export function grown(a: DayGrowth, b: DayGrowth): DayGrowth {
  return {
    day: a.day,
    model: a.model,
    updatedAt: Math.max(a.updatedAt, b.updatedAt),
    ...added(a, b),
  };
}

/** Two counts as one. */
export function added(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    requests: a.requests + b.requests,
    successes: a.successes + b.successes,
    errors: a.errors + b.errors,
    rejections: a.rejections + b.rejections,
    prompt: a.prompt + b.prompt,
    completion: a.completion + b.completion,
    cached: a.cached + b.cached,
    costMicros: a.costMicros + b.costMicros,
  };
}

/** Counts of nothing. */
export const ZERO: UsageCounts = {
  requests: 0,
  successes: 0,
  errors: 0,
  rejections: 0,
  prompt: 0,
  completion: 0,
  cached: 0,
  costMicros: 0,
};
