import type { KeyId } from '#core/model.ts';
import type { UsageQuery, UsageRow } from '#core/reports.ts';
import { added, ZERO } from './usage-days.ts';
import type { ModelUse } from './usage-sums.ts';

/** Whose use it is; of all keys, nobody's. */
export interface UsedBy {
  readonly keyId: KeyId | null;
  readonly label: string | null;
  readonly hint: string | null;
}

/** The rows of a day behind the page before, in their order, where nothing but models tells them apart. */
export function rowsOf(
  day: string,
  uses: readonly ModelUse[],
  usedBy: UsedBy,
  { groupBy, sort, after }: UsageQuery,
): readonly UsageRow[] {
  if (groupBy === 'model' || groupBy === 'key_model') {
    const order = orderOf(sort);
    return uses
      .map((use): UsageRow => ({ day, ...usedBy, ...use }))
      .filter((row) => after === undefined || day < after.day || (day === after.day && order(row, after) > 0))
      .sort(order);
  }
  const period = groupBy === 'month' ? day.slice(0, 7) : day;
  if (uses.length === 0 || (after !== undefined && period >= after.day)) return [];
  const counts = uses.reduce((all, use) => added(all, use), ZERO);
  const updatedAt = uses.reduce((latest, use) => Math.max(latest, use.updatedAt), 0);
  return [{ day: period, ...usedBy, model: null, ...counts, updatedAt }];
}

/** Adds a row, of which the last may be the beginning: a month is of many days. */
export function join(rows: UsageRow[], row: UsageRow): void {
  const last = rows.at(-1);
  if (last === undefined || !isOneRow(last, row)) {
    rows.push(row);
    return;
  }
  const updatedAt = Math.max(last.updatedAt, row.updatedAt);
  rows.splice(-1, 1, { ...last, ...added(last, row), updatedAt });
}

/** Whether both are parts of one row. */
export function isOneRow(a: UsageRow | undefined, b: UsageRow): boolean {
  return a?.day === b.day && a.keyId === b.keyId && a.model === b.model;
}

type Place = Pick<UsageRow, 'requests' | 'model'>;

function orderOf(sort: UsageQuery['sort']): (a: Place, b: Place) => number {
  const byName = (a: string | null, b: string | null) => ((a ?? '') < (b ?? '') ? -1 : Number(a !== b));
  return (a, b) => (sort === 'key' ? 0 : b.requests - a.requests) || byName(a.model, b.model);
}
