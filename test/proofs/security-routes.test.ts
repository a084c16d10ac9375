import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formSecret, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { routesOf } from '#handlers/app.ts';
import type { Route } from '#handlers/route.ts';
import { ADMIN_TOKEN, METRICS_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

let proxy: ProxyUnderTest;
let routes: readonly Route[];
/** A key that may do everything, and one for each way of being refused. */
const keys = { good: '', disabled: '', expired: '', deleted: '' };

beforeAll(async () => {
  proxy = await openProxy({
    behaviour: (_call, response) => sendJson(response, completion(3, 4)),
    policy: { applications: { perHour: 5, pendingMax: 9 } },
  });
  routes = routesOf(proxy.services);
  const { now } = proxy.clock;
  keys.good = (await proxy.issue()).secret;
  keys.disabled = (await proxy.issue({ disabled: true })).secret;
  keys.expired = (await proxy.issue({ expiresAt: now - 1 })).secret;
  keys.deleted = (await proxy.issue({ deletedAt: now - 1 })).secret;
});

afterAll(() => proxy.close());

interface Credential {
  readonly name: string;
  headers(): Record<string, string>;
  /** The routes that it opens beside the public ones. */
  readonly opens?: readonly Exclude<Route['access'], 'public'>[];
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const unknownKey = formSecret('sk-', randomBytes(SECRET_RANDOM_BYTES));

const credentials: readonly Credential[] = [
  { name: 'a good key', headers: () => bearer(keys.good), opens: ['key'] },
  { name: 'a good key in x-api-key', headers: () => ({ 'x-api-key': keys.good }), opens: ['key'] },
  { name: 'a good key in x-trial-key', headers: () => ({ 'x-trial-key': keys.good }), opens: ['key'] },
  { name: 'the admin token', headers: () => bearer(ADMIN_TOKEN), opens: ['admin', 'metrics'] },
  { name: 'the metrics token', headers: () => bearer(METRICS_TOKEN), opens: ['metrics'] },
  { name: 'nothing', headers: () => ({}) },
  { name: 'an empty header', headers: () => ({ authorization: '' }) },
  { name: 'an empty bearer', headers: () => bearer('') },
  { name: 'the word undefined', headers: () => bearer('undefined') },
  { name: 'garbage', headers: () => bearer('sk-1234') },
  { name: 'a well-formed key that nobody has', headers: () => bearer(unknownKey) },
  { name: 'a mistyped key', headers: () => bearer(`${keys.good.slice(0, -1)}!`) },
  { name: 'a key and a character', headers: () => bearer(`${keys.good}a`) },
  { name: 'a key in other letters', headers: () => bearer(keys.good.toUpperCase()) },
  { name: 'a disabled key', headers: () => bearer(keys.disabled) },
  { name: 'an expired key', headers: () => bearer(keys.expired) },
  { name: 'a deleted key', headers: () => bearer(keys.deleted) },
  { name: 'a key by basic auth', headers: () => ({ authorization: `Basic ${btoa(`:${keys.good}`)}` }) },
  { name: 'a key without a scheme', headers: () => ({ authorization: keys.good }) },
  { name: 'the beginning of the admin token', headers: () => bearer(ADMIN_TOKEN.slice(0, -1)) },
  { name: 'the admin token and a character', headers: () => bearer(`${ADMIN_TOKEN}0`) },
  { name: 'the beginning of the metrics token', headers: () => bearer(METRICS_TOKEN.slice(0, -1)) },
  { name: 'the metrics token and a character', headers: () => bearer(`${METRICS_TOKEN}0`) },
  { name: 'the metrics token in x-api-key', headers: () => ({ 'x-api-key': METRICS_TOKEN }) },
  { name: 'the admin token in x-api-key', headers: () => ({ 'x-api-key': ADMIN_TOKEN }) },
  { name: 'the admin token in a cookie', headers: () => ({ cookie: `authorization=Bearer ${ADMIN_TOKEN}` }) },
];

describe('S1: a route is opened by the credential that it declares', () => {
  test.each(credentials)('$name', async ({ headers, opens = [] }) => {
    const wrong: string[] = [];
    for (const route of routes) {
      const { status } = await call(route, headers());
      const isLetIn = status !== 401;
      const isAllowed = route.access === 'public' || opens.includes(route.access);
      if (isLetIn !== isAllowed) wrong.push(`${route.method} ${route.path}: ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  test('and there are routes of each kind to try', () => {
    const kinds = routes.map(({ access }) => access);
    expect(new Set(kinds)).toEqual(new Set(['public', 'key', 'admin', 'metrics']));
    expect(routes.filter(({ access }) => access === 'public').map(({ path }) => path)).toEqual([
      ...['/v1/applications', '/v1/applications/status', '/v1/applications/claim'],
      ...['/apply', '/claim', '/apply/page.css', '/apply/page.js', '/apply/apply.js', '/apply/claim.js'],
      ...['/healthz', '/readyz', '/livez', '/openapi.json'],
      ...['/docs', '/docs/en', '/docs/zh-CN', '/docs/style.css', '/docs/script.js'],
    ]);
    expect(routes.filter(({ path }) => path.startsWith('/admin')).length).toBeGreaterThan(10);
  });

  test('everything under /admin declares admin, everything under /v1 but applications a key, and /metrics alone metrics', () => {
    for (const { path, access } of routes) {
      if (path.startsWith('/admin')) expect(access, path).toBe('admin');
      const isOpen = /^\/v1\/applications(\/(status|claim))?$/.test(path);
      if (path.startsWith('/v1')) expect(access, path).toBe(isOpen ? 'public' : 'key');
      expect(access === 'metrics', path).toBe(path === '/metrics');
    }
  });

  test('a route that does not say who may call it does not compile', () => {
    // @ts-expect-error `access` is missing
    const undeclared: Route = { method: 'GET', path: '/open', handle: () => new Response() };
    // @ts-expect-error and it cannot be something else
    const misspelt: Route = { method: 'GET', path: '/open', access: 'all', handle: () => new Response() };
    expect([undeclared, misspelt]).toHaveLength(2);
  });
});

test('S1: what no route declares is not found, and does not reach the upstream', async () => {
  const before = proxy.upstream.seen.length;
  for (const path of [
    '/v1/files',
    '/v1/chat',
    '/v1/chat/completions/',
    '/v1',
    '/',
    '/v1/models/',
    '/metrics/',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const reply = await proxy.fetch(path, { method, headers: bearer(keys.good) });
      expect({ path, method, status: reply.status }).toEqual({ path, method, status: 404 });
    }
  }
  expect(proxy.upstream.seen).toHaveLength(before);
});

/** Calls a route with a body that it may or may not like: what counts is whether it is let in. */
function call({ method, path }: Route, headers: Record<string, string>): Promise<Response> {
  const body = { model: 'demo', messages: [{ role: 'user', content: 'Hi' }], input: 'Hi', max_tokens: 16 };
  return proxy.fetch(path.replace(/:\w+(\{[^}]*\})?/g, '0197b2a0-0000-7000-8000-000000000001'), {
    method,
    headers: { ...headers, 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  });
}
