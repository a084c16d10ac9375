import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOTHING } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import { ADMIN_TOKEN } from '#test/fakes/policy.ts';
import { openProxy, type ProxyUnderTest } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { aftermath } from './aftermath.ts';

let proxy: ProxyUnderTest;

beforeAll(async () => {
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, completion(3, 4)) });
});

afterAll(() => proxy.close());

const post = (headers: Record<string, string>) => ({ method: 'POST', headers, body: '{}' });

test.each([
  { call: 'served', ask: (secret: string) => proxy.chat(secret), status: 200 },
  { call: 'refused for its body', ask: (secret: string) => proxy.chat(secret, { messages: 1 }), status: 400 },
  { call: 'refused at the door', ask: () => proxy.chat('nonsense'), status: 401 },
  { call: "of a key's holder", ask: (secret: string) => quota(secret), status: 200 },
  { call: 'of the admin', ask: () => admin(ADMIN_TOKEN), status: 200 },
  { call: 'of nobody to the admin', ask: () => admin('wrong'), status: 401 },
  { call: 'to nowhere', ask: () => proxy.fetch('/v1/files', post({})), status: 404 },
])('a call $call is told once', async ({ ask, status }) => {
  const { secret } = await proxy.issue();
  proxy.log.length = 0;
  expect((await ask(secret)).status).toBe(status);
  await proxy.settled();
  expect(proxy.log.map((ended) => ended.status)).toEqual([status]);
});

function quota(secret: string) {
  return proxy.fetch('/v1/quota', { headers: { authorization: `Bearer ${secret}` } });
}

function admin(token: string) {
  return proxy.fetch('/admin/status', { headers: { authorization: `Bearer ${token}` } });
}

/** An aftermath whose clock stands at `times`, one after the other; and what it tells. */
function timed(...times: number[]) {
  const told: RequestEnded[] = [];
  const services = {
    ...proxy.services,
    clock: { now: () => 0, elapsedMs: () => times.shift() ?? expect.fail('asked for one time more') },
    observer: { ...proxy.services.observer, requestEnded: (ended: RequestEnded) => void told.push(ended) },
  };
  const reservation = {
    ...{ id: 'r', keyId: 'k', madeAt: 0, lapsesAt: 1, amount: NOTHING, model: 'demo', prices: null },
  };
  const admission = {
    admitted: true,
    reservation,
    outputTokensMax: null,
    standings: [],
    rate: null,
  } as const;
  const exchange = {
    ...{ request: new Request('http://proxy.test'), requestId: 'r', startedMs: 100, params: {}, trace: null },
    ...{ env: { address: '', ready: true }, ctx: { waitUntil: () => undefined } },
  };
  const begun = { route: '/v1/chat/completions', storeMs: 2 };
  return { told, ended: aftermath(services, exchange, begun, admission) };
}

test('of a whole answer, what comes before sending and after the answer is what the proxy adds', () => {
  const { told, ended } = timed(103, 153, 155.5);
  ended.settled(200, null);
  expect(told).toMatchObject([{ upstreamMs: 50, addedMs: 5.5, durationMs: 56, storeMs: 2 }]);
});

test('of a stream, what comes before sending', () => {
  const { told, ended } = timed(103, 900);
  ended.streamed(200, { usage: null, firstMs: 123, clientGone: false, error: undefined });
  expect(told).toMatchObject([{ upstreamMs: 20, addedMs: 3, durationMs: 800 }]);
});

test.each([
  { kind: 'broken', status: 502 },
  { kind: 'timed_out', status: 504 },
  { kind: 'aborted', status: 503 },
] as const)('a stream that was $kind has the status of its last event', ({ kind, status }) => {
  const { told, ended } = timed(103, 900);
  ended.streamed(200, {
    ...{ usage: null, firstMs: null, clientGone: false },
    error: new UpstreamFailure(kind, 'x'),
  });
  expect(told).toMatchObject([{ status, reason: `upstream_${kind}` }]);
});
