import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RequestEnded } from '#core/observer.ts';
import type { CallBegun } from '#core/tracing.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { TraceCollector } from '#test/fakes/trace-collector.ts';
import { startTraceCollector } from '#test/fakes/trace-collector.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import type { TracerConfig } from './open-tracer.ts';
import { openTracer } from './open-tracer.ts';

const CALL: CallBegun = {
  method: 'GET',
  route: '/v1/quota',
  host: 'proxy.test:80',
  address: '192.0.2.1',
  startedMs: 0,
  traceparent: null,
  tracestate: null,
};

const ENDED: RequestEnded = {
  requestId: 'r',
  method: 'POST',
  route: 'unmatched',
  address: '192.0.2.1',
  keyId: null,
  model: null,
  upstream: null,
  status: 200,
  reason: null,
  usage: null,
  charge: null,
  storeMs: null,
  upstreamMs: null,
  addedMs: null,
  durationMs: 1,
};

const UPSTREAM = { name: 'upstream', baseUrl: 'https://api.deepseek.com/v1/' };

const QUEUE_SPANS_MAX = 2048;

let collector: TraceCollector;
let told: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];

beforeEach(async () => {
  collector = await startTraceCollector();
  told = [];
});

afterEach(() => collector.close());

const observer = {
  noticed: (message: string, fields: Readonly<Record<string, unknown>>) =>
    void told.push({ message, fields }),
  failed: (message: string, _: unknown, fields: Readonly<Record<string, unknown>>) =>
    void told.push({ message, fields }),
};

const clock = { now: () => 1_800_000_000_000, elapsedMs: () => 0 };

function open(changes: Partial<TracerConfig> = {}, by = clock) {
  const config: TracerConfig = {
    url: `${collector.endpoint}/v1/traces`,
    encoding: 'protobuf',
    headers: {},
    compression: 'none',
    timeoutMs: 2_000,
    userAgent: 'quota-proxy/test',
    delayMs: 600_000,
    sampling: { ratio: 1, parentDecides: true },
    resource: { 'service.name': 'test' },
    version: '0.0.0',
    ...changes,
  };
  return openTracer(config, { clock: by, observer });
}

test('a clock that fails, and whatever else does, fails no call, and is told once', async () => {
  const broken = {
    ...clock,
    now: () => {
      throw new Error('no time');
    },
  };
  const tracer = open({}, broken);
  expect([tracer.begin(CALL), tracer.begin(CALL)]).toEqual([null, null]);
  expect(told).toEqual([{ message: 'A call could not be traced.', fields: {} }]);
  await tracer.close();
});

test('what fails later in a call fails it no more', async () => {
  // The proxy's own clock, by which it says when a call came.
  const tracer = open({}, { ...clock, elapsedMs: () => performance.now() });
  const behaviour: Behaviour = (_, response) => sendJson(response, completion(3, 4));
  const proxy = await openProxy({ tracer, behaviour, upstreams: [{ behaviour, shownAs: 'no URL' }] });
  const { secret } = await proxy.issue();
  expect((await proxy.chat(secret)).status).toBe(200);
  await proxy.close();
  await tracer.close();
  expect(told).toEqual([{ message: 'A call could not be traced.', fields: {} }]);
});

test("a model's name of any length takes little room, and hides the provider from nobody", async () => {
  const trace = open();
  const followed = trace.begin({ ...CALL, method: 'POST' });
  const headers = followed?.sent({
    method: 'POST',
    path: '/chat/completions',
    call: { model: 'm'.repeat(100_000), stream: false },
    upstream: UPSTREAM,
  });
  followed?.ended({
    ...ENDED,
    method: 'BREW',
    model: 'm'.repeat(100_000),
    status: 503,
    reason: 'store_unavailable',
  });
  await trace.close();
  const bytes = collector.exports.reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBeLessThan(4_000);
  const { server, client } = await collector.traceWith(() => true);
  expect(headers?.['traceparent']).toContain(client?.spanId);
  expect(client?.attributes).toMatchObject({
    'gen_ai.provider.name': 'deepseek',
    'server.address': 'api.deepseek.com',
    'server.port': 443,
    'url.full': 'https://api.deepseek.com/v1/chat/completions',
  });
  expect(server).toMatchObject({
    name: 'HTTP',
    isError: true,
    startMs: clock.now(),
    attributes: { 'error.type': 'store_unavailable', 'server.address': 'proxy.test', 'server.port': 80 },
  });
});

test.each([
  { kind: 'whole', body: new Uint8Array(), lastsMs: 20 },
  { kind: 'stream', chunks: { next: async () => undefined, cancel() {} }, lastsMs: 50 },
] as const)(
  'an exchange of 50 ms whose answer is $kind after 20 lasts $lastsMs',
  async ({ lastsMs, ...answer }) => {
    let elapsedMs = 1_000;
    const tracer = open({}, { ...clock, elapsedMs: () => elapsedMs });
    const followed = tracer.begin({ ...CALL, startedMs: elapsedMs });
    const call = { model: 'm', stream: false };
    followed?.sent({ method: 'POST', path: '/chat/completions', call, upstream: UPSTREAM });
    elapsedMs += 20;
    followed?.answered({ ...answer, head: { status: 200, headers: {} } });
    elapsedMs += 30;
    followed?.ended(ENDED);
    await tracer.close();
    const { server, client } = await collector.traceWith(() => true);
    expect((client?.endMs ?? 0) - (client?.startMs ?? 0)).toBeCloseTo(lastsMs, 1);
    expect(server.endMs - server.startMs).toBeCloseTo(50, 1);
  },
);

test('each upstream that was asked has a span, and those that did not serve an error', async () => {
  const tracer = open();
  const followed = tracer.begin(CALL);
  const call = { model: 'm', stream: false };
  const asked = (name: string) => ({
    ...({ method: 'POST', path: '/chat/completions', call } as const),
    upstream: { ...UPSTREAM, name },
  });
  const parents = ['first', 'second'].map((name, index) => {
    if (index > 0) followed?.passedOver('limited');
    return followed?.sent(asked(name))['traceparent'];
  });
  followed?.answered({ kind: 'whole', head: { status: 200, headers: {} }, body: new Uint8Array() });
  followed?.ended(ENDED);
  await tracer.close();
  await collector.traceWith(() => true);
  const clients = collector.spans().filter(({ kind }) => kind === 'CLIENT');
  expect(clients).toMatchObject([
    { isError: true, attributes: { 'quota_proxy.upstream': 'first', 'error.type': 'limited' } },
    { isError: false, attributes: { 'quota_proxy.upstream': 'second', 'http.response.status_code': 200 } },
  ]);
  for (const [index, { spanId }] of clients.entries()) expect(parents[index]).toContain(spanId);
});

test('what the SDK warns of with every span is told once a minute', async () => {
  let elapsedMs = 0;
  const tracer = open({}, { ...clock, elapsedMs: () => elapsedMs });
  const endBeforeItBegan = () => tracer.begin({ ...CALL, startedMs: elapsedMs + 1 })?.ended(ENDED);
  const warnings = () => told.filter(({ message }) => message === 'The tracing SDK warns.').length;
  for (let call = 0; call < 5; call += 1) endBeforeItBegan();
  expect(warnings()).toBe(1);
  elapsedMs += 60_000;
  endBeforeItBegan();
  expect(warnings()).toBe(2);
  await tracer.close();
});

test('what the queue has no room for is dropped, and that is told', async () => {
  // The first batch is on its way for ever, and what comes beyond a full queue behind it is dropped.
  const away = await startTraceCollector({ answer: () => {} });
  const tracer = open({ url: `${away.endpoint}/v1/traces`, timeoutMs: 200 });
  const follow = () => tracer.begin(CALL)?.reserved(0);
  for (let span = 0; span < 2 * QUEUE_SPANS_MAX; span += 1) follow();
  await expect
    .poll(
      () => {
        follow();
        return told.map(({ fields }) => fields['warning']).filter((warning) => warning !== undefined);
      },
      { timeout: 10_000, interval: 50 },
    )
    .toEqual([expect.stringMatching(/^Dropped \d+ spans because maxQueueSize reached$/)]);
  await away.close();
  await tracer.close();
});
