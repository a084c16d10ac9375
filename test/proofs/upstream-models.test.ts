import { afterEach, expect, test, vi } from 'vitest';
import { ENDPOINTS } from '#core/endpoints.ts';
import { createApp } from '#handlers/app.ts';
import { askSettled } from '#test/fakes/ask-settled.ts';
import { ENDPOINT_SPECIMENS } from '#test/fakes/endpoint-specimens.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { answers, BREAKS, completion, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

const WELL = answers(200, completion(10, 5));

const RENAMED = { exact: new Map([['fast', 'deepseek-chat']]), prefixes: [] };
const PRICED = {
  ...{ input: 1, cachedInput: 1, cacheWrite: 1, output: 1, reasoning: 1 },
  ...{ request: 1_000, outputTokensMax: null },
};

test('a model goes by its name here to the client and the prices, and by its name there to the upstream', async () => {
  proxy = await openProxy({
    behaviour: WELL,
    prices: { version: '1', currency: 'USD', models: new Map([['fast', PRICED]]) },
    upstreams: [{ name: 'renaming', behaviour: WELL, models: RENAMED }],
  });
  const { secret } = await proxy.issue({ quotas: [{ meter: 'cost', period: 'day', limit: 1_000_000 }] });
  const { receipt } = await askSettled(proxy, secret, { model: 'fast', seed: 1 });
  expect(proxy.upstream.seen[0]?.body).toMatchObject({ model: 'deepseek-chat', seed: 1 });
  expect(receipt).toMatchObject({ model: 'fast', prices: { request: 1_000 } });
});

test('a model that no upstream has is not found, and costs nothing', async () => {
  proxy = await openProxy({ behaviour: WELL, upstreams: [{ behaviour: WELL, models: RENAMED }] });
  const { secret } = await proxy.issue();
  const { reply, text, receipt } = await askSettled(proxy, secret, { model: 'deepseek-chat' });
  expect(reply.status).toBe(404);
  expect(JSON.parse(text).error).toMatchObject({ code: 'model_not_found', param: 'model' });
  expect(receipt).toMatchObject({ status: 'released', outcome: { upstream: null } });
  expect(proxy.upstream.seen).toEqual([]);
});

test.each(ENDPOINT_SPECIMENS)(
  '$path: the output is bounded by what the model there obeys, under whatever name',
  ({ path, body }) => {
    const endpoint = ENDPOINTS.find((each) => each.path === path) ?? expect.fail();
    const read = (model: string) => {
      const text = JSON.stringify({ ...body, model });
      const reading = endpoint.read(text, text.length);
      return reading.ok ? reading.request : expect.fail(reading.problem.message);
    };
    const sent = JSON.parse(read('gpt-9').bodyFor(5, 'deepseek-chat'));
    expect(sent).toEqual(JSON.parse(read('deepseek-chat').bodyFor(5)));
    expect(sent.model).toBe('deepseek-chat');
  },
);

const listOf =
  (...ids: string[]): Behaviour =>
  (_call, response) =>
    sendJson(response, JSON.stringify({ data: ids.map((id) => ({ id, owned_by: 'x' })) }));

test('the lists of all upstreams are one; one that does not tell is left out', async () => {
  proxy = await openProxy({
    behaviour: WELL,
    upstreams: [
      { name: 'all', behaviour: listOf('a', 'b') },
      { name: 'some', behaviour: listOf('b', 'deepseek-chat', 'secret'), models: RENAMED, priority: 1 },
      { name: 'away', behaviour: BREAKS },
      { name: 'refusing', behaviour: answers(401) },
    ],
  });
  const { secret } = await proxy.issue();
  const reply = await proxy.fetch('/v1/models', { headers: { authorization: `Bearer ${secret}` } });
  const { data } = (await reply.json()) as { data: unknown };
  expect(data).toEqual([
    { id: 'a', owned_by: 'x' },
    { id: 'b', owned_by: 'x' },
    { id: 'fast', owned_by: 'x' },
  ]);
});

test('the troubles of each upstream are told with its name, and are over when it is well again', async () => {
  let second: Behaviour = answers(401);
  proxy = await openProxy({
    behaviour: WELL,
    upstreams: [
      { name: 'first', behaviour: answers(429) },
      { name: 'second', behaviour: (...call) => second(...call), priority: 1 },
      { name: 'third', behaviour: WELL, priority: 2 },
    ],
  });
  const { troubles } = proxy.services;
  const { secret } = await proxy.issue();
  for (let n = 0; n < 3; n += 1) expect((await proxy.chat(secret)).status).toBe(200);
  expect(troubles.all()).toMatchObject([
    {
      name: 'upstream second',
      message: expect.stringMatching(/^The upstream second \(http:.*\) refuses UPSTREAM_API_KEY/),
    },
  ]);
  expect(proxy.failures).toHaveLength(1);
  second = WELL;
  expect((await proxy.chat(secret)).status).toBe(200);
  expect(troubles.all()).toEqual([]);
});

test('each upstream is asked for its models at the start, and the one in trouble again', async () => {
  let second: Behaviour = answers(401);
  proxy = await openProxy({
    behaviour: WELL,
    policy: { upstreamCheck: true },
    upstreams: [
      { name: 'first', behaviour: listOf('a') },
      { name: 'second', behaviour: (...call) => second(...call) },
    ],
  });
  const { services, upstreams, clock } = proxy;
  const app = createApp(services);
  const seen = () => upstreams.map((upstream) => upstream.seen.map(({ url }) => url));
  await app.scheduled({ kind: 'watch', at: clock.now });
  await vi.waitFor(() => expect(services.troubles.all()).toMatchObject([{ name: 'upstream second' }]), {
    timeout: 10_000,
  });
  expect(seen()).toEqual([['/v1/models'], ['/v1/models']]);
  second = listOf('b');
  await app.scheduled({ kind: 'watch', at: clock.now + 3_600_000 });
  await vi.waitFor(() => expect(services.troubles.all()).toEqual([]), { timeout: 10_000 });
  expect(seen()).toEqual([['/v1/models'], ['/v1/models', '/v1/models']]);
});
