import { createHmac, randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hintOf, isWellFormed, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { readDatabase } from '#test/faults/ledger-file.ts';

let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pepper-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(3, 4)));
});

afterEach(async () => {
  await server?.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

test('S4: a copy of the database authenticates nobody without the pepper, and everybody with it', async () => {
  const home = join(directory, 'home');
  server = await startServer({ directory: home, upstreamUrl: upstream.baseUrl });
  const { key } = await server.admin.keys.create({ body: { label: 'Ada' } });
  expect((await server.chat(key)).status).toBe(200);
  expect((await stat(join(home, 'pepper'))).mode & 0o777).toBe(0o600);
  const pepper = (await readFile(join(home, 'pepper'), 'utf8')).trim();
  await server.stop();

  const away = join(directory, 'away');
  await mkdir(away);
  await copyFile(join(home, 'quota.db'), join(away, 'quota.db'));
  const alone = await runCommand(['serve'], { STORE_PATH: join(away, 'quota.db'), PORT: '0' });
  expect(alone).toMatchObject({ code: 78, stderr: expect.stringContaining(join(away, 'pepper')) });

  const restored = { directory: away, upstreamUrl: upstream.baseUrl };
  server = await startServer({ ...restored, env: { KEY_PEPPER: randomBytes(32).toString('hex') } });
  expect((await server.admin.keys.list()).items).toMatchObject([{ label: 'Ada', status: 'active' }]);
  expect((await server.chat(key)).status).toBe(401);
  await server.stop();

  // The control: with the pepper the same copy knows the same key.
  server = await startServer({ ...restored, env: { KEY_PEPPER: pepper } });
  expect((await server.chat(key)).status).toBe(200);

  // And the digest is what it is said to be.
  expect(digestsIn(server.storePath)).toEqual([createHmac('sha256', pepper).update(key).digest('hex')]);
});

test('S4: keys have at least 160 random bits, and none is like another', async () => {
  expect(SECRET_RANDOM_BYTES * 8).toBeGreaterThanOrEqual(160);
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  const { admin } = server;
  const made = await Promise.all(
    Array.from({ length: 200 }, () => admin.keys.create({ body: { label: 'many' } })),
  );
  const bodies = made.map(({ key }) => key.slice('sk-'.length, -6));
  expect(made.every(({ key }) => isWellFormed(key) && hintOf(key).length < 13)).toBe(true);
  // 33 digits of base 62 hold 196 bits; at every place but the first each of the 62 digits comes up somewhere.
  expect(bodies.every((body) => /^[0-9A-Za-z]{33}$/.test(body))).toBe(true);
  for (let place = 1; place < 33; place += 1) {
    // Of 62 digits 200 draws leave out 2.4 on average; 30 different ones are fewer than chance ever gives.
    expect(new Set(bodies.map((body) => body[place])).size).toBeGreaterThan(30);
  }
  expect(new Set(digestsIn(server.storePath)).size).toBe(200);
});

function digestsIn(path: string): unknown[] {
  const sql = 'SELECT lower(hex(digest)) FROM keys';
  return readDatabase(path, (database) => database.prepare(sql).pluck().all());
}
