import type Database from 'better-sqlite3';
import type { KeyId } from '#core/model.ts';
import type { UsageCounts, UsageQuery, UsageRow } from '#core/reports.ts';
import { usageByKey } from './usage-by-key.ts';
import { COUNTS } from './usage-columns.ts';
import { added, ZERO } from './usage-days.ts';
import { isOneRow, join, rowsOf, type UsedBy } from './usage-rows.ts';
import { type ModelRow, type ModelUse, usageSums, useOf } from './usage-sums.ts';
import { isUuid, toBlob } from './uuid-blob.ts';

/** About 10 ms of reading, if a day has fewer: a day is never cut. */
const SCAN_ROWS = 20_000;

/** To find a day costs about as much as to read so many of its rows. */
const DAY_ROWS = 20;

/** What some days, newest first, have to report. */
export interface UsagePart {
  readonly rows: readonly UsageRow[];
  readonly totals: UsageCounts;
  /** Where to go on: before this day; `null` if nothing is older. */
  readonly next: string | null;
}

/** What a day has to report. */
interface Day {
  /** Of all that match, by model. */
  readonly uses: readonly ModelUse[];
  readonly rows: readonly UsageRow[];
  /** How many rows were read. */
  readonly scanned: number;
}

/** Reads a day. If no more than `room` rows are wanted, there may be no more. */
type ReadDay = (day: string, query: UsageQuery, room: number) => Day;

/** The counts of some days before `beforeDay`, which must have been written back. */
export function usageReport(
  database: Database.Database,
  scanRows = SCAN_ROWS,
): (query: UsageQuery, beforeDay: string | null) => UsagePart {
  const older = database
    .prepare<[string, string], string | null>('SELECT max(day) FROM usage_days WHERE day < ? AND day >= ?')
    .pluck();
  const ofAll = readerOfAll(database);
  const ofKey = readerOfKey(database);

  return (query, beforeDay) => {
    const { fromDay = '', toDay = '9999-12-31', keyId, limit } = query;
    if (keyId !== undefined && !isUuid(keyId)) return { rows: [], totals: ZERO, next: null };
    const read = keyId === undefined ? ofAll : ofKey(keyId);
    const rows: UsageRow[] = [];
    let totals = ZERO;
    let scanned = 0;
    // No day is behind its own name and before this.
    let day = older.get(beforeDay ?? `${toDay}~`, fromDay) ?? null;
    while (day !== null) {
      const found = read(day, query, limit - rows.length);
      totals = found.uses.reduce((all, use) => added(all, use), totals);
      for (const row of found.rows) {
        if (rows.length < limit || isOneRow(rows.at(-1), row)) join(rows, row);
      }
      scanned += DAY_ROWS + found.scanned;
      const next: string | null = older.get(day, fromDay) ?? null;
      if (next !== null && scanned >= scanRows) return { rows, totals, next: day };
      day = next;
    }
    return { rows, totals, next: null };
  };
}

/** Of all keys. */
function readerOfAll(database: Database.Database): ReadDay {
  const sumsOf = usageSums(database);
  const byKey = usageByKey(database);
  return (day, query, room) => {
    const { groupBy, model, after } = query;
    const sums = sumsOf(day);
    const uses = sums.models.filter((use) => model === undefined || use.model === model);
    const scanned = sums.models.length;
    if (groupBy !== 'key' && groupBy !== 'key_model') {
      return { uses, rows: rowsOf(day, uses, NOBODY, query), scanned };
    }
    const isBefore = after !== undefined && day > after.day;
    if (room <= 0 || uses.length === 0 || isBefore) return { uses, rows: [], scanned };
    return { uses, rows: byKey(day, query, room), scanned: scanned + sums.rows };
  };
}

/** Of one key, whose rows of a day are looked up. */
function readerOfKey(database: Database.Database): (keyId: KeyId) => ReadDay {
  const select = database.prepare<[string, Buffer], ModelRow>(
    `SELECT model, ${COUNTS} FROM usage_days WHERE day = ? AND key_id = ? ORDER BY model`,
  );
  const naming = database.prepare<[Buffer], Omit<UsedBy, 'keyId'>>(
    'SELECT label, hint FROM keys WHERE id = ?',
  );
  return (keyId) => {
    const key = toBlob(keyId);
    const { label = null, hint = null } = naming.get(key) ?? {};
    return (day, query) => {
      const uses = select
        .all(day, key)
        .filter(({ model }) => query.model === undefined || model === query.model)
        .map(useOf);
      const isTold = query.groupBy === 'key' || query.groupBy === 'key_model';
      return {
        uses,
        rows: rowsOf(day, uses, isTold ? { keyId, label, hint } : NOBODY, query),
        scanned: uses.length,
      };
    };
  };
}

const NOBODY: UsedBy = { keyId: null, label: null, hint: null };
