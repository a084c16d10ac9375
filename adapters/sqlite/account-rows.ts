import type Database from 'better-sqlite3';
import { emptyBuckets } from '#core/apply.ts';
import type { Bucket, Buckets, Instant, KeyId, Period } from '#core/model.ts';
import { PERIODS } from '#core/model.ts';
import type { EntryRow } from './entry-rows.ts';
import type { DayGrowth } from './usage-days.ts';
import { toBlob } from './uuid-blob.ts';

/** The id under which the sponsor's buckets are stored. No UUIDv7 looks like it. */
export const SPONSOR_ID: KeyId = '00000000-0000-0000-0000-000000000000';

/** An account as it was written back: true up to entry `throughN`. */
export interface StoredAccount {
  readonly throughN: number;
  readonly lastUsedAt: Instant | null;
  readonly arrivalUs: number;
  readonly buckets: Buckets;
}

/** The projection's rows. */
export interface AccountRows {
  /** What was stored last; of an account that never was, that of a new one. */
  load(id: KeyId): StoredAccount;
  save(id: KeyId, account: StoredAccount): void;
  /** The entries that made the open reservations of an account, oldest first. */
  loadOpen(id: KeyId): readonly EntryRow[];
  /** Those of all accounts, as of the mark of each. */
  loadAllOpen(): readonly EntryRow[];
  saveOpen(id: KeyId, numbers: readonly number[]): void;
  grow(id: KeyId, growth: DayGrowth): void;
  replayFrom(): number;
  setReplayFrom(n: number): void;
}

/** A row of the table `buckets`; others have its columns, too. */
export interface BucketRow {
  readonly period: Period;
  readonly starts_at: number;
  readonly requests_used: number;
  readonly requests_held: number;
  readonly tokens_used: number;
  readonly tokens_held: number;
  readonly cost_used_micros: number;
  readonly cost_held_micros: number;
}

interface MarkRow {
  readonly through_n: number;
  readonly last_used_at: number | null;
  readonly arrival_us: number;
}

export function accountRows(database: Database.Database): AccountRows {
  const mark = database.prepare<[Buffer], MarkRow>('SELECT * FROM accounts WHERE key_id = ?');
  const setMark = database.prepare('REPLACE INTO accounts VALUES (?, ?, ?, ?)');
  const buckets = database.prepare<[Buffer], BucketRow>('SELECT * FROM buckets WHERE key_id = ?');
  const setBucket = database.prepare('REPLACE INTO buckets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const opened = 'SELECT ledger.* FROM reservations JOIN ledger USING (n)';
  const open = database.prepare<[Buffer], EntryRow>(
    `${opened} WHERE reservations.key_id = ? ORDER BY reservations.n`,
  );
  // Ordered by the number in the short table: by the other one, SQLite reads the whole ledger to find the few that are open.
  const allOpen = database.prepare<[], EntryRow>(`${opened} ORDER BY reservations.n`);
  const forgetOpen = database.prepare('DELETE FROM reservations WHERE key_id = ?');
  const addOpen = database.prepare('INSERT INTO reservations VALUES (?, ?)');
  const replayFrom = database.prepare<[], number>('SELECT replay_from FROM projection').pluck();
  const setReplayFrom = database.prepare('UPDATE projection SET replay_from = ?');

  return {
    load(id) {
      const key = toBlob(id);
      const row = mark.get(key);
      if (row === undefined) return { throughN: 0, lastUsedAt: null, arrivalUs: 0, buckets: emptyBuckets() };
      const { through_n: throughN, last_used_at: lastUsedAt, arrival_us: arrivalUs } = row;
      return { throughN, lastUsedAt, arrivalUs, buckets: bucketsOf(buckets.all(key)) };
    },
    save(id, { throughN, lastUsedAt, arrivalUs, buckets }) {
      const key = toBlob(id);
      setMark.run(key, throughN, lastUsedAt, arrivalUs);
      for (const { period, startsAt, used, held } of buckets) {
        const amounts = [used.requests, held.requests, used.tokens, held.tokens, used.cost, held.cost];
        setBucket.run(key, period, startsAt, ...amounts);
      }
    },
    loadOpen: (id) => open.all(toBlob(id)),
    loadAllOpen: () => allOpen.all(),
    saveOpen(id, numbers) {
      const key = toBlob(id);
      forgetOpen.run(key);
      for (const n of numbers) addOpen.run(key, n);
    },
    grow: dayGrower(database),
    replayFrom: () => replayFrom.get() ?? 1,
    setReplayFrom: (n) => void setReplayFrom.run(n),
  };
}

function dayGrower(database: Database.Database): AccountRows['grow'] {
  const grow = database.prepare(
    `INSERT INTO usage_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       requests = requests + excluded.requests,
       successes = successes + excluded.successes,
       errors = errors + excluded.errors,
       rejections = rejections + excluded.rejections,
       prompt_tokens = prompt_tokens + excluded.prompt_tokens,
       completion_tokens = completion_tokens + excluded.completion_tokens,
       cached_tokens = cached_tokens + excluded.cached_tokens,
       cost_micros = cost_micros + excluded.cost_micros,
       updated_at = max(updated_at, excluded.updated_at)`,
  );
  return (id, { day, model, updatedAt, ...counts }) => {
    const { requests, successes, errors, rejections, prompt, completion, cached, costMicros } = counts;
    const ended = [requests, successes, errors, rejections];
    grow.run(day, toBlob(id), model, ...ended, prompt, completion, cached, costMicros, updatedAt);
  };
}

/** The buckets of an account, by its rows. */
export function bucketsOf(rows: readonly BucketRow[]): Buckets {
  return PERIODS.map((period): Bucket => {
    const row = rows.find((each) => each.period === period);
    if (row === undefined) throw new Error(`an account has no bucket for ${period}`);
    return {
      period,
      startsAt: row.starts_at,
      used: { requests: row.requests_used, tokens: row.tokens_used, cost: row.cost_used_micros },
      held: { requests: row.requests_held, tokens: row.tokens_held, cost: row.cost_held_micros },
    };
  });
}
