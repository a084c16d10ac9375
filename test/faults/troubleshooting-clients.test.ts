import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rawRequest } from '#test/fakes/raw-request.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { patternOf } from './known-messages.ts';
import { residentMemory } from './resident-memory.ts';

const MIB = 1024 * 1024;
const SLOW = 1_000;
const READERS = 20;
/** More than all sockets on the way to a client that does not read can hold. */
const STREAM_BYTES = 24 * MIB;

const EVENT = `data: {"choices":[{"delta":{"content":"${'x'.repeat(16_000)}"}}]}\n\n`;

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
/** Streams that the upstream has not come to the end of. */
let open: Set<ServerResponse>;
const sockets: Socket[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clients-'));
  open = new Set();
  upstream = await startUpstreamServer(({ body }, response) => {
    if (body['stream'] !== true) return sendJson(response, completion(3, 4));
    open.add(response);
    response.on('close', () => open.delete(response));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let written = 0;
    const write = () => {
      while (written < STREAM_BYTES) {
        written += EVENT.length;
        if (!response.write(EVENT)) return void response.once('drain', write);
      }
      response.end(
        `data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n`,
      );
    };
    write();
  });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

async function start(env: Readonly<Record<string, string>> = {}) {
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env });
  return (await server.admin.keys.create({ body: { label: 'Ada' } })).key;
}

/** A connection over which `text` was sent, and of which nothing is read. */
async function send(text: string): Promise<void> {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {}); // cut off
  socket.pause();
  await once(socket, 'connect');
  socket.write(text);
}

function streaming(key: string): string {
  const body = JSON.stringify({ model: 'demo', stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  const head = ['POST /v1/chat/completions HTTP/1.1', 'Host: a', `Authorization: Bearer ${key}`];
  head.push('Content-Type: application/json', `Content-Length: ${body.length}`);
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const statusesOf = (key: string, count: number) =>
  Promise.all(Array.from({ length: count }, async () => (await server.chat(key)).status));

test('S9: a thousand slow senders, and clients that do not read, harm nobody and fill no memory', async () => {
  const key = await start({ CLIENT_STALL_TIMEOUT_MS: '2000' });
  await statusesOf(key, 20);
  const before = residentMemory(server.pid).nowBytes;
  for (let n = 0; n < READERS; n += 1) await send(streaming(key));
  await expect.poll(() => open.size, { timeout: 20_000 }).toBe(READERS);
  const parts = ['POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-', streaming(key).slice(0, -9)];
  for (let n = 0; n < SLOW; n += 1) await send(parts[n % 2] ?? '');
  // With all connections in use, others are served as ever: on the connections that they have, and on new ones.
  for (let round = 0; round < 5; round += 1) {
    expect(new Set(await statusesOf(key, 20))).toEqual(new Set([200]));
    expect((await rawRequest(server.port, ['GET /livez HTTP/1.1', 'Host: a'])).status).toBe(200);
  }

  // Whoever does not read is cut off; the upstream is read to its end, and what it counted is charged.
  await expect.poll(() => open.size, { timeout: 30_000 }).toBe(0);
  const streams = async () => {
    const { items } = await server.admin.requests.list({ query: { limit: 200 } });
    return items.filter(({ http_status }) => http_status === 499);
  };
  await expect.poll(async () => (await streams()).length, { timeout: 10_000 }).toBe(READERS);
  for (const stream of await streams())
    expect(stream).toMatchObject({ status: 'settled', source: 'upstream' });
  expect(residentMemory(server.pid).peakBytes - before).toBeLessThan(READERS * STREAM_BYTES * 0.4);
});

test('the control: where nobody is cut off, who does not read holds a stream of the upstream', async () => {
  const key = await start({ CLIENT_STALL_TIMEOUT_MS: '600000' });
  await send(streaming(key));
  await expect.poll(() => open.size, { timeout: 20_000 }).toBe(1);
  await sleep(6_000);
  expect(open.size).toBe(1);
});

test('where each connection has a request under way, a new one is refused, and the operator told once', async () => {
  const key = await start({ MAX_CONNECTIONS: '3' });
  // The last one is that of the client which made the key.
  for (let n = 1; n <= 3; n += 1) {
    await send(streaming(key));
    await expect.poll(() => open.size, { timeout: 20_000 }).toBe(n);
  }
  for (let n = 0; n < 3; n += 1) {
    const { status, text } = await rawRequest(server.port, ['GET /livez HTTP/1.1', 'Host: a']);
    expect([status, JSON.parse(text.slice(text.indexOf('\r\n\r\n'))).error.code]).toEqual([
      503,
      'server_busy',
    ]);
  }
  const lines = server.written().split('\n');
  expect(lines.filter((line) => patternOf('allInUse').test(line))).toHaveLength(1);
});
