import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomOf } from '#test/fakes/random-of.ts';
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
import { forget, notOnce, problemsOf, reservedCount } from './ledger-file.ts';

let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kill-'));
});

afterEach(async () => {
  await server?.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const ROUNDS = 50;
const CLIENTS = 8;
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

test(`D1: what was acknowledged is in the ledger once, after each of ${ROUNDS} kills under load`, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const random = randomOf(seed);
  console.info(`D1 runs with SEED=${seed}`);
  upstream = await startUpstreamServer(({ body }, response) =>
    body['stream'] === true ? sendEvents(response, events(USAGE)) : sendJson(response, completion(10, 5)),
  );
  server = await start();
  const storePath = server.storePath;
  const { key } = await server.admin.keys.create({ body: { label: 'D1' } });
  const acknowledged: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const load = loadOf(server, key);
    await sleep(20 + random() * 230);
    await server.kill9();
    const ids = await load;
    acknowledged.push(...ids);

    server = await start();
    await noneOpen(server);
    const where = `round ${round}, SEED=${seed}`;
    expect([...notOnce(storePath, ids)], where).toEqual([]);
    expect(problemsOf(storePath), where).toEqual([]);
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  expect([...notOnce(storePath, acknowledged)]).toEqual([]);
  // What the upstream saw was reserved before.
  expect(reservedCount(storePath)).toBeGreaterThanOrEqual(upstream.seen.length);
  expect(await server.stop()).toBe(0);
  expect(problemsOf(storePath)).toEqual([]);

  // The same checks, where one acknowledged request is lost.
  const copy = join(directory, 'copy.db');
  await copyFile(storePath, copy);
  const lost = acknowledged[Math.floor(random() * acknowledged.length)] ?? '';
  forget(copy, lost);
  expect([...notOnce(copy, acknowledged)]).toEqual([[lost, { reserved: 0, ended: 0 }]]);
  expect(problemsOf(copy)).not.toEqual([]);
});

test('D13: a stream that was killed in its middle is settled once, whatever is restarted later', async () => {
  upstream = await startUpstreamServer(async (_call, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(events(null)[0]);
  });
  server = await start();
  const { id: keyId, key } = await server.admin.keys.create({
    body: { label: 'D13', quotas: [{ meter: 'tokens', period: 'day', limit: 5_000 }] },
  });
  const reply = await server.chat(key, { stream: true, max_tokens: 1_000 });
  const reader = reply.body?.getReader();
  await reader?.read();
  const id = reply.headers.get('x-request-id') ?? '';
  const open = await server.admin.requests.get({ params: { id } });
  expect(open.status).toBe('open');
  expect(open.reserved.tokens).toBeGreaterThan(1_000);
  await server.kill9();
  await reader?.read().catch(() => undefined);
  // The same check, before anybody could have ended it.
  expect(notOnce(server.storePath, [id]).get(id)).toEqual({ reserved: 1, ended: 0 });

  for (let restart = 1; restart <= 2; restart += 1) {
    server = await start();
    await noneOpen(server);
    const receipt = await server.admin.requests.get({ params: { id } });
    expect(receipt).toMatchObject({ status: 'lapsed', used: open.reserved });
    const { quotas } = await server.admin.keys.get({ params: { key: keyId } });
    expect(quotas).toMatchObject([{ used: open.reserved.tokens, held: 0 }]);
    expect([...notOnce(server.storePath, [id])]).toEqual([]);
    await server.kill9();
  }
  expect(problemsOf(server.storePath)).toEqual([]);
});

function start(): Promise<ServerProcess> {
  return startServer({ directory, upstreamUrl: upstream.baseUrl });
}

/** What the killed process held is ended by the next one's `expire` task. */
async function noneOpen({ admin }: ServerProcess): Promise<void> {
  await expect.poll(async () => (await admin.status.get()).open_reservations, { timeout: 10_000 }).toBe(0);
}

/** Asks without a pause until the server is gone; resolves with the ids of all answers that began. */
async function loadOf(under: ServerProcess, key: string): Promise<readonly string[]> {
  const ids: string[] = [];
  async function ask(client: number): Promise<void> {
    for (let asked = 0; asked < 10_000; asked += 1) {
      const reply = await under.chat(key, { stream: (client + asked) % 2 === 0 });
      expect(reply.status, reply.status === 200 ? '' : await reply.text()).toBe(200);
      ids.push(reply.headers.get('x-request-id') ?? 'none');
      await reply.text();
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, client) => ask(client).catch(ignoreGone));
  await Promise.all(clients);
  return ids;
}

/** A connection that broke is what the test is about; everything else is its failure. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}
