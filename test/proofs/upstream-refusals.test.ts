import { afterEach, expect, test } from 'vitest';
import { StoreUnavailable } from '#core/ports.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(() => proxy?.close());

const OPENAI_BALANCE =
  '{"error":{"message":"You exceeded your current quota (org-SECRET)","code":"insufficient_quota"}}';
const MASKED = { status: 503, code: 'upstream_unavailable', retry: 'false', after: null };

test.each([
  { name: 'a bad key', upstream: { status: 401, body: '{"error":{"message":"sk-SECRET"}}' }, client: MASKED },
  { name: 'no balance (DeepSeek)', upstream: { status: 402, body: '{}' }, client: MASKED },
  {
    name: 'no balance (OpenAI)',
    upstream: { status: 429, body: OPENAI_BALANCE, after: '3600' },
    client: MASKED,
  },
  {
    name: 'no credit (Anthropic)',
    upstream: {
      status: 400,
      body: '{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access SECRET."}}',
    },
    client: MASKED,
  },
  {
    name: "a client's own words about credit",
    upstream: {
      status: 400,
      body: '{"error":{"code":"x","message":"No model \\"message\\":\\"Your credit balance is too low\\"."}}',
    },
    client: { status: 400, code: 'x', retry: null, after: null },
  },
  { name: 'a forbidden region', upstream: { status: 403, body: '{}' }, client: MASKED },
  { name: 'a redirect', upstream: { status: 302, body: '{}' }, client: MASKED },
  {
    name: 'a rate limit with a short wait',
    upstream: { status: 429, body: '{"error":{"code":"rate_limit_exceeded"}}', after: '5' },
    client: { status: 429, code: 'rate_limit_exceeded', retry: null, after: '5' },
  },
  {
    name: 'a mistake, which no wait mends',
    upstream: { status: 400, body: '{"error":{"code":"x"}}', after: '5' },
    client: { status: 400, code: 'x', retry: null, after: null },
  },
  {
    name: 'a failure with a long wait',
    upstream: { status: 500, body: '{"error":{"code":"oops"}}', after: '7200' },
    client: { status: 500, code: 'oops', retry: 'false', after: null },
  },
])(
  "the upstream's answer about $name costs nothing, and the client learns what is its business",
  async (row) => {
    const { upstream, client } = row;
    proxy = await openProxy({
      behaviour: (_call, response) => {
        if (upstream.after !== undefined) response.setHeader('retry-after', upstream.after);
        sendJson(response, upstream.body, upstream.status);
      },
    });
    const { secret, key } = await proxy.issue({ quotas: [{ meter: 'requests', period: 'day', limit: 1 }] });
    const reply = await proxy.chat(secret);
    const text = await reply.text();
    expect(reply.status).toBe(client.status);
    expect(JSON.parse(text).error.code).toBe(client.code);
    expect(text).not.toContain('SECRET');
    expect(reply.headers.get('x-should-retry')).toBe(client.retry);
    expect(reply.headers.get('retry-after')).toBe(client.after);
    await proxy.settled();
    const day = (await proxy.store.keys.account({ id: key.id }))?.buckets.find(
      ({ period }) => period === 'day',
    );
    expect(day).toMatchObject({ used: { requests: 0 }, held: { requests: 0 } });
  },
);

test.each([504, 520, 524])(
  'a gateway that gave up waiting (%i) may have been served: it costs its reservation',
  async (status) => {
    proxy = await openProxy({
      behaviour: (_call, response) =>
        sendJson(response.setHeader('retry-after', '5'), '{"error":{}}', status),
    });
    const { secret } = await proxy.issue();
    const reply = await proxy.chat(secret);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(reply.headers.get('retry-after')).toBeNull();
    await proxy.settled();
    const receipt = await proxy.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
    expect(receipt).toMatchObject({ status: 'settled', source: 'estimate', used: receipt?.reserved });
  },
);

test('a store that cannot record for a moment does not cost the usage', async () => {
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, completion(5_000, 45_000)) });
  const { secret } = await proxy.issue();
  const { ledger } = proxy.store;
  const execute = ledger.execute.bind(ledger);
  let locked = 2;
  proxy.services.ledger.execute = (command) => {
    if (command.kind !== 'settle' || locked === 0) return execute(command);
    locked -= 1;
    return Promise.reject(new StoreUnavailable('database is locked'));
  };
  const reply = await proxy.chat(secret);
  expect(reply.status).toBe(200);
  await proxy.settled();
  const receipt = await proxy.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
  expect(receipt).toMatchObject({ status: 'settled', used: { tokens: 50_000 } });
});

test.each([
  { name: 'its refusal', status: 401, body: '{}', told: { status: 503, code: 'upstream_unavailable' } },
  {
    name: 'a page of another server',
    status: 200,
    body: '<html>',
    told: { status: 502, code: 'upstream_broken' },
  },
  { name: 'no list', status: 200, body: 'null', told: { status: 502, code: 'upstream_broken' } },
])('for the list of models, $name of the upstream is told the same way', async ({ status, body, told }) => {
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, body, status) });
  const { secret } = await proxy.issue();
  const reply = await proxy.fetch('/v1/models', { headers: { authorization: `Bearer ${secret}` } });
  const { error } = (await reply.json()) as { error: { code: string } };
  expect({ status: reply.status, code: error.code }).toEqual(told);
});

test('a list of models is cut to what the key may use, and asked for once', async () => {
  const list = JSON.stringify({ object: 'list', data: [{ id: 'a' }, { id: 'org/b' }, { id: 'c' }] });
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, list) });
  const { secret } = await proxy.issue({ models: ['org/b', 'c'] });
  const headers = { authorization: `Bearer ${secret}` };
  const { data } = (await (await proxy.fetch('/v1/models', { headers })).json()) as {
    data: { id: string }[];
  };
  expect(data.map(({ id }) => id)).toEqual(['org/b', 'c']);
  expect(await (await proxy.fetch('/v1/models/org/b', { headers })).json()).toEqual({ id: 'org/b' });
  expect((await proxy.fetch('/models/a', { headers })).status).toBe(404);
  expect(proxy.upstream.seen).toHaveLength(1);
});
