import { once } from 'node:events';
import OpenAI from 'openai';
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { routesOf } from '#handlers/app.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { ADMIN_TOKEN, describeStack, REPOSITORY } from './docker.ts';
import type { Edge, EdgeName } from './edge.ts';
import { DOMAIN, IMAGE, startEdge, WAIT } from './edge.ts';

const MODEL = 'deepseek-chat';
const MESSAGES = [{ role: 'user' as const, content: 'Will anything be lost?' }];
const OFFICE = '203.0.113.9';
/** Far longer than an event takes on its way. */
const HELD_BACK_MS = 2_000;

interface Row {
  readonly name: EdgeName;
  /** Changes of the example that undo what it promises. */
  readonly buffering?: (config: string) => string;
  readonly believing: (config: string) => string;
}

const EDGES: readonly Row[] = [
  {
    name: 'caddy',
    believing: (config) =>
      config.replace('transport http {', 'trusted_proxies private_ranges\ntransport http {'),
  },
  {
    name: 'nginx',
    buffering: (config) => config.replace('proxy_buffering off;', 'proxy_buffering on;'),
    believing: (config) =>
      config.replace('X-Forwarded-For $remote_addr', 'X-Forwarded-For $proxy_add_x_forwarded_for'),
  },
];

/** Asks the edge from where it runs, and prints what was said. */
const ASK = `
const { request } = require('node:https');
const [host, key, forwardedFor] = process.argv.slice(1);
const headers = { host: '${DOMAIN}', authorization: 'Bearer ' + key, ...(forwardedFor && { 'x-forwarded-for': forwardedFor }) };
const options = { host, servername: '${DOMAIN}', ca: process.env.CA, path: '/v1/quota', headers };
request(options, (reply) => {
  process.stdout.write(reply.statusCode + ' ');
  reply.pipe(process.stdout);
}).end();
`;
const OWN_ADDRESS = `
const [address] = Object.values(require('node:os').networkInterfaces()).flat().filter(({ internal, family }) => !internal && family === 'IPv4');
process.stdout.write(address.address);
`;

const ADMIN_SPELLINGS = ['/admin/status', '/metrics'].flatMap((path) => [
  path,
  `/${path}`,
  path.toUpperCase(),
  path.replace('m', '%6d'),
  path.replace('/', '/%2e/'),
  path.replace('/', '%2f'),
  path.replace('/', '\\'),
  `/.${path}`,
  `${path}/`,
  `/v1/..${path}`,
  `/v1/%2e%2e${path}`,
  `/v1/.%2e${path}`,
  `/v1/..%2f${path.slice(1)}`,
  `/v1/..\\${path.slice(1)}`,
  `/v1//..${path}`,
  `/v1//../..${path}`,
  `/v1/models/../..${path}`,
  `/v1/..;${path}`,
  `/v1?/..${path}`,
  `/v1/#/../..${path}`,
  `/models/..${path}`,
  `/models/%2e%2e${path}`,
  `/models/..%2f${path.slice(1)}`,
  `/quota/..${path}`,
  `/healthz/..${path}`,
  `/healthz%2f..${path}`,
  `https://${DOMAIN}${path}`,
  `https://${DOMAIN}/v1/..${path}`,
  `http://quota-proxy:8787${path}`,
  `//quota-proxy:8787${path}`,
]);

describeStack('behind a reverse proxy', () => {
  beforeAll(async () => {
    await GenericContainer.fromDockerfile(REPOSITORY).withBuildkit().build(IMAGE, { deleteOnExit: false });
  });

  afterAll(async () => {
    const { container } = await getContainerRuntimeClient();
    await container.dockerode.getImage(IMAGE).remove();
  });

  describe.each(EDGES)('that is $name, by the example of the docs', ({ name, buffering, believing }) => {
    let edge: Edge;

    beforeAll(async () => {
      edge = await startEdge(name);
    });

    afterAll(async () => {
      await edge?.down();
    });

    async function keyOf(terms: { readonly ips?: string[] } = {}) {
      const quotas = [{ meter: 'requests' as const, period: 'day' as const, limit: 100 }];
      return edge.admin.keys.create({ body: { label: name, quotas, ...terms } });
    }

    function clientOf(apiKey: string): OpenAI {
      // undici's own `fetch`: it takes the certificate that is to be trusted.
      const fetch = ((url: string, init: object) =>
        edge.fetch(url, init)) as unknown as typeof globalThis.fetch;
      return new OpenAI({ apiKey, baseURL: `${edge.baseUrl}/v1`, maxRetries: 0, fetch });
    }

    function stream(apiKey: string, signal?: AbortSignal) {
      return clientOf(apiKey).chat.completions.create(
        { model: MODEL, messages: MESSAGES, stream: true },
        { signal },
      );
    }

    test('the official client gets its answer over TLS', async () => {
      const { key } = await keyOf();
      const answer = await clientOf(key).chat.completions.create({ model: MODEL, messages: MESSAGES });
      expect(answer).toMatchObject({
        choices: [{ message: { content: 'Hello.' } }],
        usage: { total_tokens: 26 },
      });
      const reply = await edge.fetch('/v1/models/a%2Fb', { headers: { authorization: `Bearer ${key}` } });
      expect(await reply.json()).toEqual({ id: 'a/b' });
      expect(reply.headers.get('strict-transport-security')).toBe('max-age=31536000');
    });

    test('what the upstream sends is there before the upstream goes on', async () => {
      const { key } = await keyOf();
      const texts = (await stream(key))[Symbol.asyncIterator]();
      expect((await texts.next()).value?.choices[0]?.delta.content).toBe('One');
      expect(await edge.upstream('/waiting')).toBe(1);
      expect(await edge.upstream('/open')).toBe(1);
      let rest = '';
      for (let next = await texts.next(); next.done !== true; next = await texts.next())
        rest += next.value.choices[0]?.delta.content ?? '';
      expect(rest).toBe(' two three four five');
    });

    test('a client that hangs up in mid-stream is noticed, and its request is settled', async () => {
      const { key, id } = await keyOf();
      const client = new AbortController();
      const texts = (await stream(key, client.signal))[Symbol.asyncIterator]();
      await texts.next();
      const busy = await edge.connections();
      const { quotas } = await edge.admin.keys.get({ params: { key: id } });
      expect(quotas).toMatchObject([{ used: 0, held: 1 }]);
      client.abort();
      // While the upstream says nothing, and nothing can be written to anybody.
      await vi.waitFor(async () => expect(await edge.connections()).toBeLessThan(busy), WAIT);
      expect(await edge.upstream('/open')).toBe(1);
      const settled = async () => {
        const { items } = await edge.admin.requests.list({ query: { key: id } });
        expect(items).toMatchObject([{ status: 'settled', source: 'upstream', http_status: 499 }]);
      };
      await vi.waitFor(settled, WAIT);
      const after = await edge.admin.keys.get({ params: { key: id } });
      expect(after.quotas).toMatchObject([{ used: 1, held: 0 }]);
    });

    test('large bodies pass, and one that is too large is refused by quota-proxy', async () => {
      const { key } = await keyOf();
      const send = (bytes: number) =>
        clientOf(key).chat.completions.create({
          model: MODEL,
          messages: [{ role: 'user', content: 'x'.repeat(bytes) }],
        });
      expect((await send(10_000_000)).usage?.total_tokens).toBe(26);
      await expect(send(12_000_000)).rejects.toMatchObject({ status: 413, type: 'invalid_request_error' });
    });

    test('every route of a client is there, and those of the operator are not', async () => {
      const own = await openProxy({ behaviour: () => {} });
      const routes = routesOf(own.services);
      await own.close();
      expect(routes.length).toBeGreaterThan(20);
      for (const { method, path, access } of routes) {
        const asked = path.replace(/:id\{.*\}/, 'some/model').replace(/:\w+/, 'some');
        const reply = await edge.fetch(asked, { method });
        const isShown = access === 'key' || path === '/healthz';
        const said = {
          route: `${method} ${path}`,
          status: reply.status,
          isJson: (await reply.text()).startsWith('{'),
        };
        const expected = path === '/healthz' ? 200 : 401;
        expect(said).toEqual({ ...said, status: isShown ? expected : 404, isJson: isShown });
      }
    });

    test.each(ADMIN_SPELLINGS)('%s leads nowhere', async (target) => {
      for (const version of ['1.1', '1.0']) {
        const answer = await edge.raw(`GET ${target} HTTP/${version}`, ADMIN_TOKEN);
        // Caddy has an empty 200 for hosts that it does not serve.
        expect(answer).toMatch(/^HTTP\/1\.[01] (4(00|04|21) |200 OK\r\n(.+\r\n)*Content-Length: 0\r\n)/);
        expect(answer).not.toMatch(/uptime_ms|quota_proxy_|invalid_admin_token/);
      }
      // The control: the token is right.
      expect((await edge.admin.status.get()).uptime_ms).toBeGreaterThan(0);
    });

    test('a key for one address is good there, and no header takes one there', async () => {
      const address = await edge.beside(OWN_ADDRESS);
      const near = await keyOf({ ips: [address] });
      const office = await keyOf({ ips: [OFFICE] });
      expect(await edge.beside(ASK, name, near.key)).toMatch(/^200 /);
      for (const forwardedFor of [OFFICE, `${OFFICE}, 10.0.0.1`, `${OFFICE},`]) {
        const said = await edge.beside(ASK, name, office.key, forwardedFor);
        expect(said).toMatch(/^403 /);
        expect(said).toContain(`may not be used from ${address}.`);
      }
      const headers = { authorization: `Bearer ${near.key}`, 'x-forwarded-for': address };
      expect((await edge.fetch('/v1/quota', { headers })).status).toBe(403);
    });

    test('the control: an edge that believes the header lets anybody be anywhere', async () => {
      const { key } = await keyOf({ ips: [OFFICE] });
      await edge.reconfigure(believing);
      expect(await edge.beside(ASK, name, key, OFFICE)).toMatch(/^200 /);
    });

    if (buffering === undefined) return;
    test('the control: an edge that buffers holds the first event back', async () => {
      const { key } = await keyOf();
      await edge.reconfigure(buffering);
      let isThere = false;
      const first = stream(key).then(async (events) => {
        const { value } = await events[Symbol.asyncIterator]().next();
        isThere = true;
        return value?.choices[0]?.delta.content;
      });
      await vi.waitFor(async () => expect(await edge.upstream('/waiting')).toBe(1), WAIT);
      await once(AbortSignal.timeout(HELD_BACK_MS), 'abort');
      expect(isThere).toBe(false);
      await edge.upstream('/open');
      expect(await first).toBe('One');
    });
  });
});
