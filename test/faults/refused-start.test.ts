import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CommandResult, ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { patternOf } from './known-messages.ts';
import { testAsRoot, withMountTable } from './own-machine.ts';

/** Where a good database of twenty keys is, folded and closed. */
let template: string;
let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer;

beforeAll(async () => {
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  template = await mkdtemp(join(tmpdir(), 'refused-'));
  const made = await start(template);
  await addKeys(made, 20);
  expect(await made.stop()).toBe(0);
  expect(existsSync(`${made.storePath}-wal`)).toBe(false);
});

afterAll(async () => {
  await upstream.close();
  await rm(template, { recursive: true });
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'refused-'));
});

afterEach(async () => {
  await server?.kill9();
  server = undefined;
  await rm(directory, { recursive: true });
});

test('D8: a second process on the same file ends with a clear message, and the first does not notice', async () => {
  server = await start();
  const { key } = await server.admin.keys.create({ body: { label: 'D8' } });
  const second = await refused();
  expect(second.stderr).toMatch(patternOf('served'));
  expect((await server.chat(key)).status).toBe(200);

  // Where the first is gone, however it went, the same command serves.
  await server.kill9();
  server = await start();
  expect((await server.chat(key)).status).toBe(200);
});

test('D9: an empty file is a new database', async () => {
  await writeFile(join(directory, 'quota.db'), '');
  server = await start();
  const { key } = await server.admin.keys.create({ body: { label: 'D9' } });
  expect((await server.chat(key)).status).toBe(200);
});

/** Each spoils a good database of a few hundred rows at `path`. */
const spoilers: readonly { name: string; says: RegExp; spoil(path: string): Promise<void> }[] = [
  {
    name: 'a text file',
    says: /not an SQLite database/,
    spoil: (path) => writeFile(path, 'hello\n'.repeat(2_000)),
  },
  {
    name: "another program's database",
    says: /database of another program/,
    async spoil(path) {
      await rm(path);
      const foreign = new Database(path);
      foreign.exec('CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES (1)');
      foreign.close();
    },
  },
  {
    name: 'a database without its second half',
    says: /damaged/,
    spoil: async (path) => truncate(path, Math.floor((await stat(path)).size / 2 / 4096) * 4096),
  },
  {
    name: 'a database cut in the middle of a page',
    says: /damaged/,
    spoil: async (path) => truncate(path, (await stat(path)).size - 1_000),
  },
  { name: 'a database with pages of zeros', says: /damaged/, spoil: zeroPages },
  {
    name: 'a newer database',
    says: /start the newer version/,
    async spoil(path) {
      const database = new Database(path);
      database.pragma('user_version = 999');
      database.close();
    },
  },
  {
    name: 'a log without its database',
    says: /quota\.db-wal/,
    async spoil(path) {
      await writeFile(`${path}-wal`, Buffer.alloc(4_152, 7));
      await rm(path);
    },
  },
];

test.each(spoilers)('D9: $name is not served from, and left as it is', async ({ says, spoil }) => {
  const path = await goodDatabase();
  await spoil(path);
  const before = contentsOf(directory);
  const { stderr } = await refused();
  expect(stderr).toContain(path);
  expect(stderr).toMatch(says);
  expect(contentsOf(directory)).toEqual(before);
});

test('D9: the log of a later state beside an older database is not served from', async () => {
  const path = await goodDatabase();
  const older = join(directory, 'older.db');
  await copyFile(path, older);
  server = await start();
  await addKeys(server, 40);
  await server.kill9();
  // Folded into the database, and written on: the log that is left does not hold the pages before it.
  const folding = new Database(path);
  folding.pragma('wal_checkpoint(TRUNCATE)');
  folding.close();
  server = await start();
  await addKeys(server, 3);
  await server.kill9();
  server = undefined;

  // The control: this log beside its own database is what every crash leaves behind.
  server = await start();
  expect((await server.admin.keys.list({ query: { limit: 200 } })).items).toHaveLength(63);
  await server.kill9();
  server = undefined;

  expect((await stat(`${path}-wal`)).size).toBeGreaterThan(0);
  await copyFile(older, path);
  const before = contentsOf(directory);
  const { stderr } = await refused();
  expect(stderr).toContain(path);
  expect(contentsOf(directory)).toEqual(before);
});

test.each([
  { name: 'of as many keys', keys: 30, requests: 0 },
  { name: 'whose pages all fit', keys: 20, requests: 0 },
  { name: 'of few keys that were used', keys: 3, requests: 5 },
])('D9: the log of another database $name is not served from', async ({ keys, requests }) => {
  const [one, other] = [join(directory, 'one'), join(directory, 'other')];
  for (const home of [one, other]) {
    server = await start(home);
    const [key = ''] = await addKeys(server, keys);
    for (let asked = 0; asked < requests; asked += 1) await (await server.chat(key)).text();
    expect(await server.stop()).toBe(0);
  }
  server = await start(other);
  await server.admin.keys.create({ body: { label: 'late' } });
  await server.kill9();
  server = undefined;

  await copyFile(join(other, 'quota.db-wal'), join(one, 'quota.db-wal'));
  const before = contentsOf(one);
  const { stderr } = await refused(one);
  expect(stderr).toMatch(/damaged/);
  expect(contentsOf(one)).toEqual(before);
});

testAsRoot('D10: a mount table that tells of a disk of this machine is no reason to refuse', async () => {
  server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    under: withMountTable(directory, 'ext4'),
  });
  const { key } = await server.admin.keys.create({ body: { label: 'D10' } });
  expect((await server.chat(key)).status).toBe(200);
});

/** A good database, and the pepper that its keys need. */
async function goodDatabase(): Promise<string> {
  for (const name of ['quota.db', 'pepper']) await copyFile(join(template, name), join(directory, name));
  return join(directory, 'quota.db');
}

async function addKeys({ admin }: ServerProcess, count: number): Promise<readonly string[]> {
  const body = { label: 'x'.repeat(150), metadata: { note: 'y'.repeat(400) } };
  const made = await Promise.all(Array.from({ length: count }, () => admin.keys.create({ body })));
  return made.map(({ key }) => key);
}

/** Everything behind the first page, every third page, becomes zeros. */
async function zeroPages(path: string): Promise<void> {
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  for (let at = 4096; at + 4096 <= size; at += 3 * 4096) await file.write(Buffer.alloc(4096), 0, 4096, at);
  await file.close();
}

function start(home = directory): Promise<ServerProcess> {
  return startServer({ directory: home, upstreamUrl: upstream.baseUrl });
}

/** Tries to serve from `quota.db`, and expects one line that says why not. */
async function refused(home = directory): Promise<CommandResult> {
  const result = await runCommand(['serve'], {
    ADMIN_TOKEN: SERVER_ADMIN_TOKEN,
    UPSTREAM_BASE_URL: upstream.baseUrl,
    UPSTREAM_API_KEY: 'sk-upstream-key-of-the-tests',
    STORE_PATH: join(home, 'quota.db'),
    PORT: '0',
  });
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/^[^\n]+\n$/);
  return result;
}

/** The bytes of the database and its log, by their digest. What is empty is nobody's data. */
function contentsOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => /^quota\.db(-wal)?$/.test(name));
  const files = names.map((name) => [name, readFileSync(join(folder, name))] as const);
  return Object.fromEntries(
    files.filter(([, bytes]) => bytes.length > 0).map(([name, bytes]) => [name, sha256(bytes)]),
  );
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
