import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
let env: Record<string, string>;
/** Far beyond what a busy machine takes. */
const WAIT = { timeout: 20_000, interval: 100 };
/** Asked three times, once for a deleted one. */
let ada: { id: string; key: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'what-if-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  env = { QUOTA_PROXY_URL: server.baseUrl, ADMIN_TOKEN: SERVER_ADMIN_TOKEN };
  ada = await server.admin.keys.create({ body: { label: 'Ada' } });
  const gone = await server.admin.keys.create({ body: { label: 'Gone' } });
  for (const key of [ada.key, ada.key, ada.key, gone.key]) {
    expect((await server.chat(key, { max_tokens: 50 })).status).toBe(200);
  }
  await server.admin.keys.delete({ params: { key: gone.id } });
  // A request is ended a little after it was answered.
  await vi.waitFor(async () => {
    const { items } = await server.admin.requests.list();
    expect(items.map(({ status }) => status)).toEqual(Array(4).fill('settled'));
  }, WAIT);
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const whatIf = (...args: string[]) => runCommand(['what-if', ...args], env);

test('who would have been refused, for a person', async () => {
  const { code, stdout } = await whatIf('--limit', '2 requests/day');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^sk-\S+ +Ada +3 +1 +\d{4}-\d\d-\d\d \d\d:\d\dZ +45 +30$/m);
  expect(stdout).toMatch(/^sk-\S+ +Gone +1 +0 .*15 +15$/m);
  expect(stdout).toMatch(/^Of 4 requests from .*, 1 \(25\.0 %\) would have been refused: 1 for a quota\.$/m);
});

test('and for a script, of one key, against the tokens of all', async () => {
  const { code, stdout } = await whatIf('--sponsor-limit', '31 tokens/total', '--key', ada.id, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    keys: [{ id: ada.id, label: 'Ada', requests: 3, refused: 2, reasons: { quota_exceeded: 2 } }],
    days: [{ requests: 3, refused: 2 }],
    total: { tokens: 45, tokens_would_be: 15, cost_micros: 0 },
  });
});

test('limits that are wide enough refuse nobody, and an empty span has nothing to replay', async () => {
  expect((await whatIf('--rate', '100')).stdout).toMatch(
    /^Of 4 requests from .*, none would have been refused\.$/m,
  );
  expect((await whatIf('--rate', '1', '--to', '2020-01-31')).stdout).toMatch(/^Nothing was recorded from /);
});

test.each([
  { args: [], code: 2, says: /^quota-proxy: There is nothing to try out: give --limit/ },
  { args: ['--limit', '5 apples/day'], code: 2, says: /Write '200 requests\/day'/ },
  {
    args: ['--rate', '1', '--from', 'monday'],
    code: 2,
    says: /^quota-proxy: --from must be a day such as 2026-01-31$/m,
  },
  {
    args: ['--rate', '1', '--from', '2026-02-02', '--to', '2026-02-01'],
    code: 2,
    says: /--from must not be after --to/,
  },
])('what-if $args says what is wrong', async ({ args, code, says }) => {
  const ran = await whatIf(...args);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toMatch(says);
});

test('a server may have more keys than it takes connections', async () => {
  const own = await mkdtemp(join(tmpdir(), 'what-if-'));
  const small = await startServer({
    directory: own,
    upstreamUrl: upstream.baseUrl,
    env: { MAX_CONNECTIONS: '4' },
  });
  try {
    for (let count = 1; count <= 24; count += 1) {
      const { key } = await small.admin.keys.create({ body: { label: `key ${count}` } });
      expect((await small.chat(key)).status).toBe(200);
    }
    await vi.waitFor(async () => expect((await small.admin.status.get()).open_reservations).toBe(0), WAIT);
    const ran = await runCommand(['what-if', '--rate', '1'], { ...env, QUOTA_PROXY_URL: small.baseUrl });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Of 24 requests from /m) });
  } finally {
    await small.stop();
    await rm(own, { recursive: true });
  }
});
