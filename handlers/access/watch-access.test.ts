import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOON } from '#test/fakes/accounts.ts';
import { adminOf } from '#test/fakes/admin.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const DAY_MS = 24 * 60 * 60_000;
const CHAT = '/v1/chat/completions';

let proxy: ProxyUnderTest;

const behaviour: Behaviour = ({ body }, response) =>
  sendJson(response, body['model'] === 'big' ? completion(50_000, 100_000) : completion(300, 700));

beforeEach(async () => {
  proxy = await openProxy({ behaviour });
});

afterEach(() => proxy.close());

const status = () => adminOf(proxy).status.get();

/** The kinds that were told, in order, once all are. */
async function kinds(count: number): Promise<unknown[]> {
  await expect.poll(() => proxy.warnings.length).toBe(count);
  return proxy.warnings.map(({ fields }) => fields['kind']);
}

async function callsFrom(address: string, count: number, authorization: string, path = CHAT) {
  for (let n = 0; n < count; n += 1) {
    await proxy.fetch(path, { method: 'POST', address, headers: { authorization }, body: '{}' });
  }
}

test.each([
  { what: 'garbage', authorization: 'Bearer nonsense', path: CHAT },
  { what: 'no credential', authorization: '', path: CHAT },
  { what: 'a wrong admin token', authorization: 'Bearer wrong', path: '/admin/keys' },
  {
    what: 'a wrong admin token where there is nothing',
    authorization: 'Bearer wrong',
    path: '/admin/nothing',
  },
])('a burst of $what from one address is told once', async ({ authorization, path }) => {
  await callsFrom('203.0.113.7', 5, authorization, path);
  await callsFrom('203.0.113.8', 5, authorization, path);
  expect(proxy.warnings).toEqual([]);
  await callsFrom('203.0.113.7', 9, authorization, path);
  expect(await kinds(1)).toEqual(['authentication_failures']);
  expect(proxy.warnings[0]?.fields).toMatchObject({ address: '203.0.113.7', count: 6, key_id: null });
  const { abnormal_access } = await status();
  expect(abnormal_access).toMatchObject([{ kind: 'authentication_failures', address: '203.0.113.7' }]);
  const store = await proxy.store.health.status();
  const nothing = { sponsor: [], upstreams: [], applicationsPending: null, backups: null };
  const figures = { version: '1', store, ...nothing };
  const text = await proxy.services.metrics.text(figures);
  expect(text).toContain('quota_proxy_abnormal_access_total{kind="authentication_failures"} 1');
});

test('one site of IPv6 is one address', async () => {
  for (let n = 0; n < 6; n += 1) await callsFrom(`2001:db8:1:2::${n}`, 1, 'Bearer nonsense');
  expect(await kinds(1)).toEqual(['authentication_failures']);
});

test('a key that expired, or used up what it had, is nobody who guesses', async () => {
  const { secret } = await proxy.issue({ expiresAt: NOON - 1 });
  for (let n = 0; n < 20; n += 1) await proxy.chat(secret);
  expect((await status()).abnormal_access).toEqual([]);
});

test('a key that is used from many addresses is told, with its name', async () => {
  const { secret, key } = await proxy.issue({ label: 'Ada' });
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }] });
  for (let n = 0; n < 8; n += 1) {
    const address = `203.0.113.${n % 4}`;
    expect((await proxy.fetch(CHAT, { method: 'POST', address, headers, body })).status).toBe(200);
  }
  expect(await kinds(1)).toEqual(['many_addresses']);
  expect((await status()).abnormal_access).toMatchObject([
    { kind: 'many_addresses', key_id: key.id, label: 'Ada', address: null, count: 4, usual: 3 },
  ]);
});

async function day(secret: string, requests: number): Promise<void> {
  for (let n = 0; n < requests; n += 1) await proxy.chat(secret);
  await proxy.settled();
}

test('a day of many times what is usual is told, once', async () => {
  const { secret, key } = await proxy.issue({ label: 'Ada', expiresAt: null });
  const { secret: steady } = await proxy.issue({ label: 'Steady', expiresAt: null });
  for (let n = 0; n < 4; n += 1) {
    proxy.clock.now = NOON + n * DAY_MS;
    await day(secret, 30);
    await day(steady, 99);
    await proxy.services.access.lookAtDays(proxy.clock.now);
  }
  proxy.clock.now = NOON + 4 * DAY_MS;
  await day(steady, 110);
  await day(secret, 149);
  await proxy.services.access.lookAtDays(proxy.clock.now);
  expect((await status()).abnormal_access).toEqual([]);
  await day(secret, 110);
  await proxy.services.access.lookAtDays(proxy.clock.now);
  expect(await kinds(1)).toEqual(['unusual_requests']);
  await day(secret, 150);
  await proxy.services.access.lookAtDays(proxy.clock.now);
  expect((await status()).abnormal_access).toMatchObject([{ key_id: key.id, count: 259, usual: 30 }]);
});

test('few requests of very many tokens are told, too', async () => {
  const { secret, key } = await proxy.issue({ expiresAt: null });
  for (let n = 0; n < 3; n += 1) {
    proxy.clock.now = NOON + n * DAY_MS;
    await day(secret, 2);
  }
  proxy.clock.now = NOON + 3 * DAY_MS;
  // Five times the usual requests, and more: but still few.
  await day(secret, 12);
  await proxy.chat(secret, { model: 'big' });
  await proxy.settled();
  await proxy.services.access.lookAtDays(proxy.clock.now);
  expect(await kinds(1)).toEqual(['unusual_tokens']);
  const { abnormal_access } = await status();
  expect(abnormal_access).toMatchObject([{ key_id: key.id, count: 162_000, usual: 2_000 }]);
});

test('a new key has no usual day: today is none of those before', async () => {
  const { secret } = await proxy.issue();
  for (const [before, requests] of [10, 10, 150].entries()) {
    proxy.clock.now = NOON + before * DAY_MS;
    await day(secret, requests);
  }
  await proxy.services.access.lookAtDays(proxy.clock.now);
  expect((await status()).abnormal_access).toEqual([]);
});
