import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { Operation, OperationDraft } from '#core/operation.ts';
import { chained, NO_HASH } from '#core/operation.ts';
import type { ChainReport, OperationQuery } from '#core/ports.ts';
import type { Part } from './gather.ts';

interface OperationRow {
  readonly n: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly details: string;
  readonly previous_hash: string;
  readonly hash: string;
}

/** The operation log as rows. */
export interface OperationRows {
  append(draft: OperationDraft): void;
  /** The newest operations that match, among so many as are read at once. */
  scan(query: OperationQuery): Part<Operation, number>;
  verify(): ChainReport;
}

/** About 5 ms of reading. */
const SCAN_ROWS = 10_000;

export function operationRows(database: Database.Database): OperationRows {
  const insert = database.prepare('INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const last = database.prepare<[], OperationRow>('SELECT * FROM operations ORDER BY n DESC LIMIT 1');
  const newest = database.prepare<[OperationFilter], OperationRow>(
    `SELECT * FROM operations
     WHERE n < :before AND n >= :first AND at >= :from AND at < :to
       AND (:actor IS NULL OR actor = :actor)
       AND (:action IS NULL OR action = :action) AND (:target IS NULL OR target = :target)
     ORDER BY n DESC LIMIT :limit`,
  );

  return {
    append(draft) {
      const before = last.get();
      const n = (before?.n ?? 0) + 1;
      const previousHash = before?.hash ?? NO_HASH;
      const { at, actor, action, target, details } = draft;
      const hash = hashOf(n, draft, previousHash);
      insert.run(n, at, actor, action, target, JSON.stringify(details), previousHash, hash);
    },
    scan({
      actor = null,
      action = null,
      target = null,
      limit,
      after,
      from = 0,
      to = Number.MAX_SAFE_INTEGER,
    }) {
      const end = (last.get()?.n ?? 0) + 1;
      const before = Math.min(after ?? end, end);
      const first = Math.max(1, before - SCAN_ROWS);
      const rows = newest.all({ before, first, actor, action, target, from, to, limit });
      const next = rows.length === limit ? (rows.at(-1)?.n ?? first) : first;
      return { items: rows.map(operationOf), next: next > 1 ? next : null };
    },
    verify: () => verifyChain(database),
  };
}

interface OperationFilter {
  readonly before: number;
  readonly first: number;
  readonly from: number;
  readonly to: number;
  readonly actor: string | null;
  readonly action: string | null;
  readonly target: string | null;
  readonly limit: number;
}

/**
 * Follows the chain from its beginning and names the first operation that does not belong, or is missing. A chain whose
 * end was cut off is still one; but a backup remembers how far it was.
 */
export function verifyChain(database: Database.Database): ChainReport {
  const rows = database.prepare<[], OperationRow>('SELECT * FROM operations ORDER BY n').iterate();
  let count = 0;
  let brokenAt: number | null = null;
  let previousHash = NO_HASH;
  for (const row of rows) {
    count += 1;
    const follows = row.n === count && row.previous_hash === previousHash;
    if (!follows || !isIntact(row, previousHash)) brokenAt ??= row.n;
    previousHash = row.hash;
  }
  if (count < backedUpThrough(database)) brokenAt ??= count + 1;
  return { count, brokenAt };
}

/** What is wrong with the operation that `verifyChain` named, in words. */
export function brokenOperation(database: Database.Database, n: number): string {
  const isThere = database.prepare<[number]>('SELECT 1 FROM operations WHERE n = ?').get(n) !== undefined;
  return isThere ? `operation ${n} does not follow from the one before` : `operation ${n} is missing`;
}

/** Whether a row is to the letter what was hashed: text that means the same is not. */
function isIntact(row: OperationRow, previousHash: string): boolean {
  try {
    const operation = operationOf(row);
    return (
      row.details === JSON.stringify(operation.details) && row.hash === hashOf(row.n, operation, previousHash)
    );
  } catch {
    return false; // no JSON any more
  }
}

/** The last operation that is in any backup of this database; 0 if none is. */
function backedUpThrough(database: Database.Database): number {
  // Before the second schema there were no backups.
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'backup_state'").get();
  if (table === undefined) return 0;
  const sql = "SELECT coalesce(max(state ->> '$.shipped.mark.operationN'), 0) FROM backup_state";
  return database.prepare<[], number>(sql).pluck().get() ?? 0;
}

function hashOf(n: number, draft: OperationDraft, previousHash: string): string {
  return createHash('sha256')
    .update(chained(n, draft, previousHash))
    .digest('hex');
}

function operationOf(row: OperationRow): Operation {
  const { n, at, actor, action, target, hash, previous_hash: previousHash } = row;
  return { n, at, actor, action, target, details: JSON.parse(row.details), hash, previousHash };
}
