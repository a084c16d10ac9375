import { afterEach, expect, test, vi } from 'vitest';
import { gate } from '#test/fakes/gate.ts';
import { METRICS_TOKEN } from '#test/fakes/policy.ts';
import type { GivenBehaviour, ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

const WELL: Behaviour = (_call, response) => sendJson(response, completion(10, 5));

async function openQueue(upstreams: readonly GivenBehaviour[]): Promise<ProxyUnderTest> {
  proxy = await openProxy({ behaviour: WELL, upstreams });
  return proxy;
}

const waiting = (under: ProxyUnderTest) => under.services.upstream.standings().map((each) => each.waiting);

/** Waits for so many at the first upstream: a call needs a moment to get there. */
const untilWaiting = (under: ProxyUnderTest, count: number) =>
  vi.waitFor(() => expect(waiting(under)[0]).toBe(count), { timeout: 10_000, interval: 5 });

async function receiptOf(under: ProxyUnderTest, reply: Response) {
  await under.settled();
  return under.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
}

test('a full upstream is passed over for one that has room; where all are full, the first place counts', async () => {
  const [first, second] = [gate(), gate()];
  const under = await openQueue([
    { name: 'first', behaviour: first.behaviour, maxConcurrency: 1 },
    { name: 'second', behaviour: second.behaviour, maxConcurrency: 1, priority: 1 },
  ]);
  const { secret } = await under.issue();
  const replies = [under.chat(secret)];
  await vi.waitFor(() => expect(first.held).toHaveLength(1), { timeout: 10_000 });
  replies.push(under.chat(secret));
  await vi.waitFor(() => expect(second.held).toHaveLength(1), { timeout: 10_000 });
  replies.push(under.chat(secret));
  await vi.waitFor(() => expect(waiting(under)).toEqual([1, 1]), { timeout: 10_000 });
  second.letGo();
  await vi.waitFor(() => expect(second.users).toHaveLength(2), { timeout: 10_000 });
  expect(waiting(under)).toEqual([0, 0]);
  second.letGo();
  first.letGo();
  expect((await Promise.all(replies)).map(({ status }) => status)).toEqual([200, 200, 200]);
});

test('who waits at the second upstream after the first was busy gets the first one’s answer, if it takes too long', async () => {
  const second = gate();
  const under = await openQueue([
    { name: 'first', behaviour: (_call, response) => sendJson(response, '{"error":{"code":"theirs"}}', 429) },
    { name: 'second', behaviour: second.behaviour, maxConcurrency: 1, queueWaitMsMax: 20, priority: 1 },
  ]);
  const { secret } = await under.issue();
  const served = under.chat(secret);
  await vi.waitFor(() => expect(second.held).toHaveLength(1), { timeout: 10_000 });
  const reply = await under.chat(secret);
  expect([reply.status, await reply.text()]).toEqual([429, '{"error":{"code":"theirs"}}']);
  expect(await receiptOf(under, reply)).toMatchObject({ status: 'released', outcome: { upstream: 'first' } });
  second.letGo();
  expect((await served).status).toBe(200);
});

test('for a client that is gone nobody else is asked', async () => {
  const first = gate();
  const under = await openQueue([
    { name: 'first', behaviour: first.behaviour },
    { name: 'second', behaviour: WELL, priority: 1 },
  ]);
  const { secret } = await under.issue();
  const leave = new AbortController();
  const asked = under.fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [] }),
    signal: leave.signal,
  });
  await vi.waitFor(() => expect(first.held).toHaveLength(1), { timeout: 10_000 });
  leave.abort();
  for (const { response } of first.held) sendJson(response, '{}', 429);
  const reply = await asked;
  expect(reply.status).toBe(499);
  expect(await receiptOf(under, reply)).toMatchObject({ status: 'released', outcome: { status: 499 } });
  expect(under.upstreams[1]?.seen).toEqual([]);
});

test('the metrics and the status show breakers, exchanges and who waits', async () => {
  const upstream = gate();
  const under = await openQueue([
    { name: 'limited', behaviour: upstream.behaviour, maxConcurrency: 1 },
    { name: 'other', behaviour: WELL, models: { exact: new Map(), prefixes: ['other-'] } },
  ]);
  const { secret } = await under.issue();
  const replies = [under.chat(secret), under.chat(secret)];
  await untilWaiting(under, 1);
  const samples = async () => {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
    const text = await (await under.fetch('/metrics', { headers })).text();
    return text.split('\n').filter((line) => line.startsWith('quota_proxy_upstream_'));
  };
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'quota_proxy_upstream_in_flight{upstream="limited"} 1',
      'quota_proxy_upstream_breaker_state{upstream="limited",state="closed"} 1',
      'quota_proxy_upstream_breaker_state{upstream="limited",state="open"} 0',
      'quota_proxy_upstream_queue_length{upstream="limited"} 1',
      'quota_proxy_upstream_queue_waits_total{upstream="limited"} 0',
    ]),
  );
  for (const _ of replies) {
    await vi.waitFor(() => expect(upstream.held).toHaveLength(1), { timeout: 10_000 });
    upstream.letGo();
  }
  await Promise.all(replies);
  const after = await samples();
  expect(after).toEqual(
    expect.arrayContaining([
      'quota_proxy_upstream_tries_total{upstream="limited",outcome="answered"} 2',
      'quota_proxy_upstream_queue_waits_total{upstream="limited"} 1',
    ]),
  );
  expect(after.filter((line) => line.includes('queue') && line.includes('other'))).toEqual([]);
});
