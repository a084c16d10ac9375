import type Database from 'better-sqlite3';
import { beginsWindows } from '#core/apply.ts';
import type { KeyId } from '#core/model.ts';
import { SPONSOR_ID } from './account-rows.ts';
import { type EntryRow, entryOf, reservationOf } from './entry-rows.ts';
import { find, note, type Projection, reservationIn, rollback } from './projection.ts';
import { replay } from './replay.ts';

/** Rows read at once: while a statement is being iterated, no other may run. */
const REPLAY_ROWS = 1000;

/**
 * Makes the projection what the file says: the stored accounts, and the entries after the mark of each.
 * Belongs inside a transaction.
 */
export function recover(projection: Projection, database: Database.Database): void {
  const { rows, keys, calendar } = projection;
  for (const map of [projection.accounts, projection.idOf, projection.open, projection.unwritten])
    map.clear();

  const stored = rows.load(SPONSOR_ID);
  const sponsor = { ...keys.terms(), buckets: stored.buckets, latestAt: stored.lastUsedAt ?? 0 };
  const replayed = { sponsor, throughN: stored.throughN };
  rollback(projection);
  for (const row of rows.loadAllOpen()) {
    const reservation = reservationOf(row);
    projection.open.set(reservation.id, { n: row.n, reservation });
  }

  forgetOtherZones(database, calendar.timeZone);
  const throughOf = markReader(projection);
  for (const row of rowsFrom(database, rows.replayFrom())) {
    const entry = entryOf(row);
    if (beginsWindows(entry)) projection.windows.enter(entry.at);
    const { accounts } = projection;
    const account = accounts.get(entry.keyId) ?? find(projection, entry.keyId);
    if (account === undefined)
      throw new Error(`entry ${row.n} is of a key that there is none of: ${entry.keyId}`);
    if (row.n > throughOf(entry.keyId)) {
      const after = replay(account, replayed, row.n, entry, calendar);
      accounts.set(entry.keyId, after);
      projection.idOf.set(after.key.digest, entry.keyId);
      note(projection, { n: row.n, entry, reservation: reservationIn(account, entry) });
    }
  }
  projection.lastN = lastNumber(database);
  projection.sponsor = replayed.sponsor;
  rollback(projection);
}

/** Takes all that is open now for the work of a process that is gone. */
export function disown(projection: Projection): void {
  for (const id of projection.open.keys()) projection.orphans.add(id);
}

/** The number of the last entry in the file. */
function lastNumber(database: Database.Database): number {
  return database.prepare<[], number>('SELECT coalesce(max(n), 0) FROM ledger').pluck().get() ?? 0;
}

function markReader({ rows }: Projection): (id: KeyId) => number {
  const marks = new Map<KeyId, number>();
  return (id) => {
    const mark = marks.get(id) ?? rows.load(id).throughN;
    marks.set(id, mark);
    return mark;
  };
}

function* rowsFrom(database: Database.Database, n: number): Generator<EntryRow> {
  const select = database.prepare<[number, number], EntryRow>(
    'SELECT * FROM ledger WHERE n >= ? ORDER BY n LIMIT ?',
  );
  for (let from = n; ; ) {
    const rows = select.all(from, REPLAY_ROWS);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    from = last.n + 1;
  }
}

/** Local days of another zone would mislead the view. */
function forgetOtherZones(database: Database.Database, timeZone: string): void {
  const { changes } = database
    .prepare(
      `UPDATE projection SET time_zone = :timeZone, other_zone_n = (SELECT coalesce(max(n), 0) FROM ledger)
       WHERE time_zone <> :timeZone`,
    )
    .run({ timeZone });
  if (changes > 0) database.exec('DELETE FROM windows');
}
