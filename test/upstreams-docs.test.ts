import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createAdminClient } from '#handlers/admin/client.ts';
import { ENDPOINT_SPECIMENS } from './fakes/endpoint-specimens.ts';
import { gate } from './fakes/gate.ts';
import type { Behaviour, UpstreamServer } from './fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from './fakes/upstream-server.ts';
import { blocksOf, copyRepository } from './readme-blocks.ts';

const messages = ENDPOINT_SPECIMENS.find(({ path }) => path === '/v1/messages') ?? expect.fail();
const { PATH, HOME } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'upstreams-docs-'));
const blocks = blocksOf('docs/upstreams.md');
const block = (word: string) => blocks.find(({ by }) => by === word)?.script ?? 'false';

/** The upstreams of the example, in its order, on this machine. */
let upstreams: UpstreamServer[];
const ownMachine = gate();
const LIMITED: Behaviour = (_call, response) => sendJson(response, '{}', 429);
const WELL: Behaviour = (_call, response) => sendJson(response, completion(3, 4));

const CLAUDE: Behaviour = (_call, response) =>
  sendJson(response, messages.answer({ input_tokens: 3, output_tokens: 4 }));

let server: ChildProcess;
let written = '';
let url: string;
let key: string;
let token: string;

beforeAll(async () => {
  copyRepository(folder);
  upstreams = await Promise.all(
    [LIMITED, LIMITED, WELL, ownMachine.behaviour, CLAUDE].map((behaviour) => startUpstreamServer(behaviour)),
  );
  const example = JSON.parse(readFileSync(join(folder, 'docs/examples/upstreams/upstreams.json'), 'utf8'));
  for (const [index, entry] of example.upstreams.entries()) entry.base_url = upstreams[index]?.baseUrl;
  writeFileSync(join(folder, 'upstreams.json'), JSON.stringify(example));
  await start();
  token = readFileSync(join(folder, 'data/admin-token'), 'utf8').trim();
  writeFileSync(join(folder, 'admin.header'), `Authorization: Bearer ${token}\n`);
  key = (await createAdminClient({ baseUrl: url, token, fetch }).keys.create()).key;
}, 60_000);

afterAll(async () => {
  await stop();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  rmSync(folder, { recursive: true });
});

/** As printed, with keys in the place of the dots, and at a port that is free. */
async function start(): Promise<void> {
  const script = block('start').replaceAll('sk-…', 'sk-of-the-tests');
  server = spawn('bash', ['--norc', '-c', script], {
    cwd: folder,
    env: { PATH, HOME, PORT: '0', UPSTREAM_CHECK: 'false', DRAIN_TIMEOUT_MS: '500' },
    detached: true,
  });
  const collect = (part: Buffer) => {
    written += part.toString();
  };
  server.stdout?.on('data', collect);
  server.stderr?.on('data', collect);
  url = await vi.waitFor(
    () => /"url":"([^"]+)"/.exec(written)?.[1] ?? expect.fail(`it does not listen: ${written}`),
    { timeout: 30_000 },
  );
}

async function stop(): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('close', resolve));
  process.kill(-(server.pid ?? 0), 'SIGTERM');
  await ended;
}

async function run(script: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = { PATH, HOME, QUOTA_PROXY_URL: url, ...more };
  const here = script.replaceAll('http://127.0.0.1:8787', url);
  const options = { cwd: folder, env };
  return (await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', here], options)).stdout;
}

function chat(model: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
    ...(signal === undefined ? {} : { signal }),
  });
}

test('the file serves: two accounts at their limit, and the reserve under the name that it has there', async () => {
  const reply = await chat('deepseek-chat');
  expect(reply.status).toBe(200);
  expect(upstreams.map(({ seen }) => seen.length)).toEqual([1, 1, 1, 0, 0]);
  expect(upstreams[2]?.seen[0]).toMatchObject({
    headers: { authorization: 'Bearer sk-of-the-tests' },
    body: { model: 'deepseek/deepseek-chat' },
  });
  const given = { REQUEST: reply.headers.get('x-request-id') ?? '' };
  const receipt = () => run(block('receipt'), given).then((text) => JSON.parse(text));
  await vi.waitFor(
    async () => expect(await receipt()).toMatchObject({ status: 'settled', upstream: 'reserve' }),
    { timeout: 10_000 },
  );
  expect(written).toContain('"upstream":"reserve"');
  expect(written).not.toContain('sk-of-the-tests');
});

test('Claude is asked in the API that Anthropic speaks, and is not there in the other one', async () => {
  const reply = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ ...messages.body, model: 'claude-opus-4-5' }),
  });
  expect(reply.status).toBe(200);
  expect(upstreams[4]?.seen[0]).toMatchObject({
    url: '/v1/messages',
    headers: { 'x-api-key': 'sk-of-the-tests' },
  });
  expect((await chat('claude-opus-4-5')).status).toBe(404);
  expect(upstreams[4]?.seen).toHaveLength(1);
});

test('what became of the tries is in the metrics and in the status', async () => {
  const metrics = await run(block('metrics'));
  expect(metrics).toContain('quota_proxy_upstream_tries_total{upstream="deepseek-1",outcome="limited"} 1');
  expect(metrics).toContain('quota_proxy_upstream_tries_total{upstream="reserve",outcome="answered"} 1');
  const status = await run(block('status'));
  expect(status).toMatch(/upstream reserve +http:\S+, breaker closed, 0 under way/);
  expect(status).toMatch(/upstream own-machine +http:\S+, breaker closed, 0 under way of 2, 0 waiting/);
});

test('a client that hangs up while it waits gives up its turn and its reservation', async () => {
  const { status } = createAdminClient({ baseUrl: url, token, fetch });
  const served = [chat('qwen3:8b'), chat('qwen3:8b')];
  await vi.waitFor(() => expect(ownMachine.held).toHaveLength(2), { timeout: 10_000 });
  const leave = new AbortController();
  const left = chat('qwen3:8b', leave.signal).catch(() => 'gone');
  const own = async () => (await status.get()).upstreams.find(({ name }) => name === 'own-machine');
  await vi.waitFor(async () => expect(await own()).toMatchObject({ in_flight: 2, waiting: 1 }), {
    timeout: 10_000,
  });
  leave.abort();
  expect(await left).toBe('gone');
  await vi.waitFor(async () => expect(await own()).toMatchObject({ in_flight: 2, waiting: 0 }), {
    timeout: 10_000,
  });
  ownMachine.letGo();
  ownMachine.letGo();
  expect((await Promise.all(served)).map((reply) => reply.status)).toEqual([200, 200]);
  expect(upstreams[3]?.seen).toHaveLength(2);
  await vi.waitFor(async () => expect(await status.get()).toMatchObject({ open_reservations: 0 }), {
    timeout: 10_000,
  });
  expect(written).toMatch(/"status":499,"reason":"client_gone"/);
});

test('at the end of the grace those who wait are answered, too', async () => {
  const served = [chat('qwen3:8b'), chat('qwen3:8b')];
  await vi.waitFor(() => expect(ownMachine.held).toHaveLength(2), { timeout: 10_000 });
  const waits = chat('qwen3:8b');
  const { status } = createAdminClient({ baseUrl: url, token, fetch });
  await vi.waitFor(
    async () =>
      expect((await status.get()).upstreams).toContainEqual(expect.objectContaining({ waiting: 1 })),
    { timeout: 10_000 },
  );
  await stop();
  const reply = await waits;
  expect(reply.status).toBe(503);
  expect(await reply.json()).toMatchObject({ error: { code: 'proxy_stopping' } });
  await Promise.all(served);
  expect(upstreams[3]?.seen).toHaveLength(4);
  expect(written).toMatch(/"upstream":null,"status":503,"reason":"proxy_stopping"/);
});
