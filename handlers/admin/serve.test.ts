import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';
import { PLAIN, strict } from './contract/action.ts';
import { serve } from './serve.ts';

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

describe('a body', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };

  test.each([
    { name: 'is no JSON', body: '{"label":', status: 400, code: 'invalid_body', says: 'must be JSON' },
    { name: 'is a list', body: '[]', status: 400, code: 'invalid_body', says: 'must be a JSON object' },
    { name: 'is null', body: 'null', status: 400, code: 'invalid_body', says: 'must be a JSON object' },
    { name: 'is a number', body: '1', status: 400, code: 'invalid_body', says: 'must be a JSON object' },
    {
      name: 'names a member twice',
      body: '{"label":"a","label":"b"}',
      status: 400,
      code: 'invalid_body',
      says: 'label must be given once',
    },
    {
      name: 'names it in two spellings',
      body: '{"label":"a","l\\u0061bel":"b"}',
      status: 400,
      code: 'invalid_body',
      says: 'label must be given once',
    },
    {
      name: 'is too deep',
      body: `{"metadata":${'['.repeat(8)}${']'.repeat(8)}}`,
      status: 400,
      code: 'invalid_body',
      says: 'deeper than 8 levels',
    },
    {
      name: 'is too large',
      body: `{"label":"${'a'.repeat(1024 * 1024)}"}`,
      status: 413,
      code: 'body_too_large',
      says: '1048576 bytes',
    },
    {
      name: 'has an unknown member',
      body: '{"lable":"a"}',
      status: 400,
      code: 'invalid_body',
      says: 'lable is not known; known here: label,',
    },
    {
      name: 'has a member called __proto__',
      body: '{"__proto__":{"label":"a"}}',
      status: 400,
      code: 'invalid_body',
      says: '__proto__ is not known',
    },
  ])('that $name is refused', async ({ body, status, code, says }) => {
    const answer = await under.ask('POST', '/admin/keys', body, JSON_TYPE);
    expect(answer.status).toBe(status);
    expect(answer.error?.code).toBe(code);
    expect(answer.error?.message).toContain(says);
  });

  test.each([
    { name: 'a form', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { name: 'text', headers: { 'content-type': 'text/plain' } },
    { name: 'compressed', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } },
  ])('sent as $name is refused', async ({ headers }) => {
    const answer = await under.ask('POST', '/admin/keys', '{}', headers);
    expect(answer.status).toBe(415);
  });

  test('that is not there is an object without members', async () => {
    expect((await under.ask('POST', '/admin/keys')).status).toBe(201);
    expect((await under.ask('POST', '/admin/keys', '', JSON_TYPE)).status).toBe(201);
  });

  test('may be as deep as the contract needs', async () => {
    const quotas = [{ meter: 'tokens', period: 'day', limit: 5 }];
    expect((await under.ask('POST', '/admin/keys', { quotas })).status).toBe(201);
  });

  test('is told all its problems at once, each with its field', async () => {
    const body = { label: 5, models: [], quotas: [{ meter: 'word', period: 'day', limit: -1 }], x: 1 };
    const { error } = await under.ask('POST', '/admin/keys', body);
    expect(error).toMatchObject({ code: 'invalid_body', param: 'label' });
    expect(error?.message).toBe(
      'The body is not valid: label must be a string; quotas[0].meter must be one of requests, tokens, cost; ' +
        'quotas[0].limit must be at least 0; models must have at least 1 items; ' +
        'x is not known; known here: label, expires_in_days, expires_at, quotas, daily_limit, total_quota, ' +
        'models, ips, requests_per_minute, max_concurrency, metadata.',
    );
  });

  test('with a thousand problems is told a few of them', async () => {
    const body = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`member_${index}`, 1]));
    const { error } = await under.ask('POST', '/admin/usage/reset', body);
    expect(error?.message).toMatch(/and 980 more\.$/);
    expect(error?.message.length).toBeLessThan(2000);
  });
});

describe('a query', () => {
  test.each([
    ['lim=1', 'lim is not known; known here: status, q, limit, cursor'],
    ['limit=1&limit=2', 'limit must be given once'],
    ['limit=abc', 'limit must be an integer'],
    ['limit=0', 'limit must be at least 1'],
    ['limit=201', 'limit must be at most 200'],
    ['limit=1.5', 'limit must be an integer'],
    ['limit=-1', 'limit must be at least 1'],
    ['limit=--1', 'limit must be an integer'],
    ['limit=1e2', 'limit must be an integer'],
    ['limit=0x10', 'limit must be an integer'],
    ['limit=%201', 'limit must be an integer'],
    ['limit=99999999999999999999', 'limit must be an integer'],
    ['__proto__=1', '__proto__ is not known'],
  ])('%s is refused', async (query, says) => {
    const { status, error } = await under.ask('GET', `/admin/keys?${query}`);
    expect(status).toBe(400);
    expect(error?.code).toBe('invalid_query');
    expect(error?.message).toContain(says);
  });

  test('with empty fields is one without them', async () => {
    expect((await under.ask('GET', '/admin/keys?status=&q=&limit=&cursor=')).status).toBe(200);
  });
});

test('every answer has an id and is not to be stored', async () => {
  for (const path of ['/admin/keys', '/admin/keys/unknown', '/admin/keys?x=1']) {
    const { headers } = await under.ask('GET', path);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  }
});

test('without the admin token nothing of it is reachable', async () => {
  const { secret } = await under.proxy.issue();
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${secret}` }]) {
    const response = await under.proxy.fetch('/admin/keys', { headers });
    expect(response.status).toBe(401);
  }
});

test('an action without an implementation does not compile', () => {
  const reply = z.object({ ok: z.boolean() });
  const ping = { ...PLAIN, method: 'GET', path: '/admin/ping', summary: 'Answers.', reply } as const;
  const { services } = under.proxy;
  // @ts-expect-error: ping is missing
  expect(() => serve({ test: { ping } }, () => ({ test: {} }), services)).not.toThrow();
  // @ts-expect-error: the reply is not the contract's
  serve({ test: { ping } }, () => ({ test: { ping: async () => ({ ok: 1 }) } }), services);
  const echo = { ...ping, query: strict({ text: z.string() }) };
  serve(
    { test: { echo } },
    // @ts-expect-error: the query has no such member
    () => ({ test: { echo: async ({ query }) => ({ ok: query.word === '' }) } }),
    services,
  );
  const routes = serve({ test: { ping } }, () => ({ test: { ping: async () => ({ ok: true }) } }), services);
  expect(routes).toMatchObject([{ method: 'GET', path: '/admin/ping', access: 'admin' }]);
});
