import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { notOnce, problemsOf, reservedCount } from './ledger-file.ts';

let folder: string;
let data: string;
let upstream: UpstreamServer;
let server: ServerProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restore-'));
  data = join(folder, 'data');
  await mkdir(join(folder, 'vault'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
});

afterEach(async () => {
  await server?.kill9();
  server = undefined;
  await upstream.close();
  await rm(folder, { recursive: true });
});

function environment(): Record<string, string> {
  return {
    ADMIN_TOKEN: SERVER_ADMIN_TOKEN,
    STORE_PATH: join(data, 'quota.db'),
    BACKUP_TARGET: `file://${folder}/vault`,
    BACKUP_ENCRYPTION_KEY_FILE: join(folder, 'key.txt'),
  };
}

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  server = await startServer({
    directory: data,
    upstreamUrl: upstream.baseUrl,
    env: { ...environment(), ...env },
  });
  return server;
}

/** A command of the operator, in the environment of the server. */
function run(...args: string[]) {
  return runCommand(args, { ...environment(), ...(server && { QUOTA_PROXY_URL: server.baseUrl }) });
}

async function makeKey(): Promise<void> {
  const { stdout, code } = await runCommand(['backup', 'keygen']);
  expect(code).toBe(0);
  await writeFile(join(folder, 'key.txt'), stdout);
}

/** Resolves when nothing waits to be shipped. */
async function shipped({ admin }: ServerProcess): Promise<void> {
  const waiting = async () => (await admin.status.get()).backup;
  await expect
    .poll(waiting, { timeout: 20_000 })
    .toMatchObject({ last: expect.anything(), unshipped_rows: 0 });
}

/** Answers the ids of so many acknowledged requests. */
async function requests({ chat }: ServerProcess, key: string, count: number): Promise<string[]> {
  const replies = await Promise.all(Array.from({ length: count }, () => chat(key)));
  for (const reply of replies) expect(reply.status, await reply.text()).toBe(200);
  return replies.map((reply) => reply.headers.get('x-request-id') ?? '');
}

test('B2: after kill -9 and with all data gone, the vault and the pepper bring everything back', async () => {
  await makeKey();
  const first = await start();
  const { key } = await first.admin.keys.create({ body: { label: 'B2' } });
  const old = await requests(first, key, 30);
  await shipped(first);
  const late = await requests(first, key, 10);
  await first.kill9();
  server = undefined;
  await copyFile(join(data, 'pepper'), join(folder, 'pepper.keep'));
  await rm(data, { recursive: true });

  const restored = await run('restore', 'latest', '--json');
  expect(restored.stderr).toMatch(/Restoring \d{8}T\d{6}Z, made .*There is no pepper at/s);
  expect(restored.code).toBe(0);
  expect(JSON.parse(restored.stdout)).toMatchObject({
    restored_to: join(data, 'quota.db'),
    kept_aside: null,
  });
  await copyFile(join(folder, 'pepper.keep'), join(data, 'pepper'));
  const second = await start();
  await expect.poll(async () => (await second.admin.status.get()).open_reservations).toBe(0);
  expect([...notOnce(second.storePath, old)]).toEqual([]);
  // Those that were acknowledged just before the kill, within the recovery point that is promised, may be lost.
  expect(reservedCount(second.storePath)).toBeLessThanOrEqual(old.length + late.length);
  expect((await second.chat(key)).status).toBe(200);
  expect(problemsOf(second.storePath)).toEqual([]);

  // What was restored takes the vault over, and is backed up in turn.
  await shipped(second);
  const list = await run('backup', 'list', '--json');
  const items = JSON.parse(list.stdout).items as { lineage: string; verified: boolean; encrypted: boolean }[];
  expect(new Set(items.map(({ lineage }) => lineage)).size).toBe(2);
  expect(items.every(({ verified, encrypted }) => verified && encrypted)).toBe(true);
});

test('the operator makes, lists and rehearses backups; what is in the way of a restore is told', async () => {
  await makeKey();
  const running = await start({ BACKUP_DRILL_SCHEDULE: '0 0 1 1 *' });
  const { key } = await running.admin.keys.create({ body: { label: 'drill' } });
  await shipped(running);
  await requests(running, key, 5);
  const made = await run('backup', 'now');
  expect(made.stderr).toBe('');
  expect(made.stdout).toMatch(/ID +MADE +AGE +DATABASE +STORED +ENTRIES +ENCRYPTED +VERIFIED +DRILLED/);
  const drilled = await run('backup', 'drill');
  expect(drilled).toMatchObject({ code: 0, stderr: '' });
  expect(drilled.stdout).toMatch(/\d{8}T\d{6}Z +yes/);
  expect((await run('backup', 'list')).stdout).toMatch(/yes +restores, /);

  const served = await run('restore', 'latest', '--force');
  expect(served.code).toBe(1);
  expect(served.stderr).toMatch(/is served by another quota-proxy: stop that one first/);
  // Beside the running server a copy is made, and a backup restored, into files.
  const copy = join(folder, 'copy.db');
  expect(JSON.parse((await run('backup', 'now', '--to', copy, '--json')).stdout)).toMatchObject({ keys: 1 });
  expect(problemsOf(copy)).toEqual([]);
  const look = join(folder, 'look/quota.db');
  expect((await run('restore', 'latest', '--to', look)).code).toBe(0);
  expect(reservedCount(look)).toBe(5);
  expect((await run('restore', 'latest', '--to', look)).stderr).toMatch(/exists already: name another file/);

  expect(await running.stop()).toBe(0);
  server = undefined;
  const inTheWay = await run('restore', 'latest');
  expect(inTheWay.code).toBe(1);
  expect(inTheWay.stderr).toMatch(/There is a database at .*: with --force it is moved aside/);
  const forced = await run('restore', '--from', copy, '--force', '--json');
  expect(forced.code).toBe(0);
  const aside = JSON.parse(forced.stdout).kept_aside as string;
  expect(problemsOf(join(aside, 'quota.db'))).toEqual([]);
  expect(reservedCount(join(aside, 'quota.db'))).toBe(5);
  expect((await readdir(data)).filter((name) => name.includes('spool'))).toEqual([]);
  expect((await (await start()).chat(key)).status).toBe(200);
});

test('RESTORE_IF_MISSING restores where there is no database at all, and starts anew where there is no backup', async () => {
  await makeKey();
  const env = { RESTORE_IF_MISSING: 'latest' };
  const first = await start(env);
  const { key } = await first.admin.keys.create({ body: { label: 'again' } });
  await requests(first, key, 7);
  await shipped(first);
  expect(await first.stop()).toBe(0);
  const pepper = await readFile(join(data, 'pepper'));

  // A database that is there is served, whatever is in the vault.
  const second = await start(env);
  await requests(second, key, 1);
  expect(second.written()).not.toContain('the newest backup was restored');
  expect(await second.stop()).toBe(0);

  await rm(data, { recursive: true });
  await mkdir(data);
  await writeFile(join(data, 'pepper'), pepper);
  const third = await start(env);
  expect(third.written()).toMatch(
    /"backup_id":"\d{8}T\d{6}Z".*There was no database: the newest backup was restored/,
  );
  expect((await third.chat(key)).status).toBe(200);
  expect(reservedCount(third.storePath)).toBeGreaterThanOrEqual(8);
  expect(await third.stop()).toBe(0);

  // A vault that cannot be read is not one without backups.
  await rm(data, { recursive: true });
  await rm(join(folder, 'vault'), { recursive: true });
  await expect(start(env)).rejects.toThrow(/did not start \(1\).*vault/s);
});

test('the kit tells where everything is, and the secrets only when asked', async () => {
  await makeKey();
  const running = await start();
  await shipped(running);
  const pepper = (await readFile(join(data, 'pepper'), 'utf8')).trim();
  const key = /AGE-SECRET-KEY-1\w+/.exec(await readFile(join(folder, 'key.txt'), 'utf8'))?.[0] ?? '';
  const plain = await run('backup', 'kit');
  expect(plain.stdout).toContain(`BACKUP_TARGET=file://${folder}/vault`);
  expect(plain.stdout).toMatch(/public key is age1\w{58}/);
  expect(plain.stdout).toContain('QUOTA_TIMEZONE=UTC');
  expect(plain.stdout).not.toContain(pepper);
  expect(plain.stdout).not.toContain(key);
  const secret = await run('backup', 'kit', '--secrets');
  expect(secret.stdout).toContain(`KEY_PEPPER=${pepper}`);
  expect(secret.stdout).toContain(`BACKUP_ENCRYPTION_KEY=${key}`);
  const told = JSON.parse((await run('backup', 'kit', '--json')).stdout);
  expect(told).toMatchObject({
    settings: { BACKUP_TARGET: `file://${folder}/vault`, KEY_PEPPER: null, BACKUP_ENCRYPTION_KEY: null },
    recipient: expect.stringMatching(/^age1\w{58}$/),
  });
  const toldSecrets = JSON.parse((await run('backup', 'kit', '--json', '--secrets')).stdout);
  expect(toldSecrets.settings).toMatchObject({ KEY_PEPPER: pepper, BACKUP_ENCRYPTION_KEY: key });
  // Neither is anywhere in the log.
  expect(running.written()).not.toContain(key);
  expect(running.written()).not.toContain(pepper);
});

test.each([
  { args: ['restore'], says: /Name one thing to restore/ },
  { args: ['restore', 'latest', '--at', '2026-11-25T08:00:00Z'], says: /Name one thing to restore/ },
  { args: ['restore', 'yesterday'], says: /yesterday is neither latest nor the id of a backup/ },
  { args: ['restore', '--at', 'noon'], says: /Write it as 2026-11-25T08:30:00Z/ },
  {
    args: ['restore', '--at', '2999-01-01T08:00:00Z'],
    says: /is in the future, now is 2.*: write --at in UTC/,
  },
  { args: ['restore', 'latest'], says: /There is no backup at .* Is BACKUP_TARGET right\?/ },
  { args: ['restore', '--from', '/no/such.db'], says: /no\/such\.db/ },
])('$args is told what is wrong', async ({ args, says }) => {
  await makeKey();
  const { code, stderr, stdout } = await run(...args);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe('');
});
