import { once } from 'node:events';
import type { Command, ResultOf } from '#core/command.ts';
import type { Page, Store } from '#core/ports.ts';
import type { Receipt, ReceiptQuery } from '#core/reports.ts';
import type { History } from '#core/snapshot.ts';
import type { Calendar } from '#core/window.ts';
import { type Channel, openChannel } from './channel.ts';
import { LIMITS, type Limits } from './limits.ts';
import type { ReceiptScan } from './receipt-rows.ts';
import { startWriterThread } from './writer-thread.ts';

export interface SqliteOptions {
  /** The database file. It and its directory are made if they are not there. */
  readonly path: string;
  readonly calendar: Calendar;
  /** Absent: those that suit a server. */
  readonly limits?: Limits;
}

/** The store, and what backups follow it by. */
export interface SqliteStore extends Store {
  readonly history: History;
}

/**
 * Opens the store in an SQLite file, which a thread of its own reads and writes.
 * @throws StoreRefused if the file is in use, damaged, foreign, newer than this program, or out of reach
 */
export async function openSqlite({ path, calendar, limits = LIMITS }: SqliteOptions): Promise<SqliteStore> {
  const worker = startWriterThread({ path, timeZone: calendar.timeZone, limits });
  const exited = once(worker, 'exit');
  const channel = openChannel(worker);
  const { call } = channel;
  await channel.opened;
  return {
    ledger: {
      execute: (command) => execute(channel, command),
      lapsed: (at, limit) => call('lapsed', at, limit),
    },
    keys: {
      add: (key, operation) => call('addKey', key, operation),
      bringIn: (key, history, at, operation) => call('bringIn', key, history, at, operation),
      amend: (id, amendment, operation) => call('amendKey', id, amendment, operation),
      rotate: (id, rotation, operation) => call('rotateKey', id, rotation, operation),
      account: (ref) => call('account', ref),
      list: (query) => call('listKeys', query),
      sponsor: () => call('sponsor'),
      setSponsorQuotas: (quotas, at, operation) => call('setSponsorQuotas', quotas, at, operation),
    },
    replies: {
      find: (digest, at) => call('findReply', digest, at),
      version: () => call('registryVersion'),
      record: (recording) => call('record', recording),
      forget: (at) => call('forgetReplies', at),
    },
    reports: {
      usage: (query) => call('usage', query),
      receipt: (id) => call('receipt', id),
      receipts: (query) => receipts(channel, query),
    },
    operations: {
      append: (operation) => call('appendOperation', operation),
      list: (query) => call('listOperations', query),
      verify: () => call('verifyOperations'),
    },
    history: {
      lineage: () => call('lineage'),
      mark: () => call('mark'),
      rowsAfter: (mark, rowsMax) => call('rowsAfter', mark, rowsMax),
      backupState: (location) => call('backupState', location),
      rememberBackup: (location, state) => call('rememberBackup', location, state),
    },
    health: { check: () => call('check'), status: () => call('status') },
    async close() {
      // A second close finds the line cut, and that is as closed as can be.
      await call('close').catch(() => undefined);
      await exited;
    },
  };
}

/** A client waits for its reservation; nobody waits for what ends one. */
function execute<C extends Command>({ call, callSoon }: Channel, command: C): Promise<ResultOf<C>> {
  const ends = command.kind === 'settle' || command.kind === 'release';
  const result = ends ? callSoon('execute', command) : call('execute', command);
  return result as Promise<ResultOf<C>>;
}

/** Gathers a page part by part, so that a long search does not keep commands waiting. */
async function receipts({ call }: Channel, query: ReceiptQuery): Promise<Page<Receipt>> {
  const found: Receipt[] = [];
  let beforeN: number | null = null;
  do {
    const wanted = query.limit + 1 - found.length;
    const scan: ReceiptScan = await call('scanReceipts', { ...query, limit: wanted }, beforeN);
    found.push(...scan.receipts);
    beforeN = scan.beforeN;
  } while (beforeN !== null && found.length <= query.limit);
  return { items: found.slice(0, query.limit), more: found.length > query.limit };
}
