import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiKey } from '#core/model.ts';
import { NOON } from '#test/fakes/accounts.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, events, sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

const MIDNIGHT_S = 12 * 3_600;
const USAGE = { prompt_tokens: 70, completion_tokens: 30, total_tokens: 100 };

let proxy: ProxyUnderTest;
let behaviour: Behaviour;
beforeEach(async () => {
  behaviour = (_, response) => sendJson(response, completion(70, 30));
  proxy = await openProxy({ behaviour: (call, response) => behaviour(call, response) });
});
afterEach(() => proxy.close());

/** Ten requests a day, 100,000 tokens a minute, ten a minute at most. */
const LIMITED: Partial<ApiKey> = {
  requestsPerMinute: 10,
  quotas: [
    { meter: 'requests', period: 'day', limit: 10 },
    { meter: 'tokens', period: 'minute', limit: 100_000 },
  ],
};

/** What the headers of an answer say is left, in each of the three languages. */
function leftIn({ headers }: Response) {
  const count = (name: string) => (headers.has(name) ? Number(headers.get(name)) : null);
  return {
    requestsAMinute: count('x-ratelimit-remaining-requests'),
    tokensAMinute: count('x-ratelimit-remaining-tokens'),
    requests: count('x-quota-remaining-requests'),
    tokens: count('x-quota-remaining-tokens'),
    ietf: headers.get('ratelimit')?.replaceAll(/;t=\d+/g, '') ?? null,
  };
}

const left = (requestsAMinute: number, requests: number, tokens: number) => ({
  requestsAMinute,
  tokensAMinute: tokens,
  requests,
  tokens,
  ietf: `"rate";r=${requestsAMinute}, "requests-day";r=${requests}, "tokens-minute";r=${tokens}`,
});

async function ask(secret: string, body: object = {}) {
  const reply = await proxy.chat(secret, { max_tokens: 30, ...body });
  const said = leftIn(reply);
  await reply.text();
  await proxy.settled();
  return { reply, said };
}

/** What the holder is told is left now, in the same form. */
async function toldByQuota(secret: string) {
  const reply = await proxy.fetch('/v1/quota', { headers: { authorization: `Bearer ${secret}` } });
  const { quotas, rate } = JSON.parse(await reply.text());
  return left(rate.remaining, quotas[0].remaining, quotas[1].remaining);
}

test.each<{ name: string; answers: Behaviour; status: number; is: ReturnType<typeof left> }>([
  {
    name: 'a whole answer, at what it was charged',
    answers: (_, response) => sendJson(response, completion(70, 30)),
    status: 200,
    is: left(9, 9, 99_900),
  },
  {
    name: 'an error of the upstream, which costs nothing',
    answers: (_, response) => sendJson(response, '{"error":{}}', 500),
    status: 500,
    is: left(9, 10, 100_000),
  },
  {
    name: "a refusal of the sponsor's key, which costs nothing",
    answers: (_, response) => sendJson(response, '{"error":{}}', 401),
    status: 503,
    is: left(9, 10, 100_000),
  },
])('headers are right to the unit on $name', async ({ answers, status, is }) => {
  behaviour = answers;
  const { secret } = await proxy.issue(LIMITED);
  const { reply, said } = await ask(secret);
  expect(reply.status).toBe(status);
  expect(said).toEqual(is);
  expect(await toldByQuota(secret)).toEqual(is);
  expect(reply.headers.get('ratelimit-policy')).toBe(
    '"rate";q=10;w=60, "requests-day";q=10;w=86400, "tokens-minute";q=100000;w=60',
  );
  expect(reply.headers.get('ratelimit')).toContain(`"requests-day";r=${is.requests};t=${MIDNIGHT_S}`);
  expect(reply.headers.get('x-ratelimit-limit-tokens')).toBe('100000');
  expect(reply.headers.get('x-ratelimit-reset-tokens')).toBe('1m0s');
});

test.each([
  {
    name: 'a whole answer',
    body: {},
    answers: (response: ServerResponse) => sendJson(response, completion(70, 30)),
  },
  {
    name: 'a stream',
    body: { stream: true },
    answers: (response: ServerResponse) => sendEvents(response, events(USAGE)),
  },
  { name: 'a failure', body: {}, answers: (response: ServerResponse) => void response.destroy() },
])('when limits start anew is told as of $name, and not as of its request', async ({ body, answers }) => {
  behaviour = (_, response) => {
    proxy.clock.now += 20_000;
    answers(response);
  };
  const { secret } = await proxy.issue(LIMITED);
  const { reply, said } = await ask(secret, body);
  // Ten a minute: the one that this request took has come back.
  expect(said.requestsAMinute).toBe(10);
  expect(reply.headers.get('x-ratelimit-reset-requests')).toBe('0s');
  expect(reply.headers.get('x-ratelimit-reset-tokens')).toBe('40s');
  expect(reply.headers.get('ratelimit')).toContain(`"requests-day";r=9;t=${MIDNIGHT_S - 20}`);
});

test('an answer that broke is told at what it costs: its reservation', async () => {
  behaviour = (_, response) => void response.destroy();
  const { secret } = await proxy.issue(LIMITED);
  const { reply, said } = await ask(secret);
  expect(reply.status).toBe(502);
  expect(said).toEqual(await toldByQuota(secret));
  expect(said.tokens).toBeLessThan(100_000 - 30);
});

test('a stream is told what it holds: what it will cost is not known yet', async () => {
  behaviour = (_, response) => sendEvents(response, events(USAGE));
  const { secret } = await proxy.issue(LIMITED);
  const { said } = await ask(secret, { stream: true });
  expect(said).toMatchObject({ requestsAMinute: 9, requests: 9 });
  expect(said.tokens).toBeLessThan(99_900);
  expect(await toldByQuota(secret)).toEqual(left(9, 9, 99_900));
});

test.each<{
  name: string;
  key: Partial<ApiKey>;
  body?: object;
  status: number;
  code: string;
  retry: string | null;
}>([
  { name: 'the model', key: { models: ['other'] }, status: 403, code: 'model_not_allowed', retry: null },
  { name: 'the rate', key: { requestsPerMinute: 1 }, status: 429, code: 'rate_limit_exceeded', retry: '60' },
  { name: 'concurrency', key: { maxConcurrency: 0 }, status: 429, code: 'rate_limit_exceeded', retry: null },
  {
    name: 'a quota of the day',
    key: { quotas: [{ meter: 'requests', period: 'day', limit: 1 }] },
    status: 429,
    code: 'insufficient_quota',
    retry: null,
  },
  {
    name: 'a quota of the minute',
    key: { quotas: [{ meter: 'requests', period: 'minute', limit: 1 }], requestsPerMinute: 0 },
    status: 429,
    code: 'rate_limit_exceeded',
    retry: '60',
  },
])('a refusal for $name tells all limits, and when to come again only where that helps', async (row) => {
  const { secret } = await proxy.issue({ ...LIMITED, ...row.key });
  await ask(secret);
  const { reply, said } = await ask(secret);
  expect(reply.status).toBe(row.status);
  expect(reply.headers.get('retry-after')).toBe(row.retry);
  // Where nobody knows when (concurrency) a client may try; else it waits, or it does not try at all.
  const neither = row.retry === null && reply.headers.get('x-should-retry') === null;
  expect(neither).toBe(row.name === 'concurrency');
  const { quotas, rate } = JSON.parse(
    await (await proxy.fetch('/v1/quota', { headers: { authorization: `Bearer ${secret}` } })).text(),
  );
  const all = [
    ...(rate === null ? [] : [`"rate";r=${rate.remaining}`]),
    ...quotas.map(
      ({ meter, period, remaining }: { meter: string; period: string; remaining: number }) =>
        `"${meter}-${period}";r=${remaining}`,
    ),
  ];
  expect(said.ietf).toBe(all.join(', '));
});

test('a quota of requests a minute is told as the rate that it is, where it ends before the rate does', async () => {
  const quotas = [{ meter: 'requests', period: 'minute', limit: 3 } as const];
  const { secret } = await proxy.issue({ quotas, requestsPerMinute: 10 });
  const { reply, said } = await ask(secret);
  expect(said.requestsAMinute).toBe(2);
  expect(reply.headers.get('x-ratelimit-limit-requests')).toBe('3');
  expect(reply.headers.get('x-ratelimit-reset-requests')).toBe('1m0s');
});

test.each([
  { who: 'an unknown key', change: undefined, status: 401 },
  { who: 'a disabled key', change: { disabled: true }, status: 401 },
  { who: 'an expired key', change: { expiresAt: NOON }, status: 401 },
])('$who learns nothing of limits', async ({ change, status }) => {
  const { secret } = await proxy.issue({ ...LIMITED, ...change });
  const { reply, said } = await ask(change === undefined ? `${secret}x` : secret);
  expect(reply.status).toBe(status);
  expect(Object.values(said)).toEqual([null, null, null, null, null]);
});
