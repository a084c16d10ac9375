import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { App } from '#handlers/app.ts';
import type { Env } from '#handlers/route.ts';
import { createHttpServer } from './create-http-server.ts';
import type { InFlight } from './in-flight.ts';
import { inFlight } from './in-flight.ts';

let server: Server;
let works: InFlight;
const LIMITS = { connectionsMax: 100, clientStallMs: 60_000, onFull: () => expect.fail('there is room') };
const readiness = { ready: true };

afterEach(() => {
  readiness.ready = true;
  server.close();
  server.closeAllConnections();
});

async function serving(app: Pick<App, 'fetch'>, trusted: readonly string[] = []): Promise<number> {
  works = inFlight({ failed: (_, error) => expect.fail(String(error)) });
  server = createHttpServer(app, works, readiness, { ...LIMITS, trustedProxies: trusted }).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends bytes as they are and reads until the server closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let read = '';
  socket.on('data', (chunk) => {
    read += chunk;
  });
  socket.write(bytes);
  await once(socket, 'close');
  return read;
}

const greeting: Pick<App, 'fetch'> = { fetch: () => new Response('hello') };

test.each([
  { name: 'no HTTP', bytes: 'HELO there\r\n\r\n', status: 400, code: 'invalid_request' },
  {
    name: 'no Host',
    bytes: 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    status: 400,
    code: 'invalid_request',
    says: 'Missing host header',
  },
  {
    name: 'no Host, and another in the line',
    bytes: 'GET http://a/ HTTP/1.1\r\nConnection: close\r\n\r\n',
    status: 400,
    code: 'invalid_request',
    says: 'one Host header',
  },
  {
    name: 'an odd Host',
    bytes: 'GET / HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n',
    status: 400,
    code: 'invalid_request',
  },
  {
    name: 'two lengths of a body (RFC 9112 §6.3)',
    bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    status: 400,
    code: 'invalid_request',
  },
  {
    name: 'a length and chunks',
    bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 400,
    code: 'invalid_request',
  },
  {
    name: 'headers without end',
    bytes: `GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    status: 431,
    code: 'headers_too_large',
  },
])('answers $name with $status and an error object', async ({ bytes, status, code, says = '' }) => {
  const answer = await raw(await serving(greeting), bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
  expect(error).toMatchObject({ type: 'invalid_request_error', param: null, code });
  expect(error.message).toContain(says);
});

test('what a client expects beyond an interim answer is left aside', async () => {
  const expecting = 'GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n';
  expect(await raw(await serving(greeting), expecting)).toMatch(/^HTTP\/1.1 200 [\s\S]*hello$/);
});

test('hands over the address of the connection and whether the process is ready', async () => {
  const envs: Env[] = [];
  const port = await serving({
    fetch(_request, env) {
      envs.push(env);
      return new Response('ok');
    },
  });
  await fetch(`http://127.0.0.1:${port}/`);
  readiness.ready = false;
  const reply = await fetch(`http://127.0.0.1:${port}/`);
  expect(reply.headers.get('connection')).toBe('close');
  expect(envs).toEqual([
    { address: '127.0.0.1', ready: true },
    { address: '127.0.0.1', ready: false },
  ]);
});

const echo: Pick<App, 'fetch'> = { fetch: (_request, { address }) => new Response(`<${address}>`) };

test.each([
  { name: 'nobody is trusted', trusted: [], lines: ['203.0.113.7'], address: '127.0.0.1' },
  { name: 'others are trusted', trusted: ['127.0.0.2', '::1'], lines: ['203.0.113.7'], address: '127.0.0.1' },
  { name: 'the peer is trusted', trusted: ['127.0.0.1'], lines: ['203.0.113.7'], address: '203.0.113.7' },
  { name: 'the peer is trusted and silent', trusted: ['127.0.0.1'], lines: [], address: '127.0.0.1' },
  {
    name: 'several lines are one list',
    trusted: ['127.0.0.1', '10.0.0.0/8'],
    lines: ['198.51.100.1', '203.0.113.7, 10.0.0.8', '10.0.0.9'],
    address: '203.0.113.7',
  },
  {
    name: 'the last of several lines is the nearest',
    trusted: ['127.0.0.1'],
    lines: ['198.51.100.1', '203.0.113.7'],
    address: '203.0.113.7',
  },
])('X-Forwarded-For, where $name', async ({ trusted, lines, address }) => {
  const port = await serving(echo, trusted);
  const head = ['GET / HTTP/1.1', 'Host: a', 'Connection: close'];
  const forwarded = lines.map((line) => `X-Forwarded-For: ${line}`);
  expect(await raw(port, `${[...head, ...forwarded].join('\r\n')}\r\n\r\n`)).toContain(`<${address}>`);
});

test('a reply that is being made is in flight, also when its client is gone', async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<Response>();
  const port = await serving({
    fetch() {
      begun.resolve();
      return finish.promise;
    },
  });
  const client = new AbortController();
  const asked = fetch(`http://127.0.0.1:${port}/`, { signal: client.signal }).catch(() => 'gone');
  await begun.promise;
  client.abort();
  expect(await asked).toBe('gone');
  expect(works.size()).toBe(1);
  finish.resolve(new Response('too late'));
  await works.idle();
});

test('for a client that does not read, little waits in the process', async () => {
  let handed = 0;
  const piece = new Uint8Array(4096);
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    handed += piece.length;
    controller.enqueue(piece);
  };
  const port = await serving({
    fetch: () => new Response(new ReadableStream({ pull }, { highWaterMark: 0 })),
  });
  const connected = once(server, 'connection');
  const client = connect(port, '127.0.0.1').pause();
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [connection] = (await connected) as [Socket];
  // Until nothing more is handed over: the kernel's buffers are full as well.
  for (let before = -1; before !== handed || connection.writableLength === 0; await delay(200))
    before = handed;
  expect(connection.writableLength).toBeLessThanOrEqual(16 * 1024);
  client.destroy();
});
