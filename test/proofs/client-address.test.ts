import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

/** Both are this machine; only the first is trusted. */
const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.2';
const CLIENT = '203.0.113.7';
const OFFICE = '198.51.100.1';

/** The real server, asked from two addresses: nobody chooses the one that it goes by. */
describe('whose request it is', () => {
  const directory = mkdtempSync(join(tmpdir(), 'client-address-'));
  let upstream: UpstreamServer;
  let server: ServerProcess;
  let key: string;

  beforeAll(async () => {
    upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(3, 4)));
    await start({ TRUSTED_PROXIES: `${PROXY}, 10.0.0.0/8` });
    key = (await server.admin.keys.create({ body: { label: 'office', ips: [OFFICE] } })).key;
  });

  afterAll(async () => {
    await server.stop();
    await upstream.close();
    rmSync(directory, { recursive: true });
  });

  async function start(env: Readonly<Record<string, string>>): Promise<void> {
    server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env });
  }

  async function restart(env: Readonly<Record<string, string>>): Promise<void> {
    await server.stop();
    await start(env);
  }

  interface Asked {
    readonly from: string;
    readonly forwardedFor?: string | readonly string[];
    readonly path?: string;
    readonly token?: string;
  }

  async function ask({ from, forwardedFor = [], path = '/v1/quota', token = key }: Asked) {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': [forwardedFor].flat() };
    const call = request(`${server.baseUrl}${path}`, { localAddress: from, headers, agent: false }).end();
    const reply = await new Promise<Parameters<typeof text>[0] & { statusCode?: number }>((resolve, reject) =>
      call.on('response', resolve).on('error', reject),
    );
    return { status: reply.statusCode, text: await text(reply) };
  }

  test.each([
    { name: 'the proxy names the office', from: PROXY, forwardedFor: OFFICE, status: 200 },
    { name: 'through two proxies', from: PROXY, forwardedFor: `${OFFICE}, 10.1.2.3`, status: 200 },
    { name: 'the proxy names another', from: PROXY, forwardedFor: CLIENT, status: 403, is: CLIENT },
    { name: 'the proxy names nobody', from: PROXY, status: 403, is: PROXY },
    { name: 'a stranger names the office', from: STRANGER, forwardedFor: OFFICE, status: 403, is: STRANGER },
    { name: 'a stranger names nobody', from: STRANGER, status: 403, is: STRANGER },
  ])('a key for the office alone: $name', async ({ name: _, status, is, ...asked }) => {
    const answer = await ask(asked);
    expect(answer.status, answer.text).toBe(status);
    if (is !== undefined) expect(answer.text).toContain(`may not be used from ${is}.`);
  });

  test.each([
    OFFICE,
    `${OFFICE},`,
    `${OFFICE}, 10.0.0.1`,
    `${OFFICE}, ${PROXY}`,
    `${OFFICE}:80`,
    `::ffff:${OFFICE}`,
    `"${OFFICE}"`,
    `for=${OFFICE}`,
    `${OFFICE},,,`,
    '10.0.0.1,'.repeat(1_000) + OFFICE,
    `${OFFICE}${', 10.0.0.1'.repeat(1_000)}`,
    `[${':'.repeat(10_000)}`,
    '',
  ])('a client of the proxy that sends its own header stays who it is: %.40s', async (sent) => {
    for (const forwardedFor of [`${sent}, ${CLIENT}`, [sent, CLIENT], [`${sent}, ${CLIENT}`, '10.0.0.9']]) {
      const answer = await ask({ from: PROXY, forwardedFor });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain(`may not be used from ${CLIENT}.`);
    }
  });

  test('no other header says whose it is', async () => {
    const others = ['x-real-ip', 'forwarded', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip'];
    const headers = Object.fromEntries(others.map((name) => [name, OFFICE]));
    const reply = await fetch(`${server.baseUrl}/v1/quota`, {
      headers: { ...headers, authorization: `Bearer ${key}` },
    });
    expect(reply.status).toBe(403);
  });

  test('the operation log has the client, and not the proxy', async () => {
    const client = {
      authorization: `Bearer ${SERVER_ADMIN_TOKEN}`,
      'x-forwarded-for': `${OFFICE}, ${CLIENT}`,
    };
    await fetch(`${server.baseUrl}/admin/keys`, {
      method: 'POST',
      headers: { ...client, 'content-type': 'application/json' },
      body: '{"label":"logged"}',
    });
    const { items } = await server.admin.operations.list({ query: { limit: 1 } });
    expect(items).toMatchObject([{ action: 'keys.create', actor: `admin@${CLIENT}` }]);
  });

  test('who trusts everybody is told so', async () => {
    await restart({ TRUSTED_PROXIES: '0.0.0.0/0' });
    const { warnings } = await server.admin.status.get();
    expect(warnings).toContainEqual(expect.stringMatching(/^TRUSTED_PROXIES has 0\.0\.0\.0\/0: /));
    // The control, and why: now a stranger is where it likes to be.
    expect((await ask({ from: STRANGER, forwardedFor: OFFICE })).status).toBe(200);
  });

  test('where TRUSTED_PROXIES is not set, the header counts for nothing', async () => {
    await restart({});
    for (const from of [PROXY, STRANGER]) {
      const answer = await ask({ from, forwardedFor: OFFICE });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain(`may not be used from ${from}.`);
    }
    const { warnings } = await server.admin.status.get();
    expect(warnings.join()).not.toContain('TRUSTED_PROXIES');
  });

  test('elsewhere than ADMIN_ALLOWED_IPS there is no admin API, and no header takes one there', async () => {
    await restart({ TRUSTED_PROXIES: PROXY, ADMIN_ALLOWED_IPS: OFFICE });
    const admin = { path: '/admin/status', token: SERVER_ADMIN_TOKEN };
    expect((await ask({ ...admin, from: PROXY, forwardedFor: OFFICE })).status).toBe(200);
    for (const asked of [
      { from: PROXY },
      { from: PROXY, forwardedFor: CLIENT },
      { from: PROXY, forwardedFor: `${OFFICE}, ${CLIENT}` },
      { from: STRANGER, forwardedFor: OFFICE },
    ]) {
      const answer = await ask({ ...admin, ...asked });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.text).error.code).toBe('unknown_url');
    }
  });
});
