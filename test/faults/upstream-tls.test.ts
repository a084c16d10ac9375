import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { randomOf } from '#test/fakes/random-of.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { Behaviour, Identity } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { patternOf } from './known-messages.ts';
import { troubleLines } from './trouble-lines.ts';

const MIB = 1024 * 1024;
/** Of a stream that nobody reads, in all processes that it goes through; a few hundred kilobytes are usual. */
const HELD_BYTES_MAX = 2 * MIB;
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const LAST = [`data: ${JSON.stringify({ id: 'c', choices: [], usage: USAGE })}\n\n`, 'data: [DONE]\n\n'];

/** Certificates, made anew for each run. */
let folder: string;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upstream-tls-'));
  for (const name of ['localhost', 'elsewhere.test']) {
    const ask = `-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${name} -addext subjectAltName=DNS:${name}`;
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    await promisify(execFile)('openssl', ['req', ...ask.split(' '), ...files], { cwd: folder });
  }
});

afterAll(() => rm(folder, { recursive: true }));

afterEach(() => stack.disposeAsync());

async function identityOf(name: string): Promise<Identity> {
  const [key, cert] = await Promise.all(
    ['key', 'pem'].map((end) => readFile(join(folder, `${name}.${end}`), 'utf8')),
  );
  return { key: key ?? '', cert: cert ?? '' };
}

/** A server whose upstream shows the certificate for `name`; it trusts the one for `trusted` beside the usual ones. */
async function serverBefore(behaviour: Behaviour, name: string, trusted: string | null) {
  stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'before-tls-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const upstream = await startUpstreamServer(behaviour, 0, await identityOf(name));
  stack.defer(() => upstream.close());
  const server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: trusted === null ? {} : { NODE_EXTRA_CA_CERTS: join(folder, `${trusted}.pem`) },
  });
  stack.defer(() => server.kill9());
  const { key } = await server.admin.keys.create({ body: { label: 'Ada' } });
  return { upstream, server, key };
}

/** Events of all lengths, some of them longer than what TLS has in one record, that are `bytes` at least in all. */
function* eventsOf(bytes: number): Generator<string> {
  const random = randomOf(7);
  for (let made = 0; made < bytes; ) {
    const content = `${random()}`.repeat(1 + Math.floor(random() ** 8 * 3_000));
    const event = `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content } }] })}\n\n`;
    made += event.length;
    yield event;
  }
  yield* LAST;
}

/** An upstream that streams as fast as it is read. */
function streamOf(bytes: number) {
  const sent = { bytes: 0, hash: createHash('sha256') };
  const behaviour: Behaviour = async (_call, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of eventsOf(bytes)) {
      sent.bytes += event.length;
      sent.hash.update(event);
      if (!response.write(event)) await once(response, 'drain');
    }
    response.end();
  };
  return { sent, behaviour };
}

/** A stream of which nothing is read but its head. */
async function unread(server: ServerProcess, key: string): Promise<IncomingMessage> {
  const request = httpRequest(`${server.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  });
  const body = { model: 'demo', messages: [], stream: true, stream_options: { include_usage: true } };
  request.end(JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function digestOf(response: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of response) hash.update(chunk);
  return hash.digest('hex');
}

/** What the kernel holds of all connections to these ports, in either direction, on both sides of each. */
async function queuedBytes(ports: readonly (string | number)[]): Promise<number> {
  const isOurs = new Set(ports.map((port) => Number(port)));
  let bytes = 0;
  for (const line of (await readFile('/proc/net/tcp', 'utf8')).split('\n')) {
    const [, local = '', remote = '', sending = '', received = ''] =
      /^ *\d+: \w+:(\w+) \w+:(\w+) \w+ (\w+):(\w+) /.exec(line) ?? [];
    if (![local, remote].some((port) => isOurs.has(Number.parseInt(port, 16)))) continue;
    bytes += Number.parseInt(sending, 16) + Number.parseInt(received, 16);
  }
  return bytes;
}

/** The newest receipt, once the request has ended. */
async function receiptOf(server: ServerProcess) {
  const newest = async () => (await server.admin.requests.list({ query: { limit: 1 } })).items[0];
  await expect.poll(async () => (await newest())?.used ?? null).not.toBeNull();
  return newest();
}

test('over TLS a whole answer comes through as it is, and is metered', async () => {
  const body = completion(10, 5);
  const { server, key } = await serverBefore((_call, r) => sendJson(r, body), 'localhost', 'localhost');
  const reply = await server.chat(key);
  expect({ status: reply.status, text: await reply.text() }).toEqual({ status: 200, text: body });
  expect(await receiptOf(server)).toMatchObject({ used: { tokens: 15 }, source: 'upstream' });
});

test('over TLS a stream comes through to the byte, and is metered', async () => {
  const { sent, behaviour } = streamOf(8 * MIB);
  const { server, key } = await serverBefore(behaviour, 'localhost', 'localhost');
  const digest = await digestOf(await unread(server, key));
  expect(sent.bytes).toBeGreaterThan(8 * MIB);
  expect(digest).toBe(sent.hash.digest('hex'));
  expect(await receiptOf(server)).toMatchObject({ used: { tokens: 15 }, source: 'upstream' });
});

test('over TLS a client that does not read slows the upstream down, and misses nothing', async () => {
  const { sent, behaviour } = streamOf(64 * MIB);
  const { upstream, server, key } = await serverBefore(behaviour, 'localhost', 'localhost');
  const response = await unread(server, key);
  // Until nothing more is taken, however long that goes on.
  for (let before = -1; before !== sent.bytes; await delay(500)) before = sent.bytes;
  const queued = await queuedBytes([new URL(upstream.baseUrl).port, server.port]);
  expect(sent.bytes - queued).toBeLessThan(HELD_BYTES_MAX);
  const digest = await digestOf(response);
  expect(sent.bytes).toBeGreaterThan(64 * MIB);
  expect(digest).toBe(sent.hash.digest('hex'));
});

test.each([
  {
    name: 'that nobody vouches for',
    of: 'localhost',
    trusted: null,
    reason: "(self-signed certificate; to trust it, name its file or its authority's in NODE_EXTRA_CA_CERTS)",
  },
  {
    name: 'for another name',
    of: 'elsewhere.test',
    trusted: 'elsewhere.test',
    reason: "Host: localhost. is not in the cert's altnames: DNS:elsewhere.test)",
  },
])('an upstream with a certificate $name is sent nothing, and the log says why', async (row) => {
  const { upstream, server, key } = await serverBefore(
    (_call, response) => sendJson(response, completion(10, 5)),
    row.of,
    row.trusted,
  );
  const reply = await server.chat(key);
  expect({ status: reply.status, body: await reply.json() }).toMatchObject({
    status: 502,
    body: { error: { code: 'upstream_unreachable' } },
  });
  expect(upstream.seen).toEqual([]);
  const { items } = await server.admin.requests.list({ query: { limit: 9 } });
  expect(items).toMatchObject([{ status: 'released', used: { requests: 0, tokens: 0, cost_micros: 0 } }]);
  await expect.poll(() => troubleLines(server)).toEqual([expect.stringMatching(patternOf('unreachable'))]);
  expect(troubleLines(server)[0]).toContain(row.reason);
});
