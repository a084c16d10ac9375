import type { UsageCounts, UsagePage, UsageQuery, UsageRow } from '#core/reports.ts';
import { added } from './usage-days.ts';
import type { UsagePart } from './usage-report.ts';
import { join } from './usage-rows.ts';

/** Gathers a report from parts of some days each, newest first, so that a long one keeps nobody waiting. */
export async function gatherUsage(
  query: UsageQuery,
  read: (query: UsageQuery, beforeDay: string | null) => Promise<UsagePart>,
): Promise<UsagePage> {
  const { limit } = query;
  const rows: UsageRow[] = [];
  let totals: UsageCounts | undefined;
  let beforeDay: string | null = null;
  do {
    // One more than the page has tells whether there is another page; the totals are those of all parts.
    const part = await read({ ...query, limit: rows.length > limit ? 0 : limit + 1 }, beforeDay);
    for (const row of part.rows) join(rows, row);
    totals = totals === undefined ? part.totals : added(totals, part.totals);
    beforeDay = part.next;
  } while (beforeDay !== null);
  return { rows: rows.slice(0, limit), totals, more: rows.length > limit };
}
