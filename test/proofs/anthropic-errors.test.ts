import { afterEach, describe, expect, test } from 'vitest';
import { StoreUnavailable } from '#core/ports.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest | undefined;
afterEach(() => proxy?.close());

const BODY = { model: 'demo', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };
const served: Behaviour = (_call, response) =>
  sendJson(response, '{"usage":{"input_tokens":1,"output_tokens":1}}');
const answering =
  (status: number): Behaviour =>
  (_call, response) =>
    sendJson(response, '{"type":"error"}', status);

interface Row {
  readonly name: string;
  readonly status: number;
  readonly type: string;
  readonly code: string;
  readonly key?: Parameters<ProxyUnderTest['issue']>[0];
  readonly behaviour?: Behaviour;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  prepare?(under: ProxyUnderTest): void;
}

const json = (members: object) => JSON.stringify({ ...BODY, ...members });
const quota = { meter: 'tokens', period: 'day', limit: 1 } as const;

const rows: readonly Row[] = [
  {
    name: 'no key',
    status: 401,
    type: 'authentication_error',
    code: 'invalid_api_key',
    headers: { 'x-api-key': '' },
  },
  {
    name: 'a wrong key',
    status: 401,
    type: 'authentication_error',
    code: 'invalid_api_key',
    headers: { 'x-api-key': 'sk-1' },
  },
  {
    name: 'two keys',
    status: 400,
    type: 'invalid_request_error',
    code: 'several_credentials',
    headers: { authorization: 'Bearer sk-2' },
  },
  {
    name: 'a disabled key',
    status: 401,
    type: 'authentication_error',
    code: 'key_disabled',
    key: { disabled: true },
  },
  {
    name: 'another address',
    status: 403,
    type: 'permission_error',
    code: 'ip_not_allowed',
    key: { ips: ['192.0.2.1'] },
  },
  {
    name: 'another model',
    status: 403,
    type: 'permission_error',
    code: 'model_not_allowed',
    key: { models: ['a'] },
  },
  {
    name: 'no quota left',
    status: 429,
    type: 'rate_limit_error',
    code: 'insufficient_quota',
    key: { quotas: [quota] },
  },
  { name: 'no JSON', status: 400, type: 'invalid_request_error', code: 'invalid_body', body: '{' },
  {
    name: 'a wrong member',
    status: 400,
    type: 'invalid_request_error',
    code: 'invalid_body',
    body: json({ max_tokens: -1 }),
  },
  {
    name: 'state elsewhere',
    status: 400,
    type: 'invalid_request_error',
    code: 'invalid_body',
    body: json({ thread: {} }),
  },
  {
    name: 'a wrong version',
    status: 400,
    type: 'invalid_request_error',
    code: 'invalid_header',
    headers: { 'anthropic-version': 'new' },
  },
  {
    name: 'another type of body',
    status: 415,
    type: 'invalid_request_error',
    code: 'unsupported_media_type',
    headers: { 'content-type': 'text/plain' },
  },
  {
    name: 'too large a body',
    status: 413,
    type: 'request_too_large',
    code: 'body_too_large',
    body: json({ a: 'a'.repeat(1_000_000) }),
  },
  { name: 'another method', status: 404, type: 'not_found_error', code: 'unknown_url', method: 'PUT' },
  {
    name: 'what is not metered',
    status: 404,
    type: 'not_found_error',
    code: 'unknown_url',
    path: '/v1/messages/count_tokens',
  },
  {
    name: 'a refused key of ours',
    status: 503,
    type: 'api_error',
    code: 'upstream_unavailable',
    behaviour: answering(401),
  },
  {
    name: 'a balance used up',
    status: 503,
    type: 'api_error',
    code: 'upstream_unavailable',
    behaviour: answering(402),
  },
  {
    name: 'a broken upstream',
    status: 502,
    type: 'api_error',
    code: 'upstream_broken',
    behaviour: (_call, response) => void response.destroy(),
  },
  {
    name: 'a store that cannot record',
    status: 503,
    type: 'api_error',
    code: 'store_unavailable',
    prepare(under) {
      under.services.ledger.execute = () => Promise.reject(new StoreUnavailable('disk full'));
    },
  },
  {
    name: 'a bug',
    status: 500,
    type: 'api_error',
    code: 'internal_error',
    prepare(under) {
      under.services.ledger.execute = () => Promise.reject(new TypeError('x is undefined'));
    },
  },
];

describe.each(['/v1/messages', '/messages'])('%s', (route) => {
  test.each(rows)("$name is told as Anthropic's error", async (row) => {
    const { status, type, code, behaviour = served, method = 'POST' } = row;
    proxy = await openProxy({ behaviour });
    const { secret } = await proxy.issue(row.key);
    row.prepare?.(proxy);
    const headers = { 'x-api-key': secret, 'content-type': 'application/json', ...row.headers };
    const path = row.path?.replace('/v1/messages', route) ?? route;
    const reply = await proxy.fetch(path, { method, headers, body: row.body ?? json({}) });
    const id = reply.headers.get('request-id');
    expect(id).toBe(reply.headers.get('x-request-id'));
    expect(reply.status).toBe(status);
    expect(await reply.json()).toEqual({
      type: 'error',
      error: { type, message: expect.any(String), details: { error_code: code } },
      request_id: id,
    });
    await proxy.settled();
    expect(proxy.log.at(-1)).toMatchObject({ status });
  });
});

test("the upstream's own errors are passed on as they are, and cost nothing", async () => {
  const body =
    '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}';
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, body, 529) });
  const { secret } = await proxy.issue();
  const headers = { 'x-api-key': secret, 'content-type': 'application/json' };
  const reply = await proxy.fetch('/v1/messages', { method: 'POST', headers, body: json({}) });
  expect([reply.status, await reply.text()]).toEqual([529, body]);
  await proxy.settled();
  expect(proxy.log).toMatchObject([{ status: 529, charge: null }]);
});

test('elsewhere errors stay those of OpenAI', async () => {
  proxy = await openProxy({ behaviour: served });
  const reply = await proxy.fetch('/v1/responses', { method: 'POST', headers: { 'x-api-key': 'sk-1' } });
  expect(await reply.json()).toMatchObject({ error: { code: 'invalid_api_key', param: null } });
  expect(reply.headers.has('request-id')).toBe(false);
});
