import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openS3Vault } from '#adapters/s3/open-s3-vault.ts';
import type { Vault } from '#core/vault.ts';
import type { Fault, FaultProxy } from '#test/fakes/fault-proxy.ts';
import { answerWith, resetRequestAt, startFaultProxy } from '#test/fakes/fault-proxy.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import {
  completion,
  events,
  sendEvents,
  sendJson,
  startUpstreamServer,
} from '#test/fakes/upstream-server.ts';
import { notOnce, problemsOf } from '#test/faults/ledger-file.ts';
import { describeStack, REPOSITORY } from './docker.ts';
import type { ObjectStore } from './object-stores.ts';
import { BUCKET, STORE_CREDENTIALS, startVersitygw } from './object-stores.ts';

const MAIN = join(REPOSITORY, 'adapters/cli/main.ts');
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const CLIENTS = 4;
/** How many requests are sent during each trouble. */
const REQUESTS = 200;
/** What waits for the store is on disk, and what is on its way there is small. */
const MEMORY_GROWTH_MAX_KB = 64 * 1024;

const XML = { 'content-type': 'application/xml' };
const HTML = { 'content-type': 'text/html' };
const PAGE = '<!doctype html><html><head><title>Log in</title></head><body>Log in first.<br></body></html>';

function refuse(status: number, code: string): Fault {
  return answerWith(status, `<Error><Code>${code}</Code><Message>No.</Message></Error>`, XML);
}

interface FaultRow {
  readonly name: string;
  readonly fault: Fault | 'refused';
  /** What the operator is told of it. */
  readonly told: RegExp;
}

const FAULT_ROWS: readonly FaultRow[] = [
  {
    name: 'nobody is at the port',
    fault: 'refused',
    told: /: ECONNREFUSED: check that http.* can be reached/,
  },
  { name: 'connections are reset', fault: resetRequestAt(0), told: /: ECONNRESET: check that http.* can be/ },
  {
    name: '500 for long',
    fault: refuse(500, 'InternalError'),
    told: /: 500 InternalError: .* is in trouble/,
  },
  { name: '403', fault: refuse(403, 'AccessDenied'), told: /: 403 AccessDenied: let these credentials/ },
  { name: 'no such bucket', fault: refuse(404, 'NoSuchBucket'), told: /: 404 NoSuchBucket: create/ },
  {
    name: '200 with a page',
    fault: answerWith(200, PAGE, HTML),
    told: /: not the answer of an object store/,
  },
];

describeStack('B4: a server whose object store is in trouble', () => {
  let store: ObjectStore;
  let upstream: UpstreamServer;

  beforeAll(async () => {
    store = await startVersitygw();
    upstream = await startUpstreamServer(({ body }, response) =>
      body['stream'] === true ? sendEvents(response, events(USAGE)) : sendJson(response, completion(10, 5)),
    );
  });
  afterAll(async () => {
    await upstream?.close();
    await store?.stop();
  });

  describe('one after another', () => {
    let scene: Scene;
    let server: ServerProcess;
    /** What the server had in memory before anything went wrong, in kilobytes. */
    let calmKb: number;
    const acknowledged: string[] = [];

    beforeAll(async () => {
      scene = await openScene('one-after-another');
      server = await scene.start();
      for (let round = 1; round <= 2; round += 1) {
        acknowledged.push(...(await scene.load()));
        await shipped(server);
      }
      const [newest] = (await server.admin.backups.list()).items;
      await server.admin.backups.drill({ params: { id: newest?.id ?? 'none' } });
      await writeFile(`/proc/${server.pid}/clear_refs`, '5');
      calmKb = await peakMemoryOf(server);
    });
    beforeEach(async () => {
      await scene.proxy.heal();
      await shipped(server);
    });
    afterAll(() => scene?.[Symbol.asyncDispose]());

    test.each(FAULT_ROWS)('$name', async ({ fault, told }) => {
      const { proxy } = scene;
      const [objects, last] = [await scene.objects(), (await backupOf(server))?.last];
      const refused = 'backup_runs_total{task="backup",outcome="failed"}';
      const refusedBefore = await metricOf(server, refused);
      await (fault === 'refused' ? proxy.refuse() : proxy.inject(fault));
      acknowledged.push(...(await scene.load()));
      await warns(server, told);
      const refusal = { status: 502, code: 'vault_failed', message: expect.stringMatching(told) };
      await expect(server.admin.backups.create()).rejects.toMatchObject(refusal);
      expect((await backupOf(server))?.last).toMatchObject({ id: last?.id });
      expect(await metricOf(server, 'backup_failing{task="segment"}')).toBe(1);
      expect(await metricOf(server, refused)).toBeGreaterThan(refusedBefore);
      expect(proxy.seen.filter((request) => request.startsWith('DELETE'))).toEqual([]);
      expect(await scene.objects()).toEqual(objects);

      await proxy.heal();
      await shipped(server);
      expect(await metricOf(server, 'backup_failing{task="segment"}')).toBe(0);
      // The backup that was asked for and refused is made up for.
      expect((await backupOf(server))?.last?.id).not.toBe(last?.id);
      expect((await scene.objects()).length).toBeGreaterThan(objects.length);
      expect((await peakMemoryOf(server)) - calmKb).toBeLessThan(MEMORY_GROWTH_MAX_KB);
    });

    test('no answer, until at last there is one', async () => {
      const objects = await scene.objects();
      const held = Promise.withResolvers<void>();
      scene.proxy.inject(async ({ forward, reply }) => {
        await held.promise;
        await reply(await forward());
      });
      const during = await scene.load();
      await warns(server, /What was recorded in the last \d+ s is in no backup yet/);
      during.push(...(await scene.load()));
      expect((await backupOf(server))?.unshipped_rows).toBe(2 * during.length);
      // One request waits, and nothing gathers behind it.
      expect(scene.proxy.seen).toHaveLength(1);
      expect(await scene.objects()).toEqual(objects);
      // The control: what is in no backup yet is not restored.
      const early = await scene.restore();
      expect([...notOnce(early, acknowledged)]).toEqual([]);
      expect(notOnce(early, during).size).toBe(during.length);

      held.resolve();
      await scene.proxy.heal();
      await shipped(server);
      acknowledged.push(...during);
      expect((await peakMemoryOf(server)) - calmKb).toBeLessThan(MEMORY_GROWTH_MAX_KB);
    });

    test('after all of it everything that was acknowledged is restored, and nothing is wrong any more', async () => {
      const restored = await scene.restore();
      expect(acknowledged.length).toBeGreaterThan(FAULT_ROWS.length * REQUESTS);
      expect([...notOnce(restored, acknowledged)]).toEqual([]);
      expect(problemsOf(restored)).toEqual([]);
      // The backup that somebody asked for is asked for again.
      expect(await server.admin.backups.create()).toMatchObject({ verified: true });
      expect(await server.admin.status.get()).toMatchObject({
        backup: { troubles: [] },
        warnings: [expect.stringContaining('not encrypted')],
      });
      expect(server.written()).not.toContain(STORE_CREDENTIALS.secretAccessKey);
      expect(await server.stop()).toBe(0);
    });
  });

  test('it is away when the server starts: the first backup is made when it is back', async () => {
    await using scene = await openScene('away');
    await scene.proxy.refuse();
    const server = await scene.start();
    const acknowledged = await scene.load();
    await warns(server, /The backup failed at .*ECONNREFUSED/);
    expect((await backupOf(server))?.last).toBeNull();
    expect(await scene.objects()).toEqual([]);
    await scene.proxy.heal();
    await shipped(server);
    const restored = await scene.restore();
    expect([...notOnce(restored, acknowledged)]).toEqual([]);
    expect(problemsOf(restored)).toEqual([]);
    expect(await server.stop()).toBe(0);
  });

  async function openScene(prefix: string): Promise<Scene> {
    const parts = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'backup-faults-'));
    parts.defer(() => rm(directory, { recursive: true }));
    const vault = parts.adopt(openS3Vault({ ...store.config, prefix }), (opened) => opened.close());
    const proxy = parts.adopt(await startFaultProxy(store.config.endpoint ?? ''), (opened) => opened.close());
    const env = {
      BACKUP_TARGET: `s3://${BUCKET}/${prefix}`,
      // Nothing becomes due in the middle of a test.
      BACKUP_SCHEDULE: '@yearly',
      BACKUP_DRILL_SCHEDULE: '@yearly',
      AWS_ACCESS_KEY_ID: STORE_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STORE_CREDENTIALS.secretAccessKey,
    };
    let load: Scene['load'] = () => expect.fail('no server');
    let restores = 0;
    return {
      proxy,
      async start() {
        const given = { ...env, S3_ENDPOINT: proxy.endpoint };
        const server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env: given });
        parts.adopt(server, (started) => started.kill9());
        const { key } = await server.admin.keys.create({ body: { label: prefix } });
        load = () => loadOf(server, key);
        return server;
      },
      load: () => load(),
      async objects() {
        const folders = ['snapshots/', 'segments/'].map((folder) => vault.list(folder));
        return (await Promise.all(folders)).flat();
      },
      async restore() {
        restores += 1;
        const file = join(directory, `restored-${restores}.db`);
        const past = {
          ...env,
          S3_ENDPOINT: store.config.endpoint ?? '',
          STORE_PATH: join(directory, 'quota.db'),
        };
        await promisify(execFile)(process.execPath, [MAIN, 'restore', 'latest', '--to', file], { env: past });
        return file;
      },
      [Symbol.asyncDispose]: () => parts.disposeAsync(),
    };
  }
});

/** A prefix of its own in the store, a way there on which things go wrong, and a server that uses both. */
interface Scene extends AsyncDisposable {
  readonly proxy: FaultProxy;
  start(): Promise<ServerProcess>;
  /** Sends requests, which are answered as if nothing were wrong; resolves with their ids. */
  load(): Promise<string[]>;
  /** What is in the store, seen past the proxy. */
  objects(): ReturnType<Vault['list']>;
  /** Restores the newest state into a new file, past the proxy. */
  restore(): Promise<string>;
}

async function loadOf(server: ServerProcess, key: string): Promise<string[]> {
  const ids: string[] = [];
  async function ask(client: number): Promise<void> {
    for (let asked = client; asked < REQUESTS; asked += CLIENTS) {
      const reply = await server.chat(key, { stream: asked % 3 === 0 });
      const body = await reply.text();
      expect(reply.status, body).toBe(200);
      expect(body).toContain(asked % 3 === 0 ? 'data: [DONE]' : '"Hello."');
      ids.push(reply.headers.get('x-request-id') ?? 'none');
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => ask(client)));
  expect(new Set(ids).size).toBe(REQUESTS);
  return ids;
}

async function backupOf({ admin }: ServerProcess) {
  return (await admin.status.get()).backup;
}

/** The operator reads of it in the status, by the time that rows were due to be shipped or are overdue. */
async function warns({ admin }: ServerProcess, told: RegExp): Promise<void> {
  const warnings = async () => (await admin.status.get()).warnings;
  await expect.poll(warnings, { timeout: 40_000, interval: 200 }).toContainEqual(expect.stringMatching(told));
}

/** There is a backup, it has everything, and nothing that failed is left undone. */
async function shipped(server: ServerProcess): Promise<void> {
  const check = async () => {
    const backup = await backupOf(server);
    expect(backup?.last).not.toBeNull();
    expect(backup?.unshipped_rows).toBe(0);
    expect(backup?.troubles).toEqual([]);
  };
  await vi.waitFor(check, { timeout: 60_000, interval: 200 });
}

/** The most that it had in memory, in kilobytes, since `clear_refs` was written to (proc(5)). */
async function peakMemoryOf({ pid }: ServerProcess): Promise<number> {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes);
}

async function metricOf({ baseUrl }: ServerProcess, sample: string): Promise<number> {
  const headers = { authorization: `Bearer ${SERVER_ADMIN_TOKEN}` };
  const text = await (await fetch(`${baseUrl}/metrics`, { headers })).text();
  const line = text.split('\n').find((each) => each.startsWith(`quota_proxy_${sample} `));
  return Number(line?.split(' ')[1]);
}
