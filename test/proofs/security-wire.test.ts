import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest } from '#test/fakes/raw-request.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

let directory: string;
let server: ServerProcess;
let upstream: UpstreamServer;
let key: string;
let otherKey: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wire-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(3, 4)));
  // Hundreds of wrong credentials come from here, and each answer is to say why.
  const env = { AUTH_FAILURES_PER_MINUTE: '0' };
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env });
  key = (await server.admin.keys.create({ body: { label: 'one' } })).key;
  otherKey = (await server.admin.keys.create({ body: { label: 'other' } })).key;
});

afterAll(async () => {
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const BODY = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }] });

/** A request with a good `Host` and, where it can have one, a body. */
function send(line: string, headers: readonly string[] = [], body = '') {
  const length = body === '' ? [] : [`Content-Length: ${body.length}`, 'Content-Type: application/json'];
  return rawRequest(server.port, [`${line} HTTP/1.1`, 'Host: proxy.test', ...length, ...headers], body);
}

const ADMIN_SPELLINGS = [
  '//admin/keys',
  '///admin/keys',
  '/admin//keys',
  '/admin/keys/',
  '/admin/keys//',
  '/./admin/keys',
  '/admin/./keys',
  '/x/../admin/keys',
  '/v1/../admin/keys',
  '/v1/%2e%2e/admin/keys',
  '/v1/%2E%2E%2Fadmin/keys',
  '/v1/..;/admin/keys',
  '/v1/..%2fadmin/keys',
  '/v1/..%5cadmin%5ckeys',
  '/healthz/../admin/keys',
  '/livez;/admin/keys',
  '/admin;/keys',
  '/admin;x=y/keys',
  '/admin/keys;x=y',
  '/%61dmin/keys',
  '/%61%64%6d%69%6e/%6b%65%79%73',
  '/%2561dmin/keys',
  '/admin%2Fkeys',
  '/admin%2fkeys',
  '/%2Fadmin/keys',
  '/admin%00/keys',
  '/admin/keys%00',
  '/admin%20/keys',
  '/admin/keys%0d%0aX:%20y',
  '/ADMIN/keys',
  '/Admin/Keys',
  '/admin\\keys',
  '\\admin\\keys',
  '/admin/keys?',
  '/admin/keys#',
  '/admin/keys?authorization=Bearer',
  '/admin/keys.json',
  '/admin',
  '/admin/',
  'admin/keys',
  '*',
  'http://proxy.test/admin/keys',
  'http://127.0.0.1/admin/keys',
  'http://user:pass@proxy.test/admin/keys',
  'http:///admin/keys',
  'https://proxy.test/admin/keys',
  'http://proxy.test//admin/keys',
];

describe('S1: no spelling over the wire gets into the admin API', () => {
  test('the control: the plain spelling with the token does', async () => {
    const withToken = [`Authorization: Bearer ${SERVER_ADMIN_TOKEN}`];
    expect((await send('GET /admin/keys', withToken)).status).toBe(200);
    expect((await send('POST /admin/keys', withToken, '{"label":"made"}')).status).toBe(201);
    expect((await send('GET /admin/keys')).status).toBe(401);
  });

  test.each(ADMIN_SPELLINGS)('%s', async (target) => {
    const before = await server.admin.keys.list({ query: { limit: 200 } });
    for (const method of [
      'GET',
      'POST',
      'get',
      'Post',
      'HEAD',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'BREW',
    ]) {
      for (const headers of [[], [`Authorization: Bearer ${key}`], [`X-Api-Key: ${SERVER_ADMIN_TOKEN}`]]) {
        const isRead = /^(GET|HEAD)$/i.test(method);
        const answer = await send(`${method} ${target}`, headers, isRead ? '' : '{"label":"planted"}');
        expect(answer.status < 200 || answer.status >= 300, `${method}: ${answer.text}`).toBe(true);
        expect(answer.text).not.toContain('"items"');
      }
    }
    const after = await server.admin.keys.list({ query: { limit: 200 } });
    expect(after.items.length).toBe(before.items.length);
  });

  test.each([
    '/v1/../admin/keys',
    '/v1/%2e%2E/admin/keys',
    '/v1/.%2e/admin/keys',
    '/./admin/keys',
    '/admin/keys/.',
    '/admin/x/..?limit=1',
    'http://proxy.test/v1/../admin/keys',
    '/admin/keys/..%2f..%2F..%2fv1%2fmodels',
    '/admin/keys%2f%2e%2E/v1/models',
    '/v1/models/org%2F..',
  ])(
    'a proxy that goes by how a path begins is not led on by %s: 400, with the token, too',
    async (target) => {
      const answer = await send(`GET ${target}`, [`Authorization: Bearer ${SERVER_ADMIN_TOKEN}`]);
      expect(answer.status, answer.text).toBe(400);
      expect(answer.text).toContain("without '.' and '..'");
    },
  );

  test.each([
    '/v1/models/..a',
    '/v1/models/a..',
    '/v1/models/.../b',
    '/v1/models/a?x=/../',
    '/v1/models/org%2F.b%2F..c',
  ])('the control: %s is a path like any other', async (target) => {
    expect((await send(`GET ${target}`)).status).not.toBe(400);
  });

  test.each([
    { name: 'two hosts', lines: ['Host: proxy.test', 'Host: admin.test'] },
    { name: 'the same host twice', lines: ['Host: proxy.test', 'Host: proxy.test'] },
    { name: 'no host', lines: [] },
    { name: 'an empty host', lines: ['Host:'] },
    { name: 'a host with a path', lines: ['Host: proxy.test/admin/keys?'] },
    { name: 'a host with a user', lines: ['Host: user@proxy.test'] },
    { name: 'an overriding method', lines: ['Host: proxy.test', 'X-HTTP-Method-Override: POST'] },
    { name: 'another URL', lines: ['Host: proxy.test', 'X-Original-URL: /livez', 'X-Rewrite-URL: /livez'] },
    {
      name: 'an internal address',
      lines: ['Host: localhost', 'X-Forwarded-For: 127.0.0.1', 'X-Real-IP: ::1'],
    },
    {
      name: 'the header twice',
      lines: ['Host: proxy.test', 'Authorization: Bearer a', `Authorization: Bearer b`],
    },
  ])('with $name', async ({ lines }) => {
    for (const line of [
      'GET /admin/keys HTTP/1.1',
      'GET /admin/keys HTTP/1.0',
      'GET /livez/../admin/keys HTTP/1.1',
    ]) {
      const answer = await rawRequest(server.port, [line, ...lines]);
      expect(answer.status, answer.text).not.toBe(200);
      expect(answer.text).not.toContain('"items"');
    }
  });

  test.each([
    ['Bearer wrong', `Bearer ${SERVER_ADMIN_TOKEN}`],
    [`Bearer ${SERVER_ADMIN_TOKEN}`, 'Bearer wrong'],
  ])('with a wrong token beside the right one', async (...tokens) => {
    const answer = await send(
      'GET /admin/keys',
      tokens.map((token) => `Authorization: ${token}`),
    );
    expect(answer.status).toBe(401);
  });
});

const CHAT_SPELLINGS = [
  '/v1/chat/completions',
  '/chat/completions',
  '//v1/chat/completions',
  '/v1//chat/completions',
  '/v1/chat/completions/',
  '/v1/chat%2Fcompletions',
  '/v1/%63hat/completions',
  '/V1/chat/completions',
  '/v1/x/../chat/completions',
  '/v1/chat/completions?api-version=1',
  '/v1/chat/completions#',
  '/openai/v1/chat/completions',
  'http://elsewhere.test/v1/chat/completions',
  '/http://elsewhere.test/v1/chat/completions',
];

test.each(CHAT_SPELLINGS)('S1: %s is refused without a key, and metered with one', async (target) => {
  const seen = upstream.seen.length;
  expect([400, 401, 404]).toContain((await send(`POST ${target}`, [], BODY)).status);
  expect(upstream.seen).toHaveLength(seen);

  const answer = await send(`POST ${target}`, [`Authorization: Bearer ${key}`], BODY);
  const served = upstream.seen.slice(seen);
  expect(served).toHaveLength(answer.status === 200 ? 1 : 0);
  expect(served.every(({ url }) => url === '/v1/chat/completions')).toBe(true);
  const entries = (await server.admin.requests.list({ query: { limit: 200 } })).items;
  expect(entries).toHaveLength(upstream.seen.length);
});

describe('S2: one credential, in one header', () => {
  test.each([
    {
      name: 'two keys in two headers',
      headers: () => [`Authorization: Bearer ${key}`, `X-Api-Key: ${otherKey}`],
    },
    {
      name: 'two keys in two other headers',
      headers: () => [`X-Trial-Key: ${key}`, `X-Api-Key: ${otherKey}`],
    },
    { name: 'a key and garbage', headers: () => [`Authorization: Bearer ${key}`, 'X-Api-Key: sk-1234'] },
    { name: 'a key and basic auth', headers: () => ['Authorization: Basic YTpi', `X-Api-Key: ${key}`] },
    {
      name: 'Authorization twice',
      headers: () => [`Authorization: Bearer ${key}`, `Authorization: Bearer ${otherKey}`],
    },
    {
      name: 'Authorization twice, the same',
      headers: () => [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`],
    },
    { name: 'x-api-key twice', headers: () => [`X-Api-Key: ${key}`, `x-api-key: ${otherKey}`] },
    { name: 'x-api-key twice, the same', headers: () => [`X-Api-Key: ${key}`, `X-API-KEY: ${key}`] },
    { name: 'two keys in one header', headers: () => [`X-Api-Key: ${key}, ${otherKey}`] },
  ])('$name: 400', async ({ headers }) => {
    const seen = upstream.seen.length;
    const answer = await send('POST /v1/chat/completions', headers(), BODY);
    expect(answer.status, answer.text).toBe(400);
    expect(answer.text).toContain('several_credentials');
    expect(answer.text).toContain('there are different keys, or one header came twice');
    expect(upstream.seen).toHaveLength(seen);
  });

  test.each([
    { name: 'one key in one header', headers: () => [`X-Api-Key: ${key}`] },
    // Anthropic's SDK sends one for ANTHROPIC_API_KEY="" beside a token.
    { name: 'a key and an empty header', headers: () => [`Authorization: Bearer ${key}`, 'X-Api-Key:'] },
    { name: 'a key and an empty token', headers: () => ['Authorization: Bearer ', `X-Api-Key: ${key}`] },
    {
      name: 'the same key in two headers',
      headers: () => [`Authorization: Bearer ${key}`, `X-Api-Key: ${key}`],
    },
    {
      name: 'the same key in three headers',
      headers: () => [`authorization: bearer ${key}`, `X-Api-Key: ${key} `, `X-Trial-Key:  ${key}`],
    },
  ])('$name: served', async ({ headers }) => {
    expect((await send('POST /v1/chat/completions', headers(), BODY)).status).toBe(200);
  });
});
