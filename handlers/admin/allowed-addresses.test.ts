import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf } from '#handlers/app.ts';
import { ADMIN_TOKEN, METRICS_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const ALLOWED = '198.51.100.7';
const ELSEWHERE = '203.0.113.7';

let proxy: ProxyUnderTest;

beforeAll(async () => {
  proxy = await openProxy({
    behaviour: (_call, response) => sendJson(response, completion(3, 4)),
    policy: { adminAddresses: ['127.0.0.0/8', ALLOWED] },
  });
});

afterAll(() => proxy.close());

async function ask(path: string, address: string, token?: string, method = 'GET') {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const reply = await proxy.fetch(path, { address, method, headers });
  reply.headers.delete('x-request-id');
  return { status: reply.status, headers: [...reply.headers], text: await reply.text() };
}

describe('elsewhere than ADMIN_ALLOWED_IPS', () => {
  test.each([undefined, 'wrong-token-of-32-characters-00000', ADMIN_TOKEN])(
    'no admin path is there, whatever the token (%s)',
    async (token) => {
      const admin = routesOf(proxy.services).filter(({ access }) => access === 'admin');
      expect(admin.length).toBeGreaterThan(10);
      for (const { method, path } of [...admin, { method: 'GET', path: '/admin/nothing' }]) {
        const unknown = await ask(path.replace('/admin', '/adnim'), ELSEWHERE, token, method);
        const answer = await ask(path, ELSEWHERE, token, method);
        expect(unknown.status).toBe(404);
        expect({ ...answer, text: answer.text.replace('/admin', '/adnim') }).toEqual(unknown);
      }
    },
  );

  test('an admin token cannot be tried out at the metrics; their own opens them', async () => {
    expect(await ask('/metrics', ELSEWHERE, ADMIN_TOKEN)).toEqual(await ask('/metrics', ELSEWHERE, 'wrong'));
    expect((await ask('/metrics', ELSEWHERE, ADMIN_TOKEN)).status).toBe(401);
    expect((await ask('/metrics', ELSEWHERE, METRICS_TOKEN)).status).toBe(200);
  });

  test('keys and health are as ever', async () => {
    const { secret } = await proxy.issue();
    expect((await ask('/v1/quota', ELSEWHERE, secret)).status).toBe(200);
    for (const path of ['/healthz', '/readyz', '/livez'])
      expect((await ask(path, ELSEWHERE)).status).toBe(200);
  });

  test('an address that cannot be read is elsewhere', async () => {
    expect((await ask('/admin/status', '', ADMIN_TOKEN)).status).toBe(404);
  });
});

test.each([ALLOWED, '127.0.0.1', '::ffff:127.0.0.1'])('from %s the token decides', async (address) => {
  expect((await ask('/admin/status', address, ADMIN_TOKEN)).status).toBe(200);
  expect((await ask('/metrics', address, ADMIN_TOKEN)).status).toBe(200);
  expect((await ask('/admin/nothing', address, ADMIN_TOKEN)).status).toBe(404);
  for (const path of ['/admin/status', '/admin/nothing', '/metrics'])
    expect((await ask(path, address)).status).toBe(401);
});
