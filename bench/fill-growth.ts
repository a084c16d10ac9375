import { createHmac, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { BENCH_PEPPER, secretNumber } from './bench-key.ts';

/** How large the database is to be. */
export interface Growth {
  readonly keys: number;
  /** How many of them are used. */
  readonly active: number;
  /** Two rows of the ledger each, spread over a month that ended sixty days ago: so LEDGER_DAYS=32 removes them. */
  readonly requests: number;
}

const DAY_MS = 24 * 3_600_000;
const MONTH_DAYS = 30;
const BATCH = 100_000;
const MODEL = 'deepseek-chat';

/** The first and the last day of the requests, as local days of UTC. */
export function daysFilled(now: number): { readonly from: string; readonly to: string } {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const begin = beginOf(now);
  return { from: day(begin), to: day(begin + MONTH_DAYS * DAY_MS - 1) };
}

function beginOf(now: number): number {
  return now - (now % DAY_MS) - (MONTH_DAYS + 60) * DAY_MS;
}

/**
 * Fills the database of a server that was started once and stopped, with tables as the writer leaves them when it rests.
 * Only the windows of `total` and the days have sums: those of shorter periods are long over.
 */
export function fillGrowth(path: string, { keys, active, requests }: Growth, now: number): void {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA cache_size = -200000');
  addKeys(database, keys, active, now);
  if (requests > 0) {
    addRequests(database, requests, active, now);
    addProjection(database, now);
  }
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

function addKeys(database: DatabaseSync, keys: number, active: number, now: number): void {
  const insert = database.prepare(
    `INSERT INTO keys (id, digest, hint, label, created_at, disabled, quotas, quotas_set_at, metadata)
     VALUES (?, ?, 'sk-benc…mark', ?, ?, 0, '[{"meter":"requests","period":"day","limit":1000000000}]', 0, '{}')`,
  );
  database.exec('CREATE TEMP TABLE holder (i INTEGER PRIMARY KEY, id BLOB NOT NULL); BEGIN');
  const hold = database.prepare('INSERT INTO temp.holder VALUES (?, ?)');
  for (let n = 0; n < keys; n += 1) {
    const id = idNumber(now, n);
    const digest =
      n < active ? createHmac('sha256', BENCH_PEPPER).update(secretNumber(n)).digest() : randomBytes(32);
    insert.run(id, digest, `key ${n}`, now);
    if (n < active) hold.run(n, id);
  }
  database.exec('COMMIT');
}

/** A UUIDv7; the random half of it says which. */
function idNumber(now: number, n: number): Uint8Array {
  const id = Buffer.alloc(16);
  id.writeUIntBE(now - 100 * DAY_MS, 0, 6);
  id.writeUInt16BE(0x7000, 6);
  id.writeUInt16BE(0x8000, 8);
  id.writeUIntBE(n + 1, 10, 6);
  return id;
}

function addRequests(database: DatabaseSync, requests: number, active: number, now: number): void {
  const fill = database.prepare(`
    WITH RECURSIVE batch (i) AS (SELECT :from UNION ALL SELECT i + 1 FROM batch WHERE i + 1 < :until),
    request (i, at, id) AS (
      SELECT i, :begin + CAST(i * :each AS INTEGER),
        unhex(printf('%012x7%03x8000%012x', :begin + CAST(i * :each AS INTEGER), i % 4096, i)) FROM batch
    )
    INSERT INTO ledger
    SELECT 2 * request.i + 1 + step, iif(step = 0, 'reserved', 'settled'), request.id, step, holder.id,
      at, 1, iif(step = 0, 4106, 15), 0,
      iif(step = 0,
        json_object('lapses_at', at + 600000, 'model', '${MODEL}', 'endpoint', '/v1/chat/completions',
          'stream', json('true'), 'arrival_us', 0, 'prices', NULL),
        json_object('outcome', json_object('status', 200, 'upstream_ms', 800, 'duration_ms', 905),
          'source', 'upstream',
          'usage', json_object('prompt', 10, 'completion', 5, 'cached', 0, 'reasoning', 0)))
    FROM request, (SELECT 0 AS step UNION ALL SELECT 1)
    -- A prime's multiples: neighbours in time are of keys that are far apart.
    JOIN temp.holder AS holder ON holder.i = (request.i * 7919) % :active
    ORDER BY request.i, step`);
  const each = (MONTH_DAYS * DAY_MS) / requests;
  const begin = beginOf(now);
  for (let from = 0; from < requests; from += BATCH) {
    fill.run({ from, until: Math.min(from + BATCH, requests), begin, each, active });
  }
}

function addProjection(database: DatabaseSync, now: number): void {
  database.exec(`
    BEGIN;
    INSERT INTO usage_days
      SELECT date(at / 1000, 'unixepoch'), key_id, '${MODEL}', count(*), count(*), 0, 0, 10 * count(*), 5 * count(*), 0, 0,
        max(at)
      FROM ledger WHERE kind = 'reserved' GROUP BY 1, 2;
    CREATE TEMP TABLE sums AS
      SELECT key_id, max(at) AS at, sum(requests) AS requests, sum(tokens) AS tokens
      FROM ledger WHERE kind = 'settled' GROUP BY key_id;
    INSERT INTO sums SELECT zeroblob(16), max(at), sum(requests), sum(tokens) FROM sums;
    INSERT INTO accounts SELECT key_id, (SELECT max(n) FROM ledger), at, 0 FROM sums;
    INSERT INTO buckets
      SELECT key_id, period, iif(period = 'total', 0, at - at % 60000), iif(period = 'total', requests, 0), 0,
        iif(period = 'total', tokens, 0), 0, 0, 0
      FROM sums, (SELECT 'minute' AS period UNION ALL VALUES ('hour'), ('day'), ('month'), ('total'));
    UPDATE projection SET replay_from = (SELECT max(n) + 1 FROM ledger);
    INSERT OR IGNORE INTO windows
      SELECT DISTINCT 'day', unixepoch(date(at / 1000, 'unixepoch')) * 1000 FROM ledger WHERE kind = 'reserved';
    COMMIT;
  `);
  // As if something had been asked for on each of the last days, too: it is from there that days to keep are counted.
  const day = database.prepare("INSERT OR IGNORE INTO windows VALUES ('day', ?)");
  for (let days = 0; days < 10; days += 1) day.run(now - (now % DAY_MS) - days * DAY_MS);
}
