import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Reservation } from '#core/model.ts';
import { METERS, NOTHING } from '#core/model.ts';
import type {
  Receipt,
  ReceiptQuery,
  UsageCounts,
  UsagePlace,
  UsageQuery,
  UsageReports,
  UsageRow,
} from '#core/reports.ts';
import type { Calendar } from '#core/window.ts';
import { removedRequests } from './memory-retention.ts';
import type { MemoryData } from './memory-store.ts';

/** The reports of the reference store: counted anew from all entries for each question. */
export function memoryReports(data: MemoryData, calendar: Calendar): UsageReports {
  return {
    async usage(query) {
      const facts = factsOf(data, calendar).filter((fact) => matches(fact, query));
      const groups = new Map<string, UsageRow>();
      for (const fact of facts) {
        const row = groupOf(fact, query.groupBy, data);
        const name = JSON.stringify([row.day, row.keyId, row.model]);
        groups.set(name, sum(groups.get(name) ?? row, fact));
      }
      const order = orderOf(query.sort);
      const sorted = [...groups.values()].sort(order);
      const { after } = query;
      const behind = after === undefined ? sorted : sorted.filter((row) => order(row, after) > 0);
      const rows = behind.slice(0, query.limit);
      const totals = facts.reduce<UsageCounts>((all, fact) => plus(all, fact), ZERO);
      return { rows, totals, more: behind.length > rows.length };
    },
    receipt: async (id) => receiptsOf(data).find(({ requestId }) => requestId === id),
    async receipts(query) {
      const { limit, before = Number.POSITIVE_INFINITY } = query;
      const found = receiptsOf(data)
        .reverse()
        .filter((receipt) => receipt.n < before && isAskedFor(receipt, query));
      const items = found.slice(0, limit);
      return { items, next: found.length > limit ? (items.at(-1)?.n ?? null) : null };
    },
  };
}

function isAskedFor(receipt: Receipt, query: ReceiptQuery): boolean {
  const { from = 0, to = Number.POSITIVE_INFINITY, httpStatus, overdrawn } = query;
  const { madeAt, outcome, overdraft } = receipt;
  const status = outcome?.status ?? Number.NaN;
  const same = (['keyId', 'model', 'endpoint', 'status', 'source'] as const).every(
    (name) => query[name] === undefined || query[name] === receipt[name],
  );
  return (
    same &&
    madeAt >= from &&
    madeAt < to &&
    (httpStatus === undefined || (status >= httpStatus.first && status <= httpStatus.last)) &&
    (overdrawn === undefined || METERS.some((meter) => (overdraft?.[meter] ?? 0) > 0))
  );
}

/** One thing that happened to one key on one day. */
interface Fact extends UsageCounts {
  readonly day: string;
  readonly keyId: string;
  readonly model: string;
  readonly at: number;
}

const ZERO: UsageCounts = {
  requests: 0,
  successes: 0,
  errors: 0,
  rejections: 0,
  prompt: 0,
  completion: 0,
  cached: 0,
  costMicros: 0,
};

function factsOf({ entries, rejections }: MemoryData, calendar: Calendar): readonly Fact[] {
  const made = reservationsOf(entries);
  const facts = entries.flatMap((entry): Fact[] => {
    if (entry.kind === 'reset') return [];
    if (entry.kind === 'imported') return [importedFact(entry, calendar)];
    const reservation = made.get(entry.requestId);
    if (reservation === undefined) throw new Error(`an ending of nothing: ${entry.requestId}`);
    const { madeAt, model, keyId } = reservation;
    return [{ ...ZERO, day: calendar.dayOf(madeAt), keyId, model, at: entry.at, ...countsOf(entry) }];
  });
  const refused = rejections.map(({ keyId, at }) => {
    return { ...ZERO, day: calendar.dayOf(at), keyId, model: '', at, rejections: 1 };
  });
  return [...facts, ...refused];
}

function importedFact(entry: Extract<LedgerEntry, { kind: 'imported' }>, calendar: Calendar): Fact {
  const { keyId, at, usedAt, used, usage, successes, errors } = entry;
  const { prompt, completion, cached } = usage;
  const counts = { requests: used.requests, successes, errors, prompt, completion, cached };
  const place = { day: calendar.dayOf(usedAt), keyId, model: '(imported)', at };
  return { ...ZERO, ...place, ...counts, costMicros: used.cost };
}

function countsOf(entry: Exclude<LedgerEntry, { kind: 'reset' | 'imported' }>): Partial<UsageCounts> {
  if (entry.kind === 'reserved') return { requests: 1 };
  const served = entry.kind !== 'lapsed' && entry.outcome.status < 400;
  const ended = served ? { successes: 1 } : { errors: 1 };
  if (entry.kind === 'released') return ended;
  const usage = entry.kind === 'settled' ? entry.usage : null;
  const { prompt, completion, cached } = usage ?? { prompt: 0, completion: entry.used.tokens, cached: 0 };
  return { ...ended, prompt, completion, cached, costMicros: entry.used.cost };
}

function matches(fact: Fact, { fromDay = '', toDay = '9999-12-31', keyId, model }: UsageQuery): boolean {
  return (
    fact.day >= fromDay &&
    fact.day <= toDay &&
    (keyId === undefined || fact.keyId === keyId) &&
    (model === undefined || fact.model === model)
  );
}

/** The empty row that a fact belongs to. */
function groupOf(fact: Fact, groupBy: UsageQuery['groupBy'], { keys }: MemoryData): UsageRow {
  const byKey = groupBy === 'key' || groupBy === 'key_model';
  const byModel = groupBy === 'model' || groupBy === 'key_model';
  const key = byKey ? keys.get(fact.keyId) : undefined;
  return {
    ...ZERO,
    day: groupBy === 'month' ? fact.day.slice(0, 7) : fact.day,
    keyId: byKey ? fact.keyId : null,
    label: key?.label ?? null,
    hint: key?.hint ?? null,
    model: byModel ? fact.model : null,
    updatedAt: 0,
  };
}

function sum(row: UsageRow, fact: Fact): UsageRow {
  return { ...row, ...plus(row, fact), updatedAt: Math.max(row.updatedAt, fact.at) };
}

function plus(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    requests: a.requests + b.requests,
    successes: a.successes + b.successes,
    errors: a.errors + b.errors,
    rejections: a.rejections + b.rejections,
    prompt: a.prompt + b.prompt,
    completion: a.completion + b.completion,
    cached: a.cached + b.cached,
    costMicros: a.costMicros + b.costMicros,
  };
}

/** Newest day first, then most requests where that is asked for, then by name: the same order at each call. */
function orderOf(sort: UsageQuery['sort']): (a: UsagePlace, b: UsagePlace) => number {
  const order = (x: string | null, y: string | null) => ((x ?? '') < (y ?? '') ? -1 : Number(x !== y));
  return (a, b) =>
    order(b.day, a.day) ||
    (sort !== 'key' ? b.requests - a.requests : 0) ||
    order(a.keyId, b.keyId) ||
    order(a.model, b.model);
}

function reservationsOf(entries: readonly LedgerEntry[]): ReadonlyMap<string, Reservation> {
  const made = entries.flatMap((entry) => (entry.kind === 'reserved' ? [entry.reservation] : []));
  return new Map(made.map((reservation) => [reservation.id, reservation]));
}

/** In the order in which they were reserved. */
function receiptsOf(data: MemoryData): Receipt[] {
  const { entries } = data;
  const removed = removedRequests(data);
  return entries.flatMap((made, index) => {
    if (made.kind !== 'reserved' || removed.has(made.requestId)) return [];
    const { requestId, keyId, endpoint, stream, reservation } = made;
    const { model, madeAt, amount: reserved, prices } = reservation;
    const ending = entries.find(
      (entry) => 'requestId' in entry && entry.kind !== 'reserved' && entry.requestId === requestId,
    );
    const known = { n: index + 1, requestId, keyId, endpoint, model, stream, madeAt, reserved, prices };
    return [{ ...known, ...endingOf(ending) }];
  });
}

function endingOf(entry: LedgerEntry | undefined) {
  const none = { endedAt: null, used: null, overdraft: null, usage: null, source: null, outcome: null };
  switch (entry?.kind) {
    case 'settled': {
      const { at: endedAt, used, overdraft, usage, source, outcome } = entry;
      return { status: 'settled' as const, endedAt, used, overdraft, usage, source, outcome };
    }
    case 'released':
      return {
        ...none,
        status: 'released' as const,
        endedAt: entry.at,
        used: NOTHING,
        outcome: entry.outcome,
      };
    case 'lapsed':
      return {
        ...none,
        status: 'lapsed' as const,
        endedAt: entry.at,
        used: entry.used,
        source: 'estimate' as const,
      };
    default:
      return { ...none, status: 'open' as const };
  }
}
