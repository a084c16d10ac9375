import { afterEach, expect, test, vi } from 'vitest';
import { createApp } from '#handlers/app.ts';
import { ENDPOINT_SPECIMENS } from '#test/fakes/endpoint-specimens.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

const serves: Behaviour = ({ url }, response) => {
  const { answer, usage } = ENDPOINT_SPECIMENS.find(({ path }) => path === url) ?? expect.fail(url);
  sendJson(response, answer(usage));
};
const listOf =
  (...ids: string[]): Behaviour =>
  (_call, response) =>
    sendJson(response, JSON.stringify({ data: ids.map((id) => ({ id })) }));
/** Anthropic's answer to who does not ask as its documentation says: https://docs.anthropic.com/en/api/models-list */
const claude: Behaviour = (call, response) => {
  const asksWell = call.headers['anthropic-version'] === '2023-06-01' && !call.headers.authorization;
  if (!asksWell) return sendJson(response, '{"type":"error"}', 401);
  return listOf('claude-a')(call, response);
};

const OPENAI = { name: 'one', dialects: ['openai'] } as const;
const ANTHROPIC = { name: 'other', dialects: ['anthropic'] } as const;

function post(path: string, body: object, secret: string): Promise<Response> {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  return proxy?.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }) ?? expect.fail();
}

test.each(ENDPOINT_SPECIMENS)('$path: only who speaks its dialect is asked', async ({ path, body }) => {
  proxy = await openProxy({
    behaviour: serves,
    upstreams: [
      { ...OPENAI, behaviour: serves, priority: 1 },
      { ...ANTHROPIC, behaviour: serves, priority: path === '/v1/messages' ? 2 : 0 },
    ],
  });
  const { secret } = await proxy.issue();
  const reply = await post(path, body, secret);
  expect(reply.status).toBe(200);
  await reply.text();
  const seen = proxy.upstreams.map((upstream) => upstream.seen.map(({ url }) => url));
  expect(seen).toEqual(path === '/v1/messages' ? [[], [path]] : [[path], []]);
});

test('where none speaks it, the model is not found, in the words of who asks, and nothing is charged', async () => {
  proxy = await openProxy({
    behaviour: serves,
    upstreams: [
      { ...OPENAI, behaviour: serves, models: { exact: new Map([['gpt', 'gpt']]), prefixes: [] } },
      { ...ANTHROPIC, behaviour: serves, models: { exact: new Map([['claude', 'claude']]), prefixes: [] } },
    ],
  });
  const { secret } = await proxy.issue();
  for (const { path, body } of ENDPOINT_SPECIMENS) {
    const isAnthropic = path === '/v1/messages';
    const reply = await post(path, { ...body, model: isAnthropic ? 'gpt' : 'claude' }, secret);
    expect(reply.status).toBe(404);
    const { error } = (await reply.json()) as { error: { details: object } };
    expect(error).toMatchObject({ message: expect.stringContaining('speaks this API') });
    expect(isAnthropic ? error.details : error).toMatchObject(
      isAnthropic ? { error_code: 'model_not_found' } : { code: 'model_not_found', param: 'model' },
    );
  }
  await proxy.settled();
  expect(proxy.upstreams.flatMap(({ seen }) => seen)).toEqual([]);
  expect((await proxy.services.health.status()).openReservations).toBe(0);
});

test('who speaks Anthropic’s API alone is asked in it for its models, by clients and at the start', async () => {
  proxy = await openProxy({
    behaviour: serves,
    policy: { upstreamCheck: true },
    upstreams: [
      { ...OPENAI, behaviour: listOf('gpt-a') },
      { ...ANTHROPIC, behaviour: claude, priority: 1 },
      { name: 'both', behaviour: listOf('both-a'), priority: 2 },
    ],
  });
  const { services, upstreams, clock } = proxy;
  const app = createApp(services);
  await app.scheduled({ kind: 'watch', at: clock.now });
  await vi.waitFor(() => expect(upstreams.map(({ seen }) => seen.length)).toEqual([1, 1, 1]), {
    timeout: 10_000,
  });
  const { secret } = await proxy.issue();
  const reply = await proxy.fetch('/v1/models', { headers: { authorization: `Bearer ${secret}` } });
  expect(await reply.json()).toMatchObject({ data: [{ id: 'gpt-a' }, { id: 'claude-a' }, { id: 'both-a' }] });
  expect(services.troubles.all()).toEqual([]);
  const asked = upstreams.map(({ seen }) =>
    seen.map(({ url, headers }) => [url, headers['anthropic-version']]),
  );
  const [openai, anthropic] = [
    ['/v1/models', undefined],
    ['/v1/models?limit=1000', '2023-06-01'],
  ];
  expect(asked).toEqual([
    [openai, openai],
    [anthropic, anthropic],
    [openai, openai],
  ]);
});
