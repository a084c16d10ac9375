import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, events, sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

const CHAT = '/v1/chat/completions';
const ROOM = 300_000;
const MAX = 200_000;

let proxy: ProxyUnderTest;
let secret: string;

afterEach(() => proxy.close());

const served: Behaviour = ({ body }, response) =>
  body['stream'] === true ? sendEvents(response, events(null)) : sendJson(response, completion(3, 4));

async function open(behaviour = served): Promise<void> {
  proxy = await openProxy({
    behaviour,
    policy: { bodyBytesMax: MAX },
    guards: { bodiesBytesMax: ROOM },
  });
  ({ secret } = await proxy.issue());
}

const chat = (bytes: number, more: object = {}) =>
  proxy.chat(secret, { messages: [{ role: 'user', content: 'x'.repeat(bytes) }], ...more });

/** A body that comes in pieces, without a length, for as long as the test says. */
function slowBody() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (its) => {
      controller = its;
    },
    cancel: () => {
      cancelled = true;
    },
  });
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  const reply = proxy.fetch(CHAT, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
  return {
    reply,
    async send(text: string) {
      controller?.enqueue(new TextEncoder().encode(text));
      await turn();
      await turn();
    },
    end: () => controller?.close(),
    breakOff: () => controller?.error(new Error('aborted')),
    isCancelled: () => cancelled,
  };
}

async function codeOf(reply: Response) {
  const { error } = (await reply.json()) as { error: { code: string } };
  return { status: reply.status, code: error.code };
}

describe('S8: a body is bounded by what was read of it', () => {
  test('without an end: 413, and nothing of it is read any more', async () => {
    await open();
    const { reply, send, isCancelled } = slowBody();
    await send('{"model":"demo","messages":[');
    for (let sent = 0; sent < MAX; sent += 10_000) await send(' '.repeat(10_000));
    expect(await codeOf(await reply)).toEqual({ status: 413, code: 'body_too_large' });
    expect(isCancelled()).toBe(true);
    expect(proxy.upstream.seen).toEqual([]);
    expect(proxy.services.guards.bodies.bytes()).toBe(0);
  });

  test.each([
    { name: 'objects', open: '{"a":', close: '}', fits: 61 },
    { name: 'arrays', open: '[', close: ']', fits: 61 },
  ])('nested $name are counted, whatever their number', async ({ open: opening, close, fits }) => {
    await open();
    const nested = (levels: number) =>
      `{"model":"demo","messages":[{"role":"user","content":${opening.repeat(levels)}1${close.repeat(levels)}}]}`;
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const ask = (levels: number) => proxy.fetch(CHAT, { method: 'POST', headers, body: nested(levels) });
    expect((await ask(fits)).status).toBe(200);
    for (const levels of [fits + 1, 1_000, 15_000]) {
      expect(await codeOf(await ask(levels))).toEqual({ status: 400, code: 'invalid_body' });
    }
  });
});

describe('S8: the bodies of all requests together are bounded', () => {
  test('who comes when there is no room is told to wait, costs nothing, and reaches nobody', async () => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await open(async (_call, response) => {
      await answered;
      sendJson(response, completion(3, 4));
    });
    const first = chat(150_000);
    await expect.poll(() => proxy.upstream.seen.length).toBe(1);
    for (const bytes of [150_000, 199_000]) {
      const refused = await chat(bytes);
      expect(refused.headers.get('retry-after')).toBe('2');
      expect(refused.headers.get('x-request-id')).not.toBeNull();
      expect(await codeOf(refused)).toEqual({ status: 503, code: 'server_busy' });
    }
    expect(proxy.upstream.seen).toHaveLength(1);
    expect(proxy.log.map(({ status, reason, charge }) => [status, reason, charge])).toEqual([
      [503, 'server_busy', null],
      [503, 'server_busy', null],
    ]);
    const small = chat(1_000);
    await expect.poll(() => proxy.upstream.seen.length).toBe(2);
    answer();
    expect([(await first).status, (await small).status]).toEqual([200, 200]);
    expect((await chat(150_000)).status).toBe(200);
  });

  test('an admin gets in all the same', async () => {
    await open();
    const waiting = [slowBody(), slowBody()];
    for (const { send } of waiting) await send(' '.repeat(ROOM / 2));
    expect((await chat(10)).status).toBe(503);
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    const made = await proxy.fetch('/admin/keys', { method: 'POST', headers, body: '{"label":"Ada"}' });
    expect(made.status).toBe(201);
    for (const { end, reply } of waiting) {
      end();
      expect((await reply).status).toBe(400);
    }
    expect((await chat(10)).status).toBe(200);
  });

  test('who leaves in the middle of it gives its room back, and is no failure of ours', async () => {
    await open();
    const { reply, send, breakOff } = slowBody();
    await send(' '.repeat(1_000));
    breakOff();
    expect(await codeOf(await reply)).toEqual({ status: 400, code: 'invalid_request' });
    expect(proxy.services.guards.bodies.bytes()).toBe(0);
    expect(proxy.failures).toEqual([]);
  });

  test('who sends slowly has taken what came, not what was announced', async () => {
    await open();
    const { reply, send, end } = slowBody();
    await send('{"model":"demo","messages":[]');
    expect(proxy.services.guards.bodies.bytes()).toBe(29);
    expect((await chat(190_000)).status).toBe(200);
    await send('}');
    end();
    expect((await reply).status).toBe(200);
  });

  test.each<{ name: string; behaviour: Behaviour; ask(): Promise<Response>; status: number }>([
    { name: 'it was answered', behaviour: served, ask: () => chat(90_000), status: 200 },
    {
      name: 'its stream has begun',
      behaviour: served,
      ask: () => chat(90_000, { stream: true }),
      status: 200,
    },
    { name: 'it was refused', behaviour: served, ask: () => chat(90_000, { n: -1 }), status: 400 },
    {
      name: 'the upstream failed',
      behaviour: (_call, response) => void response.destroy(),
      ask: () => chat(90_000),
      status: 502,
    },
  ])('the room is free again once $name', async ({ behaviour, ask, status }) => {
    await open(behaviour);
    for (let n = 0; n < 2 + ROOM / 90_000; n += 1) {
      const reply = await ask();
      expect(reply.status).toBe(status);
      expect(proxy.services.guards.bodies.bytes()).toBe(0);
      await reply.text();
    }
  });
});
