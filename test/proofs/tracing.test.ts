import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CollectedSpan } from '#test/fakes/otlp-spans.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { TraceCollector } from '#test/fakes/trace-collector.ts';
import { startTraceCollector } from '#test/fakes/trace-collector.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import {
  completion,
  events,
  sendEvents,
  sendJson,
  startUpstreamServer,
} from '#test/fakes/upstream-server.ts';
import { tracesOf } from './secret-traces.ts';

const upstreamKey = `sk-${randomBytes(24).toString('hex')}`;
const collectorKey = randomBytes(24).toString('hex');
/** In bodies, in queries, in paths and in headers: nowhere else. */
const canary = `canary-${randomBytes(24).toString('hex')}`;

let directory: string;
let collector: TraceCollector;
let upstream: UpstreamServer;
let server: ServerProcess;
let key: string;
let keyId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tracing-'));
  collector = await startTraceCollector();
  upstream = await startUpstreamServer(({ body, url }, response) => {
    if (url.endsWith('/models')) return sendJson(response, JSON.stringify({ data: [{ id: 'demo' }] }));
    if (body['model'] === 'fails') return sendJson(response, `{"error":{"message":"${canary}"}}`, 500);
    if (body['model'] === 'breaks') return void response.destroy();
    return body['stream'] === true
      ? sendEvents(response, events({ prompt_tokens: 5, completion_tokens: 6 }))
      : sendJson(response, completion(3, 4).replace('Hello.', canary));
  });
  server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: {
      UPSTREAM_API_KEY: upstreamKey,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: `x-collector-key=Key%20${collectorKey}`,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20test,service.name=other',
    },
  });
  const made = await server.admin.keys.create({ body: { label: 'traced' } });
  ({ key, id: keyId } = made);
});

afterAll(async () => {
  await server.kill9();
  await upstream.close();
  await collector.close();
  await rm(directory, { recursive: true });
});

const traceparentOf = (traceId: string, spanId: string, flags = '01') => `00-${traceId}-${spanId}-${flags}`;
const newTrace = () => [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')] as const;

function call(
  path: string,
  { body, headers = {}, token = key, ...init }: RequestInit & { token?: string } = {},
) {
  const sent = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers };
  return fetch(`${server.baseUrl}${path}`, {
    ...init,
    headers: sent,
    ...(body === undefined ? {} : { body }),
  });
}

function chat(changes: object = {}, headers: Record<string, string> = {}) {
  const messages = [{ role: 'user', content: canary }];
  const body = JSON.stringify({ model: 'demo', messages, ...changes });
  return call(`/v1/chat/completions?secret=${canary}`, { method: 'POST', body, headers });
}

/** The trace of the call that was answered with this id. */
const traceOf = (answer: Response) =>
  collector.traceWith(
    ({ attributes }) => attributes['quota_proxy.request_id'] === answer.headers.get('x-request-id'),
  );

const isChildOf = (span: CollectedSpan | undefined, parent: CollectedSpan) =>
  span !== undefined &&
  span.parentSpanId === parent.spanId &&
  span.traceId === parent.traceId &&
  span.startMs >= parent.startMs &&
  span.endMs <= parent.endMs;

describe('a call of a client that follows it', () => {
  test('is a part of the trace, and so is what the upstream does', async () => {
    const [traceId, spanId] = newTrace();
    const answer = await chat(
      {},
      { traceparent: traceparentOf(traceId, spanId), tracestate: 'vendor=client', baggage: `a=${canary}` },
    );
    expect(answer.status).toBe(200);
    await answer.text();
    const { server: span, reserve, client } = await traceOf(answer);

    expect(span).toMatchObject({ traceId, parentSpanId: spanId, name: 'POST /v1/chat/completions' });
    expect(reserve?.name).toBe('reserve');
    expect(isChildOf(reserve, span)).toBe(true);
    expect(isChildOf(client, span)).toBe(true);
    const told = upstream.seen.at(-1)?.headers;
    expect(told?.['traceparent']).toBe(traceparentOf(traceId, client?.spanId ?? ''));
    expect(told?.['tracestate']).toBe('vendor=client');
    expect(told?.['baggage']).toBeUndefined();
  });

  test('that does not sample it is not sampled here either, and the upstream is told so', async () => {
    const [traceId, spanId] = newTrace();
    await (await chat({}, { traceparent: traceparentOf(traceId, spanId, '00') })).text();
    expect(upstream.seen.at(-1)?.headers['traceparent']).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`),
    );
    await traceOf(await chat());
    expect(collector.spans().filter((span) => span.traceId === traceId)).toEqual([]);
  });

  test.each([
    { name: 'an id of zeros', traceparent: traceparentOf('0'.repeat(32), 'b7ad6b7169203331') },
    {
      name: 'a parent of zeros',
      traceparent: traceparentOf('0af7651916cd43dd8448eb211c80319c', '0'.repeat(16)),
    },
    {
      name: 'a version that cannot be',
      traceparent: 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    { name: 'upper case', traceparent: '00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01' },
    { name: 'no hex', traceparent: canary },
  ])('$name: is a trace of its own', async ({ traceparent }) => {
    const { server: span } = await traceOf(await chat({}, { traceparent }));
    expect(span.parentSpanId).toBe('');
    expect(traceparent.toLowerCase()).not.toContain(span.traceId);
  });
});

test('a call and its exchange say what they came to', async () => {
  const { server: span, client } = await traceOf(await chat());
  expect(span).toMatchObject({
    isError: false,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'url.path': '/v1/chat/completions',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': server.port,
      'client.address': '127.0.0.1',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'demo',
      'quota_proxy.key_id': keyId,
      'quota_proxy.source': 'upstream',
    },
    resource: {
      'service.name': 'other',
      'deployment.environment.name': 'a test',
      'telemetry.sdk.language': 'nodejs',
    },
  });
  expect(client).toMatchObject({
    name: 'chat demo',
    isError: false,
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'url.full': `${upstream.baseUrl}/chat/completions`,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(upstream.baseUrl).port),
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'demo',
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.usage.output_tokens': 4,
    },
  });
});

test('a stream is one exchange, to its end', async () => {
  const answer = await chat({ stream: true });
  expect(await answer.text()).toContain('[DONE]');
  const { server: span, client } = await traceOf(answer);
  expect(isChildOf(client, span)).toBe(true);
  expect(client?.attributes).toMatchObject({
    'gen_ai.request.stream': true,
    'gen_ai.usage.input_tokens': 5,
    'gen_ai.usage.output_tokens': 6,
    'gen_ai.response.time_to_first_chunk': expect.any(Number),
  });
});

test('a refusal has no exchange, and is no error of the server', async () => {
  const quotas = [{ meter: 'requests', period: 'day', limit: 0 }] as const;
  const refused = await server.admin.keys.create({ body: { label: 'empty', quotas: [...quotas] } });
  const answer = await call('/v1/chat/completions', {
    method: 'POST',
    token: refused.key,
    body: JSON.stringify({ model: 'demo', messages: [] }),
  });
  expect(answer.status).toBe(429);
  const { server: span, client, reserve } = await traceOf(answer);
  expect(client).toBeUndefined();
  expect(isChildOf(reserve, span)).toBe(true);
  expect(span).toMatchObject({
    isError: false,
    attributes: {
      'http.response.status_code': 429,
      'quota_proxy.reason': 'quota_exceeded',
      'gen_ai.request.model': 'demo',
    },
  });
  expect(span.attributes).not.toHaveProperty('error.type');
});

test.each([
  { model: 'fails', status: 500, error: '500', answered: 500 },
  { model: 'breaks', status: 502, error: 'upstream_broken', answered: undefined },
])('an upstream that $model is an error of both', async ({ model, status, error, answered }) => {
  const answer = await chat({ model });
  expect(answer.status).toBe(status);
  const { server: span, client } = await traceOf(answer);
  expect(client).toMatchObject({ isError: true, attributes: { 'error.type': error } });
  expect(client?.attributes['http.response.status_code']).toBe(answered);
  expect(span).toMatchObject({ isError: true, attributes: { 'http.response.status_code': status } });
});

test('the list of models is asked for within the trace of who asks first', async () => {
  const answer = await call('/v1/models');
  const { client } = await traceOf(answer);
  expect(client).toMatchObject({ name: 'GET', attributes: { 'url.full': `${upstream.baseUrl}/models` } });
  expect(upstream.seen.at(-1)?.headers['traceparent']).toContain(client?.spanId);
});

test('calls of the operator are followed, by their routes; probes are not', async () => {
  for (const probe of ['/healthz', '/livez', '/readyz', '/metrics']) {
    expect((await call(probe, { token: SERVER_ADMIN_TOKEN })).status).toBe(200);
  }
  const answer = await call(`/admin/keys/${key}`, { token: SERVER_ADMIN_TOKEN });
  expect(answer.status).toBe(200);
  const { server: span } = await traceOf(answer);
  expect(span).toMatchObject({
    name: 'GET /admin/keys/:key',
    attributes: { 'http.route': '/admin/keys/:key', 'url.path': '/admin/keys/REDACTED' },
  });
  const routes = new Set(collector.spans().map(({ attributes }) => attributes['http.route']));
  expect([...routes].filter((route) => /z$|metrics/.test(String(route)))).toEqual([]);
});

test('what is nowhere has no route, whatever its path says', async () => {
  const answer = await call(`/v1/${canary}`, { method: 'PUT' });
  expect(answer.status).toBe(404);
  const { server: span } = await traceOf(answer);
  expect(span.name).toBe('PUT');
  expect(span.attributes).not.toHaveProperty('http.route');
  expect(span.attributes).not.toHaveProperty('url.path');
});

test('no key, no token, no body and no query is in any exported byte, and the key of the collector in no log', async () => {
  await traceOf(await chat({ stream: true }, { cookie: canary, 'user-agent': canary }));
  const bytes = Buffer.concat(collector.exports.map(({ body }) => body));
  expect(bytes.length).toBeGreaterThan(3_000);
  expect(bytes.includes(keyId)).toBe(true);
  for (const secret of [key, SERVER_ADMIN_TOKEN, upstreamKey, canary, collectorKey]) {
    expect(tracesOf(secret, bytes, 3)).toEqual([]);
  }
  expect(tracesOf(collectorKey, Buffer.from(server.written()))).toEqual([]);
  expect(collector.exports.every(({ headers }) => headers['x-collector-key'] === `Key ${collectorKey}`)).toBe(
    true,
  );
  expect(new Set(collector.exports.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
});
