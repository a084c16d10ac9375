import type Database from 'better-sqlite3';
import type { LedgerEntry, Outcome } from '#core/ledger-entry.ts';
import type { Amount, Reservation, Source } from '#core/model.ts';
import { METERS, NOTHING } from '#core/model.ts';
import type { PastUse } from '#core/past-use.ts';
import type { KeptPrices, KeptUsage } from './kept-counts.ts';
import { keptPrices, keptUsage, pricesIn, usageIn } from './kept-counts.ts';
import { toBlob, toUuid } from './uuid-blob.ts';

/** A row of the table `ledger`. */
export interface EntryRow {
  readonly n: number;
  readonly kind: LedgerEntry['kind'];
  readonly request_id: Buffer | null;
  readonly key_id: Buffer;
  readonly at: number;
  readonly requests: number;
  readonly tokens: number;
  readonly cost_micros: number;
  readonly details: string;
}

/** What a `reserved` row keeps as JSON. */
interface ReservedDetails {
  readonly lapses_at: number;
  readonly model: string;
  readonly endpoint: string;
  readonly stream: boolean;
  readonly arrival_us: number;
  readonly prices: KeptPrices | null;
}

/** What the row of an ending keeps as JSON. A `lapsed` row has nothing to keep. */
interface EndedDetails {
  readonly outcome: {
    readonly status: number;
    readonly upstream_ms: number | null;
    readonly duration_ms: number;
    /** Absent in rows from before there were several. */
    readonly upstream?: string | null;
  };
  readonly source: Source;
  readonly usage: KeptUsage | null;
  /** Absent where the upstream billed no more than it was allowed to. */
  readonly overdraft?: Amount;
}

/** What an `imported` row keeps as JSON. */
interface ImportedDetails extends Omit<PastUse, 'usedAt' | 'used' | 'usage'> {
  readonly used_at: number;
  readonly usage: KeptUsage;
}

/** Appends an entry as number `n`. @throws SqliteError if its request is reserved, or ended, already */
export function entryAppender(database: Database.Database): (n: number, entry: LedgerEntry) => void {
  const insert = database.prepare('INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  return (n, entry) => {
    const { requests, tokens, cost } = amountOf(entry);
    const requestId = 'requestId' in entry ? toBlob(entry.requestId) : null;
    const ending = requestId === null ? null : Number(entry.kind !== 'reserved');
    const details = JSON.stringify(detailsOf(entry));
    insert.run(
      n,
      entry.kind,
      requestId,
      ending,
      toBlob(entry.keyId),
      entry.at,
      requests,
      tokens,
      cost,
      details,
    );
  };
}

/** The entry that a row was made from. */
export function entryOf(row: EntryRow): LedgerEntry {
  const keyId = toUuid(row.key_id);
  const used = amountIn(row);
  if (row.kind === 'imported') {
    const { used_at, usage, ...counts } = JSON.parse(row.details) as ImportedDetails;
    return { kind: 'imported', keyId, at: row.at, usedAt: used_at, used, ...counts, usage: usageIn(usage) };
  }
  if (row.request_id === null) return { kind: 'reset', keyId, at: row.at };
  const recorded = { requestId: toUuid(row.request_id), keyId, at: row.at };
  if (row.kind === 'reserved') {
    const { endpoint, stream, arrival_us } = JSON.parse(row.details) as ReservedDetails;
    return {
      kind: 'reserved',
      ...recorded,
      reservation: reservationOf(row),
      endpoint,
      stream,
      arrivalUs: arrival_us,
    };
  }
  if (row.kind === 'lapsed') return { kind: 'lapsed', ...recorded, used };
  const { usage, source, overdraft = NOTHING, outcome: how } = JSON.parse(row.details) as EndedDetails;
  const outcome: Outcome = {
    status: how.status,
    upstreamMs: how.upstream_ms,
    durationMs: how.duration_ms,
    upstream: how.upstream ?? null,
  };
  if (row.kind === 'released') return { kind: 'released', ...recorded, outcome };
  return { kind: 'settled', ...recorded, used, overdraft, usage: usage && usageIn(usage), source, outcome };
}

/** The reservation that a `reserved` row records. */
export function reservationOf(row: EntryRow): Reservation {
  if (row.kind !== 'reserved' || row.request_id === null) throw new Error(`entry ${row.n} reserves nothing`);
  const { lapses_at, model, prices } = JSON.parse(row.details) as ReservedDetails;
  const amount = amountIn(row);
  const [id, keyId] = [toUuid(row.request_id), toUuid(row.key_id)];
  return {
    id,
    keyId,
    madeAt: row.at,
    lapsesAt: lapses_at,
    amount,
    model,
    prices: prices && pricesIn(prices),
  };
}

/** The amounts of a row: held or used, as its kind says. */
function amountIn(row: Pick<EntryRow, 'requests' | 'tokens' | 'cost_micros'>): Amount {
  return { requests: row.requests, tokens: row.tokens, cost: row.cost_micros };
}

function amountOf(entry: LedgerEntry): Amount {
  switch (entry.kind) {
    case 'reserved':
      return entry.reservation.amount;
    case 'settled':
    case 'lapsed':
    case 'imported':
      return entry.used;
    case 'released':
    case 'reset':
      return NOTHING;
  }
}

function detailsOf(
  entry: LedgerEntry,
): ReservedDetails | EndedDetails | ImportedDetails | Pick<EndedDetails, 'outcome'> | object {
  switch (entry.kind) {
    case 'reserved': {
      const { lapsesAt: lapses_at, model, prices } = entry.reservation;
      const { endpoint, stream, arrivalUs: arrival_us } = entry;
      return { lapses_at, model, endpoint, stream, arrival_us, prices: prices && keptPrices(prices) };
    }
    case 'settled': {
      const { usage, source, overdraft } = entry;
      const ended = { outcome: outcomeOf(entry.outcome), source, usage: usage && keptUsage(usage) };
      return METERS.some((meter) => overdraft[meter] > 0) ? { ...ended, overdraft } : ended;
    }
    case 'released':
      return { outcome: outcomeOf(entry.outcome) };
    case 'imported': {
      const { usedAt: used_at, successes, errors, usage } = entry;
      return { used_at, successes, errors, usage: keptUsage(usage) };
    }
    case 'lapsed':
    case 'reset':
      return {};
  }
}

function outcomeOf({ status, upstreamMs, durationMs, upstream }: Outcome): EndedDetails['outcome'] {
  return { status, upstream_ms: upstreamMs, duration_ms: durationMs, upstream };
}
