import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Aimock } from './aimock.ts';
import { ANSWER, startAimock } from './aimock.ts';
import type { Deployment, Env } from './deployment.ts';
import { adminOf, buildDeployment, chat, kill9, makeVolume, removeVolume, run } from './deployment.ts';
import { describeStack } from './docker.ts';
import type { ObjectStore } from './object-stores.ts';
import { BUCKET, STORE_CREDENTIALS, startMinio, startVersitygw } from './object-stores.ts';

const CLIENTS = 8;
const BEFORE_BACKUP_MS = 3_000;
/**
 * What is acknowledged is in the store so much later, whatever happens then: rows wait for 2 s, are looked for twice a
 * second, and then are uploaded, which on cores that are all busy takes a while, too.
 */
const RPO_MS = 10_000;

describeStack('backups of the image', () => {
  let upstream: Aimock;
  let image: Deployment;

  beforeAll(async () => {
    upstream = await startAimock();
    image = await buildDeployment(upstream);
  });
  afterAll(async () => {
    await upstream?.stop();
    await image?.remove();
  });

  describe.each([
    { name: 'MinIO', start: startMinio },
    { name: 'versitygw', start: startVersitygw },
  ])('in $name: killed under load, and its volume deleted', ({ name, start }) => {
    const [lostVolume, freshVolume] = [volumeName(), volumeName()];
    let store: ObjectStore;
    let server: StartedTestContainer;
    let bench: StartedTestContainer;
    /** What the operator has kept: the lines of the kit. */
    let kit: Env;
    const keys: string[] = [];
    const lineages: string[] = [];
    let load: Load;
    let backup: { readonly id: string; readonly begunAt: number };
    let killedAt: number;

    beforeAll(async () => {
      await makeVolume(lostVolume);
      await makeVolume(freshVolume);
      store = await start();
      await image.putBeside(store.container, 'store');
      bench = await image.idle(freshVolume, {});
      const made = JSON.parse(await run(bench, 'quota-proxy', 'backup', 'keygen', '--json'));
      await bench.stop();
      const inside = new URL(store.insideEndpoint);
      inside.hostname = 'store';
      server = await image.serve(lostVolume, {
        BACKUP_TARGET: `s3://${BUCKET}/proxy`,
        BACKUP_ENCRYPTION_KEY: made.identity,
        S3_ENDPOINT: inside.origin,
        AWS_ACCESS_KEY_ID: STORE_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: STORE_CREDENTIALS.secretAccessKey,
      });
    });
    afterAll(async () => {
      await server?.stop();
      await bench?.stop();
      await store?.stop();
      await removeVolume(freshVolume);
      // As a rule it is gone since the kill.
      await removeVolume(lostVolume).catch(() => undefined);
    });

    test('it is loaded, backed up, and killed', async () => {
      const admin = adminOf(server);
      const status = await admin.status.get();
      lineages.push(status.backup?.lineage ?? 'none');
      keys.push((await admin.keys.create({ body: { label: 'before the backup' } })).key);
      kit = kitFrom((await server.exec(['quota-proxy', 'backup', 'kit', '--secrets'])).stdout);
      load = startLoad(server, keys[0] ?? '');
      await sleep(BEFORE_BACKUP_MS);
      const begunAt = Date.now();
      const { id, encrypted, verified } = await admin.backups.create();
      expect({ encrypted, verified }).toEqual({ encrypted: true, verified: true });
      backup = { id, begunAt };
      keys.push((await admin.keys.create({ body: { label: 'after the backup' } })).key);
      // So that the backup alone is older than what is promised.
      await sleep(RPO_MS + 1_000);
      killedAt = Date.now();
      await kill9(server);
      expect(Math.min(...(await load.ended))).toBeGreaterThanOrEqual(killedAt);
      await server.stop();
      await removeVolume(lostVolume);
      expect(load.refused).toEqual([]);
      expect(load.acknowledged.length).toBeGreaterThan(100);
    });

    test('B1: the backup alone has all that was acknowledged before it was begun', async () => {
      bench = await image.idle(freshVolume, kit);
      await run(bench, 'quota-proxy', 'restore', backup.id, '--to', '/data/backup.db');
      const recorded = await recordedIn(bench, '/data/backup.db');
      const before = load.acknowledged.filter(({ at }) => at < backup.begunAt);
      expect(before.length).toBeGreaterThan(10);
      expect(before.filter(({ id }) => recorded.get(id)?.reserved !== 1)).toEqual([]);
      await run(bench, 'quota-proxy', 'doctor', '--path', '/data/backup.db');
      // The control: the check below is not passed by what is older than it may be.
      const lost = lostOf(load.acknowledged, recorded, killedAt);
      expect(lost.filter(({ ageMs }) => ageMs > RPO_MS)).not.toEqual([]);
    });

    test('B2: restored, it has all that was acknowledged, but for the last moments', async () => {
      await run(bench, 'quota-proxy', 'restore', 'latest');
      server = await image.serve(freshVolume, kit);
      // What the killed server held is ended by the next one.
      const open = async () => (await adminOf(server).status.get()).open_reservations;
      await expect.poll(open, WAIT).toBe(0);
      const recorded = await recordedIn(server, '/data/quota.db');
      const lost = lostOf(load.acknowledged, recorded, killedAt);
      const oldestMs = Math.max(0, ...lost.map(({ ageMs }) => ageMs));
      console.info(
        `RPO reached: ${lost.length} acknowledged requests lost of ${load.acknowledged.length}, ` +
          `the oldest ${(oldestMs / 1000).toFixed(1)} s before the kill (${name})`,
      );
      expect(lost.filter(({ ageMs }) => ageMs > RPO_MS)).toEqual([]);
      const kept = load.acknowledged.filter(({ id }) => recorded.has(id));
      expect(kept.length + lost.length).toBe(load.acknowledged.length);
      const once = { reserved: 1, ended: 1 };
      expect(kept.map(({ id }) => recorded.get(id))).toEqual(kept.map(() => once));
    });

    test('nothing is wrong with it, and the keys that were handed out work', async () => {
      await run(server, 'quota-proxy', 'doctor');
      for (const key of keys) {
        const reply = await chat(server, key);
        expect(await reply.text()).toContain(ANSWER);
      }
      const stranger = await chat(server, `sk-${'0'.repeat(39)}`);
      expect(stranger.status).toBe(401);
    });

    test('its backups go on beside those of before, and the newest is rehearsed', async () => {
      await expect.poll(() => backupsOf(server), WAIT).toHaveLength(3);
      const [newest, ...older] = await backupsOf(server);
      lineages.push((await adminOf(server).status.get()).backup?.lineage ?? 'none');
      expect(new Set(lineages).size).toBe(2);
      expect(newest).toMatchObject({ lineage: lineages[1], verified: true, encrypted: true });
      expect(older).toMatchObject([{ id: backup.id, lineage: lineages[0] }, { lineage: lineages[0] }]);
      const drilled = JSON.parse(await run(server, 'quota-proxy', 'backup', 'drill', '--json'));
      expect(drilled).toMatchObject({ id: newest?.id, ok: true, problems: [] });
    });
  });
});

function volumeName(): string {
  return `quota-proxy-test-${randomUUID()}`;
}

const WAIT = { timeout: 60_000, interval: 500 };

interface Acknowledged {
  readonly id: string;
  /** When it was, by the clock here. */
  readonly at: number;
}

interface Load {
  readonly acknowledged: Acknowledged[];
  /** Answers that are none, with their status. */
  readonly refused: string[];
  /** Once the server is gone: when each client noticed. */
  readonly ended: Promise<readonly number[]>;
}

/** Asks without a pause until the server is gone. */
function startLoad(server: StartedTestContainer, key: string): Load {
  const acknowledged: Acknowledged[] = [];
  const refused: string[] = [];
  async function ask(client: number): Promise<never> {
    for (let asked = client; ; asked += 1) {
      const reply = await chat(server, key, asked % 2 === 0);
      const id = reply.headers.get('x-request-id') ?? 'none';
      if (reply.status === 200) acknowledged.push({ id, at: Date.now() });
      const body = await reply.text();
      if (reply.status !== 200) refused.push(`${reply.status} ${body}`);
    }
  }
  // A connection that broke is the end that is waited for.
  const clients = Array.from({ length: CLIENTS }, (_, client) => ask(client).catch(() => Date.now()));
  return { acknowledged, refused, ended: Promise.all(clients) };
}

/** How often a request is in a ledger. */
interface Recorded {
  readonly reserved: number;
  readonly ended: number;
}

/** What is in no way in the ledger, and how long before the kill it was acknowledged. */
function lostOf(
  acknowledged: readonly Acknowledged[],
  recorded: ReadonlyMap<string, Recorded>,
  killedAt: number,
) {
  return acknowledged
    .filter(({ id }) => !recorded.has(id))
    .map(({ id, at }) => ({ id, ageMs: Math.max(0, killedAt - at) }));
}

/** All requests of a ledger, read as a stranger does. */
async function recordedIn(container: StartedTestContainer, path: string): Promise<Map<string, Recorded>> {
  const sql = `SELECT lower(hex(request_id)) AS id, count(*) FILTER (WHERE kind = 'reserved') AS reserved,
      count(*) FILTER (WHERE kind IN ('settled', 'released', 'lapsed')) AS ended
    FROM ledger WHERE request_id IS NOT NULL GROUP BY request_id`;
  const rows: ({ id: string } & Recorded)[] = JSON.parse(await run(container, 'sqlite3', '-json', path, sql));
  const uuidOf = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return new Map(rows.map(({ id, reserved, ended }) => [uuidOf(id), { reserved, ended }]));
}

/** The lines of the kit that go into `.env`, with the blank that it leaves filled in. */
function kitFrom(text: string): Env {
  const lines = [...text.matchAll(/^ +([A-Z][A-Z0-9_]+)=(\S+)$/gm)];
  const given = Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]));
  expect(given).toMatchObject({
    KEY_PEPPER: expect.stringMatching(/^.{32,}$/),
    BACKUP_ENCRYPTION_KEY: expect.stringMatching(/^AGE-SECRET-KEY-1/),
    AWS_SECRET_ACCESS_KEY: STORE_CREDENTIALS.secretAccessKey,
  });
  return given;
}

async function backupsOf(server: StartedTestContainer) {
  const { items } = JSON.parse(await run(server, 'quota-proxy', 'backup', 'list', '--json'));
  return items as { readonly id: string; readonly lineage: string }[];
}
