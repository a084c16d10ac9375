import type Database from 'better-sqlite3';
import { emptyBuckets } from '#core/apply.ts';
import { type Excuse, NO_EXCUSE } from '#core/carry.ts';
import type { Buckets, Instant, KeyId } from '#core/model.ts';
import { PERIODS } from '#core/model.ts';
import type { BucketRow } from './account-rows.ts';
import { bucketsOf } from './account-rows.ts';
import { toBlob } from './uuid-blob.ts';

/** From here on entries may have been removed. */
const SCHEMA_WITH_RETENTION = 6;

/** What was removed from the ledger. */
export interface RetentionState {
  /** Of the entries up to here only those are there that made a reservation which was not ended by then. */
  readonly throughN: number;
  readonly entries: number;
  /** When the latest of them was recorded. */
  readonly untilAt: Instant;
}

/** What the removed entries of a key, or of all keys together, amounted to. */
export interface CarriedHolder {
  readonly lastUsedAt: Instant | null;
  readonly buckets: Buckets;
  /** One for each bucket. */
  readonly excuses: readonly Excuse[];
}

/** What is kept of what was removed. */
export interface CarriedRows {
  state(): RetentionState;
  setState(state: RetentionState): void;
  /** Of a holder of whom nothing was removed, that of a new one. */
  load(id: KeyId): CarriedHolder;
  save(id: KeyId, holder: CarriedHolder): void;
}

interface CarriedRow extends BucketRow {
  readonly requests_overdraft: number;
  readonly tokens_overdraft: number;
  readonly cost_overdraft_micros: number;
  readonly requests_brought_to: number;
  readonly tokens_brought_to: number;
  readonly cost_brought_to_micros: number;
  readonly first_at: number | null;
}

const NOTHING_REMOVED: RetentionState = { throughN: 0, entries: 0, untilAt: 0 };

/** Nothing was ever removed from a database that an older version left, and there is no table about it. */
export function readCarried(database: Database.Database): Pick<CarriedRows, 'state' | 'load'> {
  const version = database.pragma('user_version', { simple: true }) as number;
  return version >= SCHEMA_WITH_RETENTION
    ? carriedRows(database)
    : { state: () => NOTHING_REMOVED, load: () => holderOf(null, []) };
}

export function carriedRows(database: Database.Database): CarriedRows {
  const state = database.prepare<[], RetentionState>(
    `SELECT removed_through_n AS throughN, removed_entries AS entries, removed_until_at AS untilAt
     FROM retention`,
  );
  const setState = database.prepare(
    'UPDATE retention SET removed_through_n = ?, removed_entries = ?, removed_until_at = ?',
  );
  const lastUsed = database
    .prepare<[Buffer], number | null>('SELECT last_used_at FROM carried_accounts WHERE key_id = ?')
    .pluck();
  const setLastUsed = database.prepare('REPLACE INTO carried_accounts VALUES (?, ?)');
  const buckets = database.prepare<[Buffer], CarriedRow>('SELECT * FROM carried_buckets WHERE key_id = ?');
  const setBucket = database.prepare(
    'REPLACE INTO carried_buckets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  return {
    state: () => state.get() ?? NOTHING_REMOVED,
    setState: ({ throughN, entries, untilAt }) => void setState.run(throughN, entries, untilAt),
    load(id) {
      const key = toBlob(id);
      return holderOf(lastUsed.get(key) ?? null, buckets.all(key));
    },
    save(id, holder) {
      const key = toBlob(id);
      setLastUsed.run(key, holder.lastUsedAt);
      for (const [index, { period, startsAt, used, held }] of holder.buckets.entries()) {
        const { overdraft, broughtTo, firstAt } = holder.excuses[index] ?? NO_EXCUSE;
        const amounts = [used.requests, held.requests, used.tokens, held.tokens, used.cost, held.cost];
        const excused = [overdraft, broughtTo].flatMap(({ requests, tokens, cost }) => [
          requests,
          tokens,
          cost,
        ]);
        setBucket.run(key, period, startsAt, ...amounts, ...excused, firstAt);
      }
    },
  };
}

function holderOf(lastUsedAt: Instant | null, rows: readonly CarriedRow[]): CarriedHolder {
  return {
    lastUsedAt,
    buckets: rows.length === 0 ? emptyBuckets() : bucketsOf(rows),
    excuses: PERIODS.map((period) => excuseOf(rows.find((row) => row.period === period))),
  };
}

function excuseOf(row: CarriedRow | undefined): Excuse {
  if (row === undefined) return NO_EXCUSE;
  return {
    overdraft: {
      requests: row.requests_overdraft,
      tokens: row.tokens_overdraft,
      cost: row.cost_overdraft_micros,
    },
    broughtTo: {
      requests: row.requests_brought_to,
      tokens: row.tokens_brought_to,
      cost: row.cost_brought_to_micros,
    },
    firstAt: row.first_at,
  };
}
