import { once } from 'node:events';
import type { Server } from 'node:http';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import type { App } from '#handlers/app.ts';
import { createHttpServer } from './create-http-server.ts';
import type { Draining } from './drain.ts';
import { drain } from './drain.ts';
import { inFlight } from './in-flight.ts';

const LONG_MS = 60_000;
const LIMITS = {
  connectionsMax: 100,
  clientStallMs: LONG_MS,
  trustedProxies: [],
  onFull: () => expect.fail('there is room'),
};
const observer = {
  noticed: () => undefined,
  warned: () => undefined,
  requestEnded: () => undefined,
  failed: (_: string, error: unknown) => expect.fail(String(error)),
};
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
});

interface Scene extends Draining {
  readonly server: Server;
  readonly steps: string[];
  get(): Promise<{ status: number | undefined; body: string }>;
}

async function scene(app: Pick<App, 'fetch'>, graceMs: number, abort: () => void): Promise<Scene> {
  const readiness = { ready: true };
  const works = inFlight(observer);
  const steps: string[] = [];
  server = createHttpServer(app, works, readiness, LIMITS).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    readiness,
    works,
    observer,
    graceMs,
    steps,
    async abort() {
      steps.push('abort');
      abort();
    },
    async get() {
      const [reply] = await once(request({ port, host: '127.0.0.1' }).end(), 'response');
      return { status: reply.statusCode, body: await text(reply).catch(() => 'cut off') };
    },
  };
}

test('takes nothing new, and lets finish what has begun and what outlives it', async () => {
  const reply = Promise.withResolvers<Response>();
  const afterwards = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const app: Pick<App, 'fetch'> = {
    fetch(_request, _env, ctx) {
      ctx.waitUntil(afterwards.promise.then(() => stage.steps.push('settled')));
      begun.resolve();
      return reply.promise;
    },
  };
  const stage = await scene(app, LONG_MS, () => undefined);
  const asked = stage.get();
  await begun.promise;

  const closed = once(stage.server, 'close');
  const drained = drain(stage).then(() => stage.steps.push('drained'));
  expect(stage.readiness.ready).toBe(false);
  await expect(stage.get()).rejects.toThrow('ECONNREFUSED');
  reply.resolve(new Response('in time'));
  expect(await asked).toEqual({ status: 200, body: 'in time' });
  await closed;
  await new Promise(setImmediate);
  expect(stage.steps).toEqual([]);
  afterwards.resolve();
  await drained;
  expect(stage.steps).toEqual(['settled', 'abort', 'drained']);
});

test('after the grace it ends what is left, and waits until that is settled', async () => {
  const aborted = Promise.withResolvers<void>();
  const app: Pick<App, 'fetch'> = {
    fetch(_request, _env, ctx) {
      ctx.waitUntil(aborted.promise.then(() => stage.steps.push('settled')));
      return aborted.promise.then(() => new Response('stopped', { status: 503 }));
    },
  };
  const stage = await scene(app, 0, () => aborted.resolve());
  const asked = stage.get();
  await expect.poll(() => stage.works.size()).toBe(2);
  await drain(stage);
  expect(await asked).toEqual({ status: 503, body: 'stopped' });
  expect(stage.steps).toEqual(['abort', 'settled']);
});

test('waits for what an abort settles where no client waits any more', async () => {
  const readOn = Promise.withResolvers<void>();
  const stage = await scene({ fetch: () => new Response() }, LONG_MS, () => readOn.resolve());
  void readOn.promise.then(() => {
    const settled = new Promise((resolve) => setTimeout(resolve, 20)).then(() => stage.steps.push('settled'));
    stage.works.waitUntil(settled);
  });
  await drain(stage);
  expect(stage.steps).toEqual(['abort', 'settled']);
});

test('a stream that an abort does not end is cut off', async () => {
  const app: Pick<App, 'fetch'> = {
    fetch: () => new Response(new ReadableStream({ start: (it) => it.enqueue(Buffer.from('a')) })),
  };
  const stage = await scene(app, 0, () => undefined);
  const asked = stage.get();
  const [connection] = await once(stage.server, 'connection');
  await expect.poll(() => connection.bytesWritten).toBeGreaterThan(0);
  await drain(stage);
  expect(await asked).toEqual({ status: 200, body: 'cut off' });
});
