import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { SeenCall, UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

const UPSTREAM_KEY = 'sk-upstream-key-of-the-tests';
const START_MS_MAX = 30_000;

let directory: string;
let server: ServerProcess;
let upstream: UpstreamServer;
let key: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'smuggling-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(3, 4)));
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  key = (await server.admin.keys.create({ body: { label: 'Ada' } })).key;
}, START_MS_MAX);

afterAll(async () => {
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const BODY = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }] });
const LINE = 'POST /v1/chat/completions HTTP/1.1';

/** Sends bytes as they are over one connection, and gives the statuses of all answers that come, until it is closed or silent. */
async function statusesOf(bytes: string): Promise<number[]> {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.setTimeout(700, () => socket.destroy());
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => {}); // reset: an answer, too
  socket.write(bytes, 'latin1');
  await new Promise((resolve) => socket.on('close', resolve));
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** A call, and behind it, where its body ends for one reader and not for another, a second one to be smuggled in. */
const chat = (lines: readonly string[], body = BODY) =>
  [
    LINE,
    'Host: proxy.test',
    `Authorization: Bearer ${key}`,
    'Content-Type: application/json',
    ...lines,
    '',
    body,
  ].join('\r\n');
const smuggled = () =>
  [
    'GET /admin/keys HTTP/1.1',
    'Host: proxy.test',
    `Authorization: Bearer ${SERVER_ADMIN_TOKEN}`,
    '',
    '',
  ].join('\r\n');
const chunk = (text: string, extension = '') => `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
const length = () => `Content-Length: ${BODY.length}`;

/** What RFC 9112 calls malformed, or ambiguous: each may end somewhere else for the next reader. */
const CORPUS: readonly { readonly name: string; bytes(): string }[] = [
  // §6.1, §6.3: both lengths
  {
    name: 'CL and TE',
    bytes: () => chat([length(), 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled()}`),
  },
  {
    name: 'TE and CL',
    bytes: () => chat(['Transfer-Encoding: chunked', 'Content-Length: 4'], `${chunk(BODY)}0\r\n\r\n`),
  },
  {
    name: 'CL 0 and TE',
    bytes: () => chat(['Content-Length: 0', 'Transfer-Encoding: chunked'], `${chunk(BODY)}0\r\n\r\n`),
  },
  { name: 'two CLs', bytes: () => chat([length(), 'Content-Length: 0'], BODY + smuggled()) },
  { name: 'two CLs that agree', bytes: () => chat([length(), length()]) },
  { name: 'a list of CLs', bytes: () => chat([`Content-Length: ${BODY.length}, ${BODY.length}`]) },
  {
    name: 'a list of different CLs',
    bytes: () => chat([`Content-Length: ${BODY.length}, 0`], BODY + smuggled()),
  },
  // §8.6 of RFC 9110: digits, and nothing else
  { name: 'a CL with a sign', bytes: () => chat([`Content-Length: +${BODY.length}`]) },
  { name: 'a negative CL', bytes: () => chat(['Content-Length: -1'], smuggled()) },
  { name: 'a hexadecimal CL', bytes: () => chat([`Content-Length: 0x${BODY.length.toString(16)}`]) },
  { name: 'a CL with a fraction', bytes: () => chat([`Content-Length: ${BODY.length}.0`]) },
  { name: 'a CL with a space in it', bytes: () => chat(['Content-Length: 1 0'], BODY) },
  {
    name: 'a CL beyond all integers',
    bytes: () => chat(['Content-Length: 99999999999999999999999'], smuggled()),
  },
  { name: 'a CL that is empty', bytes: () => chat(['Content-Length:'], BODY + smuggled()) },
  // §5: names, colons, folds, line ends
  { name: 'a space before the colon', bytes: () => chat([`Content-Length : ${BODY.length}`]) },
  {
    name: 'a space before the colon of TE',
    bytes: () => chat(['Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled()}`),
  },
  { name: 'a folded TE', bytes: () => chat(['Transfer-Encoding:\r\n chunked'], `${chunk(BODY)}0\r\n\r\n`) },
  { name: 'a fold', bytes: () => chat([length(), 'X-A: 1\r\n 2']) },
  { name: 'a fold by a tab', bytes: () => chat([length(), 'X-A: 1\r\n\tTransfer-Encoding: chunked']) },
  { name: 'a line without a colon', bytes: () => chat([length(), 'Transfer-Encoding chunked']) },
  { name: 'a name with a space', bytes: () => chat([length(), 'X A: 1']) },
  { name: 'no name', bytes: () => chat([length(), ': 1']) },
  { name: 'a NUL in a value', bytes: () => chat([length(), 'X-A: 1\0Transfer-Encoding: chunked']) },
  { name: 'a NUL in a name', bytes: () => chat([length(), 'X\0A: 1']) },
  { name: 'a bare CR in a value', bytes: () => chat([length(), 'X-A: 1\rTransfer-Encoding: chunked']) },
  { name: 'a bare LF after a header', bytes: () => chat([`${length()}\nTransfer-Encoding: chunked`]) },
  { name: 'bare LFs alone', bytes: () => chat([length()]).replaceAll('\r\n', '\n') },
  { name: 'a bare LF at the end of the head', bytes: () => chat([length()]).replace('\r\n\r\n', '\r\n\n') },
  { name: 'a bare LF after the request line', bytes: () => chat([length()]).replace('\r\n', '\n') },
  { name: 'a space before the first header', bytes: () => chat([length()]).replace('\r\nHost', '\r\n Host') },
  // §6.1: what a transfer coding may be
  { name: 'an unknown TE', bytes: () => chat(['Transfer-Encoding: identity'], smuggled()) },
  { name: 'xchunked', bytes: () => chat(['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled()}`) },
  {
    name: 'chunked in quotes',
    bytes: () => chat(['Transfer-Encoding: "chunked"'], `0\r\n\r\n${smuggled()}`),
  },
  {
    name: 'chunked, then another',
    bytes: () => chat(['Transfer-Encoding: chunked, identity'], `${chunk(BODY)}0\r\n\r\n`),
  },
  {
    name: 'chunked twice',
    bytes: () =>
      chat(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `${chunk(BODY)}0\r\n\r\n`),
  },
  {
    name: 'a vertical tab before chunked',
    bytes: () => chat(['Transfer-Encoding:\x0bchunked'], `0\r\n\r\n${smuggled()}`),
  },
  // §7.1: chunks
  {
    name: 'a chunk size that is none',
    bytes: () => chat(['Transfer-Encoding: chunked'], `zz\r\n${BODY}\r\n0\r\n\r\n`),
  },
  {
    name: 'a negative chunk size',
    bytes: () => chat(['Transfer-Encoding: chunked'], `-1\r\n${BODY}\r\n0\r\n\r\n`),
  },
  {
    name: 'a chunk size with 0x',
    bytes: () => chat(['Transfer-Encoding: chunked'], `0x5\r\nabcde\r\n0\r\n\r\n`),
  },
  {
    name: 'a chunk size beyond all integers',
    bytes: () => chat(['Transfer-Encoding: chunked'], `fffffffffffffffff1\r\n${smuggled()}`),
  },
  {
    name: 'a space before a chunk size',
    bytes: () => chat(['Transfer-Encoding: chunked'], ` ${chunk(BODY)}0\r\n\r\n`),
  },
  {
    name: 'a chunk longer than its size',
    bytes: () => chat(['Transfer-Encoding: chunked'], `1\r\n${BODY}\r\n0\r\n\r\n`),
  },
  {
    name: 'a bare LF after a chunk size',
    bytes: () => chat(['Transfer-Encoding: chunked'], `${BODY.length.toString(16)}\n${BODY}\r\n0\r\n\r\n`),
  },
  {
    name: 'a bare LF after a chunk',
    bytes: () => chat(['Transfer-Encoding: chunked'], `${BODY.length.toString(16)}\r\n${BODY}\n0\r\n\r\n`),
  },
  {
    name: 'a bare LF in an extension',
    bytes: () => chat(['Transfer-Encoding: chunked'], `${chunk(BODY, ';a\nb')}0\r\n\r\n`),
  },
  // The request line
  { name: 'HTTP/0.9', bytes: () => `GET /v1/models\r\n\r\n${smuggled()}` },
  { name: 'HTTP/2.0', bytes: () => chat([length()]).replace('HTTP/1.1', 'HTTP/2.0') },
  { name: 'HTTP/0.9 by name', bytes: () => chat([length()]).replace('HTTP/1.1', 'HTTP/0.9') },
  { name: 'the preface of HTTP/2', bytes: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  { name: 'a path with a line end', bytes: () => chat([length()]).replace('/v1/', '/v1/\r\n') },
  { name: 'two Hosts', bytes: () => chat(['Host: admin.test', length()]) + smuggled() },
  { name: 'the same Host twice', bytes: () => chat(['host: proxy.test', length()]) + smuggled() },
  { name: 'no Host', bytes: () => chat([length()]).replace('Host: proxy.test\r\n', '') + smuggled() },
  { name: 'a Host with a path', bytes: () => chat([length()]).replace('test\r', 'test/x\r') + smuggled() },
];

describe('S7: what one reader may end elsewhere than another is refused, and nothing behind it is read', () => {
  test('the control: what is proper is served, also in chunks, and a second request behind it', async () => {
    const seen = upstream.seen.length;
    expect(await statusesOf(chat([length()]) + smuggled())).toEqual([200, 200]);
    expect(await statusesOf(chat(['Transfer-Encoding: chunked'], `${chunk(BODY)}0\r\n\r\n`))).toEqual([200]);
    expect(upstream.seen.length).toBe(seen + 2);
  });

  test.concurrent.each(CORPUS)('$name', async ({ bytes }) => {
    const statuses = await statusesOf(bytes());
    expect(statuses.filter((status) => status < 400)).toEqual([]);
    expect(statuses.length).toBeLessThanOrEqual(1);
  });

  test.each([
    { name: 'is for two Hosts', head: 'GET /livez HTTP/1.1\r\nHost: proxy.test\r\nHost: admin.test' },
    { name: 'is for no Host', head: 'GET /livez HTTP/1.1' },
    { name: 'has dots in its path', head: 'GET /v1/../livez HTTP/1.1\r\nHost: proxy.test' },
  ])('a call behind a request that $name is not made', async ({ head }) => {
    const receipts = () => server.admin.requests.list({ query: { limit: 1 } });
    const before = await receipts();
    expect(await statusesOf(`${head}\r\n\r\n${chat([length()])}`)).toEqual([400]);
    // A call that was made is in the ledger before it is at the upstream, which nobody here would wait for.
    expect(await receipts()).toEqual(before);
  });

  test('of all that the upstream saw the two of the control', () => {
    expect(upstream.seen.map(({ body }) => body['model'])).toEqual(['demo', 'demo']);
  });
});

/** Headers of a client, of which none is the upstream's business: by name, or since `Connection` names them (RFC 9110 §7.6.1). */
const CLIENT_HEADERS = [
  ['Cookie', 'session=canary'],
  ['Proxy-Authorization', 'Basic canary'],
  ['Connection', 'keep-alive, x-canary, content-type, accept'],
  ['X-Canary', 'canary'],
  ['Keep-Alive', 'timeout=canary'],
  ['Proxy-Connection', 'canary'],
  ['TE', 'trailers'],
  ['Trailer', 'X-Canary'],
  ['Upgrade', 'canary'],
  ['Forwarded', 'for=canary'],
  ['X-Forwarded-For', 'canary'],
  ['X-Forwarded-Host', 'canary'],
  ['X-Real-IP', 'canary'],
  ['Via', '1.1 canary'],
  ['Referer', 'http://canary/'],
  ['Origin', 'http://canary'],
  ['User-Agent', 'canary'],
  ['Accept-Encoding', 'canary'],
  ['Accept-Language', 'canary'],
  ['OpenAI-Organization', 'canary'],
  ['OpenAI-Project', 'canary'],
  ['Idempotency-Key', 'canary'],
  ['X-Stainless-Lang', 'canary'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Original-URL', '/canary'],
  ['Expect', '100-continue'],
] as const;

test('S7: of a client’s headers the upstream gets Accept and Content-Type, and of the proxy’s what it needs', async () => {
  const seen = upstream.seen.length;
  const lines = CLIENT_HEADERS.map(([name, value]) => `${name}: ${value}`);
  expect(await statusesOf(chat([...lines, 'Accept: application/json', length()]))).toContain(200);
  const { headers } = upstream.seen[seen] as SeenCall;
  const { host, 'content-length': _, ...rest } = headers;
  expect(rest).toEqual({
    accept: 'application/json',
    'accept-encoding': 'identity',
    authorization: `Bearer ${UPSTREAM_KEY}`,
    connection: 'keep-alive',
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^quota-proxy\//),
  });
  expect(host).toBe(new URL(upstream.baseUrl).host);
  expect(JSON.stringify(headers)).not.toMatch(/canary/i);
});
