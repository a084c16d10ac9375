import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENDPOINTS } from '#core/endpoints.ts';
import { ADMIN_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { contract } from '../admin/contract.ts';
import { openapiDocument } from './openapi-document.ts';

const DOCUMENT = openapiDocument({ version: '1.2.3', endpoints: ENDPOINTS, contract });
const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

let proxy: ProxyUnderTest;
beforeAll(async () => {
  proxy = await openProxy({ behaviour: (_, response) => sendJson(response, completion(1, 1)) });
  for (const model of ['a', 'b']) await proxy.chat((await proxy.issue()).secret, { model });
});
afterAll(() => proxy.close());

test.each([
  { path: '/admin/usage', query: '?format=csv&limit=1', method: 'get', own: 'x-next-cursor' },
  { path: '/admin/requests', query: '?format=csv&limit=1', method: 'get', own: 'x-next-cursor' },
  { path: '/admin/usage/reset', query: '', method: 'post', own: 'idempotent-replayed' },
])('$method $path has $own, as documented', async ({ path, query, method, own }) => {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'idempotency-key': 'once' };
  const call = () => proxy.fetch(`${path}${query}`, { method: method.toUpperCase(), headers });
  await call();
  const reply = await call();
  expect([...reply.headers.keys()]).toContain(own);
  expect(DOCUMENT.paths[path]?.[method]?.responses[reply.status]?.headers).toHaveProperty(own);
});

test.each(OPERATIONS)('$method $path tells of waits and limits where they can be', (given) => {
  const { path, method, operation } = given;
  const isMetered = method === 'post' && ENDPOINTS.some((endpoint) => endpoint.path === path);
  for (const [status, { headers }] of Object.entries(operation.responses)) {
    const names = Object.keys(headers ?? {});
    expect(names.includes('x-ratelimit-limit-requests'), status).toBe(isMetered);
    if (status === '429' || status === '503') expect(names).toContain('retry-after');
  }
});

test.each(OPERATIONS.filter(({ operation }) => operation.tags[0] === 'applications'))(
  '$method $path may be 404: it is there where applications are taken',
  ({ operation }) => expect(operation.responses).toHaveProperty('404'),
);
