import { hash } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { TableDigest } from '#core/snapshot.ts';
import { columnsOf, rowAsArray } from './row-json.ts';

/** Everything that a restored database must bring back. */
const TABLES = [
  ...(['keys', 'sponsor', 'accounts', 'buckets', 'reservations', 'usage_days', 'usage_sums'] as const),
  ...(['applications', 'retention', 'carried_accounts', 'carried_buckets'] as const),
];

/** Tables that grow for ever. Their rows have dense numbers and are hashed so many at a time: a call costs more than a row. */
const NUMBERED_TABLES = ['ledger', 'operations'] as const;
const BLOCK_ROWS = 256;

/** All of them. */
export const DIGESTED_TABLES: readonly string[] = [...TABLES, ...NUMBERED_TABLES];

/**
 * Rows and digest of each table. A digest is the sum of SHA-256 hashes, of rows as JSON arrays or of blocks of them,
 * in eight lanes of 32 bits: it does not depend on the order in which a database keeps its rows.
 */
export function tableDigests(database: Database.Database): Readonly<Record<string, TableDigest>> {
  const digests: Record<string, TableDigest> = {};
  for (const table of TABLES) {
    // A copy that an older version made does not have all of them.
    if (columnsOf(database, table).length > 0) digests[table] = digestOfRows(database, table);
  }
  for (const table of NUMBERED_TABLES) digests[table] = digestOfBlocks(database, table);
  return digests;
}

function digestOfRows(database: Database.Database, table: string): TableDigest {
  const row = rowAsArray(columnsOf(database, table));
  const fold = newFold();
  let rows = 0;
  for (const text of database.prepare<[], string>(`SELECT ${row} FROM ${table}`).pluck().iterate()) {
    fold.add(text);
    rows += 1;
  }
  return { rows, digest: fold.digest() };
}

function digestOfBlocks(database: Database.Database, table: string): TableDigest {
  const row = rowAsArray(columnsOf(database, table));
  const bounds = database
    .prepare<[], { first: number | null; last: number | null }>(
      `SELECT min(n) AS first, max(n) AS last FROM ${table}`,
    )
    .get();
  const block = database.prepare<[number, number], { text: string | null; rows: number }>(
    `SELECT group_concat(${row}, char(10)) AS text, count(*) AS rows FROM ${table} WHERE n BETWEEN ? AND ?`,
  );
  const fold = newFold();
  let rows = 0;
  const { first, last } = bounds ?? { first: null, last: null };
  if (first === null || last === null) return { rows, digest: fold.digest() };
  for (let n = first - (first % BLOCK_ROWS); n <= last; n += BLOCK_ROWS) {
    const found = block.get(n, n + BLOCK_ROWS - 1);
    if (found === undefined || found.text === null) continue;
    fold.add(found.text);
    rows += found.rows;
  }
  return { rows, digest: fold.digest() };
}

const LANES = 8;

function newFold() {
  const sums = new Uint32Array(LANES);
  return {
    add(text: string): void {
      const hashed = hash('sha256', text, 'buffer');
      for (let lane = 0; lane < LANES; lane += 1) {
        // Wraps at 32 bits, as a Uint32Array does.
        sums[lane] = (sums[lane] ?? 0) + hashed.readUInt32BE(lane * 4);
      }
    },
    digest: () => [...sums].map((sum) => sum.toString(16).padStart(8, '0')).join(''),
  };
}
