import type Database from 'better-sqlite3';
import { endsRequest } from '#core/apply.ts';
import { type Carried, carry } from '#core/carry.ts';
import type { Removal, RemovalOrder } from '#core/ledger-retention.ts';
import type { ApiKey, Buckets, KeyId, RequestId, Reservation } from '#core/model.ts';
import { SPONSOR_ID } from './account-rows.ts';
import { type CarriedHolder, type CarriedRows, carriedRows } from './carried-rows.ts';
import { type EntryRow, entryOf, reservationOf } from './entry-rows.ts';
import type { Projection } from './projection.ts';
import { toBlob } from './uuid-blob.ts';

/** What a step is about to do, found out before anything is written. */
interface Plan {
  readonly holders: ReadonlyMap<KeyId, CarriedHolder>;
  readonly sponsor: CarriedHolder;
  /** Numbers of the entries that go. */
  readonly gone: readonly number[];
}

/** A key whose entries go. */
interface Holder {
  readonly key: ApiKey;
  /** Its buckets as they are stored. */
  readonly current: Buckets;
  carried: CarriedHolder;
}

/**
 * Removes the oldest entries and carries forward what they amounted to. Never one that is not in every account's row yet:
 * so the accounts, the view `balances` and a start do not notice. Belongs inside a transaction.
 */
export function entryRemover(
  database: Database.Database,
  projection: Pick<Projection, 'rows' | 'keys' | 'calendar'>,
): (order: RemovalOrder) => Removal {
  const carried = carriedRows(database);
  const planOf = planner(database, carried, projection);
  const next = database.prepare<[number, number, number], EntryRow>(
    'SELECT * FROM ledger WHERE n > ? AND n <= ? ORDER BY n LIMIT ?',
  );
  const remove = database.prepare('DELETE FROM ledger WHERE n = ?');

  return ({ before, throughN, entriesMax }) => {
    const state = carried.state();
    const through = Math.min(projection.rows.replayFrom() - 1, throughN ?? Number.MAX_SAFE_INTEGER);
    const found = next.all(state.throughN, through, entriesMax);
    const young = found.findIndex(({ at }) => at >= before);
    const taken = young < 0 ? found : found.slice(0, young);
    const last = taken.at(-1);
    if (last === undefined) return { kind: 'removed', entries: 0, more: false };
    let plan: Plan;
    try {
      plan = planOf(taken);
    } catch (error) {
      return { kind: 'stuck', problem: error instanceof Error ? error.message : String(error) };
    }
    write(carried, plan);
    for (const n of plan.gone) remove.run(n);
    const untilAt = Math.max(state.untilAt, ...taken.map(({ at }) => at));
    const entries = plan.gone.length;
    carried.setState({ throughN: last.n, entries: state.entries + entries, untilAt });
    return { kind: 'removed', entries, more: taken.length === entriesMax };
  };
}

/** Finds out what is to be written, without writing anything. What it makes throws an Error if the ledger cannot be so. */
function planner(
  database: Database.Database,
  carried: CarriedRows,
  { rows, keys, calendar }: Pick<Projection, 'rows' | 'keys' | 'calendar'>,
): (taken: readonly EntryRow[]) => Plan {
  const reserving = database.prepare<[Buffer], EntryRow>(
    'SELECT * FROM ledger WHERE request_id = ? AND ending = 0',
  );

  function holderOf(id: KeyId): Holder {
    const key = keys.byId(id);
    if (key === undefined) throw new Error(`there is no such key as ${id}`);
    return { key, current: rows.load(id).buckets, carried: carried.load(id) };
  }

  return (taken) => {
    const made = new Map<RequestId, EntryRow>();
    const holders = new Map<KeyId, Holder>();
    let sponsor = carried.load(SPONSOR_ID);
    const gone: number[] = [];
    for (const row of taken) {
      const entry = entryOf(row);
      let reservation: Reservation | undefined;
      if (entry.kind === 'reserved') {
        made.set(entry.requestId, row);
        reservation = entry.reservation;
      } else gone.push(row.n);
      if (endsRequest(entry)) {
        const origin = made.get(entry.requestId) ?? reserving.get(toBlob(entry.requestId));
        if (origin === undefined) throw new Error(`entry ${row.n} ends a request that was never reserved`);
        reservation = reservationOf(origin);
        gone.push(origin.n);
      }
      const holder = holders.get(entry.keyId) ?? holderOf(entry.keyId);
      holders.set(entry.keyId, holder);
      const after = carry(carriedOf(holder, sponsor), { entry, reservation }, holder.current, calendar);
      const { account, ofKey, ofSponsor } = after;
      holder.carried = { lastUsedAt: account.lastUsedAt, buckets: account.buckets, excuses: ofKey };
      const { buckets, latestAt } = account.sponsor;
      sponsor = { lastUsedAt: latestAt, buckets, excuses: ofSponsor };
    }
    return { holders: new Map([...holders].map(([id, holder]) => [id, holder.carried])), sponsor, gone };
  };
}

function write(carried: CarriedRows, { holders, sponsor }: Plan): void {
  for (const [id, holder] of holders) carried.save(id, holder);
  carried.save(SPONSOR_ID, sponsor);
}

function carriedOf({ key, carried }: Holder, all: CarriedHolder): Carried {
  const { buckets, lastUsedAt, excuses } = carried;
  const sponsor = { quotas: [], quotasSetAt: 0, buckets: all.buckets, latestAt: all.lastUsedAt ?? 0 };
  const account = { key, buckets, open: [], lastUsedAt, arrivalUs: 0, sponsor };
  return { account, ofKey: excuses, ofSponsor: all.excuses };
}
