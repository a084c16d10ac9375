import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyDatabase } from '#adapters/sqlite/copy-database.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { bytesOfFolder, tracesOf } from '#test/proofs/secret-traces.ts';

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lost-claim-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(1, 1)));
  server = await start();
});

afterAll(async () => {
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const start = () =>
  startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: { APPLICATIONS: 'on', LOG_LEVEL: 'trace' },
  });

async function post(path: string, body: object) {
  const headers = { 'content-type': 'application/json' };
  const reply = await fetch(server.baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: reply.status, body: (await reply.json()) as Record<string, string> };
}

async function approved(): Promise<{ id: string; claim_token: string }> {
  const { id = '', claim_token = '' } = (await post('/v1/applications', { name: 'Ada' })).body;
  await server.admin.applications.approve({ params: { id } });
  return { id, claim_token };
}

const claim = (claim_token: string) => post('/v1/applications/claim', { claim_token });

/** Sends a claim, and hangs up once it is committed: of the answer nothing was read. */
async function loseClaim(id: string, claim_token: string): Promise<void> {
  const body = JSON.stringify({ claim_token });
  const head = ['POST /v1/applications/claim HTTP/1.1', 'Host: proxy.test', 'Content-Type: application/json'];
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  socket.write([...head, `Content-Length: ${body.length}`, '', body].join('\r\n'));
  const status = async () => {
    const { items } = await server.admin.applications.list();
    return items.find((each) => each.id === id)?.status;
  };
  await expect.poll(status, { timeout: 20_000 }).toBe('claimed');
  socket.destroy();
}

test('a line that breaks after the commit, and a crash after that, lose no key: the same claim shows it', async () => {
  const { id, claim_token } = await approved();
  await loseClaim(id, claim_token);
  await server.kill9();
  server = await start();

  const [first, second] = await Promise.all([claim(claim_token), claim(claim_token)]);
  expect(first.status).toBe(201);
  expect(second).toEqual(first);
  const { key = '', key_id } = first.body;
  expect((await server.chat(key)).status).toBe(200);
  expect((await server.admin.keys.list()).items).toMatchObject([{ id: key_id }]);

  // Where it could be told again from, nothing tells it: the database, its log, and what a backup is made of.
  copyDatabase(server.storePath, join(directory, 'copy.db'));
  const places = { files: bytesOfFolder(directory), log: Buffer.from(server.written()) };
  for (const [place, bytes] of Object.entries(places)) {
    expect(tracesOf(key, bytes, 3), `the key in ${place}`).toEqual([]);
    expect(tracesOf(claim_token, bytes, 6), `the claim token in ${place}`).toEqual([]);
  }
});

test('two claims at once make one key, and both show it', async () => {
  const { claim_token } = await approved();
  const before = (await server.admin.keys.list()).items.length;
  const claims = await Promise.all([claim(claim_token), claim(claim_token)]);
  expect(claims.map(({ status }) => status)).toEqual([201, 201]);
  expect(claims[1]).toEqual(claims[0]);
  expect((await server.admin.keys.list()).items).toHaveLength(before + 1);
});
