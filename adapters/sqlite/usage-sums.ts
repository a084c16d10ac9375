import type Database from 'better-sqlite3';
import type { Instant } from '#core/model.ts';
import type { UsageCounts } from '#core/reports.ts';
import { type CountsRow, countsOf, SUMS } from './usage-columns.ts';

/** What was used of one model. */
export interface ModelUse extends UsageCounts {
  readonly model: string;
  readonly updatedAt: Instant;
}

/** What all keys used on one day. */
export interface DaySums {
  /** How many rows of `usage_days` they are the sums of. */
  readonly rows: number;
  readonly models: readonly ModelUse[];
}

/**
 * The sums over all keys, a day's as long as none of its rows changes: a day's rows may be as many as there are keys, and hardly a
 * day but the last ever changes. They are kept in memory alone. A row that is not committed in the end does no harm: it is
 * written again before the next report, and its day forgotten again.
 */
export interface UsageSums {
  /** Of a day, from its rows if they are not kept. */
  of(day: string): DaySums;
  isKept(day: string): boolean;
  /** A row of this day is about to change. */
  forget(day: string): void;
  /** Any row may have changed. */
  forgetAll(): void;
}

/** About 300 bytes each: years of some ten models, whatever names clients invent. Then they are begun anew. */
const KEPT_MAX = 50_000;

export function usageSums(database: Database.Database, keptMax = KEPT_MAX): UsageSums {
  const read = database.prepare<[string], SumsRow>(
    `SELECT model, count(*) AS rows, ${SUMS} FROM usage_days WHERE day = ? GROUP BY model`,
  );
  const days = new Map<string, DaySums>();
  let kept = 0;

  function forget(day: string): void {
    kept -= days.get(day)?.models.length ?? 0;
    days.delete(day);
  }

  function forgetAll(): void {
    days.clear();
    kept = 0;
  }

  return {
    of(day) {
      const known = days.get(day);
      if (known !== undefined) return known;
      const found = read.all(day);
      const sums = { rows: found.reduce((all, { rows }) => all + rows, 0), models: found.map(useOf) };
      if (kept + found.length > keptMax) forgetAll();
      days.set(day, sums);
      kept += found.length;
      return sums;
    },
    isKept: (day) => days.has(day),
    forget,
    forgetAll,
  };
}

/** A row of counts of one model. */
export interface ModelRow extends CountsRow {
  readonly model: string;
  readonly updated_at: Instant;
}

interface SumsRow extends ModelRow {
  readonly rows: number;
}

export function useOf(row: ModelRow): ModelUse {
  return { model: row.model, updatedAt: row.updated_at, ...countsOf(row) };
}
