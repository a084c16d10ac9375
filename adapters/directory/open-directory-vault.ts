import { createHash } from 'node:crypto';
import { lstat, open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Vault, VaultObject } from '#core/vault.ts';
import { isVaultName, VaultFailure } from '#core/vault.ts';
import { answered, failureOf } from './failure-of.ts';
import type { FileContent, OpenObject } from './file-content.ts';
import { chunksOf, openObject, writeNewFile } from './file-content.ts';
import { findFolder, listFiles, syncFolder } from './folders.ts';
import type { Directory } from './write-object.ts';
import { createObject, replaceObject, tryLinks } from './write-object.ts';

export interface DirectoryVaultConfig {
  /** An existing directory: one that is missing, as where a disk is not mounted, is never made. */
  readonly path: string;
}

/**
 * A vault in a directory of this machine. A file is there whole or not at all, and what is in the directory
 * without being the vault's (what a crash left behind, links, devices) is neither listed nor followed.
 */
export function openDirectoryVault({ path }: DirectoryVaultConfig): Vault {
  const location = pathToFileURL(path).href;
  let temporaries = 0;
  // A `~` is in no object's name.
  const directory = { path, location, temporaryName: () => `~${process.pid}.${temporaries++}` };

  function within<T>(work: () => Promise<T>): Promise<T> {
    return work().catch(failureOf(location));
  }

  return {
    location,
    put: (name, bytes) => within(async () => createObject(directory, known(name), contentOf(bytes))),
    replace: (name, bytes) => within(async () => replaceObject(directory, known(name), contentOf(bytes))),

    async putFile(name, file) {
      await using source = await open(file.path);
      const content = { ...file, chunks: () => chunksOf(source) };
      await within(async () => createObject(directory, known(name), content));
    },

    get: (name, bytesMax) =>
      within(async () => {
        const found = await find(directory, name, bytesMax);
        if (found === undefined) return undefined;
        await using handle = found.handle;
        return await handle.readFile();
      }),

    async getFile(name, target, { bytesMax, onProgress }) {
      const found = await within(() => find(directory, name, bytesMax));
      if (found === undefined) return undefined;
      await using handle = found.handle;
      return await writeNewFile(target, chunksOf(handle), onProgress);
    },

    list: (folder) => within(() => list(directory, folder)),
    delete: (name) => within(() => remove(directory, name)),

    probe: () =>
      within(async () => {
        // Every put deletes a temporary file: where nothing can be deleted, this fails.
        const conditionalWrites = await tryLinks(directory, contentOf(Buffer.from('probe')));
        return { conditionalWrites, deletes: true };
      }),

    async close() {},
  };
}

async function find(directory: Directory, name: string, bytesMax: number): Promise<OpenObject | undefined> {
  const folder = await findFolder(directory.path, known(name));
  const found = folder === undefined ? undefined : await openObject(join(folder, basename(name)));
  if (found === undefined || found.bytes <= bytesMax) return found;
  await found.handle.close();
  const text = `${name} has ${found.bytes} bytes, more than the ${bytesMax} that it may have`;
  throw new VaultFailure('broken', `${directory.location}: ${text}`);
}

async function list(directory: Directory, folder: string): Promise<VaultObject[]> {
  const files = await listFiles(directory.path, known(folder.endsWith('/') ? folder.slice(0, -1) : ''));
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is no file is no object, and stays. */
async function remove(directory: Directory, name: string): Promise<void> {
  const folder = await findFolder(directory.path, known(name));
  if (folder === undefined) return;
  const file = join(folder, basename(name));
  const found = await lstat(file).catch(answered('ENOENT'));
  if (found === undefined || found.isDirectory()) return;
  await unlink(file).catch(answered('ENOENT'));
  await syncFolder(dirname(file));
}

function known(name: string): string {
  if (!isVaultName(name)) throw new Error(`not a name of an object of a vault: ${JSON.stringify(name)}`);
  return name;
}

function contentOf(bytes: Uint8Array): FileContent {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { bytes: bytes.length, sha256, chunks: () => [bytes] };
}
