import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ImportReport } from '#adapters/cli/import-report.ts';
import { ADA, FOREIGN_FILES } from '#test/fakes/foreign-files.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import {
  completion,
  sendJson,
  startUpstreamServer,
  type UpstreamServer,
} from '#test/fakes/upstream-server.ts';
import { bytesOfFolder, tracesOf } from '#test/proofs/secret-traces.ts';
import { problemsOf } from './ledger-file.ts';

const MAIN = join(import.meta.dirname, '../../adapters/cli/main.ts');
const MANY = 6000;
/** What remains of Ada's 1 dollar pays for this many requests of 0.30 dollars each. */
const PRICES = { version: '1', currency: 'USD', models: { demo: { input: 0, output: 0, request: 300_000 } } };

let upstream: UpstreamServer;
let folder: string;
let server: ServerProcess;
beforeAll(async () => {
  upstream = await startUpstreamServer((_, response) => sendJson(response, completion(10, 5)));
});
afterAll(() => upstream.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
  server = await start();
});
afterEach(async () => {
  await server.kill9();
  rmSync(folder, { recursive: true });
});

async function start(env = {}): Promise<ServerProcess> {
  const pricesPath = join(folder, 'prices.json');
  writeFileSync(pricesPath, JSON.stringify(PRICES));
  const given = { PRICES_FILE: pricesPath, DAILY_REQ_LIMIT: '3', LOG_LEVEL: 'trace', ...env };
  return startServer({ directory: join(folder, 'store'), upstreamUrl: upstream.baseUrl, env: given });
}

const env = () => ({ QUOTA_PROXY_URL: server.baseUrl, ADMIN_TOKEN: SERVER_ADMIN_TOKEN });
const command = (...args: string[]) => runCommand(['import', ...args], env());

async function reported(...args: string[]): Promise<ImportReport> {
  const { code, stdout, stderr } = await command(...args, '--json');
  expect([code, stderr.replaceAll('Importing keys …\n', '')]).toEqual([0, '']);
  return JSON.parse(stdout);
}

/** Statuses of requests with a key until one is refused. */
async function statusesOf(key: string): Promise<readonly number[]> {
  const statuses: number[] = [];
  while (statuses.at(-1) !== 429 && statuses.length < 9) statuses.push((await server.chat(key)).status);
  return statuses;
}

describe.each(Object.keys(FOREIGN_FILES) as (keyof typeof FOREIGN_FILES)[])('%s', (name) => {
  test('its keys work on, and their quotas count on, once, in a sound database', async () => {
    const path = join(folder, 'foreign');
    FOREIGN_FILES[name](path, Date.now());
    const dry = await reported(path, '--dry-run');
    expect((await server.admin.status.get()).keys).toBe(0);
    const first = await reported(path);
    expect(first.keys).toMatchObject({
      imported: dry.keys.importable,
      exists: 0,
      refused: name === 'trialKeys' ? 1 : 0,
    });
    expect(first.usage).toEqual(dry.usage);
    expect(first.problems).toEqual(dry.problems);
    const totals = (await server.admin.usage.read()).totals;
    expect(totals.req_count).toBe(first.usage.requests);

    const again = await reported(path);
    expect(again.keys).toEqual({ ...first.keys, imported: 0, exists: first.keys.imported });
    expect((await server.admin.usage.read()).totals).toEqual(totals);

    // Two of three are used, or 99 of 100; or of 1 dollar three times 0.30 can be paid.
    const left = { trialKeys: 1, trialJson: 1, apiKeys: 1, oneApi: 3, newApi: 3 }[name];
    expect(await statusesOf(ADA[name])).toEqual([...Array(left).fill(200), 429]);
    await server.stop();
    expect(problemsOf(server.storePath)).toEqual([]);
    expect(tracesOf(ADA[name], bytesOfFolder(join(folder, 'store')), 3)).toEqual([]);
    expect(tracesOf(ADA[name], Buffer.from(server.written() + JSON.stringify([dry, first])), 3)).toEqual([]);
    server = await start();
    expect((await server.chat(ADA[name])).status).toBe(429);
  });
});

test('killed at any moment, the importer can be run again, and all adds up', async () => {
  const path = join(folder, 'many.db');
  manyKeys(path);
  const child = spawn(process.execPath, [MAIN, 'import', path], {
    env: { ...process.env, ...env() },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await vi.waitFor(async () => expect((await server.admin.status.get()).keys).toBeGreaterThan(0), {
    timeout: 60_000,
    interval: 5,
  });
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  const { keys: before } = await server.admin.status.get();
  expect(before).toBeLessThan(MANY);

  const { keys } = await reported(path);
  // What the killed one had sent may have come in after the count.
  expect(keys.imported + keys.exists).toBe(MANY);
  expect(keys.exists).toBeGreaterThanOrEqual(before);
  expect((await server.admin.usage.read()).totals).toMatchObject({ req_count: MANY * 3 });
  expect(await server.admin.operations.verify()).toMatchObject({ count: MANY });
  await server.stop();
  expect(problemsOf(server.storePath)).toEqual([]);
});

test('a server that is killed in the middle loses no key that was reported, and the next run goes on', async () => {
  const path = join(folder, 'many.db');
  manyKeys(path);
  const running = command(path);
  await vi.waitFor(async () => expect((await server.admin.status.get()).keys).toBeGreaterThan(0), {
    timeout: 60_000,
    interval: 5,
  });
  await server.kill9();
  const { code, stderr } = await running;
  const [, done = '-1'] = /(\d+) keys are done\. Run the same command again/.exec(stderr) ?? [];
  expect(code).toBe(1);
  server = await start();
  expect((await server.admin.status.get()).keys).toBeGreaterThanOrEqual(Number(done));
  expect(Number(done)).toBeGreaterThanOrEqual(0);
  const { keys } = await reported(path);
  expect(keys.imported + keys.exists).toBe(MANY);
  expect((await server.admin.usage.read()).totals).toMatchObject({ req_count: MANY * 3 });
});

test('quotas in money are not imported where nothing has a price, unless that is decided', async () => {
  await server.stop();
  server = await start({ PRICES_FILE: '' });
  const path = join(folder, 'one-api.db');
  FOREIGN_FILES.oneApi(path, Date.now());
  const refused = await command(path);
  expect([refused.code, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toMatch(/^quota-proxy: .*PRICES_FILE.* --quota none .*\n$/);
  expect((await server.admin.status.get()).keys).toBe(0);
  expect((await reported(path, '--dry-run')).warnings).toHaveLength(1);
  expect((await reported(path, '--quota', 'none')).keys.imported).toBe(7);
  expect((await server.chat(ADA.oneApi)).status).toBe(200);
});

test('a model that was used there and has no price here is named', async () => {
  const path = join(folder, 'one-api.db');
  FOREIGN_FILES.oneApi(path, Date.now());
  const database = new DatabaseSync(path);
  database.exec("UPDATE logs SET model_name = 'gpt-unpriced' WHERE id = 1");
  database.close();
  const { warnings } = await reported(path, '--dry-run');
  expect(warnings).toEqual([expect.stringContaining('cannot use them: gpt-unpriced.')]);
});

test.each([
  {
    name: 'a file that is none of these',
    args: [MAIN],
    code: 1,
    says: /neither an SQLite database nor JSON/,
  },
  { name: 'no file', args: ['/nowhere/old.db'], code: 1, says: /cannot be read/ },
  { name: 'no argument', args: [], code: 2, says: /missing required argument/ },
  { name: 'a zone that is none', args: ['x', '--timezone', 'Mars/Base'], code: 2, says: /IANA name/ },
])('one line says what is wrong: $name', async ({ args, code, says }) => {
  const result = await command(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(says);
});

/** As many keys as fill thirty batches, each with three requests on two days. */
function manyKeys(path: string): void {
  const database = new DatabaseSync(path);
  const now = Date.now();
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  database.exec(`
    CREATE TABLE trial_keys (key TEXT, label TEXT, created_at INTEGER, daily_limit INTEGER, is_active INTEGER);
    CREATE TABLE usage_stats (trial_key TEXT, day TEXT, requests INTEGER, updated_at INTEGER);
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${MANY})
    INSERT INTO trial_keys SELECT printf('trial-%032d', n), 'key ' || n, ${now}, 100, 1 FROM n;
    INSERT INTO usage_stats SELECT key, '${day(now)}', 1, ${now} FROM trial_keys;
    INSERT INTO usage_stats SELECT key, '${day(now - 86_400_000)}', 2, ${now} FROM trial_keys;
  `);
  database.close();
}
