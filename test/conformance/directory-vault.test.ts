import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDirectoryVault } from '#adapters/directory/open-directory-vault.ts';
import type { Vault } from '#core/vault.ts';
import { VaultConflict, VaultFailure } from '#core/vault.ts';
import { testVault } from './vault-conformance.ts';

const BYTES = Buffer.from('kept\n');
const LARGE_BYTES = 64 << 20;

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-vault-'));
});
afterAll(() => rm(root, { recursive: true }));

async function freshDirectory(): Promise<string> {
  const path = join(root, String(count++));
  await mkdir(path);
  return path;
}

/** As soon as a file is there, which is before it can have been read to its end. */
async function flipLastByte(file: string, bytes: number): Promise<void> {
  for (;;) {
    const handle = await open(file, 'r+').catch(() => undefined);
    if (handle === undefined) continue;
    await handle.write(Buffer.from([0]), 0, 1, bytes - 1);
    return handle.close();
  }
}

testVault('directory', async () => {
  const path = await freshDirectory();
  const again = () => openDirectoryVault({ path });
  return { vault: again(), again, missing: () => openDirectoryVault({ path: `${path}-missing` }) };
});

describe('a directory as a vault', () => {
  let path: string;
  let vault: Vault;
  beforeEach(async () => {
    path = await freshDirectory();
    vault = openDirectoryVault({ path });
  });

  test('is named as a URL', () => {
    expect(vault.location).toBe(`file://${path}`);
  });

  test('is never made, but found when it comes', async () => {
    await rm(path, { recursive: true });
    await expect(vault.put('a', BYTES)).rejects.toMatchObject({ kind: 'missing' });
    await expect(stat(path)).rejects.toThrow('ENOENT');
    await mkdir(path);
    await vault.put('a', BYTES);
    await rm(path, { recursive: true });
    await writeFile(path, 'a file');
    await expect(vault.get('a', 100)).rejects.toMatchObject({ kind: 'missing' });
  });

  test('is private to its owner, and has no leftovers', async () => {
    await vault.put('folder/below/object', BYTES);
    await vault.replace('folder/below/latest', BYTES);
    await vault.probe();
    for (const folder of ['folder', 'folder/below']) {
      expect((await stat(join(path, folder))).mode & 0o777).toBe(0o700);
    }
    expect((await stat(join(path, 'folder/below/object'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, 'folder/below/latest'))).mode & 0o777).toBe(0o600);
    const names = ['folder', 'folder/below', 'folder/below/latest', 'folder/below/object'];
    expect((await readdir(path, { recursive: true })).sort()).toEqual(names);
  });

  test('what a crash left behind is in nobody’s way', async () => {
    await mkdir(join(path, 'folder'));
    const leftovers = Array.from({ length: 5 }, (_, n) => join(path, 'folder', `~${process.pid}.${n}`));
    for (const leftover of leftovers) await writeFile(leftover, 'half a fi');
    await vault.put('folder/object', BYTES);
    await vault.put('folder/another', BYTES);
    expect((await vault.list('folder/')).map(({ name }) => name)).toEqual([
      'folder/another',
      'folder/object',
    ]);
    for (const leftover of leftovers) expect(await readFile(leftover, 'utf8')).toBe('half a fi');
  });

  test('what does not read back as it was written is no success', async () => {
    const bytes = Buffer.alloc(LARGE_BYTES, 1);
    const file = join(path, 'large');
    const putting = vault.put('large', bytes);
    const flipped = flipLastByte(file, LARGE_BYTES);
    await expect(putting).rejects.toMatchObject({ kind: 'broken' });
    await flipped;
    await expect(vault.put('large', bytes)).rejects.toThrow(VaultConflict);
  });

  test('a link is no way out', async () => {
    const outside = await freshDirectory();
    await writeFile(join(outside, 'secret'), 'not yours');
    await symlink(outside, join(path, 'way'));
    await mkdir(join(path, 'folder'));
    await symlink(join(outside, 'secret'), join(path, 'folder/object'));
    await vault.put('folder/mine', BYTES);

    for (const name of ['way/secret', 'folder/object']) {
      await expect(vault.get(name, 100)).rejects.toThrow(VaultFailure);
      await expect(vault.getFile(name, join(root, 'got'), { bytesMax: 100 })).rejects.toThrow(VaultFailure);
      await expect(vault.put(name, BYTES)).rejects.toThrow(VaultFailure);
    }
    await expect(vault.put('way/new/object', BYTES)).rejects.toThrow(VaultFailure);
    await expect(vault.replace('way/secret', BYTES)).rejects.toThrow(VaultFailure);
    await expect(vault.delete('way/secret')).rejects.toThrow(VaultFailure);
    await expect(vault.list('way/')).rejects.toThrow(VaultFailure);
    expect((await vault.list('folder/')).map(({ name }) => name)).toEqual(['folder/mine']);

    await vault.replace('folder/object', BYTES);
    await vault.delete('folder/object');
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('not yours');
    expect(await readdir(outside)).toEqual(['secret']);
  });

  test('a message names the vault, what is wrong and the way out, on one line', async () => {
    const missing = openDirectoryVault({ path: join(path, 'missing') });
    const error = await missing.list('a/').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'missing', cause: { code: 'ENOENT' } });
    expect(String(error)).toMatch(/file:\/\/\S+missing: ENOENT: .+ create it/);
    expect(String(error)).not.toContain('\n');
  });
});
