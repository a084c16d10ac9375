import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { Operation, OperationDraft } from '#core/operation.ts';
import { chained, NO_HASH } from '#core/operation.ts';
import type { ChainReport, OperationQuery, Page } from '#core/ports.ts';

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
  list(query: OperationQuery): Page<Operation>;
  verify(): ChainReport;
}

export function operationRows(database: Database.Database): OperationRows {
  const insert = database.prepare('INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const last = database.prepare<[], OperationRow>('SELECT * FROM operations ORDER BY n DESC LIMIT 1');
  const newest = database.prepare<[OperationFilter], OperationRow>(
    `SELECT * FROM operations
     WHERE n < :before AND (:action IS NULL OR action = :action) AND (:target IS NULL OR target = :target)
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
    list({ action = null, target = null, limit, after }) {
      const rows = newest.all({ before: after ?? Number.MAX_SAFE_INTEGER, action, target, limit: limit + 1 });
      return { items: rows.slice(0, limit).map(operationOf), more: rows.length > limit };
    },
    verify: () => verifyChain(database),
  };
}

interface OperationFilter {
  readonly before: number;
  readonly action: string | null;
  readonly target: string | null;
  readonly limit: number;
}

/** Follows the chain from its beginning and names the first operation that does not belong. */
export function verifyChain(database: Database.Database): ChainReport {
  const rows = database.prepare<[], OperationRow>('SELECT * FROM operations ORDER BY n').iterate();
  let count = 0;
  let brokenAt: number | null = null;
  let previousHash = NO_HASH;
  for (const row of rows) {
    count += 1;
    const follows = row.n === count && row.previous_hash === previousHash;
    const intact = follows && row.hash === hashOf(row.n, operationOf(row), previousHash);
    if (!intact) brokenAt ??= row.n;
    previousHash = row.hash;
  }
  return { count, brokenAt };
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
