import { DatabaseSync } from 'node:sqlite';

const BATCH = 100_000;

/**
 * Puts so many requests, each reserved and settled, into the ledger of a database that nobody serves, for its only key.
 * They are a month old: the windows of today stay as they are. The next start replays them.
 */
export function fillLedger(path: string, requests: number): void {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA synchronous = OFF');
  const fill = database.prepare(`
    WITH RECURSIVE batch (i) AS (SELECT :from UNION ALL SELECT i + 1 FROM batch WHERE i + 1 < :until),
    request (i, at, id) AS (
      SELECT i, 1790000000000 + i, unhex(printf('%012x7%03x8000%012x', 1790000000000 + i, i % 4096, i)) FROM batch
    )
    INSERT INTO ledger
    SELECT base.n + 2 * (i - :from) + 1 + step, iif(step = 0, 'reserved', 'settled'), request.id, step, keys.id,
      at + 900 * step, 1, iif(step = 0, 4106, 15), 0,
      iif(step = 0,
        json_object('lapses_at', at + 600000, 'model', 'deepseek-chat', 'endpoint', '/v1/chat/completions',
          'stream', json('true'), 'arrival_us', 0, 'prices', NULL),
        json_object('outcome', json_object('status', 200, 'upstream_ms', 800, 'duration_ms', 905),
          'source', 'upstream',
          'usage', json_object('prompt', 10, 'completion', 5, 'cached', 0, 'reasoning', 0)))
    FROM request, (SELECT 0 AS step UNION ALL SELECT 1), keys, (SELECT coalesce(max(n), 0) AS n FROM ledger) AS base
    ORDER BY i, step`);
  for (let from = 0; from < requests; from += BATCH) {
    fill.run({ from, until: Math.min(from + BATCH, requests) });
  }
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
