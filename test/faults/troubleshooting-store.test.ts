import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { appendFile, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { patternOf } from './known-messages.ts';
import { notOnce, problemsOf } from './ledger-file.ts';
import { mountMemory, testAsRoot } from './own-machine.ts';
import { errorLines, troubleLines } from './trouble-lines.ts';

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
let unmount: (() => void) | undefined;

beforeEach(async () => {
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  directory = mkdtempSync(join(tmpdir(), 'store-trouble-'));
});

afterEach(async () => {
  await server?.kill9();
  unmount?.();
  unmount = undefined;
  rmSync(directory, { recursive: true });
  await upstream.close();
});

const FILLER = 'filler';

testAsRoot(
  'D6: on a full disk nothing is forwarded, what is there can be read, and it goes on by itself',
  async () => {
    unmount = mountMemory(directory, 'size=24m');
    server = await start();
    const key = await makeKey();
    const acknowledged = [await served(key), await served(key)];
    await fill();
    const forwarded = await fillLedger(key, acknowledged);
    for (let asked = 0; asked < 20; asked += 1) await refusedByStore(key);
    expect(upstream.seen).toHaveLength(forwarded);
    expect((await fetch(`${server.baseUrl}/healthz`)).status).toBe(503);
    expect((await fetch(`${server.baseUrl}/livez`)).status).toBe(200);
    await readsWork(acknowledged.length);
    expect((await server.admin.status.get()).warnings).toEqual([
      expect.stringMatching(patternOf('full')),
      expect.stringContaining('BACKUP_TARGET'),
      expect.stringMatching(patternOf('nearlyFull')),
    ]);

    await rm(join(directory, FILLER));
    // Nobody asks for its health: it notices by itself.
    await expect
      .poll(async () => (await server.admin.status.get()).troubles, { timeout: 10_000 })
      .toEqual([]);
    expect((await healthz()).status).toBe(200);
    acknowledged.push(await served(key));
    await onlyLines(['full', 'wellAgain']);
    expect(await server.stop()).toBe(0);
    expect([...notOnce(server.storePath, acknowledged)]).toEqual([]);
    expect(problemsOf(server.storePath)).toEqual([]);
  },
);

testAsRoot('D6: with no byte free it starts, reads, and records as soon as there is room', async () => {
  unmount = mountMemory(directory, 'size=24m');
  server = await start();
  const key = await makeKey();
  const acknowledged = [await served(key)];
  // Stopped, so that what it keeps while it runs is gone, and given to somebody else.
  expect(await server.stop()).toBe(0);
  await fill();

  server = await start();
  await fill();
  const forwarded = await fillLedger(key, acknowledged);
  await refusedByStore(key);
  expect(upstream.seen).toHaveLength(forwarded);
  await readsWork(acknowledged.length);
  // And after a crash, without anything that was put aside.
  await server.kill9();
  server = await start();
  await readsWork(acknowledged.length);

  await rm(join(directory, FILLER));
  await expect.poll(async () => (await fetch(`${server.baseUrl}/healthz`)).status).toBe(200);
  acknowledged.push(await served(key));
  expect(await server.stop()).toBe(0);
  expect([...notOnce(server.storePath, acknowledged)]).toEqual([]);
  expect(problemsOf(server.storePath)).toEqual([]);
});

testAsRoot('D6: where there never was anything, a full disk is one line', async () => {
  unmount = mountMemory(directory, 'size=1m');
  await fill();
  const { code, stdout, stderr } = await runCommand(['serve'], {
    ADMIN_TOKEN: SERVER_ADMIN_TOKEN,
    UPSTREAM_API_KEY: 'sk-upstream-key-of-the-tests',
    STORE_PATH: join(directory, 'quota.db'),
    PORT: '0',
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^quota-proxy: [^\n]+\n$/);
  expect(stderr).toMatch(patternOf('fullAtStart'));
});

test('a database that is damaged while it is served records nothing more, and says so once', async () => {
  server = await start();
  const key = await makeKey();
  await served(key);
  const restore = await corrupt(server.storePath);
  await expect
    .poll(async () => (await (await server.chat(key)).json()) as unknown)
    .toMatchObject({
      error: { code: 'store_unavailable' },
    });
  const forwarded = upstream.seen.length;
  for (let asked = 0; asked < 5; asked += 1) await refusedByStore(key);
  expect(upstream.seen).toHaveLength(forwarded);
  // A page that is whole is no reason to go on.
  const { status, body } = await healthz();
  expect({ status, body }).toEqual({
    status: 503,
    body: { ok: false, checks: { process: 'ok', store: 'failed' } },
  });
  // Nor that it is whole again: what was decided meanwhile may be wrong.
  await restore();
  await refusedByStore(key);
  await onlyLines(['damagedRunning']);
});

test('a program that locks the database is named, and it goes on when that is gone', async () => {
  server = await start();
  const key = await makeKey();
  const other = new Database(server.storePath);
  other.exec('BEGIN IMMEDIATE');
  await refusedByStore(key);
  expect((await server.admin.keys.list({})).items).toHaveLength(1);
  other.exec('COMMIT');
  other.close();
  await expect.poll(async () => (await healthz()).status, { timeout: 15_000 }).toBe(200);
  await served(key);
  await onlyLines(['locked', 'wellAgain']);
});

function start(): Promise<ServerProcess> {
  return startServer({ directory, upstreamUrl: upstream.baseUrl });
}

async function makeKey(): Promise<string> {
  return (await server.admin.keys.create({ body: { label: 'Ada' } })).key;
}

/** A request that must be served; its id. */
async function served(key: string): Promise<string> {
  const reply = await server.chat(key);
  expect(reply.status, await reply.text()).toBe(200);
  return reply.headers.get('x-request-id') ?? '';
}

async function refusedByStore(key: string): Promise<void> {
  const reply = await server.chat(key);
  expect(reply.status).toBe(503);
  expect(await reply.json()).toMatchObject({ error: { type: 'server_error', code: 'store_unavailable' } });
}

/** Asks until the last of the room is used; how many calls the upstream has seen by then. */
async function fillLedger(key: string, acknowledged: string[]): Promise<number> {
  for (;;) {
    const reply = await server.chat(key);
    await reply.text();
    if (reply.status === 503) return upstream.seen.length;
    expect(reply.status).toBe(200);
    acknowledged.push(reply.headers.get('x-request-id') ?? '');
  }
}

async function readsWork(requests: number): Promise<void> {
  const { admin } = server;
  expect((await admin.keys.list({})).items).toHaveLength(1);
  expect((await admin.usage.read({})).totals.req_count).toBe(requests);
  expect((await admin.operations.list({})).items.length).toBeGreaterThan(0);
}

async function healthz() {
  const reply = await fetch(`${server.baseUrl}/healthz`);
  return { status: reply.status, body: (await reply.json()) as unknown };
}

async function onlyLines(names: readonly Parameters<typeof patternOf>[0][]): Promise<void> {
  const lines = () => troubleLines(server);
  await expect.poll(lines).toHaveLength(names.length);
  expect(lines()).toEqual(names.map((name) => expect.stringMatching(patternOf(name))));
  const begun = errorLines(server);
  expect(begun).toEqual([expect.stringMatching(patternOf(names[0] ?? 'full'))]);
}

/** Writes until not a byte more fits. */
async function fill(): Promise<void> {
  for (let bytes = 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 4)) {
    while (await fits(bytes));
  }
}

function fits(bytes: number): Promise<boolean> {
  return appendFile(join(directory, FILLER), Buffer.alloc(bytes, 1)).then(
    () => true,
    () => false,
  );
}

/** Written as somebody else does, so that the server reads anew what it has in memory. */
const TOUCH = 'UPDATE projection SET checked = 1 - checked';

/** Spoils every page but the first, in the database and behind what its log has; what it gives back undoes that. */
async function corrupt(path: string): Promise<() => Promise<void>> {
  const other = new Database(path);
  lockWithEmptyLog(other, path);
  other.exec(TOUCH);
  const whole = readFileSync(path);
  await overwrite(path, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0xa5)]));
  other.exec('COMMIT');
  other.close();
  return async () => {
    await overwrite(path, whole);
    const again = new Database(path);
    again.exec(TOUCH);
    again.close();
  };
}

/** Begins to write when all that was committed is in the file itself: a page in the log would be read from there. */
function lockWithEmptyLog(database: Database.Database, path: string): void {
  for (;;) {
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.exec('BEGIN IMMEDIATE');
    if (statSync(`${path}-wal`).size === 0) return;
    database.exec('ROLLBACK');
  }
}

async function overwrite(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(content, 0, content.length, 0);
  await file.close();
}
