import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { BREAKER_RULE } from '#core/breaker.ts';
import { askSettled } from '#test/fakes/ask-settled.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { answers, BREAKS, completion, events, sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

const WELL = answers(200, completion(10, 5));
const HANGS: Behaviour = () => undefined;

interface Row {
  readonly name: string;
  readonly first: Behaviour | 'nobody listens';
  /** Whether another upstream may be asked. */
  readonly elsewhere: boolean;
  /** What the first one's own answer costs, if it is the client's. */
  readonly ends?: 'settled' | 'released';
  readonly told?: number;
}

const rows: readonly Row[] = [
  { name: 'nobody listens', first: 'nobody listens', elsewhere: true },
  ...[429, 503, 529, 401, 402, 403, 407, 302].map((status) => {
    return { name: `${status}`, first: answers(status), elsewhere: true };
  }),
  {
    name: '429 without balance',
    first: answers(429, '{"error":{"code":"insufficient_quota"}}'),
    elsewhere: true,
  },
  ...[400, 404, 413, 422, 500, 502].map((status) => {
    return {
      name: `${status}`,
      first: answers(status),
      elsewhere: false,
      ends: 'released',
      told: status,
    } as const;
  }),
  ...[504, 520, 524].map((status) => {
    return {
      name: `${status}`,
      first: answers(status),
      elsewhere: false,
      ends: 'settled',
      told: status,
    } as const;
  }),
  { name: 'silence', first: HANGS, elsewhere: false, ends: 'settled', told: 504 },
  { name: 'a broken answer', first: BREAKS, elsewhere: false, ends: 'settled', told: 502 },
  { name: '200', first: WELL, elsewhere: false, ends: 'settled', told: 200 },
];

test.each(rows)('$name of the first upstream, and another one is asked: $elsewhere', async (row) => {
  const behaviour = row.first === 'nobody listens' ? WELL : row.first;
  proxy = await openProxy({
    behaviour,
    upstreams: [
      { name: 'first', behaviour, headersTimeoutMs: 50 },
      { name: 'second', behaviour: answers(200, completion(20, 2)), priority: 1 },
    ],
  });
  if (row.first === 'nobody listens') await proxy.upstreams[0]?.close();
  const { secret } = await proxy.issue();
  const { reply, receipt } = await askSettled(proxy, secret);
  expect(proxy.upstreams[1]?.seen).toHaveLength(row.elsewhere ? 1 : 0);
  expect(reply.status).toBe(row.told ?? 200);
  expect(receipt?.status).toBe(row.ends ?? 'settled');
  expect(receipt?.outcome?.upstream).toBe(row.elsewhere ? 'second' : 'first');
  expect(proxy.log).toMatchObject([
    { upstream: row.elsewhere ? 'second' : 'first', status: row.told ?? 200 },
  ]);
  if (row.elsewhere) expect(receipt?.used?.tokens).toBe(22);
  if (row.ends === 'released') expect(receipt?.used?.tokens).toBe(0);
});

const BUSY = answers(429, '{"error":{"code":"slow_down"}}', { 'retry-after': '7' });

test.each([
  { name: 'the last answer', second: answers(503), third: BUSY, status: 429, code: 'slow_down', by: 'third' },
  {
    name: 'an answer before none',
    second: BUSY,
    third: 'closed',
    status: 429,
    code: 'slow_down',
    by: 'second',
  },
  {
    name: 'what it is without',
    second: 'closed',
    third: answers(401),
    status: 503,
    code: 'upstream_unavailable',
    by: 'third',
  },
] as const)('where none of three serves, the client gets $name, for nothing', async (row) => {
  const behaviourOf = (given: Behaviour | 'closed') => (given === 'closed' ? WELL : given);
  proxy = await openProxy({
    behaviour: WELL,
    upstreams: [
      { name: 'first', behaviour: answers(402) },
      { name: 'second', behaviour: behaviourOf(row.second), priority: 1 },
      { name: 'third', behaviour: behaviourOf(row.third), priority: 2 },
      { name: 'fourth', behaviour: WELL, priority: 3 },
    ],
  });
  if (row.second === 'closed') await proxy.upstreams[1]?.close();
  if (row.third === 'closed') await proxy.upstreams[2]?.close();
  const { secret } = await proxy.issue();
  const { reply, text, receipt } = await askSettled(proxy, secret);
  expect(reply.status).toBe(row.status);
  expect(JSON.parse(text).error.code).toBe(row.code);
  expect(reply.headers.get('retry-after')).toBe(row.status === 429 ? '7' : null);
  expect(receipt).toMatchObject({ status: 'released', outcome: { upstream: row.by } });
  // Three say enough.
  expect(proxy.upstreams[3]?.seen).toEqual([]);
});

/** What an upstream may do with a call, and whether it may have billed it. */
const DOES: Readonly<
  Record<string, { readonly bills: boolean; does(response: ServerResponse): void | Promise<void> }>
> = {
  serves: { bills: true, does: (response) => sendJson(response, completion(10, 5)) },
  streams: {
    bills: true,
    does: (response) => sendEvents(response, events({ prompt_tokens: 10, completion_tokens: 5 })),
  },
  'breaks off a stream': { bills: true, does: (response) => sendEvents(response, events(null), 2) },
  breaks: { bills: true, does: (response) => void response.destroy() },
  'gives up waiting': { bills: true, does: (response) => sendJson(response, '{}', 504) },
  'is at its limit': { bills: false, does: (response) => sendJson(response, '{}', 429) },
  'is overloaded': { bills: false, does: (response) => sendJson(response, '{}', 503) },
  'refuses our key': { bills: false, does: (response) => sendJson(response, '{}', 401) },
  'refuses the call': { bills: false, does: (response) => sendJson(response, '{}', 400) },
};

test('whatever upstreams do, one request is never billed by two, and costs once or nothing', async () => {
  const does = ['', '', ''];
  let billed: string[] = [];
  const upstreams = does.map((_, index) => ({
    name: `u${index}`,
    priority: index % 2,
    behaviour: ((_call, response) => {
      const what = DOES[does[index] ?? ''];
      if (what?.bills) billed.push(`u${index}`);
      return what?.does(response);
    }) satisfies Behaviour,
  }));
  const under = await openProxy({ behaviour: WELL, upstreams });
  proxy = under;
  const { secret } = await under.issue();
  const what = fc.constantFrom(...Object.keys(DOES));
  await fc.assert(
    fc.asyncProperty(fc.tuple(what, what, what), fc.boolean(), async (three, stream) => {
      billed = [];
      does.splice(0, 3, ...three);
      // The breakers are part of it; and now and then they close again.
      under.clock.aheadMs += 1_000;
      const { receipt } = await askSettled(under, secret, { stream });
      expect(billed.length).toBeLessThanOrEqual(1);
      expect(receipt?.status).toBe(billed.length === 1 ? 'settled' : 'released');
      if (billed.length === 1) expect(receipt?.outcome?.upstream).toBe(billed[0]);
    }),
    { numRuns: 60 },
  );
});

test('an upstream that mostly fails is left alone, is tried by one request, and is back when that is answered', async () => {
  let first: Behaviour = answers(500);
  const under = await openProxy({
    behaviour: WELL,
    upstreams: [
      { name: 'first', behaviour: (...call) => first(...call) },
      { name: 'second', behaviour: WELL, priority: 1 },
    ],
  });
  proxy = under;
  const { secret } = await under.issue();
  const seen = () => under.upstreams.map((upstream) => upstream.seen.length);
  const breaker = () => under.services.upstream.standings()[0]?.breaker;
  for (let n = 0; n < 10; n += 1) expect((await askSettled(under, secret)).reply.status).toBe(500);
  expect(breaker()).toBe('open');
  for (let n = 0; n < 3; n += 1) expect((await askSettled(under, secret)).reply.status).toBe(200);
  expect(seen()).toEqual([10, 3]);

  under.clock.aheadMs += 15_000;
  const held = Promise.withResolvers<void>();
  first = async (call, response) => {
    await held.promise;
    await WELL(call, response);
  };
  expect(breaker()).toBe('half_open');
  const probe = under.chat(secret);
  await vi.waitFor(() => expect(seen()).toEqual([11, 3]), { timeout: 10_000 });
  // It is on its way, and the others go where they are served.
  for (let n = 0; n < 3; n += 1) expect((await under.chat(secret)).status).toBe(200);
  expect(seen()).toEqual([11, 6]);
  held.resolve();
  expect((await probe).status).toBe(200);
  expect(breaker()).toBe('closed');
  expect((await under.chat(secret)).status).toBe(200);
  expect(seen()).toEqual([12, 6]);
});

test('an upstream with a breaker of its own is left alone when that says so', async () => {
  const under = await openProxy({
    behaviour: WELL,
    upstreams: [
      { name: 'first', behaviour: answers(500), breaker: { ...BREAKER_RULE, samplesMin: 2, openMs: 60_000 } },
      { name: 'second', behaviour: answers(500), priority: 1 },
    ],
  });
  proxy = under;
  const { secret } = await under.issue();
  const breakers = () => under.services.upstream.standings().map(({ breaker }) => breaker);
  for (let n = 0; n < 5; n += 1) expect((await askSettled(under, secret)).reply.status).toBe(500);
  expect(breakers()).toEqual(['open', 'closed']);
  under.clock.aheadMs += 59_000;
  expect(breakers()).toEqual(['open', 'closed']);
  under.clock.aheadMs += 1_000;
  expect(breakers()).toEqual(['half_open', 'closed']);
});

test('where all are out of the choice, they are asked all the same', async () => {
  proxy = await openProxy({
    behaviour: WELL,
    upstreams: [
      { name: 'first', behaviour: answers(500) },
      { name: 'second', behaviour: answers(500), priority: 1 },
    ],
  });
  const { secret } = await proxy.issue();
  for (let n = 0; n < 21; n += 1) expect((await proxy.chat(secret)).status).toBe(500);
  expect(proxy.services.upstream.standings().map(({ breaker }) => breaker)).toEqual(['open', 'open']);
  expect(proxy.upstreams.map(({ seen }) => seen.length)).toEqual([11, 10]);
});
