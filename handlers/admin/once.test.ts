import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Recording } from '#core/kept-reply.ts';
import type { Store } from '#core/ports.ts';
import { applicationNumber, approval } from '#test/conformance/application-specimens.ts';
import { keyNumber } from '#test/conformance/specimens.ts';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';
import { openMemoryStore } from '#test/fakes/memory-store.ts';

const DAY_MS = 86_400_000;
const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324';

let under: AdminUnderTest;
let store: Store;
/** What happens before a recording gets to the store. */
let before: (recording: Recording) => Promise<void>;
beforeEach(async () => {
  before = async () => {};
  under = await openAdmin({}, (calendar) => {
    const opened = openMemoryStore({ calendar });
    const record = async (recording: Recording) => {
      await before(recording);
      return opened.replies.record(recording);
    };
    store = { ...opened, replies: { ...opened.replies, record } };
    return store;
  });
});
afterEach(() => under.proxy.close());

const ask = (method: string, path: string, body?: unknown, key = KEY) =>
  under.ask(method, path, body, { 'content-type': 'application/json', 'idempotency-key': key });

const countKeys = async () => (await under.admin.keys.list()).items.length;

test('the same call has the same answer, the key in full too, and is done once', async () => {
  const body = { label: 'Ada', metadata: { a: '1', b: '2' } };
  const first = await ask('POST', '/admin/keys', body);
  under.proxy.clock.now += DAY_MS - 1;
  const second = await ask('POST', '/admin/keys', { metadata: { b: '2', a: '1' }, label: 'Ada' }, `"${KEY}"`);
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.text).toBe(first.text);
  expect([first, second].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
  expect(await countKeys()).toBe(1);
  expect((await under.proxy.chat(JSON.parse(second.text).key)).status).toBe(200);
  expect((await under.admin.operations.list()).items).toHaveLength(1);
  under.proxy.clock.now += 1;
  expect((await ask('POST', '/admin/keys', body)).text).not.toBe(first.text);
});

test('the typed client sends it', async () => {
  const make = () => under.admin.keys.create({ body: { label: 'Ada' }, idempotencyKey: KEY });
  expect(await make()).toEqual(await make());
  expect(await countKeys()).toBe(1);
});

test.each([
  { name: 'another body', path: '/admin/keys', body: { label: 'Bob' } },
  { name: 'another action', path: '/admin/usage/reset', body: { label: 'Ada' } },
])('with $name it is 422', async ({ path, body }) => {
  await ask('POST', '/admin/keys', { label: 'Ada' });
  const reused = await ask('POST', path, path === '/admin/keys' ? body : {});
  expect([reused.status, reused.error?.code]).toEqual([422, 'idempotency_key_reused']);
  expect(await countKeys()).toBe(1);
});

test('while the first is being answered, the second is 409', async () => {
  let second: Awaited<ReturnType<typeof ask>> | undefined;
  before = async () => {
    before = async () => {};
    second = await ask('POST', '/admin/keys', { label: 'Ada' });
  };
  expect((await ask('POST', '/admin/keys', { label: 'Ada' })).status).toBe(201);
  expect([second?.status, second?.error?.code]).toEqual([409, 'idempotency_key_in_use']);
  expect(second?.headers.get('retry-after')).toBe('1');
  expect((await ask('POST', '/admin/keys', { label: 'Ada' })).status).toBe(201);
  expect(await countKeys()).toBe(1);
});

test('malformed it is 400, and nothing is done', async () => {
  const { status, error } = await ask('POST', '/admin/keys', {}, 'a b');
  expect([status, error?.code]).toEqual([400, 'invalid_idempotency_key']);
  expect(await countKeys()).toBe(0);
});

test('an error is not kept: the same call may succeed later', async () => {
  const body = { expires_at: under.proxy.clock.now };
  expect((await ask('POST', '/admin/keys', body)).status).toBe(400);
  under.proxy.clock.now -= 1000;
  expect((await ask('POST', '/admin/keys', body)).status).toBe(201);
});

test('a look at something is never kept', async () => {
  expect((await ask('GET', '/admin/keys')).text).toContain('"items":[]');
  await under.admin.keys.create();
  expect((await ask('GET', '/admin/keys')).text).not.toContain('"items":[]');
});

test.each(['GET', 'HEAD'])('a key of %s says nothing, whatever it is', async (method) => {
  expect((await ask(method, '/admin/keys', undefined, 'a b')).status).toBe(200);
  expect((await ask(method, '/admin/keys', undefined, 'one')).status).toBe(200);
  expect((await ask('POST', '/admin/keys', {}, 'one')).status).toBe(201);
});

describe('each action', () => {
  const foreign = { secret: 'trial_4f9a1c7be02d4d55a8c3', label: 'Ben' };
  const imports = { keys: [foreign, foreign, { secret: 'too-short', label: '' }] };

  test.each([
    { method: 'PATCH', path: '', body: { label: 'new', quotas: [] }, action: 'keys.patch' },
    { method: 'POST', path: '/rotate', body: { grace_seconds: 9 }, action: 'keys.rotate' },
    { method: 'DELETE', path: '', body: {}, action: 'keys.delete' },
    { method: 'POST', at: '/admin/keys/import', body: imports, action: 'keys.import' },
    { method: 'POST', at: '/admin/usage/reset', body: {}, action: 'usage.reset' },
    { method: 'PUT', at: '/admin/sponsor', body: { quotas: [] }, action: 'sponsor.put' },
  ])('$action answers as without the header, and is in the operation log once', async (call) => {
    const made = await under.admin.keys.create({ body: { label: 'Ada' } });
    await (await under.proxy.chat(made.key)).text();
    await under.proxy.settled();
    const path = call.at ?? `/admin/keys/${made.id}${call.path}`;
    const first = await ask(call.method, path, call.body);
    expect(first.status).toBe(200);
    expect((await ask(call.method, path, call.body)).text).toBe(first.text);
    const { items } = await under.admin.operations.list({ query: { action: call.action } });
    expect(items).toHaveLength(1);
    // What the store really has is what the answer told of.
    const shown = await under.admin.keys.get({ params: { key: made.id } });
    const told = JSON.parse(first.text);
    if (call.at === undefined && call.action !== 'keys.delete')
      expect({ ...told, key: '' }).toEqual({ ...shown, key: '' });
    if (call.action === 'keys.import') {
      const statuses = told.outcomes.map(({ status }: { status: string }) => status);
      expect(statuses).toEqual(['imported', 'exists', 'refused']);
      expect(told.outcomes[1].id).toBe(told.outcomes[0].id);
    }
  });
});

test('keys that change meanwhile are looked at again, so that the answer is true', async () => {
  const made = await under.admin.keys.create({ body: { label: 'Ada' } });
  let tries = 0;
  before = async () => {
    tries += 1;
    if (tries === 1) await store.keys.amend(made.id, { at: 0, metadata: { by: 'another' } }, null);
  };
  const { text } = await ask('PATCH', `/admin/keys/${made.id}`, { label: 'new' });
  expect(JSON.parse(text)).toMatchObject({ label: 'new', metadata: { by: 'another' } });
  expect(tries).toBe(2);
  expect((await under.admin.operations.list()).items).toHaveLength(2);
});

describe('an application', () => {
  const { id } = applicationNumber(1);
  const decide = (verdict: string, body: object) => ask('POST', `/admin/applications/${id}/${verdict}`, body);
  const status = async () => {
    const { items } = await under.admin.applications.list();
    return items.map((each) => each.status);
  };
  beforeEach(() => store.applications.add(applicationNumber(1, { madeAt: under.proxy.clock.now }), 9));

  test.each([
    { verdict: 'approve', body: { label: 'Ada' }, is: 'approved' },
    { verdict: 'reject', body: { reason: 'no' }, is: 'rejected' },
  ])('is decided once: $verdict', async ({ verdict, body, is }) => {
    const first = await decide(verdict, body);
    expect([first.status, JSON.parse(first.text)]).toMatchObject([200, { id, status: is }]);
    under.proxy.clock.now += 1000;
    const second = await decide(verdict, body);
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect((await under.admin.applications.list()).items).toEqual([JSON.parse(first.text)]);
    expect((await under.admin.operations.list()).items).toMatchObject([
      { action: `applications.${verdict}`, target: id },
    ]);
  });

  test.each(['approve', 'reject'])('is not decided where the answer is not recorded: %s', async (verdict) => {
    before = async () => {
      throw new Error('the disk is gone');
    };
    expect((await decide(verdict, {})).status).toBe(500);
    expect(await status()).toEqual(['pending']);
    expect((await under.admin.operations.list()).items).toEqual([]);
    before = async () => {};
    expect((await decide(verdict, {})).status).toBe(200);
  });

  test('that was claimed meanwhile is looked at again, so that the answer is true', async () => {
    const at = under.proxy.clock.now;
    await store.applications.decide(id, approval(at), null);
    before = async () => {
      before = async () => {};
      await store.applications.claim(id, keyNumber(1), at, null);
    };
    const { status: answered, error } = await decide('reject', {});
    expect([answered, error?.code]).toEqual([409, 'application_decided']);
    expect(await status()).toEqual(['claimed']);
    expect((await under.admin.operations.list()).items).toEqual([]);
  });

  test('that is not there, or cannot be decided any more, is answered as without the header', async () => {
    const nobodys = `/admin/applications/${applicationNumber(2).id}/reject`;
    expect((await ask('POST', nobodys, {})).error?.code).toBe('application_not_found');
    const rejected = { kind: 'rejected', at: under.proxy.clock.now, by: 'x', reason: null } as const;
    await store.applications.decide(id, rejected, null);
    expect((await decide('approve', {})).error?.code).toBe('application_decided');
  });
});

test('a reset of very many keys takes several commits, and answers once', async () => {
  for (let n = 0; n < 12; n += 1) await under.proxy.issue();
  const sizes: number[] = [];
  before = async ({ changes }) => void sizes.push(changes.length);
  const first = await ask('POST', '/admin/usage/reset', {});
  expect(JSON.parse(first.text)).toEqual({ ok: true, keys: 12 });
  expect((await ask('POST', '/admin/usage/reset', {})).text).toBe(first.text);
  expect(sizes).toEqual([13]);
});
