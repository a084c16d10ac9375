import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AdminClient } from '#handlers/admin/client.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { adminOf } from '#test/fakes/admin.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const MINUTE_MS = 60_000;

let proxy: ProxyUnderTest;
let admin: AdminClient;
let id: string;
let token: string;
beforeEach(async () => {
  proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(10, 5)),
    policy: { applications: { perHour: 5, pendingMax: 7 } },
  });
  admin = adminOf(proxy);
  ({ id, token } = await approved());
});
afterEach(() => proxy.close());

async function post(path: string, body: object, address = '198.51.100.1') {
  const headers = { 'content-type': 'application/json' };
  const response = await proxy.fetch(path, { address, method: 'POST', headers, body: JSON.stringify(body) });
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is what these tests are about
  return { status: response.status, body: (await response.json()) as any };
}

async function approved() {
  const { body } = await post('/v1/applications', { name: 'Ada' });
  await admin.applications.approve({ params: { id: body.id } });
  return { id: String(body.id), token: String(body.claim_token) };
}

const claim = (claim_token = token, address?: string) =>
  post('/v1/applications/claim', { claim_token }, address);
const look = () => post('/v1/applications/status', { claim_token: token }, '203.0.113.9');
const claimedBefore = { status: 410, body: { error: { code: 'application_claimed' } } };

test('a claim whose answer was lost is made again: the same answer, and one key', async () => {
  const lost = await claim();
  proxy.clock.now += 10 * MINUTE_MS - 1;
  const again = await claim(token, '203.0.113.9');
  expect(again).toEqual(lost);
  expect(again).toMatchObject({ status: 201, body: { key_shown_until: NOON + 10 * MINUTE_MS } });
  expect((await proxy.chat(again.body.key)).status).toBe(200);
  await proxy.settled();
  expect((await admin.keys.list()).items).toMatchObject([{ id: lost.body.key_id }]);
  const { items } = await admin.operations.list({ query: { target: id } });
  const { key_id } = lost.body;
  expect(items.slice(0, 2)).toMatchObject([
    { action: 'applications.claim', actor: 'applicant@203.0.113.9', details: { key_id, again: true } },
    { action: 'applications.claim', actor: 'applicant@198.51.100.1', details: { key_id } },
  ]);
  expect(items[1]?.details).not.toHaveProperty('again');
});

test('of many claims at once one makes a key, and all show it', async () => {
  const claims = await Promise.all(Array.from({ length: 8 }, () => claim()));
  const [first] = claims;
  expect(first?.status).toBe(201);
  for (const each of claims) expect(each).toEqual(first);
  expect((await admin.keys.list()).items).toHaveLength(1);
});

test.each([
  { name: 'after ten minutes', passes: 10 * MINUTE_MS },
  { name: 'where the clock was set back', passes: -10 * MINUTE_MS },
])('$name it is refused, and says what to do', async ({ passes }) => {
  expect((await look()).body).toMatchObject({ status: 'approved', key_shown_until: null });
  await claim();
  expect((await look()).body).toMatchObject({ key_shown_until: NOON + 10 * MINUTE_MS });
  proxy.clock.now += passes;
  const late = await claim(token, '203.0.113.10');
  expect(late).toMatchObject(claimedBefore);
  expect(late.body.error.message).toMatch(/again for ten minutes.* that is over.* tell the operator/);
  const { body } = await post('/v1/applications/status', { claim_token: token }, '203.0.113.11');
  expect(body).toMatchObject({ status: 'claimed', key_shown_until: null });
});

test.each([
  { name: 'rotated', change: (key: string) => admin.keys.rotate({ params: { key } }) },
  {
    name: 'rotated with a grace',
    change: (key: string) => admin.keys.rotate({ params: { key }, body: { grace_seconds: 600 } }),
  },
  {
    name: 'disabled',
    change: (key: string) => admin.keys.patch({ params: { key }, body: { disabled: true } }),
  },
  { name: 'deleted', change: (key: string) => admin.keys.delete({ params: { key } }) },
])('a key that the operator $name is not shown again', async ({ change }) => {
  const { body } = await claim();
  await change(body.key_id);
  const after = await claim();
  expect(after).toMatchObject(claimedBefore);
  expect(JSON.stringify(after)).not.toContain(body.key);
  expect((await admin.operations.list({ query: { target: id } })).items).toHaveLength(2);
});

test('who has no token gets nothing, and who has another one gets another key', async () => {
  const { body } = await claim();
  const other = await approved();
  const [altered, digest] = [`${token.slice(0, -1)}~`, proxy.services.secrets.digest(token)];
  for (const none of [altered, digest, id, body.key_id, body.key]) {
    expect(await claim(none)).toMatchObject({ status: 404 });
  }
  const claimed = await claim(other.token);
  expect(claimed.status).toBe(201);
  expect(claimed.body.key).not.toBe(body.key);
});

test('the key does not follow from what the pepper and the store hold: the token is a part of it', async () => {
  const { secrets } = proxy.services;
  const derive = vi.spyOn(secrets, 'derive');
  await claim();
  expect(derive.mock.calls.map(([from]) => from)).toEqual([expect.stringContaining(token)]);
});

test('without an operation log it is shown again all the same', async () => {
  Object.assign(proxy.services.policy, { operationLog: false });
  const { body } = await claim();
  expect((await claim()).body).toEqual(body);
});
