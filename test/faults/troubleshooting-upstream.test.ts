import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { freePort, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import type { MessageName } from './known-messages.ts';
import { patternOf } from './known-messages.ts';
import { errorLines, troubleLines } from './trouble-lines.ts';

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
/** What the upstream does with a call just now. */
let answer: (response: ServerResponse) => void;

const WELL = (response: ServerResponse) => sendJson(response, completion(10, 5));

beforeEach(async () => {
  answer = WELL;
  upstream = await startUpstreamServer((_call, response) => answer(response));
  directory = mkdtempSync(join(tmpdir(), 'upstream-trouble-'));
});

afterEach(async () => {
  await server?.kill9();
  rmSync(directory, { recursive: true });
  await upstream.close();
});

interface Case {
  readonly name: string;
  readonly says: MessageName;
  readonly client: { readonly status: number; readonly code: string };
  answer(response: ServerResponse): void;
}

const REFUSED = { status: 503, code: 'upstream_unavailable' };
const USED_UP = '{"error":{"code":"insufficient_quota"}}';

const cases: readonly Case[] = [
  { name: 'a key that it does not know', says: 'refused', client: REFUSED, answer: status(401) },
  { name: 'a key that may not', says: 'forbidden', client: REFUSED, answer: status(403) },
  { name: 'an empty account (402)', says: 'noBalance', client: REFUSED, answer: status(402) },
  { name: 'an empty account (429)', says: 'noBalance', client: REFUSED, answer: status(429, USED_UP) },
  { name: 'a redirect', says: 'elsewhere', client: REFUSED, answer: status(302) },
  {
    name: 'silence',
    says: 'timedOut',
    client: { status: 504, code: 'upstream_timeout' },
    answer: () => undefined,
  },
];

test.each(cases)('$name of the upstream is one line, and one when it is over', async (row) => {
  server = await start(upstream.baseUrl, { UPSTREAM_TIMEOUT_MS: '300' });
  const key = await makeKey();
  answer = row.answer;
  for (let asked = 0; asked < 5; asked += 1) expect(await told(key)).toEqual(row.client);
  const { troubles, upstream: shown, warnings } = await server.admin.status.get();
  expect(warnings[0]).toMatch(patternOf(row.says));
  expect(shown.trouble).toEqual({ since: troubles[0]?.since, message: warnings[0] });
  expect((await fetch(`${server.baseUrl}/healthz`)).status).toBe(200);

  answer = WELL;
  expect((await server.chat(key)).status).toBe(200);
  await onlyLines([row.says, 'answersAgain']);
  expect((await server.admin.status.get()).upstream.trouble).toBeNull();
});

test.each([
  { name: 'that refuses connections', host: '127.0.0.1', protocol: 'http' },
  { name: 'whose name nobody knows', host: 'nobody.invalid', protocol: 'http' },
  { name: 'that does not speak TLS', host: 'here', protocol: 'https' },
])('an upstream $name is found at the start, which it does not hold up', async ({ host, protocol }) => {
  const url = new URL(upstream.baseUrl);
  const place = host === 'here' ? url.host : `${host}:${await freePort()}`;
  server = await start(`${protocol}://${place}/v1`, { UPSTREAM_CHECK: 'true' });
  await onlyLines(['unreachable']);
  const key = await makeKey();
  for (let asked = 0; asked < 3; asked += 1) {
    expect(await told(key)).toEqual({ status: 502, code: 'upstream_unreachable' });
  }
  await onlyLines(['unreachable']);
});

test('at the start the upstream is asked for its models, and a refused key is told before any client comes', async () => {
  answer = status(401);
  server = await start(upstream.baseUrl, { UPSTREAM_CHECK: 'true' });
  await onlyLines(['refused']);
  expect(upstream.seen.map(({ url }) => url)).toEqual(['/v1/models']);
  expect(server.written()).not.toContain('sk-upstream-key-of-the-tests');
});

test('an upstream that is back is found without a client', async () => {
  const port = await freePort();
  server = await start(`http://127.0.0.1:${port}/v1`, { UPSTREAM_CHECK: 'true' });
  await onlyLines(['unreachable']);
  const back = await startUpstreamServer((_call, response) => WELL(response), port);
  await expect.poll(() => troubleLines(server), { timeout: 40_000, interval: 200 }).toHaveLength(2);
  await onlyLines(['unreachable', 'answersAgain']);
  await back.close();
});

test('a list of models does not hide that the account is empty', async () => {
  server = await start(upstream.baseUrl);
  const key = await makeKey();
  answer = status(402);
  await told(key);
  answer = (response) => sendJson(response, '{"object":"list","data":[]}');
  const models = await fetch(`${server.baseUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect(models.status).toBe(200);
  expect((await server.admin.status.get()).upstream.trouble).not.toBeNull();
  await onlyLines(['noBalance']);
});

function status(code: number, body = '{}'): (response: ServerResponse) => void {
  return (response) => sendJson(response, body, code);
}

function start(upstreamUrl: string, env = {}): Promise<ServerProcess> {
  return startServer({ directory, upstreamUrl, env });
}

async function makeKey(): Promise<string> {
  return (await server.admin.keys.create({ body: { label: 'Ada' } })).key;
}

async function told(key: string): Promise<{ status: number; code: string }> {
  const reply = await server.chat(key);
  const { error } = (await reply.json()) as { error: { code: string } };
  return { status: reply.status, code: error.code };
}

/** Of all that was logged as an error there is one line, that of the beginning. */
async function onlyLines(names: readonly MessageName[]): Promise<void> {
  await expect.poll(() => troubleLines(server)).toHaveLength(names.length);
  expect(troubleLines(server)).toEqual(names.map((name) => expect.stringMatching(patternOf(name))));
  expect(errorLines(server)).toEqual([expect.stringMatching(patternOf(names[0] ?? 'refused'))]);
}
