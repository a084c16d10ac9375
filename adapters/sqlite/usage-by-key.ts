import type Database from 'better-sqlite3';
import type { UsageQuery, UsageRow } from '#core/reports.ts';
import { COUNTS, countsOf, SUMS } from './usage-columns.ts';
import type { ModelRow } from './usage-sums.ts';
import { toBlob, toUuid } from './uuid-blob.ts';

/** The rows of one day that tell keys apart: the first `limit` behind the page before, which ended on that day or a newer one. */
export type UsageByKey = (day: string, query: UsageQuery, limit: number) => readonly UsageRow[];

/** Where in `usage_days` to look, and behind which place; of none, `isBound` is 0. */
interface Bounds {
  readonly day: string;
  readonly model: string | null;
  readonly byUse: 0 | 1;
  readonly isBound: 0 | 1;
  readonly rank: number;
  readonly keyId: Buffer;
  readonly afterModel: string;
  readonly limit: number;
}

interface FoundRow extends Omit<ModelRow, 'model'> {
  readonly key_id: Buffer;
  readonly label: string | null;
  readonly hint: string | null;
  readonly model: string | null;
}

const OF_DAY = '(:model IS NULL OR model = :model)';

/** Keys in the order of the table need not be sorted to be grouped; only those of the page are added up in full. */
const BY_KEY = `
  SELECT page.key_id, label, hint, NULL AS model, ${SUMS}
  FROM (SELECT key_id, iif(:byUse, -sum(requests), 0) AS rank FROM usage_days
        WHERE day = :day AND ${OF_DAY} GROUP BY key_id
        HAVING NOT :isBound OR (rank, key_id) > (:rank, :keyId)
        ORDER BY rank, key_id LIMIT :limit) AS page
  JOIN usage_days AS used ON used.day = :day AND used.key_id = page.key_id AND ${OF_DAY}
  LEFT JOIN keys ON keys.id = page.key_id
  GROUP BY page.rank, page.key_id ORDER BY page.rank, page.key_id`;

const BY_KEY_AND_MODEL = `
  SELECT page.key_id, label, hint, model, ${COUNTS}
  FROM (SELECT *, iif(:byUse, -requests, 0) AS rank FROM usage_days
        WHERE day = :day AND ${OF_DAY}
          AND (NOT :isBound OR (iif(:byUse, -requests, 0), key_id, model) > (:rank, :keyId, :afterModel))
        ORDER BY rank, key_id, model LIMIT :limit) AS page
  LEFT JOIN keys ON keys.id = page.key_id
  ORDER BY page.rank, page.key_id, model`;

export function usageByKey(database: Database.Database): UsageByKey {
  const byKey = database.prepare<[Bounds], FoundRow>(BY_KEY);
  const byKeyAndModel = database.prepare<[Bounds], FoundRow>(BY_KEY_AND_MODEL);
  return (day, { groupBy, model = null, sort, after }, limit) => {
    const byUse = sort !== 'key';
    const statement = groupBy === 'key' ? byKey : byKeyAndModel;
    const found = statement.all({
      ...{ day, model, byUse: byUse ? 1 : 0, limit },
      isBound: day === after?.day ? 1 : 0,
      rank: byUse ? -(after?.requests ?? 0) : 0,
      keyId: after?.keyId ? toBlob(after.keyId) : Buffer.alloc(0),
      afterModel: after?.model ?? '',
    });
    return found.map((row) => rowOf(day, row));
  };
}

function rowOf(day: string, row: FoundRow): UsageRow {
  const { key_id, label, hint, model, updated_at: updatedAt } = row;
  return { day, keyId: toUuid(key_id), label, hint, model, updatedAt, ...countsOf(row) };
}
