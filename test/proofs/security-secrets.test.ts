import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest } from '#test/fakes/raw-request.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import {
  completion,
  events,
  sendEvents,
  sendJson,
  startUpstreamServer,
} from '#test/fakes/upstream-server.ts';
import { readDatabase } from '#test/faults/ledger-file.ts';
import { bytesOfFolder, tracesOf } from './secret-traces.ts';

const adminToken = randomBytes(32).toString('hex');
const metricsToken = randomBytes(32).toString('hex');
const idempotencyKey = randomBytes(32).toString('hex');
const upstreamKey = `sk-${randomBytes(24).toString('hex')}`;

let directory: string;
let server: ServerProcess;
let upstream: UpstreamServer;
let key: string;
let keyId: string;
/** The key after a rotation whose answer is kept; the old one is in its grace. */
let rotated: string;
/** Of one who applied for a key, and took it. */
const applicant = { token: '', key: '' };
/** Every answer to everybody but those that show a new key or a claim token. */
let answers = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secrets-'));
  upstream = await startUpstreamServer(({ body, headers }, response) => {
    // An upstream that tells what it was given, as some do in their errors.
    const told = JSON.stringify({ error: { message: `Bad key: ${headers.authorization}` } });
    if (body['model'] === 'refuses') return sendJson(response, told, 401);
    if (body['model'] === 'breaks') return void response.destroy();
    return body['stream'] === true
      ? sendEvents(response, events(null))
      : sendJson(response, completion(3, 4));
  });
  server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: {
      ADMIN_TOKEN: adminToken,
      METRICS_TOKEN: metricsToken,
      UPSTREAM_API_KEY: upstreamKey,
      LOG_LEVEL: 'trace',
      APPLICATIONS: 'on',
    },
  });
  const quotas = [{ meter: 'requests', period: 'day', limit: 40 }] as const;
  const made = await server.admin.keys.create({ body: { label: 'canary', quotas: [...quotas] } });
  ({ key, id: keyId } = made);
  const once = { params: { key: keyId }, body: { grace_seconds: 600 }, idempotencyKey };
  rotated = (await server.admin.keys.rotate(once)).key;
  // It is kept: the same call has the same answer.
  expect((await server.admin.keys.rotate(once)).key).toBe(rotated);
});

afterAll(async () => {
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

describe('S3: a secret is hashed before any store or log sees it', () => {
  test('nothing of a key, of a token or of the upstream key is written or told anywhere', async () => {
    await useAll();
    await applyAndClaim();
    await Promise.all(
      fuzzed(key).map((text) => ask('POST', '/v1/chat/completions', { 'x-api-key': text }, chat())),
    );
    for (let asked = 0; asked < 50; asked += 1) await askChat(chat());
    expect(answers).toContain('insufficient_quota');
    expect(server.written()).toContain(keyId);

    const places = {
      log: Buffer.from(server.written()),
      files: bytesOfFolder(directory),
      answers: Buffer.from(answers),
    };
    for (const [place, bytes] of Object.entries(places)) {
      expect(bytes.length, place).toBeGreaterThan(10_000);
      expect(tracesOf(key, bytes, 3), `the key in ${place}`).toEqual([]);
      expect(tracesOf(rotated, bytes, 3), `the rotated key in ${place}`).toEqual([]);
      expect(tracesOf(idempotencyKey, bytes), `the Idempotency-Key in ${place}`).toEqual([]);
      expect(tracesOf(applicant.token, bytes, 6), `the claim token in ${place}`).toEqual([]);
      expect(tracesOf(applicant.key, bytes, 3), `the claimed key in ${place}`).toEqual([]);
      expect(tracesOf(adminToken, bytes), `the admin token in ${place}`).toEqual([]);
      expect(tracesOf(metricsToken, bytes), `the metrics token in ${place}`).toEqual([]);
      expect(tracesOf(upstreamKey, bytes, 3), `the upstream's key in ${place}`).toEqual([]);
    }
    // The key's place in the database is its digest's, and that is there to be found.
    const digests = 'SELECT lower(hex(digest)) FROM keys WHERE previous_digest IS NOT NULL';
    expect(
      readDatabase(server.storePath, (database) => database.prepare(digests).pluck().all()),
    ).toHaveLength(1);
    const ofTokens = 'SELECT lower(hex(digest)) FROM applications';
    expect(
      readDatabase(server.storePath, (database) => database.prepare(ofTokens).pluck().all()),
    ).toHaveLength(1);
  });

  test.each([
    { name: 'whole', of: (secret: string) => `{"msg":"request","key":"${secret}"}` },
    { name: 'part', of: (secret: string) => `{"msg":"${secret.slice(0, 24)}…"}` },
    { name: 'part', of: (secret: string) => secret.slice(-20) },
    {
      name: 'URL-encoded',
      of: (secret: string) => [...secret].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''),
    },
    { name: 'base64', of: (secret: string) => Buffer.from(`:${secret}`).toString('base64') },
    { name: 'base64', of: (secret: string) => Buffer.from(`user:${secret}:x`).toString('base64') },
    { name: 'hex', of: (secret: string) => Buffer.from(secret).toString('hex') },
  ])('the control: a log line with a secret in it ($name) is found', ({ name, of }) => {
    const log = Buffer.from(`${server.written()}${of(key)}\n`);
    expect(tracesOf(key, log, 3)).toContain(name);
  });
});

test('what an operator writes is data and never SQL', async () => {
  const label = `'; DROP TABLE keys; -- "%_\\ ${'`'}$\{1}`;
  const { id } = await server.admin.keys.create({
    body: { label, metadata: { "x'y": "a'); --" }, models: ["'"] },
  });
  expect(await server.admin.keys.get({ params: { key: id } })).toMatchObject({ label, models: ["'"] });
  const found = await server.admin.keys.list({ query: { q: "'; drop" } });
  expect(found.items.map((item) => item.id)).toEqual([id]);
  expect((await server.admin.usage.read({ query: { model: "' OR 1=1 --" } })).items).toEqual([]);
  expect((await server.admin.operations.list({ query: { target: "' OR 1=1 --" } })).items).toEqual([]);
});

/** Every route and every way to name a key, with success and without. */
async function useAll(): Promise<void> {
  const admin = { authorization: `Bearer ${adminToken}` };
  for (const body of [
    chat(),
    chat({ stream: true }),
    chat({ model: 'refuses' }),
    chat({ model: 'breaks' }),
  ]) {
    await askChat(body);
  }
  for (const body of ['{', '[]', `{"model":"${'m'.repeat(500)}"}`, chat({ max_tokens: -1 })])
    await askChat(body);
  await ask('GET', '/v1/models', { authorization: `Bearer ${key}` });
  await ask('GET', '/v1/quota', { 'x-trial-key': key });
  await ask('GET', '/v1/quota', { authorization: `Bearer ${key}`, 'x-api-key': adminToken });
  await ask('POST', `/v1/chat/completions?api_key=${key}`, {}, chat());
  await ask('GET', `/admin/keys/${key}`, admin);
  await ask('GET', `/admin/keys/${key}`, { authorization: `Bearer ${key}` });
  await ask('PATCH', `/admin/keys/${key}`, admin, '{"label":"amended"}');
  await ask('GET', `/admin/keys?q=${key}`, admin);
  await ask('GET', `/admin/usage?key=${key}`, admin);
  await ask('GET', `/admin/requests?key=${key}`, admin);
  await ask('GET', `/admin/requests/${key}`, admin);
  await ask('POST', '/admin/usage/reset', admin, JSON.stringify({ key }));
  await ask('GET', `/admin/operations?target=${key}`, admin);
  await ask('GET', '/admin/operations', admin);
  await ask('GET', '/admin/operations/verify', admin);
  await ask('GET', '/admin/sponsor', admin);
  await ask('GET', '/admin/status', admin);
  await ask('GET', '/metrics', { authorization: `Bearer ${metricsToken}` });
  await ask('GET', '/admin/keys', { authorization: `Bearer ${metricsToken}` });
  await ask('GET', `/admin/operations?target=${metricsToken}`, admin);
  await ask('GET', '/v1/quota', { authorization: `Bearer ${metricsToken}` });
  await ask('GET', '/admin/keys', { authorization: `Basic ${btoa(`admin:${adminToken}`)}` });
  await ask('GET', '/healthz', { authorization: `Bearer ${key}` });
  await rawRequest(server.port, ['GET / HTTP/1.1', `Authorization: Bearer ${key}`, ' folded']);
  await rawRequest(server.port, [`BAD ${key}`, `Authorization: Bearer ${adminToken}`]);
}

/** Somebody applies and takes the key; both are then sent to where they may be looked for, rightly and wrongly. */
async function applyAndClaim(): Promise<void> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(server.baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return reply.json() as Promise<Record<string, string>>;
  };
  const { id = '', claim_token = '' } = await post('/v1/applications', { name: 'Ada' });
  await server.admin.applications.approve({ params: { id } });
  const { key: claimed = '' } = await post('/v1/applications/claim', { claim_token });
  Object.assign(applicant, { token: claim_token, key: claimed });
  const [admin, body] = [{ authorization: `Bearer ${adminToken}` }, JSON.stringify({ claim_token })];
  await ask('POST', '/v1/applications/status', {}, body);
  // Within ten minutes it is shown again: to them, and nowhere else.
  expect(await post('/v1/applications/claim', { claim_token })).toMatchObject({ key: claimed });
  await ask('POST', '/v1/applications/claim', {}, `{"claim_token":"${claim_token}","x":`);
  await ask('POST', `/v1/applications/claim?claim_token=${claim_token}`, {}, '{}');
  await ask('GET', `/claim?${claim_token}`, {});
  await ask('GET', '/v1/quota', { authorization: `Bearer ${claim_token}` });
  await ask('GET', '/v1/quota', { authorization: `Bearer ${claimed}` });
  await ask('GET', '/admin/applications', admin);
  await ask('GET', `/admin/operations?target=${id}`, admin);
  await ask('GET', `/admin/keys/${claim_token}`, admin);
  await ask('POST', `/admin/applications/${claim_token}/approve`, admin, '{}');
}

function chat(body: object = {}): string {
  return JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }], ...body });
}

function askChat(body: string): Promise<number> {
  return ask('POST', '/v1/chat/completions', { authorization: `Bearer ${key}` }, body);
}

/** Asks, keeps the whole answer in `answers`, and says its status. */
async function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<number> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const init = { method, headers: { ...headers, ...json }, ...(body === undefined ? {} : { body }) };
  const reply = await fetch(server.baseUrl + path, init);
  answers += `${JSON.stringify([...reply.headers])}\n${await reply.text()}\n`;
  return reply.status;
}

/** What people and attackers send in the place of a key: it with something more, less or other. */
function fuzzed(secret: string): readonly string[] {
  const changed = [...secret].map((_, at) => `${secret.slice(0, at)}~${secret.slice(at + 1)}`);
  const cut = [...secret].map((_, at) => secret.slice(0, at));
  const encoded = [encodeURIComponent(secret), Buffer.from(secret).toString('base64'), btoa(`${secret}:`)];
  const wrapped = [
    `"${secret}"`,
    `'${secret}'`,
    `{${secret}}`,
    `Bearer ${secret}`,
    `${secret}\t`,
    `${secret};x`,
  ];
  return [...changed, ...cut, ...encoded, ...wrapped, secret.toLowerCase(), secret.repeat(40)];
}
