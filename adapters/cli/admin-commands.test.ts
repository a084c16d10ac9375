import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

/** A server starts in this time on a busy machine, too. */
const START_MS_MAX = 30_000;

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
let env: Record<string, string>;
let key: { readonly id: string; readonly key: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'admin-commands-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  env = { QUOTA_PROXY_URL: server.baseUrl, ADMIN_TOKEN: SERVER_ADMIN_TOKEN };
  key = await server.admin.keys.create({ body: { label: 'Ada' } });
}, START_MS_MAX);

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await rm(directory, { recursive: true });
});

/** What a command prints that succeeds. */
async function ran(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(args, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const json = async (...args: string[]) => JSON.parse(await ran(...args, '--json'));

test('a key gets other terms, and keeps those that are not named', async () => {
  const terms = [
    '--quota',
    '5 requests/day',
    '--quota',
    '9 tokens/total',
    '--model',
    'demo',
    '--model',
    'other',
  ];
  const bounds = ['--ip', '127.0.0.1', '--requests-per-minute', '7', '--max-concurrency', '2'];
  const expires = ['--expires', '2030-01-01T00:00:00Z'];
  expect(await json('keys', 'update', key.id, ...terms, ...bounds, ...expires)).toMatchObject({
    label: 'Ada',
    quotas: [
      { meter: 'requests', limit: 5 },
      { meter: 'tokens', limit: 9 },
    ],
    models: ['demo', 'other'],
    ips: ['127.0.0.1'],
    requests_per_minute: 7,
    max_concurrency: 2,
    expires_at: Date.UTC(2030, 0, 1),
  });
  expect(await ran('keys', 'show', key.id)).toMatch(/^rate +7 requests per minute$/m);
  const any = ['--quota', 'none', '--model', 'any', '--ip', 'any', '--max-concurrency', 'any'];
  const rest = ['--expires', 'never', '--requests-per-minute', 'default', '--label', 'Grace'];
  expect(await ran('keys', 'update', key.id, ...any, ...rest)).toMatch(/^label +Grace$/m);
  expect(await server.admin.keys.get({ params: { key: key.id } })).toMatchObject({
    ...{ label: 'Grace', quotas: [], models: null, ips: null },
    ...{ requests_per_minute: null, max_concurrency: null, expires_at: null },
  });
});

test('receipts are listed, and one is shown', async () => {
  const answer = await server.chat(key.key);
  await answer.text();
  const id = answer.headers.get('x-request-id') ?? '';
  const receiptOf = async () => (await server.admin.requests.get({ params: { id } })).status;
  await expect.poll(receiptOf, { timeout: 10_000 }).toBe('settled');
  expect((await json('requests', 'list', '--key', key.id)).items).toMatchObject([
    { id, used: { tokens: 15 } },
  ]);
  expect(await ran('requests', 'list')).toMatch(new RegExp(`^${id} .* settled +200 +15 `, 'm'));
  expect(await ran('requests', 'list', '--to', '2020-01-01T00:00:00Z')).toBe('Nothing.\n');
  const shown = await ran('requests', 'show', id);
  expect(shown).toMatch(/^tokens +10 in \(0 cached\), 5 out \(0 of reasoning\)$/m);
  expect(shown).toMatch(/^used +1 request, 15 tokens, 0 micros, by upstream$/m);
});

test('usage is drawn for each day, the last of them today, and its windows start anew', async () => {
  const lines = (await ran('usage', '--plot', 'tokens')).trimEnd().split('\n');
  expect(lines).toHaveLength(33);
  expect(lines[0]).toMatch(/^Tokens per day, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d$/);
  expect(lines.at(-2)).toMatch(/^\d{4}-\d\d-\d\d {2}█+.* 15$/);
  expect(lines.at(-1)).toMatch(/^30 days: 15 in total, 15 at most/);
  expect(lines.every((line) => line.length <= 80)).toBe(true);
  const plain = await runCommand(['usage', '--plot', '--from', '2026-01-01', '--to', '2026-01-31'], {
    ...env,
    LC_ALL: 'C',
  });
  expect(plain.stdout.split('\n')).toHaveLength(35);
  expect(plain.stdout).toMatch(/^[\x20-\x7e\n]*$/);
  expect(await json('usage', 'reset', key.id)).toEqual({ ok: true, keys: 1 });
  expect(await ran('usage', 'reset', '--all')).toMatch(/^ *1$/m);
});

test('the quotas of the sponsor are set, shown, and lifted', async () => {
  expect(await ran('sponsor', 'show')).toBe('Nothing.\n');
  const set = await json('sponsor', 'set', '--quota', '30000000 cost/month', '--quota', '900 requests/total');
  expect(set.quotas).toMatchObject([
    { meter: 'cost', limit: 30_000_000 },
    { meter: 'requests', limit: 900 },
  ]);
  expect(await ran('sponsor', 'show')).toMatch(/^requests in total +900 +\d+ +0 +\d+ +never$/m);
  expect((await json('sponsor', 'set', '--none')).quotas).toEqual([]);
});

test('the log of operations is listed; that somebody changed it is found', async () => {
  const listed = await ran('operations', 'list', '--action', 'keys.create');
  expect(listed).toMatch(new RegExp(` keys.create +${key.id} +\\{"label":"Ada"\\}$`, 'm'));
  expect(await json('operations', 'verify')).toMatchObject({ ok: true, broken_at: null });
  const database = new DatabaseSync(server.storePath);
  const triggers = database.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'operations'",
  );
  for (const { name } of triggers.all()) database.exec(`DROP TRIGGER "${name}"`);
  database.exec(`UPDATE operations SET actor = 'nobody' WHERE n = 1`);
  database.close();
  const { code, stdout, stderr } = await runCommand(['operations', 'verify'], env);
  expect(stdout).toMatch(/^ +\d+ +NO$/m);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'quota-proxy: action 1 does not follow from the one before: compare it with a backup\n',
  });
});

test.each([
  { args: ['keys', 'update', 'K'], code: 2, says: /Say what to change, such as --label/ },
  { args: ['keys', 'update', 'K', '--expires', 'soon'], code: 2, says: /2026-11-25T08:30:00Z. Or: never\./ },
  { args: ['requests', 'show', 'K'], code: 1, says: /There is no such/ },
  { args: ['sponsor', 'set'], code: 2, says: /or say --none/ },
  { args: ['sponsor', 'set', '--none', '--quota', '1 cost/day'], code: 2, says: /cannot be used with/ },
  { args: ['usage', 'reset'], code: 2, says: /or say --all/ },
  { args: ['usage', 'reset', ''], code: 2, says: /key/ },
  { args: ['usage', '--key', ''], code: 2, says: /^quota-proxy: --key is empty: say what it is to be/ },
  { args: ['restore', 'latest', '--to='], code: 2, says: /^quota-proxy: --to is empty/ },
  { args: ['usage', '--plot', '--group-by', 'day'], code: 2, says: /cannot be used with/ },
  { args: ['usage', '--watch', '0'], code: 2, says: /1 to 86400 seconds/ },
  { args: ['completion', 'csh'], code: 2, says: /Allowed choices are bash, zsh, fish/ },
])('$args ends with $code and says why', async ({ args, code, says }) => {
  const ended = await runCommand(args, env);
  expect(ended.stderr).toMatch(says);
  expect(ended).toMatchObject({ code, stdout: '' });
});
