import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest;

afterEach(() => proxy.close());

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

const withUsage = (usage: unknown) =>
  completion(3, 4).replace(/"usage":\{[^}]*\}/, `"usage":${JSON.stringify(usage)}`);
const counted = (prompt: unknown, completed: unknown) =>
  withUsage({ prompt_tokens: prompt, completion_tokens: completed });

/** Sends bytes as the answer, whatever HTTP says of them. */
const raw = (text: string) => (response: ServerResponse) => void response.socket?.end(text, 'latin1');

interface Hostile {
  readonly name: string;
  answers(response: ServerResponse): void;
  /** What the client is told. */
  readonly status: number;
  readonly stream?: true;
}

const whole =
  (text: string, status = 200) =>
  (response: ServerResponse) =>
    sendJson(response, text, status);
const stream =
  (...pieces: string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of pieces) response.write(piece);
    response.end();
  };
const done = 'data: [DONE]\n\n';
const event = (usage: unknown) => `data: ${JSON.stringify({ choices: [], usage })}\n\n`;

/** Each costs what was reserved, as an estimate: the upstream may have billed it, and what it counts is no count. */
const HOSTILE: readonly Hostile[] = [
  { name: 'negative tokens', answers: whole(counted(-5, -5)), status: 200 },
  { name: 'one negative count', answers: whole(counted(5, -1)), status: 200 },
  { name: 'tokens beyond all integers', answers: whole(counted(1e300, 1e300)), status: 200 },
  { name: 'a fraction of a token', answers: whole(counted(1.5, 0.5)), status: 200 },
  { name: 'tokens in words', answers: whole(counted('3', '4')), status: 200 },
  { name: 'tokens that are objects', answers: whole(counted({ valueOf: 3 }, [4])), status: 200 },
  { name: 'nothing at all', answers: whole(counted(0, 0)), status: 200 },
  { name: 'usage that is a list', answers: whole(withUsage([1, 2])), status: 200 },
  {
    name: 'usage under __proto__',
    answers: whole('{"__proto__":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}'),
    status: 200,
  },
  { name: 'no JSON', answers: whole('<html>'), status: 200 },
  {
    name: 'no UTF-8',
    answers: (response) => void response.writeHead(200, JSON_TYPE).end(Buffer.from([0xff, 0xfe, 0x22])),
    status: 200,
  },
  { name: 'JSON of a hundred thousand levels', answers: whole('['.repeat(100_000)), status: 200 },
  { name: 'an empty answer', answers: whole(''), status: 200 },
  { name: 'more than is taken', answers: whole('x'.repeat(11 * MIB)), status: 502 },
  {
    name: 'headers without end',
    answers: raw(`HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(1_000_000)}\r\n\r\n`),
    status: 502,
  },
  {
    name: 'two lengths',
    answers: raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}abc'),
    status: 502,
  },
  {
    name: 'a length and chunks',
    answers: raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    status: 502,
  },
  {
    name: 'a second answer behind the first',
    answers: raw(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ),
    status: 200,
  },
  {
    name: 'interim answers without end',
    answers: raw(`${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5_000)}`),
    status: 502,
  },
  { name: 'no content', answers: (response) => void response.writeHead(204).end(), status: 502 },
  {
    name: 'a status that is none',
    answers: raw('HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}'),
    status: 502,
  },
  {
    name: 'a stream whose line does not end',
    stream: true,
    answers: stream('data: ', 'x'.repeat(9 * MIB)),
    status: 200,
  },
  {
    name: 'a stream of negative tokens',
    stream: true,
    answers: stream(event({ prompt_tokens: -1, completion_tokens: -1 }), done),
    status: 200,
  },
  { name: 'a stream without a count', stream: true, answers: stream('data: {}\n\n', done), status: 200 },
];

test.each(HOSTILE)('S10: $name', async ({ answers, status, stream: isStream }) => {
  proxy = await openProxy({ behaviour: (_call, response) => answers(response) });
  const { secret, key } = await proxy.issue({ quotas: [{ meter: 'tokens', period: 'day', limit: 100_000 }] });
  const reply = await proxy.chat(secret, isStream ? { stream: true } : {});
  expect(reply.status).toBe(status);
  const text = await reply.text();
  // A line beyond all reason is not kept, and not passed on.
  expect(text.length).toBeLessThan(MIB);
  if (status === 502) expect(JSON.parse(text).error.code).toBe('upstream_broken');
  await proxy.settled();
  const { items } = await proxy.store.reports.receipts({ limit: 9 });
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({ status: 'settled', source: 'estimate', used: items[0]?.reserved });
  expect(proxy.log).toHaveLength(1);
  const account = await proxy.store.keys.account({ id: key.id });
  const day = account?.buckets.find(({ period }) => period === 'day');
  expect(day).toMatchObject({ used: items[0]?.used, held: { requests: 0, tokens: 0 } });
});

test('the control: a sane answer is believed', async () => {
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, completion(3, 4)) });
  const { secret } = await proxy.issue();
  const reply = await proxy.chat(secret);
  await proxy.settled();
  const receipt = await proxy.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
  expect(receipt).toMatchObject({ source: 'upstream', used: { tokens: 7 } });
});

test('S10: of the headers of an answer only those go on that are a client’s business', async () => {
  proxy = await openProxy({
    behaviour: (_call, response) => {
      const hostile = {
        'set-cookie': 'canary=1',
        location: 'http://canary/',
        'x-request-id': 'canary',
        link: '<canary>',
      };
      const limits = {
        'x-ratelimit-limit-requests': 'canary',
        'access-control-allow-origin': 'canary',
        connection: 'close',
      };
      response.writeHead(200, {
        ...JSON_TYPE,
        ...hostile,
        ...limits,
        'x-should-retry': 'canary',
        'retry-after': 'canary',
      });
      response.end(completion(3, 4));
    },
  });
  const { secret } = await proxy.issue();
  const reply = await proxy.chat(secret);
  expect(JSON.stringify([...reply.headers])).not.toContain('canary');
  expect(reply.headers.get('content-type')).toBe('application/json');
});
