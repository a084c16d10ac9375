import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3Vault } from '#adapters/s3/open-s3-vault.ts';
import type { LocalFile, Vault } from '#core/vault.ts';
import { VaultConflict, VaultFailure } from '#core/vault.ts';
import type { FaultProxy } from '#test/fakes/fault-proxy.ts';
import { answerWith, slowDown, startFaultProxy } from '#test/fakes/fault-proxy.ts';
import { describeStack } from './docker.ts';
import type { ObjectStore } from './object-stores.ts';
import { STORE_CREDENTIALS, startVersitygw } from './object-stores.ts';
import type { Ending, FaultRow, Operation } from './s3-fault-rows.ts';
import { FAULT_ROWS, OPERATIONS } from './s3-fault-rows.ts';

const LIMITS = { connectMs: 1_000, answerMs: 4_000, silenceMs: 1_000, attempts: 2 };
/** No operation takes longer, whatever happens: a few requests, twice, each up to its limit. */
const OPERATION_MS_MAX = 15_000;

const SMALL = Buffer.alloc(200_000, 'what is kept here is kept well. ');
const LARGE_BYTES = 9 << 20;
const PREFIX = 'faults';
const ALL_DONE = Object.fromEntries(OPERATIONS.map((operation) => [operation, 'done']));

type Endings = Partial<Record<Operation, Ending>>;

describeStack('a vault behind a network where things go wrong', () => {
  let store: ObjectStore;
  let proxy: FaultProxy;
  /** The same place, reached without the proxy: what is really there. */
  let truth: Vault;
  let directory: string;
  let large: LocalFile;
  let count = 0;

  beforeAll(async () => {
    store = await startVersitygw();
    proxy = await startFaultProxy(store.config.endpoint ?? '');
    truth = openS3Vault({ ...store.config, prefix: PREFIX });
    directory = await mkdtemp(join(tmpdir(), 's3-faults-'));
    const bytes = Buffer.alloc(LARGE_BYTES, 'and what is large is kept in parts. ');
    large = { path: join(directory, 'large'), bytes: LARGE_BYTES, sha256: sha256Of(bytes) };
    await writeFile(large.path, bytes);
    await truth.put('kept/small', SMALL);
    await truth.put('kept/another', SMALL);
  });
  afterAll(async () => {
    await truth?.close();
    await proxy?.close();
    await store?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  function openVault(limits = LIMITS): Vault {
    return openS3Vault({ ...store.config, prefix: PREFIX, endpoint: proxy.endpoint, limits });
  }

  test.each(FAULT_ROWS)('$name', async (row) => {
    const vault = openVault();
    const folder = `row-${count++}`;
    await vault.probe();
    await truth.put(`${folder}/delete`, SMALL);

    await begin(row);
    const endings = await run(OPERATIONS, vault, folder);
    expect(endings).toEqual({ ...ALL_DONE, ...row.ends });
    await expectTruth(endings, folder);

    await proxy.heal();
    const failed = OPERATIONS.filter((operation) => endings[operation] !== 'done');
    const after = await run(failed, vault, folder);
    expect({ ...ALL_DONE, ...after }).toEqual(ALL_DONE);
    await expectTruth(after, folder);
    await vault.close();
  });

  test('a large file that was given up leaves no parts behind', async () => {
    const vault = openVault();
    await vault.probe();
    proxy.inject(answerWith(503), {
      only: ({ method, url = '' }) => method === 'POST' && url.includes('uploadId'),
    });
    await expect(vault.putFile('given-up/large', large)).rejects.toMatchObject({ kind: 'unreachable' });
    await proxy.heal();
    const s3 = new S3({
      ...store.config,
      region: 'us-east-1',
      endpoint: store.config.endpoint ?? '',
      forcePathStyle: true,
      credentials: { ...STORE_CREDENTIALS, sessionToken: '' },
    });
    const { Uploads = [] } = await s3.listMultipartUploads({
      Bucket: store.config.bucket,
      Prefix: `${PREFIX}/given-up`,
    });
    expect(Uploads).toEqual([]);
    s3.destroy();
    await vault.close();
  });

  test('why an upload was given up is told, not why that failed, too', async () => {
    const vault = openVault();
    await vault.probe();
    const isEnd = ({ method }: IncomingMessage) => method === 'DELETE';
    proxy.inject((exchange) => answerWith(isEnd(exchange.request) ? 503 : 403)(exchange), {
      only: ({ url = '' }) => url.includes('uploadId'),
    });
    await expect(vault.putFile('refused/large', large)).rejects.toMatchObject({ kind: 'denied' });
    await proxy.heal();
    await vault.close();
  });

  test('a list that never falls silent, and never ends, is given up', async () => {
    const vault = openVault({ connectMs: 500, answerMs: 1_000, silenceMs: 1_000, attempts: 1 });
    const begun = performance.now();
    proxy.inject(slowDown(1, 200));
    await expect(vault.list('kept/')).rejects.toMatchObject({ kind: 'unreachable' });
    expect(performance.now() - begun).toBeLessThan(OPERATION_MS_MAX);
    await proxy.heal();
    await vault.close();
  });

  async function begin({ fault, only = () => true, times = Number.POSITIVE_INFINITY }: FaultRow) {
    if (fault === 'refused') return proxy.refuse();
    const counts = new Map<string, number>();
    const isAmongFirst = ({ url = '' }: { url?: string | undefined }) => {
      const path = url.replace(/\?.*/, '');
      counts.set(path, (counts.get(path) ?? 0) + 1);
      return (counts.get(path) ?? 0) <= times;
    };
    proxy.inject(fault, { only: (request) => only(request) && isAmongFirst(request) });
  }

  async function run(operations: readonly Operation[], vault: Vault, folder: string): Promise<Endings> {
    const ends = async (operation: Operation) => [operation, await timed(operation, vault, folder)];
    return Object.fromEntries(await Promise.all(operations.map(ends)));
  }

  async function timed(operation: Operation, vault: Vault, folder: string): Promise<Ending> {
    const begun = performance.now();
    const ending = await perform(operation, vault, folder).catch(endingOf);
    expect(performance.now() - begun, operation).toBeLessThan(OPERATION_MS_MAX);
    return ending;
  }

  async function perform(operation: Operation, vault: Vault, folder: string): Promise<Ending> {
    switch (operation) {
      case 'put':
        await vault.put(`${folder}/put`, SMALL);
        return 'done';
      case 'putFile':
        await vault.putFile(`${folder}/large`, large);
        return 'done';
      case 'replace':
        await vault.replace(`${folder}/replace`, SMALL);
        return 'done';
      case 'get': {
        const bytes = await vault.get('kept/small', SMALL.length);
        if (bytes === undefined) throw new Error('undefined, of an object that is there');
        return SMALL.equals(bytes) ? 'done' : 'altered';
      }
      case 'getFile': {
        const path = join(directory, `got-${count++}`);
        const got = await vault.getFile('kept/another', path, { bytesMax: SMALL.length });
        if (got === undefined) throw new Error('undefined, of an object that is there');
        expect(got.sha256).toBe(sha256Of(await readFile(path)));
        return got.sha256 === sha256Of(SMALL) ? 'done' : 'altered';
      }
      case 'list': {
        const names = (await vault.list('kept/')).map(({ name }) => name);
        return names.includes('kept/small') ? 'done' : 'empty';
      }
      case 'delete':
        await vault.delete(`${folder}/delete`);
        return 'done';
    }
  }

  /** What was said to be done is done, and what was there before is still there. */
  async function expectTruth(endings: Endings, folder: string): Promise<void> {
    expect(await truth.get('kept/small', SMALL.length)).toEqual(SMALL);
    for (const operation of ['put', 'replace'] as const) {
      if (endings[operation] !== 'done') continue;
      expect(await truth.get(`${folder}/${operation}`, SMALL.length)).toEqual(SMALL);
    }
    if (endings.putFile === 'done') {
      const there = await truth.get(`${folder}/large`, LARGE_BYTES);
      expect(there && sha256Of(there)).toBe(large.sha256);
    }
    if (endings.delete === 'done') expect(await truth.get(`${folder}/delete`, SMALL.length)).toBeUndefined();
  }
});

function endingOf(error: unknown): Ending {
  if (error instanceof VaultConflict) return 'conflict';
  if (!(error instanceof VaultFailure)) throw error;
  expect(error.message).toMatch(/^s3:\/\/quota-proxy-backups\/faults: .+[^\n]$/);
  expect(error.message).not.toContain('\n');
  expect(error.message).not.toContain(STORE_CREDENTIALS.secretAccessKey);
  return error.kind;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
