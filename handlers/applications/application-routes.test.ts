import { afterEach, beforeEach, expect, test } from 'vitest';
import { isWellFormed } from '#core/secret.ts';
import type { WebhookEvent } from '#core/webhook.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { adminOf } from '#test/fakes/admin.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const DAY_MS = 24 * 60 * 60_000;
const MONTH_MS = 30 * DAY_MS;

let proxy: ProxyUnderTest;
let admin: AdminClient;
let events: WebhookEvent[];
beforeEach(async () => {
  events = [];
  proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(10, 5)),
    policy: { applications: { perHour: 5, pendingMax: 7 } },
    webhook: { send: (event) => void events.push(event) },
  });
  admin = adminOf(proxy);
});
afterEach(() => proxy.close());

interface Said {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is what these tests are about
  readonly body: any;
}

async function post(path: string, body: unknown, address = '198.51.100.1'): Promise<Said> {
  const response = await proxy.fetch(path, {
    address,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function applied(said: object = {}, address?: string): Promise<{ id: string; claim_token: string }> {
  const { status, body } = await post('/v1/applications', { name: '张三', ...said }, address);
  expect(status).toBe(201);
  return body;
}

const look = (claim_token: string) => post('/v1/applications/status', { claim_token });
const claim = (claim_token: string) => post('/v1/applications/claim', { claim_token });

test('from the form to a key that works, and that only the applicant saw', async () => {
  const sent = await post('/v1/applications', { name: ' Ada ', contact: '@ada', reason: 'a thesis' });
  expect(sent).toMatchObject({
    status: 201,
    body: { status: 'pending', ends_at: NOON + MONTH_MS, claim_url: `/claim#${sent.body.claim_token}` },
  });
  const { id, claim_token } = sent.body;
  expect(isWellFormed(claim_token)).toBe(true);
  expect(await look(claim_token)).toMatchObject({
    status: 200,
    body: { id, status: 'pending', key_terms: null },
  });
  expect(await claim(claim_token)).toMatchObject({ status: 200, body: { id, status: 'pending' } });
  const listed = await admin.applications.list({ query: { status: 'pending' } });
  expect(listed.items).toMatchObject([{ id, name: 'Ada', contact: '@ada', reason: 'a thesis', terms: null }]);

  const quotas = [{ meter: 'requests', period: 'day', limit: 1 }] as const;
  const body = { quotas: [...quotas], models: ['demo'], expires_in_days: 7, metadata: { mine: 'secret' } };
  const approved = await admin.applications.approve({ params: { id }, body });
  expect(approved).toMatchObject({
    status: 'approved',
    decided_by: 'admin@203.0.113.7',
    ends_at: NOON + MONTH_MS,
  });
  expect(approved.terms).toMatchObject({ label: 'Ada', quotas, expires_in_days: 7, expires_at: null });
  const key_terms = { expires_in_days: 7, expires_at: null, quotas, models: ['demo'] };
  expect((await look(claim_token)).body).toMatchObject({ status: 'approved', key_terms });
  expect((await admin.keys.list()).items).toEqual([]);

  proxy.clock.now += DAY_MS;
  const claimed = await claim(claim_token);
  expect(claimed).toMatchObject({ status: 201, body: { status: 'claimed', expires_at: NOON + 8 * DAY_MS } });
  expect(JSON.stringify(claimed.body)).not.toContain('mine');
  const { key, key_id } = claimed.body;
  expect((await proxy.chat(key)).status).toBe(200);
  expect((await proxy.chat(key)).status).toBe(429);
  await proxy.settled();
  expect((await look(claim_token)).body).toMatchObject({ status: 'claimed' });
  expect(await admin.keys.get({ params: { key: key_id } })).toMatchObject({
    label: 'Ada',
    metadata: { mine: 'secret' },
  });
  expect((await admin.applications.list()).items).toMatchObject([{ status: 'claimed', key_id }]);

  const { items } = await admin.operations.list({ query: { target: id } });
  expect(items).toMatchObject([
    { action: 'applications.claim', actor: 'applicant@198.51.100.1', details: { key_id } },
    { action: 'applications.approve', actor: 'admin@203.0.113.7', details: body },
  ]);
  expect(events).toMatchObject([
    { type: 'application.received', data: { id, name: 'Ada', contact: '@ada' } },
  ]);
  const everything = JSON.stringify([listed, approved, items, events, proxy.log, proxy.warnings]);
  for (const secret of [key, claim_token]) expect(everything).not.toContain(secret.slice(8, 30));
});

test('what the operator does not say is as it is for other new keys', async () => {
  const { id, claim_token } = await applied();
  await admin.applications.approve({ params: { id } });
  const { body } = await claim(claim_token);
  expect(body).toMatchObject({ expires_at: NOON + MONTH_MS });
  const [key] = (await admin.keys.list()).items;
  expect(key).toMatchObject({
    label: '张三',
    quotas: [{ meter: 'requests', period: 'day', limit: 200 }],
    models: null,
  });
});

test('a rejection is told with its reason, and gives no key', async () => {
  const { id, claim_token } = await applied();
  await admin.applications.reject({ params: { id }, body: { reason: '名额已满' } });
  const said = { id, status: 'rejected', rejection_reason: '名额已满', key_terms: null };
  expect(await look(claim_token)).toMatchObject({ status: 200, body: said });
  expect(await claim(claim_token)).toMatchObject({ status: 200, body: said });
  await expect(admin.applications.approve({ params: { id } })).rejects.toMatchObject({
    status: 409,
    code: 'application_decided',
  });
  expect((await admin.keys.list()).items).toEqual([]);
});

test('an approval can be taken back, or given otherwise, until the claim', async () => {
  const { id, claim_token } = await applied();
  await admin.applications.approve({ params: { id }, body: { daily_limit: 1 } });
  await admin.applications.approve({ params: { id }, body: { daily_limit: 2, expires_at: null } });
  expect((await look(claim_token)).body.key_terms).toMatchObject({
    quotas: [{ limit: 2 }],
    expires_at: null,
  });
  await admin.applications.reject({ params: { id } });
  expect((await claim(claim_token)).body).toMatchObject({ status: 'rejected', rejection_reason: null });
});

test('one that nobody decided, or claimed, in time has expired', async () => {
  const [late, later] = [await applied(), await applied()];
  await admin.applications.approve({ params: { id: later.id }, body: { expires_at: NOON + DAY_MS } });
  proxy.clock.now += DAY_MS;
  expect(await claim(later.claim_token)).toMatchObject({
    status: 410,
    body: { error: { code: 'application_expired' } },
  });
  expect((await look(later.claim_token)).body).toMatchObject({ status: 'expired' });
  proxy.clock.now = NOON + MONTH_MS;
  expect((await look(late.claim_token)).body).toMatchObject({ status: 'expired' });
  await expect(admin.applications.approve({ params: { id: late.id } })).rejects.toMatchObject({
    status: 409,
  });
});

test.each([
  { name: 'an expiry that has passed', body: { expires_at: NOON }, code: 'invalid_body' },
  { name: 'no such application', id: '01a20d76-957b-7026-a6b3-c950249c6d9c', code: 'application_not_found' },
  { name: 'what is no id', id: 'nonsense', code: 'invalid_path' },
])('the operator is told of $name', async ({ id, body = {}, code }) => {
  const application = await applied();
  const approving = admin.applications.approve({ params: { id: id ?? application.id }, body });
  await expect(approving).rejects.toMatchObject({ code });
  expect((await look(application.claim_token)).body).toMatchObject({ status: 'pending' });
});

test.each([
  { name: 'no name', body: { contact: 'x' }, says: 'name is missing' },
  { name: 'an empty name', body: { name: '  ' }, says: 'name must have 1 to 100 characters' },
  { name: 'a long name', body: { name: '长'.repeat(101) }, says: 'name must have 1 to 100 characters' },
  { name: 'a long reason', body: { name: 'x', reason: 'x'.repeat(1001) }, says: 'reason must have' },
  { name: 'a control character', body: { name: 'x\u001b[31m' }, says: 'no control characters' },
  { name: 'a line end', body: { name: 'x', contact: 'a\nb' }, says: 'no control characters' },
  { name: 'turned text', body: { name: 'x\u202Enimda' }, says: 'turn the direction' },
  { name: 'its own id', body: { name: 'x', id: 'y' }, says: 'id is not known' },
  { name: 'a list', body: [], says: 'must be a JSON object' },
])('an application with $name is refused', async ({ body, says }) => {
  const { status, body: told } = await post('/v1/applications', body);
  expect({ status, code: told.error.code }).toEqual({ status: 400, code: 'invalid_body' });
  expect(told.error.message).toContain(says);
  expect((await admin.applications.list()).items).toEqual([]);
});

test('a body that is too large is refused before it is read', async () => {
  const { status } = await post('/v1/applications', { name: 'x', reason: 'x'.repeat(20_000) });
  expect(status).toBe(413);
});

test('names are counted as readers do, in any language', async () => {
  expect(await applied({ name: '🦊'.repeat(100) })).toMatchObject({ status: 'pending' });
});

test('one address has so many an hour, and one site of IPv6 is one address', async () => {
  for (let n = 0; n < 5; n += 1) await applied({}, `2001:db8:0:1::${n}`);
  const refused = await post('/v1/applications', { name: 'x' }, '2001:db8:0:1:ffff::1');
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded' } } });
  expect(refused.body.error.message).toContain('12 min');
  // Longer than clients wait: they are told not to.
  expect(refused.headers.get('retry-after')).toBeNull();
  expect(refused.headers.get('x-should-retry')).toBe('false');
  await applied({}, '2001:db8:0:2::1');
  proxy.clock.now += 12 * 60_000;
  await applied({}, '2001:db8:0:1::9');
});

test('what is refused as not valid does not count', async () => {
  for (let n = 0; n < 9; n += 1) expect((await post('/v1/applications', {})).status).toBe(400);
  await applied();
});

test('looking and claiming is for people: thirty a minute from one address, right or wrong', async () => {
  const { claim_token } = await applied();
  for (let n = 0; n < 15; n += 1) {
    expect((await look(claim_token)).status).toBe(200);
    expect((await claim('claim-guess')).status).toBe(404);
  }
  const refused = await claim(claim_token);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('2');
});

test('where as many wait as may, the next is told so', async () => {
  const addresses = [1, 1, 1, 1, 2, 2, 2].map((n) => `198.51.100.${n}`);
  for (const address of addresses) await applied({}, address);
  const refused = await post('/v1/applications', { name: 'x' }, '198.51.100.9');
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'applications_full' } } });
  const [first] = (await admin.applications.list()).items;
  await admin.applications.reject({ params: { id: first?.id ?? '' } });
  await applied({}, '198.51.100.9');
  expect((await admin.status.get()).applications).toEqual({ pending: 7 });
});

test.each(['claim-guess', '', 'sk-1234', 'x'.repeat(9_000)])(
  'a token that is none is told nothing: %.20s',
  async (token) => {
    expect(await claim(token)).toMatchObject({
      status: 404,
      body: { error: { code: 'application_not_found' } },
    });
  },
);

test('a key is no claim token, and a claim token is no key', async () => {
  const { secret } = await proxy.issue();
  const { claim_token } = await applied();
  expect((await claim(secret)).status).toBe(404);
  expect((await proxy.chat(claim_token)).status).toBe(401);
});

test('lists are pages, newest first', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.unshift((await applied()).id);
  const first = await admin.applications.list({ query: { limit: 2 } });
  expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  const rest = await admin.applications.list({ query: { limit: 2, cursor: first.next_cursor ?? '' } });
  expect(rest).toMatchObject({ items: [{ id: ids[2] }], next_cursor: null });
});

test('the operator sees in the metrics that somebody waits', async () => {
  await applied();
  const response = await proxy.fetch('/metrics', {
    headers: { authorization: `Bearer ${proxy.services.policy.metricsTokens[0]}` },
  });
  expect(await response.text()).toContain('quota_proxy_applications_pending 1');
});

test('where the operator did not open it, there is nothing of it', async () => {
  const closed = await openProxy({ behaviour: (_, response) => sendJson(response, completion(1, 1)) });
  const paths = ['/v1/applications', '/v1/applications/status', '/v1/applications/claim'];
  for (const path of paths) expect((await closed.fetch(path, { method: 'POST' })).status).toBe(404);
  for (const path of ['/apply', '/claim', '/apply/page.css'])
    expect((await closed.fetch(path)).status).toBe(404);
  expect((await adminOf(closed).status.get()).applications).toBeNull();
  expect((await adminOf(closed).applications.list()).items).toEqual([]);
  await closed.close();
});
