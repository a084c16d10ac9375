import type { Command, ResultOf } from '#core/command.ts';
import type { KeyQuery } from '#core/key-registry.ts';
import type { Account, KeyId } from '#core/model.ts';
import type { Operation } from '#core/operation.ts';
import type { OperationQuery, Page, Store } from '#core/ports.ts';
import { StoreUnavailable } from '#core/ports.ts';
import type { ReceiptPage, ReceiptQuery } from '#core/reports.ts';
import type { History } from '#core/snapshot.ts';
import type { Channel } from './channel.ts';
import { gather } from './gather.ts';
import { gatherUsage } from './gather-usage.ts';
import { LIMITS } from './limits.ts';

type Line = Pick<Channel, 'call' | 'callSoon'>;

/** The ports of a store, whose writer is at the other end of a line. */
export function storeOver(channel: Line): Omit<Store, 'close'> & { readonly history: History } {
  const { call } = channel;
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
    applications: {
      add: (application, pendingMax) => call('addApplication', application, pendingMax),
      find: (ref) => call('application', ref),
      list: (query) => call('listApplications', query),
      pending: (at) => call('pendingApplications', at),
      decide: (id, verdict, operation) => call('decideApplication', id, verdict, operation),
      claim: (id, key, at, operation) => call('claimApplication', id, key, at, operation),
      forget: (order) => call('forgetApplications', order),
    },
    replies: {
      find: (digest, at) => call('findReply', digest, at),
      version: () => call('registryVersion'),
      record: (recording) => call('record', recording),
      forget: (at) => call('forgetReplies', at),
    },
    reports: {
      usage: async (query) => {
        await writeBack(channel);
        return gatherUsage(query, (asked, beforeDay) => call('scanUsage', asked, beforeDay));
      },
      receipt: (id) => call('receipt', id),
      receipts: (query) => receipts(channel, query),
    },
    operations: {
      append: (operation) => call('appendOperation', operation),
      list: (query) => listOperations(channel, query),
      verify: () => call('verifyOperations'),
    },
    retention: {
      daysInUse: (at, count) => call('daysInUse', at, count),
      removeEntries: (order) => call('removeEntries', order),
    },
    history: {
      lineage: () => call('lineage'),
      mark: () => call('mark'),
      rowsAfter: (mark, rowsMax) => call('rowsAfter', mark, rowsMax),
      backupState: (location) => call('backupState', location),
      rememberBackup: (location, state) => call('rememberBackup', location, state),
    },
    health: { check: () => call('check'), status: () => call('status') },
  };
}

/** A client waits for its reservation; nobody waits for what ends one. */
function execute<C extends Command>({ call, callSoon }: Line, command: C): Promise<ResultOf<C>> {
  const ends = command.kind === 'settle' || command.kind === 'release';
  const result = ends ? callSoon('execute', command) : call('execute', command);
  return result as Promise<ResultOf<C>>;
}

/** As many as all accounts take that the writer keeps; as fast as they are written there may be others. */
const WRITE_BACKS_MAX = LIMITS.accounts / LIMITS.writtenAccounts;

/** What a report needs is written back in parts, between which others are served; the report itself writes the last. */
async function writeBack({ call }: Line): Promise<void> {
  try {
    for (let parts = 0; parts < WRITE_BACKS_MAX; parts += 1) {
      if (!(await call('writeBack'))) return;
    }
  } catch (error) {
    // Where nothing can be recorded, there are reports all the same.
    if (!(error instanceof StoreUnavailable)) throw error;
  }
}

/** A million entries, or fewer where endings are looked up: about a second. Then the page tells where to go on. */
const PARTS_MAX = 50;

function receipts({ call }: Line, query: ReceiptQuery): Promise<ReceiptPage> {
  return gather({
    limit: query.limit,
    from: query.before,
    partsMax: PARTS_MAX,
    read: (limit, before) => call('scanReceipts', { ...query, limit }, before),
    placeOf: ({ n }) => n,
  });
}

async function listKeys({ call }: Line, query: KeyQuery): Promise<Page<Account>> {
  const { items, next } = await gather<Account, KeyId>({
    limit: query.limit,
    from: query.after,
    partsMax: Number.POSITIVE_INFINITY,
    read: (limit, after) => call('scanKeys', { ...query, limit, ...(after !== null && { after }) }),
    placeOf: ({ key }) => key.id,
  });
  return { items, more: next !== null };
}

async function listOperations({ call }: Line, query: OperationQuery): Promise<Page<Operation>> {
  const { items, next } = await gather<Operation, number>({
    limit: query.limit,
    from: query.after,
    partsMax: Number.POSITIVE_INFINITY,
    read: (limit, after) => call('scanOperations', { ...query, limit, ...(after !== null && { after }) }),
    placeOf: ({ n }) => n,
  });
  return { items, more: next !== null };
}
