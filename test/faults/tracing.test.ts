import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { freePort, startServer } from '#test/fakes/server-process.ts';
import type { TraceCollector } from '#test/fakes/trace-collector.ts';
import { startTraceCollector } from '#test/fakes/trace-collector.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const CREDENTIAL = 'b1946ac92492d2347c6235b4d2611184';
const LONG = { timeout: 20_000, interval: 50 };

let stack: AsyncDisposableStack;
let directory: string;
let upstream: UpstreamServer;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  directory = await mkdtemp(join(tmpdir(), 'tracing-'));
  stack.defer(() => rm(directory, { recursive: true }));
  upstream = await startUpstreamServer((_, response) => sendJson(response, completion(3, 4)));
  stack.defer(() => upstream.close());
});

afterEach(() => stack.disposeAsync());

async function start(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env });
  stack.defer(() => server.kill9());
  return server;
}

async function collect(options: Parameters<typeof startTraceCollector>[0] = {}): Promise<TraceCollector> {
  const collector = await startTraceCollector(options);
  stack.defer(() => collector.close());
  return collector;
}

async function issue(server: ServerProcess): Promise<string> {
  return (await server.admin.keys.create({ body: { label: 'traced' } })).key;
}

async function chatWith(server: ServerProcess, key: string): Promise<number> {
  const answer = await fetch(`${server.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      traceparent: TRACEPARENT,
      tracestate: 'a=b',
    },
    body: JSON.stringify({ model: 'demo', messages: [] }),
  });
  await answer.text();
  return answer.status;
}

const linesWith = (server: ServerProcess, message: string) =>
  server
    .written()
    .split('\n')
    .filter((line) => line.includes(message));

/** What a server at `port` sends to is nobody, and it gives up soon. */
const quick = (port: number) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_EXPORTER_OTLP_TIMEOUT: '300',
  OTEL_BSP_SCHEDULE_DELAY: '50',
});

describe('while the collector is away', () => {
  test('calls are served, and an outage is one line at its begin and one at its end', async () => {
    const port = await freePort();
    const server = await start(quick(port));
    const key = await issue(server);
    await vi.waitFor(async () => {
      expect(await chatWith(server, key)).toBe(200);
      expect(linesWith(server, 'Traces do not reach the collector.')).toHaveLength(1);
    }, LONG);
    expect(linesWith(server, 'ECONNREFUSED')).toHaveLength(1);

    const collector = await collect({ port });
    await vi.waitFor(async () => {
      await chatWith(server, key);
      expect(collector.spans()).not.toEqual([]);
      expect(linesWith(server, 'Traces reach the collector again.')).toHaveLength(1);
    }, LONG);
    const [again = ''] = linesWith(server, 'Traces reach the collector again.');
    expect(JSON.parse(again).lost_spans).toBeGreaterThanOrEqual(1);
  });

  test('a collector that answers never keeps no call and no end waiting', async () => {
    const collector = await collect({ answer: () => {} });
    const server = await start({ ...quick(collector.port), OTEL_EXPORTER_OTLP_TIMEOUT: '60000' });
    const key = await issue(server);
    for (let call = 0; call < 20; call += 1) expect(await chatWith(server, key)).toBe(200);
    await vi.waitFor(() => expect(collector.exports).not.toEqual([]), LONG);
    const stoppedMs = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
    expect(linesWith(server, 'The last traces were not sent')).toHaveLength(1);
  });

  test('a collector that refuses every batch is one line, and what it says is not copied into it', async () => {
    const collector = await collect({
      // One that tells what it was given, as some do in their errors.
      answer: (response) =>
        void response.writeHead(403, `No such key: ${CREDENTIAL}`).end(`no: ${'x'.repeat(100_000)}`),
    });
    const server = await start({
      ...quick(collector.port),
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${CREDENTIAL}`,
    });
    const key = await issue(server);
    await vi.waitFor(async () => {
      expect(await chatWith(server, key)).toBe(200);
      expect(collector.exports.length).toBeGreaterThan(5);
    }, LONG);
    const lines = linesWith(server, 'Traces do not reach the collector.');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('No such key: [redacted] (403)');
    expect(server.written()).not.toContain('xxxx');
  });
});

test('at SIGTERM, what waits to be sent is sent', async () => {
  const collector = await collect();
  const server = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  });
  const key = await issue(server);
  expect(await chatWith(server, key)).toBe(200);
  expect(collector.exports).toEqual([]);
  expect(await server.stop()).toBe(0);
  expect(collector.spans().map(({ name }) => name)).toContain('chat demo');
});

test('JSON, compressed, to an address of its own', async () => {
  const collector = await collect();
  const server = await start({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/elsewhere`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  });
  await chatWith(server, await issue(server));
  await server.stop();
  const [{ path, headers, body } = { path: '', headers: {}, body: Buffer.alloc(0) }] = collector.exports;
  expect({ path, type: headers['content-type'] }).toEqual({ path: '/elsewhere', type: 'application/json' });
  expect(headers['content-encoding']).toBe('gzip');
  const { resourceSpans } = JSON.parse(body.toString());
  const names = resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name);
  expect(names).toContain('chat demo');
});

test('a sampler that asks no parent leaves out what a client wants to be followed, and still passes the trace on', async () => {
  const collector = await collect();
  const server = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  expect(await chatWith(server, await issue(server))).toBe(200);
  await server.stop();
  expect(collector.exports).toEqual([]);
  expect(upstream.seen.at(-1)?.headers['traceparent']).toMatch(
    /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/,
  );
});

// Its API, which does nothing by itself, comes with prom-client.
describe('the SDK of OpenTelemetry', () => {
  const HOOK = `import { registerHooks } from 'node:module';
import { writeSync } from 'node:fs';
registerHooks({
  load(url, context, next) {
    if (/@opentelemetry.(?!api)/.test(url)) writeSync(2, 'loaded ' + url + '\\n');
    return next(url, context);
  },
});`;

  test.each([
    { name: 'without an endpoint', endpoint: '', loads: false },
    { name: 'with one', endpoint: 'http://127.0.0.1:1', loads: true },
  ])('$name: loaded: $loads; the upstream is told of a trace: $loads', async ({ endpoint, loads }) => {
    const hook = join(directory, 'hook.mjs');
    await writeFile(hook, HOOK);
    const server = await start({
      NODE_OPTIONS: `--import=${hook}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    });
    expect(await chatWith(server, await issue(server))).toBe(200);
    expect(linesWith(server, 'loaded ').length > 0).toBe(loads);
    const told = Object.keys(upstream.seen.at(-1)?.headers ?? {}).filter((name) => name.startsWith('trace'));
    expect(told).toEqual(loads ? ['traceparent', 'tracestate'] : []);
  });
});
