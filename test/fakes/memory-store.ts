import { createHash } from 'node:crypto';
import { amended, ledgerTime } from '#core/amend.ts';
import type { Application, ApplicationId } from '#core/applications.ts';
import { apply, emptyBuckets, endsRequest } from '#core/apply.ts';
import { bringIn } from '#core/bring-in.ts';
import type { Command, ResultOf } from '#core/command.ts';
import { decide } from '#core/decide.ts';
import { statusOf } from '#core/expire.ts';
import type { KeptReply } from '#core/kept-reply.ts';
import type { KeyQuery, KeyRef, KeyRegistry } from '#core/key-registry.ts';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Account, ApiKey, Instant, KeyId, Reservation, Sponsor } from '#core/model.ts';
import { chained, NO_HASH, type Operation, type OperationDraft } from '#core/operation.ts';
import type { Ledger, OperationLog, Store } from '#core/ports.ts';
import { isDigestOf, rotated } from '#core/rotate.ts';
import type { Calendar } from '#core/window.ts';
import { memoryApplications } from './memory-applications.ts';
import { memoryReplies } from './memory-replies.ts';
import { memoryReports } from './memory-reports.ts';
import { memoryRetention, removedIn } from './memory-retention.ts';

/** All that the reference store remembers. */
export interface MemoryData {
  readonly keys: Map<KeyId, ApiKey>;
  readonly applications: Map<ApplicationId, Application>;
  readonly entries: LedgerEntry[];
  readonly operations: Operation[];
  /** How many of the entries, from the first on, were removed: they count, and are not seen any more. */
  removedThrough: number;
  readonly rejections: { readonly keyId: KeyId; readonly at: Instant }[];
  terms: { readonly quotas: ApiKey['quotas']; readonly quotasSetAt: Instant };
  /** Of keys, of applications and of the sponsor's terms. */
  changes: number;
  replies: readonly KeptReply[];
}

export interface MemoryOptions {
  readonly calendar: Calendar;
  /** What an earlier store remembered, as if its process had gone. */
  readonly data?: MemoryData;
  /** Another one than core's: for whoever wants to see that a wrong one is found out. */
  readonly decideBy?: typeof decide;
}

export function noMemories(): MemoryData {
  return {
    keys: new Map(),
    applications: new Map(),
    entries: [],
    operations: [],
    removedThrough: 0,
    rejections: [],
    terms: { quotas: [], quotasSetAt: 0 },
    changes: 0,
    replies: [],
  };
}

/** The reference of all stores: an account is its entries, reduced by `apply`, anew after each that is written. */
export function openMemoryStore({ calendar, data = noMemories(), decideBy = decide }: MemoryOptions): Store {
  const replies = memoryReplies(data, (each) => openParts(each, calendar, decideBy));
  return { ...openParts(data, calendar, decideBy), replies };
}

function openParts(data: MemoryData, calendar: Calendar, decideBy: typeof decide): Omit<Store, 'replies'> {
  const operations = memoryOperations(data);
  return {
    ledger: memoryLedger(data, calendar, decideBy),
    keys: memoryKeys(data, calendar, operations),
    applications: memoryApplications(data.applications, {
      addKey: (key) => addKey(data, key),
      changed() {
        data.changes += 1;
      },
      log: async (operation) => operation && operations.append(operation),
    }),
    reports: memoryReports(data, calendar),
    operations,
    retention: memoryRetention(data, calendar),
    health: {
      check: async () => undefined,
      status: async () => ({
        engine: 'memory',
        version: '1',
        path: '',
        sizeBytes: 0,
        walBytes: 0,
        diskFreeBytes: Number.MAX_SAFE_INTEGER,
        keys: data.keys.size,
        ...removedIn(data),
        entries: data.entries.length,
        openReservations: openIn(data).length,
      }),
    },
    close: async () => undefined,
  };
}

function memoryKeys(data: MemoryData, calendar: Calendar, operations: OperationLog): KeyRegistry {
  const log = async (operation: OperationDraft | null) => operation && operations.append(operation);
  return {
    async add(key, operation) {
      addKey(data, key);
      await log(operation);
    },
    async bringIn(key, history, at, operation) {
      if (accountOf(data, { digest: key.digest }, calendar) !== undefined) return false;
      if (isTaken(data, key)) throw new Error('there is such a key');
      const entries = bringIn(key.id, history, stateOf(data, calendar).sponsor, at);
      data.changes += 1;
      data.keys.set(key.id, key);
      data.entries.push(...entries);
      await log(operation);
      return true;
    },
    async amend(id, amendment, operation) {
      const key = data.keys.get(id);
      if (key === undefined || key.deletedAt !== null) return undefined;
      const changed = amended(key, amendment, stateOf(data, calendar).sponsor);
      data.changes += 1;
      data.keys.set(id, changed);
      await log(operation);
      return changed;
    },
    async rotate(id, rotation, operation) {
      const key = data.keys.get(id);
      if (key === undefined || key.deletedAt !== null) return undefined;
      if (isTaken(data, { id: '', digest: rotation.digest })) throw new Error('there is such a key');
      data.changes += 1;
      data.keys.set(id, rotated(key, rotation));
      await log(operation);
      return rotated(key, rotation);
    },
    account: async (ref) => accountOf(data, ref, calendar),
    async list(query) {
      const keys = [...data.keys.values()].filter((key) => matches(key, query));
      keys.sort((a, b) => (a.id < b.id ? 1 : -1));
      const items = keys.slice(0, query.limit).flatMap(({ id }) => accountOf(data, { id }, calendar) ?? []);
      return { items, more: keys.length > query.limit };
    },
    sponsor: async () => stateOf(data, calendar).sponsor,
    async setSponsorQuotas(quotas, at, operation) {
      data.changes += 1;
      data.terms = { quotas, quotasSetAt: ledgerTime(stateOf(data, calendar).sponsor, at) };
      await log(operation);
      return stateOf(data, calendar).sponsor;
    },
  };
}

function addKey(data: MemoryData, key: ApiKey): void {
  if (isTaken(data, key)) throw new Error('there is such a key');
  data.changes += 1;
  data.keys.set(key.id, key);
}

function memoryLedger(data: MemoryData, calendar: Calendar, decideBy: typeof decide): Ledger {
  const orphans = new Set(openIn(data).map(({ id }) => id));
  return {
    async execute<C extends Command>(command: C): Promise<ResultOf<C>> {
      const ref = command.kind === 'reserve' ? { digest: command.digest } : { id: command.keyId };
      const account = accountOf(data, ref, calendar);
      const { entries, result } = decideBy(account, command, calendar);
      if (command.kind === 'reserve' && entries.length > 0 && isReserved(data, command.requestId)) {
        throw new Error(`request ${command.requestId} was reserved before`);
      }
      data.entries.push(...entries);
      if (command.kind === 'reserve' && account !== undefined && entries.length === 0) {
        data.rejections.push({ keyId: account.key.id, at: command.at });
      }
      return result;
    },
    async lapsed(at, limit) {
      const gone = openIn(data).filter(({ id, lapsesAt }) => lapsesAt <= at || orphans.has(id));
      return gone.slice(0, limit).map(({ id, keyId }) => ({ requestId: id, keyId }));
    },
  };
}

const FOR_EVER = Number.POSITIVE_INFINITY;

function memoryOperations({ operations }: MemoryData): OperationLog {
  const hash = (n: number, draft: OperationDraft, before: string) =>
    createHash('sha256')
      .update(chained(n, draft, before))
      .digest('hex');
  return {
    async append({ at, actor, action, target, details }) {
      const draft = { at, actor, action, target, details };
      const previousHash = operations.at(-1)?.hash ?? NO_HASH;
      const n = operations.length + 1;
      operations.push({ ...draft, n, previousHash, hash: hash(n, draft, previousHash) });
    },
    async list({ actor, action, target, from = 0, to = FOR_EVER, limit, after = FOR_EVER }) {
      const found = operations.filter(
        (each) =>
          each.n < after &&
          each.at >= from &&
          each.at < to &&
          (actor === undefined || each.actor === actor) &&
          (action === undefined || each.action === action) &&
          (target === undefined || each.target === target),
      );
      return { items: found.reverse().slice(0, limit), more: found.length > limit };
    },
    async verify() {
      const broken = operations.find((each) => each.hash !== hash(each.n, each, each.previousHash));
      return { count: operations.length, brokenAt: broken?.n ?? null };
    },
  };
}

function accountOf(data: MemoryData, ref: KeyRef, calendar: Calendar): Account | undefined {
  const key = [...data.keys.values()].find((each) =>
    'id' in ref ? each.id === ref.id : isDigestOf(each, ref.digest),
  );
  if (key === undefined) return undefined;
  const { accounts, sponsor } = stateOf(data, calendar);
  return { ...(accounts.get(key.id) ?? newAccount(key, sponsor)), sponsor };
}

/** What the entries amount to: the same as long as nothing was written. */
function stateOf(data: MemoryData, calendar: Calendar): State {
  const is = { calendar, entries: data.entries.length, terms: data.terms, keys: [...data.keys.values()] };
  const known = KNOWN.get(data);
  if (known !== undefined && isSame(known.is, is)) return known.state;
  const state = reduced(data, calendar);
  KNOWN.set(data, { is, state });
  return state;
}

const KNOWN = new WeakMap<MemoryData, { readonly is: Written; readonly state: State }>();

interface Written {
  readonly calendar: Calendar;
  readonly entries: number;
  readonly terms: MemoryData['terms'];
  readonly keys: readonly ApiKey[];
}

function isSame(a: Written, b: Written): boolean {
  const hasSame = a.calendar === b.calendar && a.entries === b.entries && a.terms === b.terms;
  return hasSame && a.keys.length === b.keys.length && a.keys.every((key, index) => key === b.keys[index]);
}

interface State {
  readonly accounts: ReadonlyMap<KeyId, Account>;
  readonly sponsor: Sponsor;
}

function reduced({ keys, entries, terms }: MemoryData, calendar: Calendar): State {
  const accounts = new Map<KeyId, Account>();
  let sponsor: Sponsor = { ...terms, buckets: emptyBuckets(), latestAt: 0 };
  for (const entry of entries) {
    const key = keys.get(entry.keyId);
    if (key === undefined) throw new Error(`an entry of no key: ${entry.keyId}`);
    const before = { ...(accounts.get(key.id) ?? newAccount(key, sponsor)), sponsor };
    const after = apply(before, entry, calendar);
    accounts.set(key.id, after);
    sponsor = after.sponsor;
  }
  return { accounts, sponsor };
}

function newAccount(key: ApiKey, sponsor: Sponsor): Account {
  return { key, buckets: emptyBuckets(), open: [], lastUsedAt: null, arrivalUs: 0, sponsor };
}

/** Oldest first, as the entries are. */
function openIn({ entries }: MemoryData): readonly Reservation[] {
  const open = new Map<string, Reservation>();
  for (const entry of entries) {
    if (entry.kind === 'reserved') open.set(entry.requestId, entry.reservation);
    else if (endsRequest(entry)) open.delete(entry.requestId);
  }
  return [...open.values()];
}

function matches(key: ApiKey, { status, text, at, after }: KeyQuery): boolean {
  const found = statusOf(key, at);
  const sought = text?.toLowerCase() ?? '';
  return (
    (status === undefined ? found !== 'deleted' : found === status) &&
    (after === undefined || key.id < after) &&
    [key.label, key.id, key.hint].some((part) => part.toLowerCase().includes(sought))
  );
}

function isTaken({ keys }: MemoryData, { id, digest }: Pick<ApiKey, 'id' | 'digest'>): boolean {
  return keys.has(id) || [...keys.values()].some((other) => isDigestOf(other, digest));
}

function isReserved({ entries }: MemoryData, requestId: string): boolean {
  return entries.some((entry) => entry.kind === 'reserved' && entry.requestId === requestId);
}
