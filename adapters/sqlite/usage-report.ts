import type Database from 'better-sqlite3';
import type { UsageCounts, UsageQuery, UsageReports, UsageRow } from '#core/reports.ts';
import { isUuid, toBlob, toUuid } from './uuid-blob.ts';

type UsageReport = Awaited<ReturnType<UsageReports['usage']>>;

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
  key: ['key_id', 'NULL AS model'],
  model: ['NULL AS key_id', 'model'],
  key_model: ['key_id', 'model'],
  day: ['NULL AS key_id', 'NULL AS model'],
};

/** The counts of `usage_days`, which must have been written back. */
export function usageReport(database: Database.Database): (query: UsageQuery) => UsageReport {
  const totals = database.prepare<[Filter], CountsRow>(`SELECT ${SUMS} ${MATCHING}`);
  const groups = {
    key: groupStatement(database, 'key'),
    model: groupStatement(database, 'model'),
    key_model: groupStatement(database, 'key_model'),
    day: groupStatement(database, 'day'),
  };
  return (query) => {
    const { fromDay = '', toDay = '9999-12-31', keyId, model = null, groupBy, limit } = query;
    if (keyId !== undefined && !isUuid(keyId)) return { rows: [], totals: countsOf(undefined) };
    const filter = { fromDay, toDay, keyId: keyId === undefined ? null : toBlob(keyId), model };
    return {
      rows: groups[groupBy].all({ ...filter, limit }).map(rowOf),
      totals: countsOf(totals.get(filter)),
    };
  };
}

function groupStatement(database: Database.Database, groupBy: UsageQuery['groupBy']) {
  return database.prepare<[Filter & { readonly limit: number }], GroupRow>(
    `SELECT day, grouped.key_id, label, hint, model, updated_at, ${COUNT_COLUMNS.join(', ')}
     FROM (SELECT day, ${COLUMNS[groupBy].join(', ')}, max(updated_at) AS updated_at, ${SUMS}
           ${MATCHING} GROUP BY 1, 2, 3) AS grouped
     LEFT JOIN keys ON keys.id = grouped.key_id
     ORDER BY day DESC, requests DESC, grouped.key_id, model LIMIT :limit`,
  );
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
