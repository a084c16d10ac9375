import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { App } from '#handlers/app.ts';
import { createHttpServer } from './create-http-server.ts';
import { inFlight } from './in-flight.ts';

const MAX = 4;
const STALL_MS = 200;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const SLOW_BODY = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx';

let server: Server;
let port: number;
let asked: number;
let refused: number;
const clients: Client[] = [];

afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  server.close();
  server.closeAllConnections();
});

async function serving(fetch: App['fetch'], clientStallMs = 60_000): Promise<void> {
  [asked, refused] = [0, 0];
  const app: Pick<App, 'fetch'> = {
    fetch(...of) {
      asked += 1;
      return fetch(...of);
    },
  };
  const onFull = () => {
    refused += 1;
  };
  const limits = { connectionsMax: MAX, clientStallMs, trustedProxies: [], onFull };
  const works = inFlight({ failed: () => {} }); // of bodies that were cut off
  server = createHttpServer(app, works, { ready: true }, limits).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
}

interface Client {
  readonly socket: Socket;
  text: string;
  isClosed: boolean;
}

/** Connects, and sends something at once. Resolves when the server knows of it. */
async function client(sent: string): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  const its: Client = { socket, text: '', isClosed: false };
  clients.push(its);
  socket.on('data', (bytes) => (its.text += bytes.toString()));
  socket.on('error', () => {}); // cut off
  socket.on('close', () => {
    its.isClosed = true;
  });
  await once(socket, 'connect');
  if (sent !== '') socket.write(sent);
  await sleep(20);
  return its;
}

const isAnswered = ({ text }: Client) => text.startsWith('HTTP/1.1 200');

describe('where all connections are taken', () => {
  test.each([
    { name: 'sends nothing', sent: '' },
    { name: 'has sent half a head', sent: 'GET / HTTP/1.1\r\nHo' },
    { name: 'has sent half a body', sent: SLOW_BODY },
    { name: 'waits for its next request', sent: GET },
  ])('a new one has the place of the one that $name for longest', async ({ sent }) => {
    await serving(async (request) => new Response(await request.text()));
    const [first, ...others] = [
      await client(sent),
      await client(sent),
      await client(sent),
      await client(sent),
    ];
    const next = await client(GET);
    await expect.poll(() => isAnswered(next)).toBe(true);
    expect(first?.isClosed).toBe(true);
    expect(others.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
    expect(refused).toBe(0);
  });

  test('a request makes a connection the youngest again', async () => {
    await serving(() => new Response('done'));
    const [first, second] = [await client(GET), await client(GET), await client(GET), await client(GET)];
    first?.socket.write(GET);
    await expect.poll(() => first?.text.match(/done/g)).toHaveLength(2);
    await client('');
    await expect.poll(() => second?.isClosed).toBe(true);
    expect(first?.isClosed).toBe(false);
  });

  test.each([
    { name: 'sent nothing', sent: '' },
    { name: 'sent half a head', sent: 'GET / HTTP/1.1\r\nHo' },
    { name: 'sent half a body', sent: SLOW_BODY },
  ])(
    'a crowd that $name loses its own places, and no connection that waits for its next request',
    async ({ sent }) => {
      await serving(async (request) => new Response(await request.text()));
      const idle = await client(GET);
      await expect.poll(() => isAnswered(idle)).toBe(true);
      const crowd: Client[] = [];
      for (let n = 0; n < 20; n += 1) crowd.push(await client(sent));
      await expect.poll(() => crowd.filter(({ isClosed }) => isClosed)).toHaveLength(20 - (MAX - 1));
      expect(idle.isClosed).toBe(false);
    },
  );

  test('a few that have only just connected are no crowd, and have the place of the one that waits longest', async () => {
    await serving(() => new Response('done'));
    const idle = [await client(GET), await client(GET), await client(GET), await client(GET)];
    const few = [await client(''), await client(''), await client('')];
    await expect.poll(() => idle.map(({ isClosed }) => isClosed)).toEqual([true, true, true, false]);
    expect(few.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
  });

  test('a crowd of those who only connect keeps nobody out, and no request under way is lost', async () => {
    const finish = Promise.withResolvers<void>();
    await serving(async () => {
      await finish.promise;
      return new Response('done');
    });
    const busy = [await client(GET), await client(GET), await client(GET)];
    for (let n = 0; n < 20; n += 1) await client('');
    const last = await client(GET);
    await expect.poll(() => asked).toBe(4);
    finish.resolve();
    await expect.poll(() => [...busy, last].every(isAnswered)).toBe(true);
  });

  test('if each has a request under way, a new one is refused in words, and nobody is asked for it', async () => {
    const finish = Promise.withResolvers<void>();
    await serving(async () => {
      await finish.promise;
      return new Response('done');
    });
    const busy: Client[] = [];
    for (let n = 0; n < MAX; n += 1) busy.push(await client(GET));
    const next = await client(GET);
    await expect.poll(() => next.isClosed).toBe(true);
    expect(next.text).toMatch(/^HTTP\/1\.1 503 .*"code":"server_busy"/s);
    // One whose request is there before it can be refused.
    const [inner, outer] = duplexPair();
    outer.write(GET);
    server.emit('connection', inner);
    await sleep(20);
    expect([asked, refused]).toEqual([MAX, 2]);
    finish.resolve();
    await expect.poll(() => busy.every(isAnswered)).toBe(true);
    // And there is room again.
    const later = await client(GET);
    await expect.poll(() => isAnswered(later)).toBe(true);
  });
});

describe('a client that does not read', () => {
  /** Events for as long as somebody takes them. */
  function endless() {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: () => {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { reply: () => new Response(stream), isCancelled: () => cancelled };
  }

  test('is cut off, and its stream is told', async () => {
    const { reply, isCancelled } = endless();
    await serving(reply, STALL_MS);
    const { socket } = await client('');
    socket.pause();
    socket.write(GET);
    await expect.poll(isCancelled, { timeout: 10_000 }).toBe(true);
  });

  test('the control: one that reads, however long, is not', async () => {
    const { reply, isCancelled } = endless();
    await serving(reply, STALL_MS);
    const { socket } = await client(GET);
    await sleep(5 * STALL_MS);
    expect([isCancelled(), socket.destroyed]).toEqual([false, false]);
  });

  test('one that waits for a slow answer is not, nor one whose stream is silent', async () => {
    await serving(async () => {
      await sleep(3 * STALL_MS);
      const stream = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('begun'));
          await sleep(3 * STALL_MS);
          controller.enqueue(new TextEncoder().encode('ended'));
          controller.close();
        },
      });
      return new Response(stream);
    }, STALL_MS);
    const its = await client(GET);
    await expect.poll(() => its.text, { timeout: 5_000 }).toContain('ended');
  });
});
