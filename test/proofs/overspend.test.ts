import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import type { Amount, Bucket, Period, Quota } from '#core/model.ts';
import type { ProxyOptions, ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { SeenCall } from '#test/fakes/upstream-server.ts';
import { completion, events, sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
let directory: string | undefined;

afterEach(async () => {
  await proxy?.close();
  if (directory !== undefined) await rm(directory, { recursive: true });
  proxy = undefined;
  directory = undefined;
});

/** The proxy on the real store, in a directory of its own. */
async function open(options: ProxyOptions): Promise<ProxyUnderTest> {
  directory = await mkdtemp(join(tmpdir(), 'overspend-'));
  const path = join(directory, 'quota.db');
  proxy = await openProxy({ openStore: (calendar) => openSqlite({ path, calendar }), ...options });
  return proxy;
}

const PRICES = {
  version: 'p1',
  currency: 'USD',
  models: new Map([
    [
      'demo',
      {
        ...{ input: 1_000_000, cachedInput: 500_000, cacheWrite: 1_000_000 },
        ...{ output: 3_000_000, reasoning: 3_000_000, request: 2, outputTokensMax: null },
      },
    ],
  ]),
};

async function bucketOf(under: ProxyUnderTest, id: string, period: Period): Promise<Bucket> {
  const account = await under.store.keys.account({ id });
  const bucket = account?.buckets.find((candidate) => candidate.period === period);
  if (bucket === undefined) throw new Error(`no bucket for ${period}`);
  return bucket;
}

/** The most that upstreams bill: a token for each byte of the messages. */
const promptTokensOf = (body: Readonly<Record<string, unknown>>) => JSON.stringify(body['messages']).length;

test('Q1: of 200 parallel requests on the last unit one is admitted, and the upstream sees one', async () => {
  const under = await open({ behaviour: (_call, response) => sendJson(response, completion(3, 4)) });
  const { secret, key } = await under.issue({ quotas: [{ meter: 'requests', period: 'day', limit: 1 }] });
  const replies = await Promise.all(Array.from({ length: 200 }, () => under.chat(secret)));
  const statuses = replies.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 429)).toHaveLength(199);
  expect(under.upstream.seen).toHaveLength(1);
  await under.settled();
  expect(await bucketOf(under, key.id, 'day')).toMatchObject({
    used: { requests: 1 },
    held: { requests: 0 },
  });
});

test('Q1: the last unit of the sponsor is one, too, whoever asks for it', async () => {
  const under = await open({ behaviour: (_call, response) => sendJson(response, completion(3, 4)) });
  await under.limitSponsor([{ meter: 'requests', period: 'total', limit: 1 }]);
  const keys = await Promise.all(Array.from({ length: 20 }, () => under.issue()));
  const replies = await Promise.all(keys.flatMap(({ secret }) => [under.chat(secret), under.chat(secret)]));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(under.upstream.seen).toHaveLength(1);
});

const TOKENS: Quota = { meter: 'tokens', period: 'day', limit: 3_000 };
const COST: Quota = { meter: 'cost', period: 'day', limit: 9_000 };
const LONG = 'long '.repeat(100);

test.each([
  { name: 'without max_tokens', quota: TOKENS, body: {} },
  { name: 'with a large max_tokens', quota: TOKENS, body: { max_tokens: 100_000 } },
  { name: 'with max_completion_tokens', quota: TOKENS, body: { max_completion_tokens: 2_000 } },
  { name: 'with both', quota: TOKENS, body: { max_tokens: 900, max_completion_tokens: 5_000 } },
  { name: 'with null', quota: TOKENS, body: { max_tokens: null } },
  { name: 'with n', quota: TOKENS, body: { n: 3, max_tokens: 400 } },
  { name: 'with best_of', quota: TOKENS, body: { best_of: 4 } },
  { name: 'with a long prompt', quota: TOKENS, body: { messages: [{ role: 'user', content: LONG }] } },
  { name: 'by cost', quota: COST, body: {} },
  { name: 'by cost, with n', quota: COST, body: { n: 5, max_tokens: 100 } },
  { name: 'by cost, with a long prompt', quota: COST, body: { messages: [{ role: 'user', content: LONG }] } },
])('Q4: an upstream that honours max_tokens never bills beyond the quota $name', async ({ quota, body }) => {
  const under = await open({
    prices: PRICES,
    behaviour: ({ body: seen }, response) => {
      const bound = Math.min(Number(seen['max_tokens'] ?? 1e9), Number(seen['max_completion_tokens'] ?? 1e9));
      const choices = Math.max(Number(seen['n'] ?? 1), Number(seen['best_of'] ?? 1));
      sendJson(response, completion(promptTokensOf(seen), bound * choices));
    },
  });
  const { secret, key } = await under.issue({ quotas: [quota] });
  for (let served = true; served; ) {
    const replies = await Promise.all(Array.from({ length: 4 }, () => under.chat(secret, body)));
    await under.settled();
    const { used, held } = await bucketOf(under, key.id, 'day');
    expect(used[quota.meter]).toBeLessThanOrEqual(quota.limit);
    expect(held[quota.meter]).toBe(0);
    served = replies.some(({ status }) => status === 200);
    expect(replies.every(({ status }) => status === 200 || status === 429)).toBe(true);
  }
  expect(under.upstream.seen.length).toBeGreaterThan(0);
  const receipts = await under.store.reports.receipts({ limit: 100 });
  expect(receipts.items.every(({ overdraft }) => overdraft === null || overdraft[quota.meter] === 0)).toBe(
    true,
  );
});

test.each([
  { name: 'the larger of two bounds', bound: (body: SeenCall['body']) => Math.max(...boundsIn(body)) },
  {
    name: 'max_tokens alone (DeepSeek)',
    bound: (body: SeenCall['body']) => Number(body['max_tokens'] ?? 8_192),
  },
])('Q4: an upstream that obeys $name never bills beyond the quota', async ({ bound }) => {
  const under = await open({
    behaviour: ({ body }, response) => sendJson(response, completion(promptTokensOf(body), bound(body))),
  });
  for (const body of [{ max_completion_tokens: 16 }, { max_tokens: 16, max_completion_tokens: 90_000 }]) {
    const { secret, key } = await under.issue({ quotas: [TOKENS] });
    expect((await under.chat(secret, body)).status).toBe(200);
    await under.settled();
    expect((await bucketOf(under, key.id, 'day')).used.tokens).toBeLessThanOrEqual(TOKENS.limit);
  }
});

const boundsIn = (body: SeenCall['body']) => [
  Number(body['max_tokens'] ?? 0),
  Number(body['max_completion_tokens'] ?? 0),
];

test('Q4: what an upstream bills beyond max_tokens is charged, and recorded as an overdraft', async () => {
  const under = await open({ behaviour: (_call, response) => sendJson(response, completion(10, 50_000)) });
  const { secret, key } = await under.issue({ quotas: [TOKENS] });
  const reply = await under.chat(secret, { max_tokens: 100 });
  expect(reply.status).toBe(200);
  await under.settled();
  expect((await bucketOf(under, key.id, 'day')).used.tokens).toBe(50_010);
  const receipt = await under.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
  expect(receipt?.overdraft?.tokens).toBe(50_010 - (receipt?.reserved.tokens ?? 0));
  expect((await under.chat(secret)).status).toBe(429);
});

test('Q4: a clamped bound reaches the upstream, and a header tells the client', async () => {
  const under = await open({ behaviour: (_call, response) => sendJson(response, completion(10, 5)) });
  const { secret } = await under.issue({ quotas: [TOKENS] });
  const reply = await under.chat(secret, { max_tokens: 1_000_000, seed: 1 });
  const bound = Number(under.upstream.seen[0]?.body['max_tokens']);
  expect(bound).toBeLessThan(3_000);
  expect(reply.headers.get('x-quota-max-tokens')).toBe(String(bound));
  const receipt = await under.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
  expect(receipt?.reserved.tokens).toBe(3_000);
});

test('a 64-bit seed and every other byte reach the upstream as they were sent', async () => {
  const under = await open({ behaviour: (_call, response) => sendJson(response, completion(10, 5)) });
  const { secret } = await under.issue({ quotas: [TOKENS] });
  const bodies: string[] = [];
  under.services.upstream.send = async ({ body, model }) => {
    const sent = body(model);
    bodies.push(typeof sent === 'string' ? sent : new TextDecoder().decode(sent));
    const head = { status: 200, headers: {} };
    const answer = { kind: 'whole', head, body: new TextEncoder().encode(completion(1, 1)) } as const;
    return { upstream: 'upstream', answer, over() {} };
  };
  const text = '{ "model":"demo", "seed": 9223372036854775807 , "messages":[ ],"max_tokens": 5}';
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  await under.fetch('/v1/chat/completions', { method: 'POST', headers, body: text });
  await under.fetch('/v1/chat/completions', {
    method: 'POST',
    headers,
    body: text.replace('"max_tokens": 5', '"top_p":1'),
  });
  expect(bodies[0]).toBe(text);
  expect(bodies[1]).toMatch(
    /^\{"max_tokens":\d+, "model":"demo", "seed": 9223372036854775807 , "messages":\[ \],"top_p":1\}$/,
  );
});

const USAGE = { prompt_tokens: 30, completion_tokens: 5, total_tokens: 35 };
const STREAM = events(USAGE);

/** What one request was charged, once it is settled. */
async function chargeOf(
  under: ProxyUnderTest,
  requestId: string | null,
): Promise<{ used: Amount | null; source: string | null; reserved: Amount }> {
  await expect.poll(async () => (await under.store.reports.receipt(requestId ?? ''))?.status).toBe('settled');
  const receipt = await under.store.reports.receipt(requestId ?? '');
  if (receipt === undefined) throw new Error('no receipt');
  return receipt;
}

test.each(Array.from({ length: STREAM.length }, (_, chunks) => ({ chunks })))(
  'Q5: a client that hangs up after $chunks chunks pays what the upstream counted',
  async ({ chunks }) => {
    const under = await open({ behaviour: (_call, response) => sendEvents(response, STREAM) });
    const { secret } = await under.issue({ quotas: [TOKENS] });
    const reply = await under.chat(secret, { stream: true, stream_options: { include_usage: true } });
    const reader = reply.body?.getReader();
    for (let read = 0; read < chunks; read += 1) await reader?.read();
    await reader?.cancel();
    expect(await chargeOf(under, reply.headers.get('x-request-id'))).toMatchObject({
      source: 'upstream',
      used: { requests: 1, tokens: 35 },
    });
  },
);

test.each(Array.from({ length: STREAM.length }, (_, chunks) => ({ chunks })))(
  'Q5: a stream whose upstream dies after $chunks chunks costs its reservation, and says so at its end',
  async ({ chunks }) => {
    const under = await open({ behaviour: (_call, response) => sendEvents(response, STREAM, chunks) });
    const { secret } = await under.issue({ quotas: [TOKENS] });
    const reply = await under.chat(secret, { stream: true });
    const text = await reply.text();
    const charge = await chargeOf(under, reply.headers.get('x-request-id'));
    expect(charge).toMatchObject({ source: 'estimate', used: charge.reserved });
    if (reply.status === 200) expect(text).toMatch(/\n\ndata: \{"error":\{.*\}\}\n\n$/);
    else expect(reply.status).toBe(502);
    expect(text).not.toContain('[DONE]');
  },
);

test.each([
  { name: 'whole', usage: USAGE, source: 'upstream', tokens: 35 },
  {
    name: 'with an explicit zero of output',
    usage: { ...USAGE, completion_tokens: 0, total_tokens: 30 },
    source: 'upstream',
    tokens: 30,
  },
  {
    name: 'from a cache (DeepSeek)',
    usage: { prompt_cache_hit_tokens: 20, prompt_cache_miss_tokens: 10, completion_tokens: 1 },
    source: 'upstream',
    tokens: 31,
  },
  { name: 'missing', usage: null, source: 'estimate', tokens: null },
  {
    name: 'of nothing at all',
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
    source: 'estimate',
    tokens: null,
  },
  { name: 'negative', usage: { ...USAGE, completion_tokens: -5 }, source: 'estimate', tokens: null },
  { name: 'fractional', usage: { ...USAGE, completion_tokens: 0.5 }, source: 'estimate', tokens: null },
  { name: 'absurd', usage: { ...USAGE, completion_tokens: 1e15 }, source: 'estimate', tokens: null },
])(
  'Q5: usage that is $name is charged by $source, streamed and buffered',
  async ({ usage, source, tokens }) => {
    const under = await open({
      behaviour: ({ body }, response) =>
        body['stream'] === true
          ? sendEvents(response, events(usage))
          : sendJson(response, JSON.stringify({ ...JSON.parse(completion(0, 0)), usage })),
    });
    const { secret } = await under.issue({ quotas: [{ ...TOKENS, limit: 100_000 }] });
    for (const stream of [true, false]) {
      const reply = await under.chat(secret, { stream });
      await reply.text();
      const charge = await chargeOf(under, reply.headers.get('x-request-id'));
      expect(charge.source).toBe(source);
      expect(charge.used?.tokens).toBe(tokens ?? charge.reserved.tokens);
      expect(charge.used?.tokens).toBeGreaterThan(0);
    }
  },
);
