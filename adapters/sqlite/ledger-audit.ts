import type Database from 'better-sqlite3';
import { apply, beginsWindows, emptyBuckets, endsRequest, includesDay } from '#core/apply.ts';
import { NO_EXCUSE } from '#core/carry.ts';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type {
  Account,
  Amount,
  Buckets,
  Instant,
  KeyId,
  Period,
  RequestId,
  Reservation,
} from '#core/model.ts';
import { METERS, NOTHING } from '#core/model.ts';
import type { Calendar } from '#core/window.ts';
import { SPONSOR_ID } from './account-rows.ts';
import { type CarriedHolder, readCarried } from './carried-rows.ts';
import type { CurrentAccounts } from './current-accounts.ts';
import { type EntryRow, entryOf } from './entry-rows.ts';

/** What one reading of the whole ledger found. */
export interface LedgerAudit {
  readonly entries: number;
  /** Added up row by row, without `apply`, for the windows that the current buckets are in. */
  readonly ofKey: ReadonlyMap<KeyId, readonly Tally[]>;
  readonly ofSponsor: readonly Tally[];
  /** Open reservations by their requests. */
  readonly open: ReadonlyMap<RequestId, Reservation>;
  /** All entries reduced by `apply`. */
  readonly folded: ReadonlyMap<KeyId, Account>;
  readonly foldedSponsor: Buckets;
  readonly requestProblems: readonly string[];
  readonly orderProblems: readonly string[];
}

/** Sums over one window of one holder. */
export interface Tally {
  readonly period: Period;
  readonly startsAt: Instant;
  readonly used: Mutable<Amount>;
  readonly held: Mutable<Amount>;
  readonly overdraft: Mutable<Amount>;
  /** Used and held when something was last brought in from another system, where no limit of ours was asked. */
  readonly broughtTo: Mutable<Amount>;
  /** When the first reservation in the window was made. */
  firstAt: Instant | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** More of one kind tell nobody more. */
const PROBLEMS_MAX = 20;

/**
 * Reads the ledger once, in order, from where it begins: with what its removed entries amounted to. Damage that `apply`
 * cannot digest is told and skipped. Shows each entry to `alsoCount`, too.
 */
export function auditLedger(
  database: Database.Database,
  current: CurrentAccounts,
  calendar: Calendar,
  alsoCount: (n: number, entry: LedgerEntry) => void,
): LedgerAudit {
  const { removedThrough, latestAt: carriedUntil, ofKey, ofSponsor, fold } = beginning(database, current);
  const open = new Map<RequestId, Reservation>();
  const requestProblems: string[] = [];
  const orderProblems: string[] = [];
  let entries = removedThrough;
  let latestAt = carriedUntil;

  for (const row of database.prepare<[], EntryRow>('SELECT * FROM ledger ORDER BY n').iterate()) {
    const entry = entryOf(row);
    alsoCount(row.n, entry);
    if (row.n <= removedThrough) {
      if (entry.kind === 'reserved') keepOpen(fold, open, entry.reservation);
      else tell(orderProblems, `entry ${row.n} was removed, and is there`);
      continue;
    }
    entries += 1;
    if (row.n !== entries) tell(orderProblems, `entry ${entries} is missing: ${row.n} is in its place`);
    entries = row.n;
    if (beginsWindows(entry)) {
      if (entry.at < latestAt)
        tell(orderProblems, `entry ${row.n} was ${entry.kind} before the one before it`);
      latestAt = Math.max(latestAt, entry.at);
    }
    const reservation = reservationOf(entry, open);
    const wrong = wrongWith(entry, reservation, open);
    if (wrong !== undefined) {
      tell(requestProblems, `entry ${row.n}: ${wrong}`);
      continue;
    }
    const holders = [ofKey.get(entry.keyId) ?? [], entry.kind === 'reset' ? [] : ofSponsor];
    for (const tally of holders.flat()) count(tally, entry, reservation);
    track(open, entry);
    try {
      step(fold, current, entry, calendar);
    } catch (error) {
      tell(requestProblems, `entry ${row.n} cannot follow the entries before it: ${String(error)}`);
    }
  }
  const found = { entries, ofKey, ofSponsor, open, requestProblems, orderProblems };
  return { ...found, folded: fold.accounts, foldedSponsor: fold.sponsor.buckets };
}

interface Fold {
  readonly accounts: Map<KeyId, Account>;
  sponsor: Account['sponsor'];
}

/** Where the reading begins: with nothing, or with what was carried forward of the entries that were removed. */
function beginning(database: Database.Database, current: CurrentAccounts) {
  const carried = readCarried(database);
  const { throughN: removedThrough } = carried.state();
  const all = carried.load(SPONSOR_ID);
  const latestAt = all.lastUsedAt ?? 0;
  const fold: Fold = {
    accounts: new Map(),
    sponsor: { ...current.sponsor, buckets: all.buckets, latestAt },
  };
  const ofKey = new Map<KeyId, readonly Tally[]>();
  for (const [id, { key, buckets: now }] of current.accounts) {
    const holder = carried.load(id);
    const { buckets, lastUsedAt } = holder;
    ofKey.set(id, talliesFor(now, holder));
    if (removedThrough > 0) {
      fold.accounts.set(id, { key, buckets, open: [], lastUsedAt, arrivalUs: 0, sponsor: fold.sponsor });
    }
  }
  return { removedThrough, latestAt, ofKey, ofSponsor: talliesFor(current.sponsor.buckets, all), fold };
}

/** Of a reservation that was removed but for its row, because it was not ended yet, what is carried has the amounts. */
function keepOpen(fold: Fold, open: Map<RequestId, Reservation>, reservation: Reservation): void {
  open.set(reservation.id, reservation);
  const account = fold.accounts.get(reservation.keyId);
  if (account === undefined) return;
  fold.accounts.set(reservation.keyId, { ...account, open: [...account.open, reservation] });
}

function step(fold: Fold, current: CurrentAccounts, entry: LedgerEntry, calendar: Calendar): void {
  const key = current.accounts.get(entry.keyId)?.key;
  if (key === undefined) return;
  const fresh = { key, buckets: emptyBuckets(), open: [], lastUsedAt: null, arrivalUs: 0 };
  const before = { ...(fold.accounts.get(key.id) ?? fresh), sponsor: fold.sponsor };
  const after = apply(before, entry, calendar);
  fold.accounts.set(key.id, after);
  fold.sponsor = after.sponsor;
}

/** What is carried counts in the windows that are still the current ones. */
function talliesFor(buckets: Buckets, carried: CarriedHolder): readonly Tally[] {
  return buckets.map(({ period, startsAt }, index) => {
    const before = carried.buckets[index];
    const isSame = before?.startsAt === startsAt;
    const { overdraft, broughtTo, firstAt } = (isSame ? carried.excuses[index] : undefined) ?? NO_EXCUSE;
    const { used, held } = isSame ? before : { used: NOTHING, held: NOTHING };
    return {
      ...{ period, startsAt, used: { ...used }, held: { ...held } },
      ...{ overdraft: { ...overdraft }, broughtTo: { ...broughtTo }, firstAt: firstAt ?? undefined },
    };
  });
}

function reservationOf(
  entry: LedgerEntry,
  open: ReadonlyMap<RequestId, Reservation>,
): Reservation | undefined {
  if (entry.kind === 'reserved') return entry.reservation;
  return endsRequest(entry) ? open.get(entry.requestId) : undefined;
}

/** An id that was ended is not kept: that none is used again is for the unique index, which `integrity` checks. */
function wrongWith(
  entry: LedgerEntry,
  reservation: Reservation | undefined,
  open: ReadonlyMap<RequestId, Reservation>,
): string | undefined {
  if (entry.kind === 'reserved') {
    return open.has(entry.requestId) ? `request ${entry.requestId} is reserved twice` : undefined;
  }
  if (!endsRequest(entry)) return undefined;
  if (reservation === undefined) return `${entry.kind} request ${entry.requestId}, which was not open`;
  if (reservation.keyId !== entry.keyId) return `request ${entry.requestId} is ended for another key`;
  return undefined;
}

function count(tally: Tally, entry: LedgerEntry, reservation: Reservation | undefined): void {
  if (entry.kind === 'imported') {
    if (includesDay(tally, entry.usedAt)) countPastUse(tally, entry.used);
    return;
  }
  if (reservation === undefined) {
    Object.assign(tally.used, { requests: 0, tokens: 0, cost: 0 });
    Object.assign(tally.broughtTo, { requests: 0, tokens: 0, cost: 0 });
    return;
  }
  if (reservation.madeAt < tally.startsAt) return;
  tally.firstAt ??= reservation.madeAt;
  for (const meter of METERS) {
    tally.held[meter] += entry.kind === 'reserved' ? reservation.amount[meter] : -reservation.amount[meter];
    if (entry.kind === 'settled' || entry.kind === 'lapsed') tally.used[meter] += entry.used[meter];
    if (entry.kind === 'settled') tally.overdraft[meter] += entry.overdraft[meter];
  }
}

function countPastUse({ used, held, broughtTo }: Tally, past: Amount): void {
  for (const meter of METERS) {
    used[meter] += past[meter];
    broughtTo[meter] = used[meter] + held[meter];
  }
}

function track(open: Map<RequestId, Reservation>, entry: LedgerEntry): void {
  if (entry.kind === 'reserved') open.set(entry.requestId, entry.reservation);
  else if (endsRequest(entry)) open.delete(entry.requestId);
}

function tell(problems: string[], problem: string): void {
  if (problems.length < PROBLEMS_MAX) problems.push(problem);
}
