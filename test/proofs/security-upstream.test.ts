import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHttpServer } from '#adapters/container/create-http-server.ts';
import { inFlight } from '#adapters/container/in-flight.ts';
import { createApp } from '#handlers/app.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { rawRequest } from '#test/fakes/raw-request.ts';
import type { Behaviour } from '#test/fakes/upstream-server.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

/** Somebody else's server, which nothing may be led to. */
let elsewhere: Server;
let elsewhereUrl: string;
let asked: string[];
let proxy: ProxyUnderTest;
let server: Server;
let port: number;
let secret: string;
let answer: Behaviour;

const well: Behaviour = (_call, response) => sendJson(response, completion(3, 4));

beforeAll(async () => {
  elsewhere = createServer((request, response) => {
    asked.push(request.url ?? '');
    sendJson(response, completion(3, 4));
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  elsewhereUrl = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  proxy = await openProxy({ behaviour: (call, response) => answer(call, response) });
  ({ secret } = await proxy.issue());
  const limits = { connectionsMax: 100, clientStallMs: 60_000, trustedProxies: [], onFull: () => {} };
  const works = inFlight({ failed: (_, error) => expect.fail(String(error)) });
  server = createHttpServer(createApp(proxy.services), works, { ready: true }, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

beforeEach(() => {
  [asked, answer] = [[], well];
  proxy.upstream.seen.length = 0;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  elsewhere.closeAllConnections();
  elsewhere.close();
  await proxy.close();
});

const PLAIN = { target: '/v1/chat/completions', lines: [] as readonly string[], body: {} as object };

async function chat({ target, lines, body }: typeof PLAIN) {
  const text = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }], ...body });
  const hosted = lines.some((line) => /^host:/i.test(line)) ? [] : ['Host: proxy.test'];
  const head = [`POST ${target} HTTP/1.1`, ...hosted, `Authorization: Bearer ${secret}`, ...lines];
  head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`);
  return rawRequest(port, head, text);
}

const E = 'ELSEWHERE';
const targets = [
  '/v1/chat/completions?url=http://ELSEWHERE/',
  '/v1/chat/completions?base_url=http://ELSEWHERE/v1&api_key=canary',
  '/v1/chat/completions?api-version=1&key=canary',
  '/v1/chat/completions/../../../canary',
  '/v1/chat/completions/..%2f..%2fcanary',
  '/v1/chat/completions%2f..%2f..%2fcanary',
  '/v1/chat/completions;canary',
  '/v1/chat/completions%3fcanary',
  '/v1/chat/completions%23canary',
  '/v1/chat/completions%0d%0aHost:%20ELSEWHERE',
  '/v1/chat/completions%00canary',
  '/v1/chat/completions#@ELSEWHERE',
  '/v1/x/../chat/completions?canary',
  '/v1//chat/completions',
  '//ELSEWHERE/v1/chat/completions',
  '/\\ELSEWHERE/v1/chat/completions',
  'http://ELSEWHERE/v1/chat/completions',
  'http://ELSEWHERE/chat/completions?canary',
  'http://canary:canary@ELSEWHERE/v1/chat/completions',
  'http://proxy.test@ELSEWHERE/v1/chat/completions',
  '/http://ELSEWHERE/v1/chat/completions',
  '@ELSEWHERE/v1/chat/completions',
  '/chat/completions?//ELSEWHERE',
].map((target) => ({ name: target, ...PLAIN, target }));
const headers = [
  'Host: ELSEWHERE',
  'Host: ELSEWHERE:80@proxy.test',
  'X-Forwarded-Host: ELSEWHERE',
  'X-Forwarded-Server: ELSEWHERE',
  'Forwarded: host=ELSEWHERE;proto=http',
  'X-Original-URL: http://ELSEWHERE/canary',
  'X-Rewrite-URL: /canary',
  'X-Upstream: http://ELSEWHERE',
  'X-Base-Url: http://ELSEWHERE/v1',
  'OpenAI-Base-Url: http://ELSEWHERE/v1',
  'OpenAI-Organization: canary',
  'Proxy-Authorization: Bearer canary',
  'Cookie: authorization=Bearer canary',
  'api-key: canary',
  'X-Goog-Api-Key: canary',
  'Connection: authorization, host',
  'Accept: application/json\tcanary',
].map((line) => ({ name: line, ...PLAIN, lines: [line] }));
const bodies = [
  { base_url: `http://${E}/v1` },
  { api_base: `http://${E}/v1`, api_key: 'canary' },
  { model: `http://${E}/v1/canary` },
  { model: '../../canary' },
  { model: 'demo\r\nHost: canary' },
  { model: 'demo?key=canary#' },
  { extra_headers: { Authorization: 'Bearer canary' }, extra_query: { key: 'canary' } },
  { headers: { host: E }, path: '/canary', method: 'GET' },
].map((body) => ({ name: JSON.stringify(body), ...PLAIN, body }));

describe('S6: nothing that a client sends changes where the upstream is asked, or with which credentials', () => {
  test('there are forty spellings and more, and the plain one is served', async () => {
    expect(targets.length + headers.length + bodies.length).toBeGreaterThanOrEqual(40);
    expect((await chat(PLAIN)).status).toBe(200);
    expect(proxy.upstream.seen).toHaveLength(1);
  });

  test.each([...targets, ...headers, ...bodies])('$name', async ({ target, lines, body }) => {
    const placed = (text: string) => text.replaceAll(E, elsewhereUrl);
    const answered = await chat({
      target: placed(target),
      lines: lines.map(placed),
      body: JSON.parse(placed(JSON.stringify(body))),
    });
    expect(asked).toEqual([]);
    // Refused, or served as the plain one is.
    expect(proxy.upstream.seen).toHaveLength(answered.status === 200 ? 1 : 0);
    for (const seen of proxy.upstream.seen) {
      expect(seen.url).toBe('/v1/chat/completions');
      const { host, authorization, accept: _, ...rest } = seen.headers;
      expect(`http://${host}/v1`).toBe(proxy.upstream.baseUrl);
      expect(authorization).toBe('Bearer sk-the-sponsors-own-key');
      expect(JSON.stringify(rest)).not.toContain('canary');
      expect(JSON.stringify(rest)).not.toContain(elsewhereUrl);
    }
  });

  test.each([301, 302, 303, 307, 308])(
    'a redirect by %i is not followed, whoever it leads to',
    async (status) => {
      answer = (_call, response) =>
        void response.writeHead(status, { location: `http://${elsewhereUrl}/v1/chat/completions` }).end();
      const { text } = await chat(PLAIN);
      expect(text).toMatch(/^HTTP\/1\.1 503 .*upstream_unavailable/s);
      expect(text).not.toContain(elsewhereUrl);
      expect(asked).toEqual([]);
      expect(proxy.upstream.seen).toHaveLength(1);
    },
  );
});
