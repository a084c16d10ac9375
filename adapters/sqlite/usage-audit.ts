import type Database from 'better-sqlite3';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { KeyId } from '#core/model.ts';
import { PERIODS } from '#core/model.ts';
import { SPONSOR_ID } from './account-rows.ts';
import { readCarried } from './carried-rows.ts';
import { toBlob, toUuid } from './uuid-blob.ts';

/** Compares `usage_days`, from which reports are made, with what the ledger's entries add up to. */
export interface UsageAudit {
  /** Entry `n` is in the ledger. */
  count(n: number, entry: LedgerEntry): void;
  /** After the last entry: how many rows of `usage_days` there are, and what is wrong with them, in words. */
  result(): { readonly rows: number; readonly problems: readonly string[] };
}

/** Of a key, over all days and models. A refusal has no entry, so nothing can be said of refusals. */
interface Sums {
  requests: number;
  /** Successes and errors. */
  endings: number;
  /** Prompt and completion. */
  tokens: number;
  cost: number;
}

interface Tally {
  /** The last entry that the key's rows have: they and this number are written in one transaction. */
  readonly throughN: number;
  readonly entries: Sums;
  readonly reported: Sums;
  /** Rows of `usage_days`. */
  rows: number;
}

interface DayRow extends Sums {
  readonly key_id: Buffer;
}

const NAMES = ['requests', 'endings', 'tokens', 'cost'] as const satisfies readonly (keyof Sums)[];
const TOTAL = PERIODS.indexOf('total');

/**
 * Invariant 6: the rows of each key in `usage_days` add up to its entries, up to the one that they were written with.
 *
 * Where entries were removed, days still count them. What they charged is carried for each key, less what was before a
 * reset; what is carried for all keys together is never less. So tokens and cost of all keys together must be exact, and
 * each key's exact where no reset was removed; else above the entries by no more than was reset. Which requests were
 * charged nothing, and how those of an import ended, is carried nowhere: there must be no fewer requests than were charged
 * or are there, and no fewer endings than are there. The audit is of sums over all days: a change of the time zone is
 * nothing to it. Of a key it keeps one tally.
 */
export function usageAudit(database: Database.Database): UsageAudit {
  const { tallies, unknown, isWhole } = beginning(database);
  const tallyOf = (id: KeyId) => {
    const tally = tallies.get(id) ?? { throughN: 0, entries: nothing(), reported: nothing(), rows: 0 };
    tallies.set(id, tally);
    return tally;
  };
  const isKey = database.prepare<[Buffer], number>('SELECT 1 FROM keys WHERE id = ?').pluck();

  function* problems(): Generator<string> {
    const above = nothing();
    let isAnyWrong = false;
    for (const [id, { entries, reported, rows }] of tallies) {
      const off = nothing();
      for (const name of NAMES) {
        const difference = reported[name] - entries[name];
        above[name] += difference;
        off[name] = Math.min(difference, 0) + Math.max(difference - unknown[name], 0);
      }
      if (rows > 0 && isKey.get(toBlob(id)) === undefined)
        yield `usage_days has ${rows} rows of key ${id}, and there is no such key: reports of all keys count them, too; quotas and balances are not touched`;
      else if (NAMES.some((name) => off[name] !== 0))
        yield `key ${id}: reports of it are off by ${isWhole ? '' : 'at least '}${told(off)}; quotas and balances are not touched: go by its receipts (quota-proxy requests list --key ${id})`;
      else continue;
      isAnyWrong = true;
    }
    for (const name of NAMES) above[name] = Number.isFinite(unknown[name]) ? above[name] - unknown[name] : 0;
    if (!isAnyWrong && NAMES.some((name) => above[name] !== 0))
      yield `reports of all keys together are off by ${told(above)}, of which key is not known any more; quotas and balances are not touched`;
  }

  return {
    count(n, entry) {
      const { throughN, entries } = tallyOf(entry.keyId);
      if (n <= throughN) add(entries, sumsOf(entry));
    },
    result() {
      let rows = 0;
      // Not grouped by SQL, which would sort all rows first: there is one for each key, day and model.
      const days = database.prepare<[], DayRow>(
        `SELECT key_id, requests, successes + errors AS endings, prompt_tokens + completion_tokens AS tokens,
           cost_micros AS cost
         FROM usage_days`,
      );
      for (const row of days.iterate()) {
        const tally = tallyOf(toUuid(row.key_id));
        tally.rows += 1;
        add(tally.reported, row);
        rows += 1;
      }
      return { rows, problems: [...problems()] };
    },
  };
}

/** Where the reading begins: with what was carried forward of the entries that were removed. */
function beginning(database: Database.Database) {
  const carried = readCarried(database);
  const isWhole = carried.state().throughN === 0;
  const chargedTo = (id: KeyId): Sums => {
    const { requests, tokens, cost } = carried.load(id).buckets[TOTAL]?.used ?? nothing();
    return { requests, endings: 0, tokens, cost };
  };
  const { tokens, cost } = chargedTo(SPONSOR_ID);
  const untold = isWhole ? 0 : Number.POSITIVE_INFINITY;
  // What some key may have above its entries: at first all that was ever removed, then less what is known of each key.
  const unknown: Sums = { requests: untold, endings: untold, tokens, cost };
  const tallies = new Map<KeyId, Tally>();
  const marks = database.prepare<[Buffer], { id: Buffer; throughN: number }>(
    'SELECT key_id AS id, through_n AS throughN FROM accounts WHERE key_id <> ?',
  );
  for (const { id: blob, throughN } of marks.all(toBlob(SPONSOR_ID))) {
    const id = toUuid(blob);
    const entries = chargedTo(id);
    unknown.tokens -= entries.tokens;
    unknown.cost -= entries.cost;
    tallies.set(id, { throughN, entries, reported: nothing(), rows: 0 });
  }
  return { tallies, unknown, isWhole };
}

/** Not shared with what writes `usage_days`: what is wrong there must not be wrong here. */
function sumsOf(entry: LedgerEntry): Sums {
  switch (entry.kind) {
    case 'reserved':
      return { requests: 1, endings: 0, tokens: 0, cost: 0 };
    case 'settled':
    case 'lapsed':
      return { requests: 0, endings: 1, tokens: entry.used.tokens, cost: entry.used.cost };
    case 'released':
      return { requests: 0, endings: 1, tokens: 0, cost: 0 };
    case 'imported':
      return { ...entry.used, endings: entry.successes + entry.errors };
    case 'reset':
      return nothing();
  }
}

function nothing(): Sums {
  return { requests: 0, endings: 0, tokens: 0, cost: 0 };
}

function add(sums: Sums, more: Sums): void {
  for (const name of NAMES) sums[name] += more[name];
}

function told(off: Sums): string {
  const units = { requests: 'requests', endings: 'successes and errors', tokens: 'tokens', cost: 'micros' };
  return NAMES.filter((name) => off[name] !== 0)
    .map((name) => `${off[name] > 0 ? '+' : ''}${off[name]} ${units[name]}`)
    .join(', ');
}
