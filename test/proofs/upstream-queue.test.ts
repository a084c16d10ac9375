import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { gate } from '#test/fakes/gate.ts';
import type { GivenBehaviour, ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, events, sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

const ENDED = completion(10, 5);
const WELL: Behaviour = (_call, response) => sendJson(response, ENDED);

async function openQueue(upstreams: readonly GivenBehaviour[]): Promise<ProxyUnderTest> {
  proxy = await openProxy({ behaviour: WELL, upstreams });
  return proxy;
}

const waiting = (under: ProxyUnderTest) => under.services.upstream.standings().map((each) => each.waiting);
const inFlight = (under: ProxyUnderTest) => under.services.upstream.standings().map((each) => each.inFlight);

/** Waits for so many at the first upstream: a call needs a moment to get there. */
const untilWaiting = (under: ProxyUnderTest, count: number) =>
  vi.waitFor(() => expect(waiting(under)[0]).toBe(count), { timeout: 10_000, interval: 5 });

async function receiptOf(under: ProxyUnderTest, reply: Response) {
  await under.settled();
  return under.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
}

test('one request of a key is not behind the hundred of another, and the account is never overrun', async () => {
  const upstream = gate();
  const under = await openQueue([{ behaviour: upstream.behaviour, maxConcurrency: 2 }]);
  const [many, one] = [await under.issue(), await under.issue()];
  const replies = Array.from({ length: 100 }, (_, n) => under.chat(many.secret, { user: `many ${n}` }));
  await untilWaiting(under, 98);
  replies.push(under.chat(one.secret, { user: 'one' }));
  await untilWaiting(under, 99);
  for (let n = 0; n < replies.length; n += 1) {
    await vi.waitFor(() => expect(upstream.held.length).toBeGreaterThan(0), { timeout: 10_000, interval: 1 });
    upstream.letGo();
  }
  expect((await Promise.all(replies)).map(({ status }) => status)).toEqual(replies.map(() => 200));
  // Two were under way, and one of the many had the turn before.
  expect(upstream.users.indexOf('one')).toBeLessThanOrEqual(3);
  expect(upstream.most()).toBe(2);
  expect([waiting(under), inFlight(under)]).toEqual([[0], [0]]);
  const ofMany = upstream.users.filter((user) => user !== 'one').map((user) => Number(String(user).slice(5)));
  expect(ofMany).toEqual(ofMany.toSorted((a, b) => a - b));
});

test('whatever becomes of them, no more exchanges than allowed are under way, and none of the places is lost', async () => {
  const MAX = 3;
  let [now, most] = [0, 0];
  const ends: Readonly<Record<string, (response: ServerResponse) => void | Promise<void>>> = {
    serves: (response) => sendJson(response, ENDED),
    streams: (response) => sendEvents(response, events({ prompt_tokens: 1, completion_tokens: 1 })),
    'breaks off': (response) => sendEvents(response, events(null), 2),
    breaks: (response) => void response.destroy(),
    'is busy': (response) => sendJson(response, '{}', 429),
    refuses: (response) => sendJson(response, '{}', 401),
  };
  const behaviour: Behaviour = async ({ body }, response) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 1));
    // Before its last byte: who has read that may come again.
    now -= 1;
    await ends[String(body['user'])]?.(response);
  };
  const under = await openQueue([{ behaviour, maxConcurrency: MAX }]);
  const keys = [await under.issue(), await under.issue(), await under.issue()];
  const call = fc.record({
    key: fc.nat(keys.length - 1),
    user: fc.constantFrom(...Object.keys(ends)),
    stream: fc.boolean(),
    // Where the client leaves: never, as it waits, or in the middle of the answer.
    leaves: fc.constantFrom('', '', 'early', 'late'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 4, maxLength: 16 }), async (calls) => {
      const made = calls.map(async ({ key, user, stream, leaves }) => {
        const controller = new AbortController();
        const { secret } = keys[key] ?? { secret: '' };
        const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
        const body = JSON.stringify({ model: 'm', messages: [], user, stream });
        const asked = under.fetch('/v1/chat/completions', {
          method: 'POST',
          headers,
          body,
          signal: controller.signal,
        });
        if (leaves === 'early') setTimeout(() => controller.abort(), 2);
        const reply = await asked;
        if (leaves === 'late') await reply.body?.cancel();
        else await reply.text();
      });
      await Promise.all(made);
      await under.settled();
      expect([waiting(under), inFlight(under)]).toEqual([[0], [0]]);
      expect((await under.store.health.status()).openReservations).toBe(0);
    }),
    { numRuns: 15 },
  );
  expect(most).toBe(MAX);
});

interface Turned {
  readonly name: string;
  readonly terms: Partial<GivenBehaviour>;
  readonly told: { readonly status: number; readonly code: string; readonly after: string | null };
  readonly reason: string;
  turn(under: ProxyUnderTest, leave: AbortController): void;
}

const BUSY = { status: 429, code: 'upstream_busy', after: '2' };
const nothing = () => undefined;

const turned: readonly Turned[] = [
  {
    name: 'there is no room',
    terms: { queueLengthMax: 0 },
    told: BUSY,
    reason: 'upstream_busy',
    turn: nothing,
  },
  {
    name: 'it takes too long',
    terms: { queueWaitMsMax: 20 },
    told: BUSY,
    reason: 'upstream_busy',
    turn: nothing,
  },
  {
    name: 'the client hangs up',
    terms: {},
    told: { status: 499, code: 'client_gone', after: null },
    reason: 'client_gone',
    turn: (_under, leave) => leave.abort(),
  },
  {
    name: 'the process stops',
    terms: {},
    told: { status: 503, code: 'proxy_stopping', after: null },
    reason: 'proxy_stopping',
    turn: (under) => under.services.upstream.stop(),
  },
];

test.each(turned)(
  'who waits is turned away when $name, and pays nothing',
  async ({ terms, told, reason, turn }) => {
    const upstream = gate();
    const under = await openQueue([{ behaviour: upstream.behaviour, maxConcurrency: 1, ...terms }]);
    const { secret, key } = await under.issue({ quotas: [{ meter: 'requests', period: 'day', limit: 2 }] });
    const first = under.chat(secret);
    await vi.waitFor(() => expect(upstream.held).toHaveLength(1), { timeout: 10_000 });
    const leave = new AbortController();
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ model: 'm', messages: [] });
    const second = under.fetch('/v1/chat/completions', {
      method: 'POST',
      headers,
      body,
      signal: leave.signal,
    });
    if (turn !== nothing) await untilWaiting(under, 1);
    turn(under, leave);
    const reply = await second;
    const { error } = (await reply.json()) as { error: { code: string; type: string } };
    expect({ status: reply.status, code: error.code, after: reply.headers.get('retry-after') }).toEqual(told);
    expect(under.log).toMatchObject([{ reason, upstream: null, charge: null }]);
    upstream.letGo();
    expect((await first).status).toBe(200);
    expect(await receiptOf(under, reply)).toMatchObject({ status: 'released', outcome: { upstream: null } });
    expect([waiting(under), inFlight(under)]).toEqual([[0], [0]]);
    const day = (await under.store.keys.account({ id: key.id }))?.buckets.find(
      ({ period }) => period === 'day',
    );
    expect(day).toMatchObject({ used: { requests: 1 }, held: { requests: 0 } });
    expect(upstream.users).toHaveLength(1);
  },
);

test('quotas decide before anybody waits', async () => {
  const upstream = gate();
  const under = await openQueue([{ behaviour: upstream.behaviour, maxConcurrency: 1 }]);
  const { secret } = await under.issue({ quotas: [{ meter: 'requests', period: 'day', limit: 2 }] });
  const served = [under.chat(secret), under.chat(secret)];
  await untilWaiting(under, 1);
  const { error } = (await (await under.chat(secret)).json()) as { error: { code: string } };
  expect(error.code).toBe('insufficient_quota');
  for (const _ of served) {
    await vi.waitFor(() => expect(upstream.held).toHaveLength(1), { timeout: 10_000 });
    upstream.letGo();
  }
  expect((await Promise.all(served)).map(({ status }) => status)).toEqual([200, 200]);
});

test('a full queue makes room for a key that has none in it', async () => {
  const upstream = gate();
  const under = await openQueue([{ behaviour: upstream.behaviour, maxConcurrency: 1, queueLengthMax: 2 }]);
  const [many, one] = [await under.issue(), await under.issue()];
  const replies = [under.chat(many.secret), under.chat(many.secret), under.chat(many.secret)];
  await untilWaiting(under, 2);
  replies.push(under.chat(one.secret, { user: 'one' }));
  await vi.waitFor(() => expect(under.log).toHaveLength(1), { timeout: 10_000 });
  for (let n = 0; n < 3; n += 1) {
    await vi.waitFor(() => expect(upstream.held).toHaveLength(1), { timeout: 10_000 });
    upstream.letGo();
  }
  expect((await Promise.all(replies)).map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429]);
  expect((await replies[3])?.status).toBe(200);
});
