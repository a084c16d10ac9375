import type Database from 'better-sqlite3';
import type { UsageCounts, UsageQuery, UsageRow } from '#core/reports.ts';
import { isUuid, toBlob, toUuid } from './uuid-blob.ts';

interface CountsRow {
  readonly requests: number | null;
  readonly successes: number;
  readonly errors: number;
  readonly rejections: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly cost_micros: number;
}

interface GroupRow extends CountsRow {
  readonly day: string;
  readonly key_id: Buffer | null;
  readonly label: string | null;
  readonly hint: string | null;
  readonly model: string | null;
  readonly updated_at: number;
}

interface Filter {
  readonly fromDay: string;
  readonly toDay: string;
  readonly keyId: Buffer | null;
  readonly model: string | null;
}

const COUNT_COLUMNS = [
  'requests',
  'successes',
  'errors',
  'rejections',
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cost_micros',
];
const SUMS = COUNT_COLUMNS.map((column) => `sum(${column}) AS ${column}`).join(', ');

const MATCHING = `FROM usage_days
  WHERE day >= :fromDay AND day <= :toDay AND (:keyId IS NULL OR key_id = :keyId) AND (:model IS NULL OR model = :model)`;

/** Which columns a row stands for; what is added up is NULL. */
const COLUMNS: Readonly<Record<UsageQuery['groupBy'], readonly string[]>> = {
  key: ['day', 'key_id', 'NULL AS model'],
  model: ['day', 'NULL AS key_id', 'model'],
  key_model: ['day', 'key_id', 'model'],
  day: ['day', 'NULL AS key_id', 'NULL AS model'],
  month: ['substr(day, 1, 7) AS day', 'NULL AS key_id', 'NULL AS model'],
};

/** About 20 ms of reading, if a day has fewer: a day is never cut. */
const SCAN_ROWS = 20_000;

/** What some days, newest first, have to report. */
export interface UsagePart {
  readonly rows: readonly UsageRow[];
  readonly totals: UsageCounts;
  /** Where to go on: before this day; `null` if nothing is older. */
  readonly next: string | null;
}

/** The counts of `usage_days`, which must have been written back, of some days before `beforeDay`. */
export function usageReport(
  database: Database.Database,
  scanRows = SCAN_ROWS,
): (query: UsageQuery, beforeDay: string | null) => UsagePart {
  const totals = database.prepare<[Filter], CountsRow>(`SELECT ${SUMS} ${MATCHING}`);
  const dayAfterRows = database
    .prepare<[string, string, number], string>(
      'SELECT day FROM usage_days WHERE day <= ? AND day >= ? ORDER BY day DESC LIMIT 1 OFFSET ?',
    )
    .pluck();
  const statements = new Map(
    Object.keys(COLUMNS).map((name) => [name, groupStatement(database, name as UsageQuery['groupBy'])]),
  );
  return (query, beforeDay) => {
    const { fromDay = '', toDay = '9999-12-31', keyId, model = null, groupBy, limit, after } = query;
    const byUse = query.sort !== 'key';
    if (keyId !== undefined && !isUuid(keyId)) return { rows: [], totals: countsOf(undefined), next: null };
    const last = beforeDay === null ? toDay : dayBefore(beforeDay);
    const oldest = dayAfterRows.get(last, fromDay, scanRows) ?? fromDay;
    const key = keyId === undefined ? null : toBlob(keyId);
    const filter = { fromDay: oldest, toDay: last, keyId: key, model };
    const place = {
      byUse: byUse ? 1 : 0,
      afterDay: after?.day ?? null,
      afterRank: byUse ? -(after?.requests ?? 0) : 0,
      afterKey: after?.keyId ? toBlob(after.keyId) : Buffer.alloc(0),
      afterModel: after?.model ?? '',
    } as const;
    return {
      rows: (statements.get(groupBy)?.all({ ...filter, ...place, limit }) ?? []).map(rowOf),
      totals: countsOf(totals.get(filter)),
      next: oldest > fromDay ? oldest : null,
    };
  };
}

interface Place {
  readonly byUse: 0 | 1;
  readonly afterDay: string | null;
  readonly afterRank: number;
  readonly afterKey: Buffer;
  readonly afterModel: string;
}

function groupStatement(database: Database.Database, groupBy: UsageQuery['groupBy']) {
  return database.prepare<[Filter & Place & { readonly limit: number }], GroupRow>(
    `SELECT page.day, page.key_id, label, hint, model, updated_at, ${COUNT_COLUMNS.join(', ')}
     FROM (SELECT *, iif(:byUse, -requests, 0) AS rank
           FROM (SELECT ${COLUMNS[groupBy].join(', ')}, max(updated_at) AS updated_at, ${SUMS}
                 ${MATCHING} GROUP BY 1, 2, 3)
           WHERE :afterDay IS NULL OR day < :afterDay OR (day = :afterDay
             AND (rank, coalesce(key_id, x''), coalesce(model, '')) > (:afterRank, :afterKey, :afterModel))
           ORDER BY day DESC, rank, key_id, model LIMIT :limit) AS page
     LEFT JOIN keys ON keys.id = page.key_id
     ORDER BY page.day DESC, rank, page.key_id, model`,
  );
}

/** Any text that is before the day and behind the one before it. */
function dayBefore(day: string): string {
  return `${day.slice(0, -1)}${String.fromCharCode(day.charCodeAt(day.length - 1) - 1)}~`;
}

function rowOf(row: GroupRow): UsageRow {
  const keyId = row.key_id === null ? null : toUuid(row.key_id);
  const { day, label, hint, model, updated_at: updatedAt } = row;
  return { day, keyId, label, hint, model, updatedAt, ...countsOf(row) };
}

/** Sums of nothing are NULL. */
function countsOf(row: CountsRow | undefined): UsageCounts {
  return {
    requests: row?.requests ?? 0,
    successes: row?.successes ?? 0,
    errors: row?.errors ?? 0,
    rejections: row?.rejections ?? 0,
    prompt: row?.prompt_tokens ?? 0,
    completion: row?.completion_tokens ?? 0,
    cached: row?.cached_tokens ?? 0,
    costMicros: row?.cost_micros ?? 0,
  };
}
