import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { secretsUnder } from '#adapters/system/secrets-under.ts';
import { systemIds } from '#adapters/system/system-ids.ts';
import type { KeptReplies, Recording } from '#core/kept-reply.ts';
import { calendarOf } from '#core/window.ts';
import { contract } from '#handlers/admin/contract.ts';
import { keyActions } from '#handlers/admin/keys.ts';
import { serve } from '#handlers/admin/serve.ts';
import type { Services } from '#handlers/services.ts';

/** When the process that asks is killed: before the store has answered what it was asked to record, or after that. */
export type Moment = 'within' | 'after' | 'never';

export interface Asking {
  readonly storePath: string;
  readonly moment: Moment;
  /** As it must not be: the changes in one commit, and the answer in the next. */
  readonly inTwo: boolean;
}

const NOON = Date.UTC(2026, 10, 24, 12);

/** Makes a key over the real store, with an Idempotency-Key, in a process that may be killed on the way. The answer. */
export async function askOnce({ storePath, moment, inTwo }: Asking): Promise<string> {
  const store = await openSqlite({ path: storePath, calendar: calendarOf('UTC') });
  const replies = { ...store.replies, record: recorder(store.replies, moment, inTwo) };
  const services = {
    ...store,
    replies,
    ids: systemIds,
    clock: { now: () => NOON, elapsedMs: () => 0 },
    secrets: secretsUnder(new TextEncoder().encode('a-pepper-of-the-tests')),
    calendar: calendarOf('UTC'),
    policy: { operationLog: true, keyPrefix: 'sk-', keyExpiryDays: 30, dailyRequestLimit: 0 },
  } as unknown as Services;
  const { keys } = contract;
  const [create] = serve({ keys }, (ports) => ({ keys: keyActions({ ...services, ...ports }) }), services);
  if (create?.access !== 'admin' || create.path !== keys.create.path) throw new Error('no such route');
  const headers = { 'idempotency-key': 'the-same-each-time', 'content-type': 'application/json' };
  const request = new Request('http://x/admin/keys', { method: 'POST', headers, body: '{"label":"once"}' });
  const exchange = { request, params: {}, requestId: 'r' } as unknown as Parameters<typeof create.handle>[0];
  const reply = await create.handle(exchange, 'admin@test');
  const text = await reply.text();
  await store.close();
  return text;
}

function recorder({ record }: KeptReplies, moment: Moment, inTwo: boolean): KeptReplies['record'] {
  return async (recording: Recording) => {
    const first = inTwo ? { ...recording, reply: null } : recording;
    const recorded = record(first);
    // It is on its way to the thread that writes.
    if (moment === 'within') setImmediate(die);
    await recorded;
    if (moment === 'after') die();
    return inTwo ? record({ changes: [], version: null, reply: recording.reply }) : recorded;
  };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
