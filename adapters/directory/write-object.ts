import { link, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VaultConflict, VaultFailure } from '#core/vault.ts';
import { answered } from './failure-of.ts';
import type { FileContent } from './file-content.ts';
import { readDigest, writeNewFile } from './file-content.ts';
import { makeFolder, syncFolder } from './folders.ts';

export interface Directory {
  readonly path: string;
  readonly location: string;
  /** A name for a file that is none of the vault's objects; not the same twice. */
  temporaryName(): string;
}

/**
 * Writes a file that is not there yet, or is there and holds the same.
 * `link` fails if the name is taken, and at no moment has half a file the name.
 * @throws VaultConflict, VaultFailure, and what Node throws
 */
export function createObject(directory: Directory, name: string, content: FileContent): Promise<void> {
  return write(directory, name, content, async (temporary, final) => {
    const isNew = await link(temporary, final).then(() => true, answered('EEXIST'));
    if (isNew || (await readDigest(final)) === content.sha256) return;
    throw new VaultConflict(`${directory.location}: ${name} is there already, and holds something else`);
  });
}

/** Writes a file, whatever was there. @throws VaultFailure, and what Node throws */
export function replaceObject(directory: Directory, name: string, content: FileContent): Promise<void> {
  return write(directory, name, content, rename);
}

/** Whether a link refuses to replace a file here, as a put needs it. @throws what Node throws */
export async function tryLinks(directory: Directory, content: FileContent): Promise<boolean> {
  const temporary = await writeTemporary(directory, await makeFolder(directory.path, 'probe'), content);
  const linked = `${temporary}~`;
  try {
    await link(temporary, linked);
    const replaced = await link(temporary, linked).then(() => true, answered('EEXIST'));
    await unlink(linked);
    return replaced === undefined;
  } finally {
    await unlink(temporary);
  }
}

type Publish = (temporary: string, final: string) => Promise<void>;

/** Writes beside, has `publish` give it its name, and reads back what is there by that name. */
async function write(
  directory: Directory,
  name: string,
  content: FileContent,
  publish: Publish,
): Promise<void> {
  const folder = await makeFolder(directory.path, name);
  const final = join(folder, basename(name));
  const temporary = await writeTemporary(directory, folder, content);
  try {
    await publish(temporary, final);
  } finally {
    await unlink(temporary).catch(answered('ENOENT'));
  }
  await syncFolder(folder);
  if ((await readDigest(final)) === content.sha256) return;
  const text = `${name} reads back as something else than was written; check the disk`;
  throw new VaultFailure('broken', `${directory.location}: ${text}`);
}

/** Another process, and one that crashed, may have used the same names: `wx` settles whose a file is. */
async function writeTemporary(directory: Directory, folder: string, content: FileContent): Promise<string> {
  for (;;) {
    const temporary = join(folder, directory.temporaryName());
    const written = await writeNewFile(temporary, content.chunks()).catch(answered('EEXIST'));
    if (written === undefined) continue;
    if (written.bytes === content.bytes && written.sha256 === content.sha256) return temporary;
    await unlink(temporary);
    const text = 'what was to be put is not what it was said to be';
    throw new VaultFailure('broken', `${directory.location}: ${text}`);
  }
}
