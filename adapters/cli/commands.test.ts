import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { freePort, runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
let env: Record<string, string>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commands-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  env = { PORT: String(server.port), STORE_PATH: server.storePath, ADMIN_TOKEN: SERVER_ADMIN_TOKEN };
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await rm(directory, { recursive: true });
});

/** The answer of a command that was asked for JSON. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await runCommand([...args, '--json'], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('a key gets a new secret, once, however often the same command is run', async () => {
  const made = await json('keys', 'create', '--label', 'Ada');
  const rotate = ['keys', 'rotate', made.id, '--grace-seconds', '60', '--idempotency-key', 'rotate-Ada'];
  const rotated = await json(...rotate);
  expect(await json(...rotate)).toEqual(rotated);
  expect((await server.chat(made.key)).status).toBe(200);
  expect((await server.chat(rotated.key)).status).toBe(200);
  const shown = await runCommand(['keys', 'show', made.id], env);
  expect(shown.stdout).toMatch(/^old key +sk-.{4}….{4} works until \d{4}-\d\d-\d\d \d\d:\d\dZ$/m);
  await json('keys', 'delete', made.id);
});

test('a key is made, used, listed, disabled, enabled, deleted', async () => {
  const options = [
    '--label',
    '张三',
    '--quota',
    '1000 tokens/day',
    '--quota',
    '5 requests/total',
    '--model',
    'demo',
  ];
  const made = await json('keys', 'create', ...options, '--ip', '127.0.0.0/8', '--max-concurrency', '2');
  expect(made).toMatchObject({ label: '张三', models: ['demo'], ips: ['127.0.0.0/8'], max_concurrency: 2 });
  expect(made.quotas).toMatchObject([
    { meter: 'tokens', period: 'day', limit: 1000 },
    { meter: 'requests', period: 'total', limit: 5 },
  ]);
  expect((await server.chat(made.key, { max_tokens: 50 })).status).toBe(200);

  const shown = await runCommand(['keys', 'show', made.id], env);
  expect(shown.stdout).toMatch(/^quotas +15 of 1000 tokens per day, 1 of 5 requests in total$/m);
  expect(shown.stdout).not.toContain(made.key);
  const listed = await runCommand(['keys', 'list', '--search', '张'], env);
  expect(listed.stdout).toMatch(new RegExp(`^${made.id} .*张三 +active `, 'm'));
  const usage = await json('usage', '--key', made.id);
  expect(usage.totals).toMatchObject({
    req_count: 1,
    success_count: 1,
    prompt_tokens: 10,
    completion_tokens: 5,
  });
  expect((await runCommand(['usage', '--group-by', 'model', '--key', made.id], env)).stdout).toMatch(
    /^total +1 +0 +0 +10 +5$/m,
  );

  expect((await json('keys', 'disable', made.id)).status).toBe('disabled');
  expect((await server.chat(made.key)).status).toBe(401);
  expect((await json('keys', 'enable', made.key)).status).toBe('active');
  expect(await json('keys', 'delete', made.id)).toMatchObject({ ok: true, id: made.id });
  expect((await json('keys', 'list')).items).toEqual([]);
  expect((await json('keys', 'list', '--status', 'deleted')).items).toContainEqual(
    expect.objectContaining({ id: made.id }),
  );
});

test('doctor looks at the database of the running server', async () => {
  const report = await json('doctor');
  expect(report).toMatchObject({ path: server.storePath, ok: true });
  expect(report.checks.length).toBeGreaterThan(0);
  const elsewhere = { QUOTA_TIMEZONE: 'Asia/Tokyo' };
  const told = await runCommand(['doctor', '--path', server.storePath], elsewhere);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toContain(`${server.storePath} is well.`);
});

test('healthcheck and version', async () => {
  expect(await runCommand(['healthcheck'], env)).toEqual({ code: 0, stdout: '', stderr: '' });
  const { version } = await json('version');
  expect((await runCommand(['version'])).stdout).toBe(`${version}\n`);
});

const failures: { args: string[]; change: Record<string, string>; code: number; says: RegExp }[] = [
  { args: ['keys', 'show', 'nobody'], change: {}, code: 1, says: /There is no such key/ },
  {
    args: ['keys', 'list'],
    change: { ADMIN_TOKEN: '0b5de8f3c2714a9686d1e7f4a3c90b25' },
    code: 1,
    says: /admin token.* Set ADMIN_TOKEN to that of the server\.$/m,
  },
  {
    args: ['keys', 'list'],
    change: { ADMIN_TOKEN: '' },
    code: 1,
    says: /There is no admin token: set ADMIN_TOKEN/,
  },
  {
    args: ['keys', 'list'],
    change: { QUOTA_PROXY_URL: 'http://127.0.0.1:1' },
    code: 1,
    says: /no answer from http:\/\/127.0.0.1:1 \(bad port\)\. Is/,
  },
  {
    args: ['healthcheck'],
    change: { QUOTA_PROXY_URL: 'http://127.0.0.1:1' },
    code: 1,
    says: /no answer from/,
  },
  {
    args: ['keys', 'delete', ''],
    change: {},
    code: 2,
    says: /^quota-proxy: The path is not valid: key must not be ''\.$/m,
  },
  {
    args: ['keys', 'create', '--label', ''],
    change: {},
    code: 2,
    says: /label must have 1 to 200 characters/,
  },
  {
    args: ['doctor', '--path', '/nowhere/quota.db'],
    change: {},
    code: 1,
    says: /no database at \/nowhere\/quota.db/,
  },
  { args: ['keys', 'create', '--daily-limit', 'many'], change: {}, code: 2, says: /whole number/ },
  {
    args: ['keys', 'create', '--quota', '5 apples/day'],
    change: {},
    code: 2,
    says: /Write '200 requests\/day'/,
  },
  {
    args: ['backup', 'now', '--to', '/nowhere/copy.db'],
    change: {},
    code: 1,
    says: /^quota-proxy: \/nowhere cannot be written to: name a file in another directory$/m,
  },
  { args: ['usage', '--day', 'yesterday'], change: {}, code: 2, says: /day must be a day such as/ },
  { args: ['keys', 'list', '--status', 'odd'], change: {}, code: 2, says: /Allowed choices are active/ },
  { args: ['keys', 'list'], change: { PORT: 'x' }, code: 78, says: /PORT is 'x'/ },
];
test.each(failures)(
  '$args with $change ends with $code and says why',
  async ({ args, change, code, says }) => {
    const ended = await runCommand(args, { ...env, ...change });
    expect(ended.stderr).toMatch(says);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^quota-proxy: .+\n$/) });
  },
);

test('a server that is not well is told from one that is not there', async () => {
  const port = await freePort();
  const sick = await startUpstreamServer(
    (_call, response) => void response.writeHead(503).end('{"ok":false}'),
  );
  const url = new URL(sick.baseUrl).origin;
  const ended = await runCommand(['healthcheck'], { QUOTA_PROXY_URL: url, PORT: String(port) });
  await sick.close();
  expect(ended).toMatchObject({ code: 1, stderr: `quota-proxy: ${url}/healthz answers 503: {"ok":false}\n` });
});

test('a second signal does not wait for what is in flight', async () => {
  const asked = Promise.withResolvers<void>();
  const silent = await startUpstreamServer(() => asked.resolve());
  const place = await mkdtemp(join(tmpdir(), 'signals-'));
  const waiting = await startServer({ directory: place, upstreamUrl: silent.baseUrl });
  const { key } = await waiting.admin.keys.create({ body: { label: 'waits' } });
  const reply = waiting.chat(key).catch(() => 'cut off');
  await asked.promise;
  waiting.signal('SIGTERM');
  await expect.poll(() => waiting.written()).toContain('"stopping"');
  expect(await Promise.race([waiting.ended, 'goes on'])).toBe('goes on');
  waiting.signal('SIGINT');
  expect(await waiting.ended).toBe(1);
  expect(await reply).toBe('cut off');
  await silent.close();
  await rm(place, { recursive: true });
});

test('the status is what a person reads, with its warnings and what was out of the ordinary', async () => {
  for (let n = 0; n < 21; n += 1) await fetch(`${server.baseUrl}/v1/quota`);
  const { stdout, code } = await runCommand(['status'], env);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^version +\d+\.\d+\.\d+$/m);
  expect(stdout).toContain(server.storePath);
  expect(stdout).toMatch(/^backups +none are made$/m);
  expect(stdout).toMatch(/^WARNING +No backups are made: set BACKUP_TARGET\.$/m);
  expect(stdout).toMatch(/^ABNORMAL +\S+ \S+ 21 calls from 127\.0\.0\.1 within ten minutes/m);
  expect(await json('status')).toMatchObject({ abnormal_access: [{ kind: 'authentication_failures' }] });
});
