import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq=';
const PATH = '/hook/of-the-operator-7f3a9c07e51d84b6';

let directory: string;
let upstream: UpstreamServer;
let receiver: Server;
let server: ServerProcess | undefined;
let deliveries: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
let answer: number;

beforeEach(async () => {
  [deliveries, answer] = [[], 204];
  directory = await mkdtemp(join(tmpdir(), 'abnormal-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  receiver = createServer(async (request, response) => {
    deliveries.push({ headers: request.headers, body: await text(request) });
    response.writeHead(answer).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await server?.kill9();
  server = undefined;
  receiver.closeAllConnections();
  receiver.close();
  await upstream.close();
  await rm(directory, { recursive: true });
});

async function start(): Promise<ServerProcess> {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${PATH}`;
  const env = { WEBHOOK_URL: url, WEBHOOK_SECRET: SECRET, ABNORMAL_AUTH_FAILURES_MAX: '3' };
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env });
  return server;
}

/** Lines of the log, by what they say. */
function lines({ written }: ServerProcess, message: RegExp): Record<string, unknown>[] {
  const all = written()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return all.map((line) => JSON.parse(line)).filter(({ msg }) => message.test(msg));
}

test('who tries keys out is logged, counted, listed, and sent to the operator, who can tell that it is from here', async () => {
  const running = await start();
  for (let n = 0; n < 5; n += 1) expect((await running.chat(`sk-guess-${n}`)).status).toBe(401);
  await expect.poll(() => deliveries.length).toBe(1);
  const [{ headers, body } = { headers: {}, body: '' }] = deliveries;
  const event = new Webhook(SECRET).verify(body, headers as Record<string, string>);
  expect(event).toMatchObject({
    type: 'access.abnormal',
    data: { kind: 'authentication_failures', address: '127.0.0.1', count: 4, usual: 3, key_id: null },
  });
  const told = lines(running, /had no valid key or token/);
  expect(told).toMatchObject([{ level: 'warn', kind: 'authentication_failures', count: 4 }]);
  const { abnormal_access } = await running.admin.status.get();
  expect(abnormal_access).toMatchObject([{ kind: 'authentication_failures', count: 4 }]);
  // Each try is a line, with the reason and without what was tried.
  expect(lines(running, /^request$/).filter(({ status }) => status === 401)).toHaveLength(5);
  expect(running.written()).not.toMatch(/sk-guess|whsec_|of-the-operator/);
});

test('a receiver that refuses keeps neither requests nor the end of the server waiting', async () => {
  const running = await start();
  answer = 500;
  const { key } = await running.admin.keys.create({ body: { label: 'Ada' } });
  for (let n = 0; n < 5; n += 1) await running.chat('sk-guess');
  await expect.poll(() => deliveries.length).toBeGreaterThan(0);
  expect((await running.chat(key)).status).toBe(200);
  expect(await running.stop()).toBe(0);
  server = undefined;
  expect(running.written()).not.toMatch(/whsec_|of-the-operator/);
});

test('each request is one line, with its cost, its source and what it took', async () => {
  const running = await start();
  const { key, id } = await running.admin.keys.create({ body: { label: 'Ada' } });
  await running.chat(key, { messages: [{ role: 'user', content: 'a question of the canary' }] });
  const request = () => lines(running, /^request$/).filter(({ key_id }) => key_id === id);
  await expect.poll(() => request().length).toBe(1);
  expect(request()).toMatchObject([
    {
      ...{ level: 'info', method: 'POST', route: '/v1/chat/completions', model: 'demo', status: 200 },
      ...{ prompt_tokens: 10, completion_tokens: 5, cost_micros: null, source: 'upstream', reason: null },
      address: '127.0.0.1',
    },
  ]);
  const [{ store_ms, added_ms, upstream_ms, duration_ms } = {}] = request();
  for (const ms of [store_ms, added_ms, upstream_ms, duration_ms]) expect(ms).toBeGreaterThanOrEqual(0);
  expect(running.written()).not.toContain('canary');
});
