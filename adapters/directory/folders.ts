import type { Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VaultObject } from '#core/vault.ts';
import { isVaultName, VaultFailure } from '#core/vault.ts';
import { answered } from './failure-of.ts';

/**
 * The folder that a name's file is in; `undefined` if there is none.
 * @throws VaultFailure if a symbolic link is on the way: it might lead out of the vault
 */
export async function findFolder(root: string, name: string): Promise<string | undefined> {
  let folder = await realRoot(root);
  for (const step of name.split('/').slice(0, -1)) {
    folder = join(folder, step);
    const found = await lstat(folder).catch(answered('ENOENT'));
    if (found === undefined || found.isFile()) return undefined;
    requireFolder(folder, found);
  }
  return folder;
}

/** The same, making the folders that are missing; they, too, survive power loss. */
export async function makeFolder(root: string, name: string): Promise<string> {
  let folder = await realRoot(root);
  for (const step of name.split('/').slice(0, -1)) {
    const parent = folder;
    folder = join(parent, step);
    const isNew = await mkdir(folder, 0o700).then(() => true, answered('EEXIST'));
    if (isNew) await syncFolder(parent);
    requireFolder(folder, await lstat(folder));
  }
  return folder;
}

/** Makes what became of a folder's names survive power loss. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/** All files below a folder of the vault, in no order; what has no name of a vault's object is left out. */
export async function listFiles(root: string, folder: string): Promise<VaultObject[]> {
  const path = await findFolder(root, `${folder}/file`);
  const entries =
    path === undefined ? undefined : await readdir(path, { withFileTypes: true }).catch(answered('ENOENT'));
  const files: VaultObject[] = [];
  for (const entry of entries ?? []) {
    const name = `${folder}/${entry.name}`;
    if (!isVaultName(name)) continue;
    if (entry.isDirectory()) files.push(...(await listFiles(root, name)));
    if (!entry.isFile()) continue;
    const found = await lstat(join(root, name)).catch(answered('ENOENT'));
    if (found?.isFile()) files.push({ name, bytes: found.size });
  }
  return files;
}

/** The root may be a link of the operator's; what is below it may not. */
async function realRoot(root: string): Promise<string> {
  const real = await realpath(root);
  if ((await stat(real)).isDirectory()) return real;
  throw new VaultFailure('missing', `${root} is not a directory`);
}

function requireFolder(path: string, found: Stats): void {
  if (!found.isDirectory())
    throw new VaultFailure('broken', `${path} is no folder; a vault follows no links`);
}
