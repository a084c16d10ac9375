import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openS3Vault } from '#adapters/s3/open-s3-vault.ts';
import type { S3Config } from '#adapters/s3/s3-config.ts';
import { S3_LIMITS } from '#adapters/s3/s3-config.ts';
import type { PlainObjectServer } from '#test/fakes/plain-object-server.ts';
import { startPlainObjectServer } from '#test/fakes/plain-object-server.ts';
import { testVault } from './vault-conformance.ts';

let server: PlainObjectServer;
let count = 0;
beforeAll(async () => {
  server = await startPlainObjectServer();
});
afterAll(() => server.close());

function configOf(change: Partial<S3Config>): S3Config {
  return {
    bucket: server.bucket,
    prefix: '',
    endpoint: server.endpoint,
    region: null,
    forcePathStyle: null,
    credentials: { accessKeyId: 'plain', secretAccessKey: 'plain-secret', sessionToken: null },
    limits: S3_LIMITS,
    ...change,
  };
}

testVault('a store without conditional writes', async () => {
  const prefix = `vault/${count++}`;
  const again = () => openS3Vault(configOf({ prefix }));
  return {
    vault: again(),
    again,
    missing: () => openS3Vault(configOf({ bucket: 'another-bucket', prefix })),
  };
});

describe('a bucket as a vault', () => {
  test('is found out to have no conditional writes', async () => {
    const vault = openS3Vault(configOf({ prefix: 'probed' }));
    expect(await vault.probe()).toEqual({ conditionalWrites: false, deletes: true });
    expect(server.keys().filter((key) => key.startsWith('probed'))).toEqual([]);
    await vault.close();
  });

  test.each([
    { prefix: 'a/b', location: 's3://plain-bucket/a/b', key: 'a/b/folder/object' },
    { prefix: '/c/', location: 's3://plain-bucket/c', key: 'c/folder/object' },
    { prefix: '', location: 's3://plain-bucket', key: 'folder/object' },
  ])('with the prefix "$prefix" is $location', async ({ prefix, location, key }) => {
    const vault = openS3Vault(configOf({ prefix }));
    expect(vault.location).toBe(location);
    await vault.put('folder/object', Buffer.from('x'));
    expect(server.keys()).toContain(key);
    expect(await vault.list('folder/')).toEqual([{ name: 'folder/object', bytes: 1 }]);
    await vault.close();
  });

  test('what others keep in it under names that are none of a vault’s is not listed', async () => {
    const vault = openS3Vault(configOf({ prefix: 'shared' }));
    await vault.put('folder/object', Buffer.from('x'));
    for (const key of ['shared/folder/', 'shared/folder/a b', 'shared/folder/x~']) {
      await server.add(key, Buffer.from('theirs'));
    }
    expect(await vault.list('folder/')).toEqual([{ name: 'folder/object', bytes: 1 }]);
    await vault.close();
  });
});
