import type Database from 'better-sqlite3';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Instant, RequestId } from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import type { Receipt, ReceiptQuery } from '#core/reports.ts';
import { type EntryRow, entryOf } from './entry-rows.ts';
import type { Part } from './gather.ts';
import { isUuid, toBlob } from './uuid-blob.ts';

export interface ReceiptRows {
  receipt(id: RequestId): Receipt | undefined;
  /** The newest receipts that match, before entry `beforeN` if that is not `null`. */
  scan(query: ReceiptQuery, beforeN: number | null): Part<Receipt, number>;
}

/** About 5 ms of reading. The ledger has no index by key, so a rare key's receipts take long to find. */
const SCAN_ROWS = 20_000;
/** The same where each entry's ending is looked up. */
const SCAN_PAIRS = 4000;

const MADE = `r.n < :before AND r.n >= :from AND r.ending = 0
  AND (:keyId IS NULL OR r.key_id = :keyId)
  AND (:model IS NULL OR r.details ->> '$.model' = :model)
  AND (:endpoint IS NULL OR r.details ->> '$.endpoint' = :endpoint)`;
const NEWEST = 'ORDER BY r.n DESC LIMIT :limit';
const ENDED = `(:status IS NULL OR coalesce(e.kind, 'open') = :status)
  AND (:first IS NULL OR e.details ->> '$.outcome.status' BETWEEN :first AND :last)
  AND (:source IS NULL OR iif(e.kind = 'lapsed', 'estimate', e.details ->> '$.source') = :source)
  AND (:overdrawn = 0 OR e.details ->> '$.overdraft' IS NOT NULL)`;

export function receiptRows(database: Database.Database): ReceiptRows {
  const byRequest = database.prepare<[Buffer, number], EntryRow>(
    'SELECT * FROM ledger WHERE request_id = ? AND ending = ?',
  );
  const firstN = database.prepare<[], number>('SELECT coalesce(min(n), 1) FROM ledger').pluck();
  const lastN = database.prepare<[], number>('SELECT coalesce(max(n), 0) FROM ledger').pluck();
  const reservedFrom = database.prepare<[number], { n: number; at: number }>(
    'SELECT n, at FROM ledger WHERE n >= ? AND ending = 0 ORDER BY n LIMIT 1',
  );
  const byMaking = database.prepare<[ScanRange], EntryRow>(`SELECT * FROM ledger r WHERE ${MADE} ${NEWEST}`);
  const byEnding = database.prepare<[ScanRange & EndingFilter], EntryRow>(
    `SELECT r.* FROM ledger r LEFT JOIN ledger e ON e.request_id = r.request_id AND e.ending = 1
     WHERE ${MADE} AND ${ENDED} ${NEWEST}`,
  );
  const receiptOf = (row: EntryRow) => formReceipt(row, row.request_id && byRequest.get(row.request_id, 1));

  /** The first number from which on reservations were made at `at` or later: their times never decrease. */
  function numberAt(at: Instant): number {
    let [low, high] = [firstN.get() ?? 1, (lastN.get() ?? 0) + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = reservedFrom.get(middle);
      if (found === undefined || found.at >= at) high = middle;
      else low = found.n + 1;
    }
    return low;
  }

  return {
    receipt(id) {
      const row = isUuid(id) ? byRequest.get(toBlob(id), 0) : undefined;
      return row && receiptOf(row);
    },
    scan(query, beforeN) {
      const { from: since, to, keyId, limit, model = null, endpoint = null } = query;
      if (keyId !== undefined && !isUuid(keyId)) return { items: [], next: null };
      const end = (lastN.get() ?? 0) + 1;
      const before = Math.min(beforeN ?? end, to === undefined ? end : numberAt(to), end);
      const first = Math.max(firstN.get() ?? 1, since === undefined ? 1 : numberAt(since));
      const ending = endingFilter(query);
      const from = Math.max(first, before - (ending === undefined ? SCAN_ROWS : SCAN_PAIRS));
      const key = keyId === undefined ? null : toBlob(keyId);
      const range = { before, from, keyId: key, model, endpoint, limit };
      const rows = ending === undefined ? byMaking.all(range) : byEnding.all({ ...range, ...ending });
      const next = rows.length === limit ? (rows.at(-1)?.n ?? from) : from;
      return { items: rows.map(receiptOf), next: next > first ? next : null };
    },
  };
}

interface ScanRange {
  readonly before: number;
  readonly from: number;
  readonly keyId: Buffer | null;
  readonly model: string | null;
  readonly endpoint: string | null;
  readonly limit: number;
}

interface EndingFilter {
  readonly status: string | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly source: string | null;
  readonly overdrawn: 0 | 1;
}

/** What is asked of endings; `undefined`: nothing, so that none needs to be looked up. */
function endingFilter({ status, httpStatus, source, overdrawn }: ReceiptQuery): EndingFilter | undefined {
  if (status === undefined && httpStatus === undefined && source === undefined && !overdrawn)
    return undefined;
  return {
    status: status ?? null,
    first: httpStatus?.first ?? null,
    last: httpStatus?.last ?? null,
    source: source ?? null,
    overdrawn: overdrawn ? 1 : 0,
  };
}

function formReceipt(reserved: EntryRow, ended: EntryRow | null | undefined): Receipt {
  const made = entryOf(reserved);
  if (made.kind !== 'reserved') throw new Error(`entry ${reserved.n} reserves nothing`);
  const { requestId, keyId, endpoint, stream, reservation } = made;
  const { model, madeAt, amount, prices } = reservation;
  const known = {
    n: reserved.n,
    requestId,
    keyId,
    endpoint,
    model,
    stream,
    madeAt,
    reserved: amount,
    prices,
  };
  return { ...known, ...endingOf(ended ? entryOf(ended) : undefined) };
}

type EndingPart = Pick<Receipt, 'status' | 'endedAt' | 'used' | 'overdraft' | 'usage' | 'source' | 'outcome'>;

const OPEN: EndingPart = {
  status: 'open',
  endedAt: null,
  used: null,
  overdraft: null,
  usage: null,
  source: null,
  outcome: null,
};

function endingOf(entry: LedgerEntry | undefined): EndingPart {
  switch (entry?.kind) {
    case 'settled': {
      const { at, used, overdraft, usage, source, outcome } = entry;
      return { status: 'settled', endedAt: at, used, overdraft, usage, source, outcome };
    }
    case 'released':
      return { ...OPEN, status: 'released', endedAt: entry.at, used: NOTHING, outcome: entry.outcome };
    case 'lapsed':
      return { ...OPEN, status: 'lapsed', endedAt: entry.at, used: entry.used, source: 'estimate' };
    default:
      return OPEN;
  }
}
