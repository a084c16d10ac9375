import type { UsageCounts } from '#core/reports.ts';

/** The counts of a row of `usage_days`, or sums of them. */
export interface CountsRow {
  readonly requests: number;
  readonly successes: number;
  readonly errors: number;
  readonly rejections: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly cost_micros: number;
}

const COLUMNS: readonly (keyof CountsRow)[] = [
  ...(['requests', 'successes', 'errors', 'rejections'] as const),
  ...(['prompt_tokens', 'completion_tokens', 'cached_tokens', 'cost_micros'] as const),
];

/** The counts and when they last grew, of one row. */
export const COUNTS = [...COLUMNS, 'updated_at'].join(', ');

/** The same of several rows that are grouped. */
export const SUMS = [
  ...COLUMNS.map((column) => `sum(${column}) AS ${column}`),
  'max(updated_at) AS updated_at',
].join(', ');

/** What a row counts, in the words of core. */
export function countsOf(row: CountsRow): UsageCounts {
  return {
    requests: row.requests,
    successes: row.successes,
    errors: row.errors,
    rejections: row.rejections,
    prompt: row.prompt_tokens,
    completion: row.completion_tokens,
    cached: row.cached_tokens,
    costMicros: row.cost_micros,
  };
}
