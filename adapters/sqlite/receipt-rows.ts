import type Database from 'better-sqlite3';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Instant, RequestId } from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import type { Receipt, ReceiptQuery } from '#core/reports.ts';
import { type EntryRow, entryOf } from './entry-rows.ts';
import { isUuid, toBlob } from './uuid-blob.ts';

/** A part of a page: commands are served between one part and the next. */
export interface ReceiptScan {
  readonly receipts: readonly Receipt[];
  /** Where to go on: before this entry; `null` if there is nothing before. */
  readonly beforeN: number | null;
}

export interface ReceiptRows {
  receipt(id: RequestId): Receipt | undefined;
  /** The newest receipts that match, from entry `beforeN` backwards; `null` begins where the query says. */
  scan(query: ReceiptQuery, beforeN: number | null): ReceiptScan;
}

/** About 5 ms of reading. The ledger has no index by key, so a rare key's receipts take long to find. */
const SCAN_ROWS = 20_000;

export function receiptRows(database: Database.Database): ReceiptRows {
  const byRequest = database.prepare<[Buffer, number], EntryRow>(
    'SELECT * FROM ledger WHERE request_id = ? AND ending = ?',
  );
  const lastN = database.prepare<[], number>('SELECT coalesce(max(n), 0) FROM ledger').pluck();
  const reservedFrom = database.prepare<[number], { n: number; at: number }>(
    'SELECT n, at FROM ledger WHERE n >= ? AND ending = 0 ORDER BY n LIMIT 1',
  );
  const backwards = database.prepare<[ScanRange], EntryRow>(
    `SELECT * FROM ledger WHERE n < :before AND n >= :from AND ending = 0 AND (:keyId IS NULL OR key_id = :keyId)
     ORDER BY n DESC LIMIT :limit`,
  );
  const find = (id: RequestId, ending: 0 | 1) => (isUuid(id) ? byRequest.get(toBlob(id), ending) : undefined);
  const receiptOf = (row: EntryRow) => formReceipt(row, row.request_id && byRequest.get(row.request_id, 1));

  /** The first number from which on reservations were made at `at` or later: their times never decrease. */
  function numberAt(at: Instant): number {
    let [low, high] = [1, (lastN.get() ?? 0) + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = reservedFrom.get(middle);
      if (found === undefined || found.at >= at) high = middle;
      else low = found.n + 1;
    }
    return low;
  }

  function beginning({ to, after }: ReceiptQuery): number {
    const end = to === undefined ? Number.MAX_SAFE_INTEGER : numberAt(to);
    return after === undefined ? end : Math.min(end, find(after, 0)?.n ?? 0);
  }

  return {
    receipt(id) {
      const row = find(id, 0);
      return row && receiptOf(row);
    },
    scan(query, beforeN) {
      const { from: since, keyId, limit } = query;
      const before = Math.min(beforeN ?? beginning(query), (lastN.get() ?? 0) + 1);
      const first = since === undefined ? 1 : numberAt(since);
      if (keyId !== undefined && !isUuid(keyId)) return { receipts: [], beforeN: null };
      const from = Math.max(first, before - SCAN_ROWS);
      const key = keyId === undefined ? null : toBlob(keyId);
      const rows = backwards.all({ before, from, keyId: key, limit });
      const next = rows.length === limit ? (rows.at(-1)?.n ?? from) : from;
      return { receipts: rows.map(receiptOf), beforeN: next > first ? next : null };
    },
  };
}

interface ScanRange {
  readonly before: number;
  readonly from: number;
  readonly keyId: Buffer | null;
  readonly limit: number;
}

function formReceipt(reserved: EntryRow, ended: EntryRow | null | undefined): Receipt {
  const made = entryOf(reserved);
  if (made.kind !== 'reserved') throw new Error(`entry ${reserved.n} reserves nothing`);
  const { requestId, keyId, endpoint, stream, reservation } = made;
  const { model, madeAt, amount, prices } = reservation;
  const known = { requestId, keyId, endpoint, model, stream, madeAt, reserved: amount, prices };
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
