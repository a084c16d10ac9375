import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const PAGE = 'https://chat.example.org';
const STRANGER = 'https://elsewhere.example.org';
const behaviour = (_: unknown, response: Parameters<typeof sendJson>[0]) =>
  sendJson(response, completion(3, 4));

const preflight = (proxy: ProxyUnderTest, path: string, origin = PAGE) =>
  proxy.fetch(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
    },
  });

describe('with one origin', () => {
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    proxy = await openProxy({ behaviour, policy: { corsOrigins: [PAGE] } });
  });
  afterAll(() => proxy.close());

  test.each(['/v1/chat/completions', '/chat/completions', '/v1/models', '/v1/models/demo', '/v1/quota'])(
    'its pages may call %s',
    async (path) => {
      const { status, headers } = await preflight(proxy, path);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(PAGE);
      expect(headers.get('access-control-allow-methods')).toBe('GET,POST');
      expect(headers.get('access-control-allow-headers')).toBe('authorization,content-type,x-stainless-lang');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('vary')).toContain('Origin');
    },
  );

  test.each(['/v1/quota', '/quota', '/v1/no-such'])(
    'a cache is told once why answers of %s differ',
    async (path) => {
      expect((await proxy.fetch(path, { headers: { origin: PAGE } })).headers.get('vary')).toBe('Origin');
    },
  );

  test('they read answers and refusals, and their headers', async () => {
    const { secret } = await proxy.issue();
    for (const [key, status] of [
      [secret, 200],
      ['nonsense', 401],
    ] as const) {
      const reply = await proxy.chat(key, {}, { origin: PAGE });
      expect(reply.status).toBe(status);
      expect(reply.headers.get('access-control-allow-origin')).toBe(PAGE);
      expect(reply.headers.get('access-control-expose-headers')).toBe('*');
      expect(reply.headers.get('x-request-id')).not.toBeNull();
      await reply.text();
    }
    await proxy.settled();
  });

  test('pages of other origins may not', async () => {
    const { headers } = await preflight(proxy, '/v1/chat/completions', STRANGER);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const { secret } = await proxy.issue();
    const reply = await proxy.chat(secret, {}, { origin: STRANGER });
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
    await reply.text();
    await proxy.settled();
  });

  test.each(['/admin/keys', '/metrics', '/healthz'])("nobody's pages may call %s", async (path) => {
    expect((await preflight(proxy, path)).headers.get('access-control-allow-origin')).toBeNull();
    const headers = { origin: PAGE, authorization: `Bearer ${ADMIN_TOKEN}` };
    const reply = await proxy.fetch(path, { headers });
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('with * everybody may, and without origins nobody', async () => {
  for (const [corsOrigins, allowed] of [
    [['*'], '*'],
    [[], null],
  ] as const) {
    const proxy = await openProxy({ behaviour, policy: { corsOrigins } });
    const { headers } = await preflight(proxy, '/v1/chat/completions', STRANGER);
    expect(headers.get('access-control-allow-origin')).toBe(allowed);
    await proxy.close();
  }
});
