import { once } from 'node:events';
import type { Command, ResultOf } from '#core/command.ts';
import type { KeyQuery } from '#core/key-registry.ts';
import type { Account, KeyId } from '#core/model.ts';
import type { Operation } from '#core/operation.ts';
import type { OperationQuery, Page, Store } from '#core/ports.ts';
import type { ReceiptPage, ReceiptQuery } from '#core/reports.ts';
import type { History } from '#core/snapshot.ts';
import type { Calendar } from '#core/window.ts';
import { type Channel, openChannel } from './channel.ts';
import { gather } from './gather.ts';
import { gatherUsage } from './gather-usage.ts';
import { LIMITS, type Limits } from './limits.ts';
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
      list: (query) => listKeys(channel, query),
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
      usage: (query) => gatherUsage(query, (asked, beforeDay) => call('scanUsage', asked, beforeDay)),
      receipt: (id) => call('receipt', id),
      receipts: (query) => receipts(channel, query),
    },
    operations: {
      append: (operation) => call('appendOperation', operation),
      list: (query) => listOperations(channel, query),
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

/** A million entries, or fewer where endings are looked up: about a second. Then the page tells where to go on. */
const PARTS_MAX = 50;

function receipts({ call }: Channel, query: ReceiptQuery): Promise<ReceiptPage> {
  return gather({
    limit: query.limit,
    from: query.before,
    partsMax: PARTS_MAX,
    read: (limit, before) => call('scanReceipts', { ...query, limit }, before),
    placeOf: ({ n }) => n,
  });
}

async function listKeys({ call }: Channel, query: KeyQuery): Promise<Page<Account>> {
  const { items, next } = await gather<Account, KeyId>({
    limit: query.limit,
    from: query.after,
    partsMax: Number.POSITIVE_INFINITY,
    read: (limit, after) => call('scanKeys', { ...query, limit, ...(after !== null && { after }) }),
    placeOf: ({ key }) => key.id,
  });
  return { items, more: next !== null };
}

async function listOperations({ call }: Channel, query: OperationQuery): Promise<Page<Operation>> {
  const { items, next } = await gather<Operation, number>({
    limit: query.limit,
    from: query.after,
    partsMax: Number.POSITIVE_INFINITY,
    read: (limit, after) => call('scanOperations', { ...query, limit, ...(after !== null && { after }) }),
    placeOf: ({ n }) => n,
  });
  return { items, more: next !== null };
}
