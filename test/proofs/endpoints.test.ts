import { afterEach, describe, expect, test } from 'vitest';
import type { Receipt } from '#core/reports.ts';
import type { EndpointSpecimen } from '#test/fakes/endpoint-specimens.ts';
import { ENDPOINT_SPECIMENS, STREAMING_SPECIMENS } from '#test/fakes/endpoint-specimens.ts';
import type { ProxyOptions, ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(() => proxy?.close());

async function open(behaviour: ProxyOptions['behaviour']): Promise<ProxyUnderTest> {
  proxy = await openProxy({ behaviour });
  return proxy;
}

const TOKENS = { meter: 'tokens', period: 'day', limit: 100_000 } as const;

function post(under: ProxyUnderTest, path: string, secret: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  return under.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** The receipt of a request that is over. */
async function receiptOf(under: ProxyUnderTest, reply: Response): Promise<Receipt> {
  await under.settled();
  const receipt = await under.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
  if (receipt === undefined) throw new Error('no receipt');
  return receipt;
}

/** Answers with that usage, streamed or whole, as it is asked. */
const telling =
  ({ answer, events }: EndpointSpecimen, usage: object | null): ProxyOptions['behaviour'] =>
  ({ body }, response) =>
    body['stream'] === true ? sendEvents(response, events(usage)) : sendJson(response, answer(usage));

describe.each(ENDPOINT_SPECIMENS)('$path', (specimen) => {
  const { path, body } = specimen;
  const ways = specimen.events(null).length > 0 ? [true, false] : [false];
  const rows = [
    { name: 'whole', usage: specimen.usage, source: 'upstream', tokens: 35 },
    { name: 'with an explicit zero', usage: specimen.zeroOutput, source: 'upstream', tokens: 30 },
    { name: 'missing', usage: null, source: 'estimate', tokens: null },
    { name: 'of nothing at all', usage: specimen.nothing, source: 'estimate', tokens: null },
    ...specimen.incredible
      .filter((_, index) => index % 4 === 0)
      .map((usage) => ({
        name: JSON.stringify(usage),
        usage,
        source: 'estimate',
        tokens: null,
      })),
  ];

  test.each(rows)('Q5: usage that is $name is charged by $source', async ({ usage, source, tokens }) => {
    const under = await open(telling(specimen, usage));
    const { secret } = await under.issue({ quotas: [TOKENS] });
    for (const stream of ways) {
      const reply = await post(under, path, secret, stream ? { ...body, stream } : body);
      expect(reply.status).toBe(200);
      await reply.text();
      const receipt = await receiptOf(under, reply);
      expect(receipt).toMatchObject({ status: 'settled', source, endpoint: path, stream });
      expect(receipt.used?.tokens).toBe(tokens ?? receipt.reserved.tokens);
      expect(receipt.used?.tokens).toBeGreaterThan(0);
    }
  });

  test('with /v1 and without it is the same, and goes below the base URL of the upstream', async () => {
    const under = await open(telling(specimen, specimen.usage));
    const { secret } = await under.issue({ quotas: [TOKENS] });
    for (const route of [path, path.replace('/v1', '')]) {
      const reply = await post(under, route, secret, body);
      expect(await reply.json()).toEqual(JSON.parse(specimen.answer(specimen.usage)));
      expect(await receiptOf(under, reply)).toMatchObject({ usage: specimen.counted, endpoint: path });
    }
    expect(under.upstream.seen.map(({ url }) => url)).toEqual([path, path]);
    expect(under.log.map(({ route, model }) => ({ route, model }))).toEqual([
      { route: path, model: 'demo' },
      { route: path, model: 'demo' },
    ]);
  });

  test('Q4: an upstream that honours its bound never bills beyond the quota', async () => {
    const under = await open(({ body: seen }, response) => {
      const bound = Number(seen['max_output_tokens'] ?? seen['max_tokens'] ?? 0);
      const usage = Object.fromEntries(
        // All of the input, a token a byte, and all of the output that was allowed.
        Object.keys(specimen.usage).map((name) => [
          name,
          /^(prompt|input)_tokens$/.test(name)
            ? JSON.stringify(seen).length - 100
            : /^(completion|output)_tokens$/.test(name)
              ? bound
              : null,
        ]),
      );
      sendJson(response, specimen.answer(usage));
    });
    const { secret, key } = await under.issue({ quotas: [{ ...TOKENS, limit: 700 }] });
    const asked = {
      ...body,
      ...(path === '/v1/embeddings' ? {} : { max_tokens: 400 }),
      user: 'x'.repeat(100),
    };
    const statuses: number[] = [];
    for (let served = true; served; ) {
      const replies = await Promise.all([1, 2, 3].map(() => post(under, path, secret, asked)));
      await under.settled();
      const account = await under.store.keys.account({ id: key.id });
      const day = account?.buckets.find(({ period }) => period === 'day');
      expect(day?.used.tokens).toBeLessThanOrEqual(700);
      expect(day?.held.tokens).toBe(0);
      statuses.push(...replies.map(({ status }) => status));
      served = replies.some(({ status }) => status === 200);
    }
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });

  test('nothing that the client sends beside the body changes who asks', async () => {
    const under = await open(telling(specimen, specimen.usage));
    const { secret } = await under.issue();
    const headers = {
      'x-api-key': secret,
      'content-type': 'application/json',
      cookie: 'a=b',
      'x-forwarded-for': 'c',
    };
    await under.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    const seen = under.upstream.seen[0]?.headers;
    const isAnthropic = path === '/v1/messages';
    expect(seen?.authorization).toBe(isAnthropic ? undefined : 'Bearer sk-the-sponsors-own-key');
    expect(seen?.['x-api-key']).toBe(isAnthropic ? 'sk-the-sponsors-own-key' : undefined);
    expect(seen?.['anthropic-version']).toBe(isAnthropic ? '2023-06-01' : undefined);
    expect(seen).not.toHaveProperty('cookie');
    expect(JSON.stringify(seen)).not.toContain(secret);
  });
});

const cuts = STREAMING_SPECIMENS.flatMap((specimen) =>
  specimen.events(specimen.usage).map((_, chunks) => ({ ...specimen, chunks })),
);

test.each(cuts)(
  'Q5: $path, whose client hangs up after $chunks events, costs what was counted',
  async (cut) => {
    const { path, body, chunks } = cut;
    const under = await open(telling(cut, cut.usage));
    const { secret } = await under.issue({ quotas: [TOKENS] });
    const reply = await post(under, path, secret, { ...body, stream: true });
    const reader = reply.body?.getReader();
    for (let read = 0; read < chunks; read += 1) await reader?.read();
    await reader?.cancel();
    expect(await receiptOf(under, reply)).toMatchObject({ source: 'upstream', used: { tokens: 35 } });
  },
);

test.each(cuts)('Q5: $path, cut after $chunks events, costs its reservation, and says so', async (cut) => {
  const { path, body, chunks } = cut;
  const under = await open((_call, response) => sendEvents(response, cut.events(cut.usage), chunks));
  const { secret } = await under.issue({ quotas: [TOKENS] });
  const reply = await post(under, path, secret, { ...body, stream: true });
  const text = await reply.text();
  const receipt = await receiptOf(under, reply);
  expect(receipt).toMatchObject({ source: 'estimate', used: receipt.reserved });
  if (reply.status === 200) expect(text).toMatch(cut.broken);
  else expect(reply.status).toBe(502);
  expect(text).not.toContain(cut.ending);
});

test.each(STREAMING_SPECIMENS)(
  '$path: a stream passes byte for byte, however it is cut',
  async (specimen) => {
    const { path, body, events, usage } = specimen;
    const text = events(usage).join('');
    const pieces = text.match(/[\s\S]{1,7}/g) ?? [];
    const under = await open((_call, response) => sendEvents(response, pieces));
    const { secret } = await under.issue({ quotas: [TOKENS] });
    const stream_options = { include_usage: true };
    const reply = await post(under, path, secret, { ...body, stream: true, stream_options });
    expect(await reply.text()).toBe(text);
    expect(await receiptOf(under, reply)).toMatchObject({ source: 'upstream', usage: specimen.counted });
  },
);
