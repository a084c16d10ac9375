import type Database from 'better-sqlite3';
import type { Account, KeyId, Sponsor } from '#core/model.ts';
import type { Calendar } from '#core/window.ts';
import { accountRows, SPONSOR_ID } from './account-rows.ts';
import { type EntryRow, entryOf, reservationOf } from './entry-rows.ts';
import { keyRows } from './key-rows.ts';
import { replay } from './replay.ts';
import { toUuid } from './uuid-blob.ts';

/** All accounts that were ever used, as the stored ones and the tail say. */
export interface CurrentAccounts {
  readonly accounts: ReadonlyMap<KeyId, Account>;
  readonly sponsor: Sponsor;
  /** The last entry whose days and months were those of another time zone. */
  readonly otherZoneN: number;
  readonly problems: readonly string[];
}

/** Reads what `recover` would, without writing anything. */
export function currentAccounts(database: Database.Database, calendar: Calendar): CurrentAccounts {
  const rows = accountRows(database);
  const keys = keyRows(database);
  const stored = rows.load(SPONSOR_ID);
  const sponsor = { ...keys.terms(), buckets: stored.buckets, latestAt: stored.lastUsedAt ?? 0 };
  const replayed = { sponsor, throughN: stored.throughN };
  const accounts = new Map<KeyId, Account>();
  const marks = new Map<KeyId, number>();
  const problems: string[] = [];

  for (const id of usedKeys(database)) {
    const key = keys.byId(id);
    if (key === undefined) {
      problems.push(`the ledger names key ${id}, and there is no such key`);
      continue;
    }
    const { throughN, ...account } = rows.load(id);
    marks.set(id, throughN);
    const open = rows.loadOpen(id).map(reservationOf);
    accounts.set(id, { ...account, key, open, sponsor });
  }

  const tail = database.prepare<[number], EntryRow>('SELECT * FROM ledger WHERE n >= ? ORDER BY n');
  for (const row of tail.iterate(rows.replayFrom())) {
    const entry = entryOf(row);
    const account = accounts.get(entry.keyId);
    if (account === undefined || row.n <= (marks.get(entry.keyId) ?? 0)) continue;
    try {
      accounts.set(entry.keyId, replay(account, replayed, row.n, entry, calendar));
    } catch (error) {
      problems.push(`entry ${row.n} cannot follow what is stored: ${String(error)}`);
    }
  }
  const zone = database.prepare<[], number>('SELECT other_zone_n FROM projection').pluck();
  return { accounts, sponsor: replayed.sponsor, otherZoneN: zone.get() ?? 0, problems };
}

function usedKeys(database: Database.Database): readonly KeyId[] {
  const used = database.prepare<[Buffer], Buffer>(
    `SELECT key_id FROM accounts WHERE key_id <> ?
     UNION SELECT key_id FROM ledger WHERE n >= (SELECT replay_from FROM projection)`,
  );
  return used
    .pluck()
    .all(Buffer.alloc(16))
    .map((blob) => toUuid(blob as Buffer));
}
