import type Database from 'better-sqlite3';
import { apply, beginsWindows, emptyBuckets, endsRequest } from '#core/apply.ts';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type {
  Account,
  ApiKey,
  Digest,
  Instant,
  KeyId,
  RequestId,
  Reservation,
  Sponsor,
} from '#core/model.ts';
import { isDigestOf } from '#core/rotate.ts';
import type { Calendar } from '#core/window.ts';
import { type AccountRows, accountRows } from './account-rows.ts';
import { Conflict, isConflict } from './conflict.ts';
import { entryAppender, reservationOf } from './entry-rows.ts';
import { type KeyRows, keyRows, type SponsorTerms } from './key-rows.ts';
import type { Limits } from './limits.ts';
import { type DayGrowth, grown, growthOf, rejection } from './usage-days.ts';
import { type WindowRows, windowRows } from './window-rows.ts';

/** How many accounts a commit may forget: a few more than it can bring in. */
const FORGET_MAX = 256;

/**
 * The accounts that the ledger's entries amount to. What is committed is in the maps; what a transaction
 * in progress has changed is in `staged`, and joins the maps by `commit` or is gone by `rollback`.
 */
export interface Projection {
  readonly calendar: Calendar;
  readonly limits: Limits;
  readonly keys: KeyRows;
  readonly rows: AccountRows;
  readonly append: (n: number, entry: LedgerEntry) => void;
  readonly windows: WindowRows;
  /** Least recently used first. The sponsor in them may be out of date: `find` brings the current one. */
  readonly accounts: Map<KeyId, Account>;
  readonly idOf: Map<Digest, KeyId>;
  readonly open: Map<RequestId, OpenReservation>;
  /** What the tables do not have yet, longest first. */
  readonly unwritten: Map<KeyId, Unwritten>;
  /** Reservations of a process that is gone. */
  readonly orphans: Set<RequestId>;
  lastN: number;
  sponsor: Sponsor;
  staged: Staged;
}

export interface OpenReservation {
  readonly n: number;
  readonly reservation: Reservation;
}

export interface Unwritten {
  /** The first entry that is not in the account's row. */
  readonly sinceN: number;
  readonly growths: Map<string, DayGrowth>;
}

interface Staged {
  readonly accounts: Map<KeyId, Account>;
  sponsor: Sponsor;
  readonly facts: Fact[];
  readonly rejections: { readonly keyId: KeyId; readonly growth: DayGrowth }[];
  /** Accounts that this transaction wrote back. */
  readonly written: KeyId[];
}

/** An entry, its number, and the reservation that it makes or ends. */
export interface Fact {
  readonly n: number;
  readonly entry: LedgerEntry;
  readonly reservation: Reservation | undefined;
}

/** A projection that knows nothing yet: `recover` fills it. */
export function emptyProjection(database: Database.Database, calendar: Calendar, limits: Limits): Projection {
  const sponsor = { quotas: [], quotasSetAt: 0, buckets: emptyBuckets(), latestAt: 0 };
  return {
    calendar,
    limits,
    keys: keyRows(database),
    rows: accountRows(database),
    append: entryAppender(database),
    windows: windowRows(database, calendar),
    accounts: new Map(),
    idOf: new Map(),
    open: new Map(),
    unwritten: new Map(),
    orphans: new Set(),
    lastN: 0,
    sponsor,
    staged: nothingStaged(sponsor),
  };
}

/** The account of a key as the transaction in progress sees it. */
export function find(projection: Projection, id: KeyId): Account | undefined {
  const known = remembered(projection, id);
  if (known !== undefined) return known;
  const key = projection.keys.byId(id);
  return key && load(projection, key);
}

/** The account of the key with this digest, as the transaction in progress sees it. */
export function findByDigest(projection: Projection, digest: Digest): Account | undefined {
  const id = projection.idOf.get(digest);
  const known = id === undefined ? undefined : find(projection, id);
  // The transaction in progress may have given the key another secret.
  if (known !== undefined && isDigestOf(known.key, digest)) return known;
  const key = projection.keys.byDigest(digest);
  return key && (remembered(projection, key.id) ?? load(projection, key));
}

/** Appends an entry and applies it: the account after it. @throws Conflict if its request did that before */
export function record(projection: Projection, account: Account, entry: LedgerEntry): Account {
  const { staged, calendar } = projection;
  const n = projection.lastN + staged.facts.length + 1;
  append(projection, n, entry);
  if (beginsWindows(entry)) projection.windows.enter(entry.at);
  const after = apply(account, entry, calendar);
  staged.accounts.set(entry.keyId, after);
  staged.facts.push({ n, entry, reservation: reservationIn(account, entry) });
  staged.sponsor = after.sponsor;
  return after;
}

/** Counts a refusal. */
export function reject(projection: Projection, keyId: KeyId, at: Instant): void {
  const growth = rejection(projection.calendar.dayOf(at), at);
  projection.staged.rejections.push({ keyId, growth });
}

/** Replaces the key of an account. */
export function putKey(projection: Projection, account: Account, key: ApiKey): void {
  projection.keys.update(key);
  projection.staged.accounts.set(key.id, { ...account, key });
}

/** Replaces what the sponsor allows. */
export function putTerms({ keys, staged }: Projection, terms: SponsorTerms): Sponsor {
  keys.setTerms(terms);
  staged.sponsor = { ...staged.sponsor, ...terms };
  return staged.sponsor;
}

/** After COMMIT: what was staged is what is. */
export function commit(projection: Projection): void {
  const { accounts, idOf, unwritten, staged } = projection;
  for (const id of staged.written) unwritten.delete(id);
  for (const [id, account] of staged.accounts) {
    const before = accounts.get(id);
    if (before !== undefined && before.key.digest !== account.key.digest) idOf.delete(before.key.digest);
    accounts.delete(id);
    accounts.set(id, account);
    idOf.set(account.key.digest, id);
  }
  for (const fact of staged.facts) note(projection, fact);
  for (const { keyId, growth } of staged.rejections) grow(projection, keyId, projection.lastN + 1, growth);
  projection.sponsor = staged.sponsor;
  projection.staged = nothingStaged(staged.sponsor);
  forgetIdle(projection);
}

/** After ROLLBACK: the accounts of before are still there. */
export function rollback(projection: Projection): void {
  projection.windows.forget();
  projection.staged = nothingStaged(projection.sponsor);
}

/** Remembers what an entry changed beside its account. */
export function note(projection: Projection, { n, entry, reservation }: Fact): void {
  projection.lastN = n;
  if (entry.kind === 'reserved') projection.open.set(entry.requestId, { n, reservation: entry.reservation });
  else if (endsRequest(entry)) {
    projection.open.delete(entry.requestId);
    projection.orphans.delete(entry.requestId);
  }
  grow(projection, entry.keyId, n, growthOf(entry, reservation, projection.calendar.dayOf));
}

/** The reservation that an entry makes, or ends; `undefined` if it is about none. */
export function reservationIn(account: Account, entry: LedgerEntry): Reservation | undefined {
  if (entry.kind === 'reserved') return entry.reservation;
  if (!endsRequest(entry)) return undefined;
  return account.open.find(({ id }) => id === entry.requestId);
}

function remembered({ accounts, staged }: Projection, id: KeyId): Account | undefined {
  const known = staged.accounts.get(id) ?? accounts.get(id);
  if (known === undefined || known.sponsor === staged.sponsor) return known;
  return { ...known, sponsor: staged.sponsor };
}

function load({ rows, staged }: Projection, key: ApiKey): Account {
  const { lastUsedAt, arrivalUs, buckets } = rows.load(key.id);
  const open = rows.loadOpen(key.id).map(reservationOf);
  const account = { key, buckets, open, lastUsedAt, arrivalUs, sponsor: staged.sponsor };
  staged.accounts.set(key.id, account);
  return account;
}

function append(projection: Projection, n: number, entry: LedgerEntry): void {
  try {
    projection.append(n, entry);
  } catch (error) {
    if (!('requestId' in entry) || !isConflict(error)) throw error;
    throw new Conflict(`request ${entry.requestId} was ${entry.kind} before`, { cause: error });
  }
}

function grow({ unwritten }: Projection, keyId: KeyId, n: number, growth: DayGrowth | undefined): void {
  const known = unwritten.get(keyId) ?? { sinceN: n, growths: new Map<string, DayGrowth>() };
  unwritten.set(keyId, known);
  if (growth === undefined) return;
  const place = `${growth.day} ${growth.model}`;
  const before = known.growths.get(place);
  known.growths.set(place, before === undefined ? growth : grown(before, growth));
}

function forgetIdle({ accounts, idOf, unwritten, limits }: Projection): void {
  let tries = FORGET_MAX;
  for (const [id, account] of accounts) {
    if (accounts.size <= limits.accounts || tries === 0) return;
    tries -= 1;
    if (unwritten.has(id)) continue;
    accounts.delete(id);
    idOf.delete(account.key.digest);
  }
}

function nothingStaged(sponsor: Sponsor): Staged {
  return { accounts: new Map(), sponsor, facts: [], rejections: [], written: [] };
}
