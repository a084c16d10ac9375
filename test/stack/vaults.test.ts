import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openS3Vault } from '#adapters/s3/open-s3-vault.ts';
import type { LocalFile } from '#core/vault.ts';
import { VaultConflict } from '#core/vault.ts';
import { testVault } from '#test/conformance/vault-conformance.ts';
import type { Fault, FaultProxy } from '#test/fakes/fault-proxy.ts';
import { loseAnswer, startFaultProxy } from '#test/fakes/fault-proxy.ts';
import { describeStack } from './docker.ts';
import type { ObjectStore } from './object-stores.ts';
import { STORE_CREDENTIALS, startMinio, startVersitygw } from './object-stores.ts';

describeStack.each([
  { name: 'MinIO', start: startMinio },
  { name: 'versitygw', start: startVersitygw },
])('a vault in $name', ({ name, start }) => {
  let store: ObjectStore;
  let count = 0;
  beforeAll(async () => {
    store = await start();
  });
  afterAll(() => store?.stop());

  testVault(name, async () => {
    const prefix = `vaults/${count++}`;
    const again = () => openS3Vault({ ...store.config, prefix });
    const missing = () => openS3Vault({ ...store.config, bucket: 'nobodys-bucket' });
    return { vault: again(), again, missing };
  });

  test('is found out to have conditional writes', async () => {
    const vault = openS3Vault(store.config);
    expect(await vault.probe()).toEqual({ conditionalWrites: true, deletes: true });
    await vault.close();
  });

  describe('a server among others', () => {
    let proxy: FaultProxy;
    let directory: string;
    let large: LocalFile;
    beforeAll(async () => {
      proxy = await startFaultProxy(store.config.endpoint ?? '');
      directory = await mkdtemp(join(tmpdir(), 'vaults-'));
      const bytes = Buffer.alloc(LARGE_BYTES, 'large');
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      large = { path: join(directory, 'large'), bytes: LARGE_BYTES, sha256 };
      await writeFile(large.path, bytes);
    });
    afterEach(() => proxy.heal());
    afterAll(async () => {
      await proxy.close();
      await rm(directory, { recursive: true });
    });

    test('has put a large file though the last answer was lost', async () => {
      const vault = openS3Vault({ ...store.config, endpoint: proxy.endpoint, prefix: 'lost' });
      proxy.inject(loseAnswer, { only: isCompletion, times: 1 });
      await vault.putFile('large', large);
      const path = join(directory, 'copy');
      expect(await vault.getFile('large', path, { bytesMax: LARGE_BYTES })).toEqual({ ...large, path });
      await vault.close();
    });

    test.each([
      { what: 'a small object', only: isPutOf('contested') },
      { what: 'a large file', only: isCompletion },
    ])('does not replace with $what what another put after it had looked', async ({ what, only }) => {
      const prefix = what.replaceAll(' ', '-');
      const vault = openS3Vault({ ...store.config, endpoint: proxy.endpoint, prefix });
      const another = openS3Vault({ ...store.config, prefix });
      const overtake: Fault = async ({ forward, reply }) => {
        await another.put('contested', Buffer.from('theirs'));
        await reply(await forward());
      };
      proxy.inject(overtake, { only, times: 1 });
      const putting =
        only === isCompletion
          ? vault.putFile('contested', large)
          : vault.put('contested', Buffer.from('mine'));
      await expect(putting).rejects.toThrow(VaultConflict);
      expect(await another.get('contested', LARGE_BYTES)).toEqual(Buffer.from('theirs'));
      await vault.close();
      await another.close();
    });
  });

  describe('with wrong credentials', () => {
    test.each([
      { what: 'key', change: { accessKeyId: 'nobodys-access-key' } },
      { what: 'secret', change: { secretAccessKey: 'not-the-secret-0123456789' } },
      { what: 'session', change: { sessionToken: 'a-session-token-0123456789' } },
    ])('an unknown $what is refused, and not told to anyone', async ({ change }) => {
      const credentials = { ...STORE_CREDENTIALS, ...change };
      const vault = openS3Vault({ ...store.config, prefix: 'denied', credentials });
      const trials = [
        vault.get('a', 100),
        vault.list('a/'),
        vault.put('a', Buffer.from('x')),
        vault.delete('a'),
      ];
      for (const trial of await Promise.allSettled(trials)) {
        expect(trial).toMatchObject({ status: 'rejected', reason: { name: 'VaultFailure', kind: 'denied' } });
        const error: unknown = trial.status === 'rejected' ? trial.reason : undefined;
        expect(String(error)).toMatch(
          /s3:\/\/quota-proxy-backups\/denied: .*(check the access key|let these credentials)/,
        );
        const told = inspect(error, { depth: 9, showHidden: true });
        for (const secret of [credentials.secretAccessKey, change.sessionToken ?? 'never-there']) {
          expect(told).not.toContain(secret);
        }
      }
      await vault.close();
    });
  });
});

const LARGE_BYTES = 9 << 20;

function isCompletion({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.includes('uploadId');
}

function isPutOf(name: string): (request: IncomingMessage) => boolean {
  return ({ method, url = '' }) => method === 'PUT' && new RegExp(`/${name}(\\?|$)`).test(url);
}
