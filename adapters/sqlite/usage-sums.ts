import type Database from 'better-sqlite3';
import type { Instant } from '#core/model.ts';
import type { UsageCounts } from '#core/reports.ts';
import { COUNTS, type CountsRow, countsOf } from './usage-columns.ts';

/** What was used of one model. */
export interface ModelUse extends UsageCounts {
  readonly model: string;
  readonly updatedAt: Instant;
}

/** What all keys used on one day. */
export interface DaySums {
  /** How many rows of `usage_days` they are the sums of: there may be as many as there are keys. */
  readonly rows: number;
  readonly models: readonly ModelUse[];
}

/** Reads the sums of a day. */
export function usageSums(database: Database.Database): (day: string) => DaySums {
  const read = database.prepare<[string], SumsRow>(
    `SELECT model, rows, ${COUNTS} FROM usage_sums WHERE day = ? AND rows > 0 ORDER BY model`,
  );
  return (day) => daySumsOf(read.all(day));
}

/** What the rows of a day amount to, one for each model. */
export function daySumsOf(found: readonly SumsRow[]): DaySums {
  return { rows: found.reduce((all, { rows }) => all + rows, 0), models: found.map(useOf) };
}

/** A row of counts of one model. */
export interface ModelRow extends CountsRow {
  readonly model: string;
  readonly updated_at: Instant;
}

/** A row of `usage_sums`. */
export interface SumsRow extends ModelRow {
  readonly rows: number;
}

export function useOf(row: ModelRow): ModelUse {
  return { model: row.model, updatedAt: row.updated_at, ...countsOf(row) };
}
