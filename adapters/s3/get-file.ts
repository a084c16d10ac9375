import { open, unlink } from 'node:fs/promises';
import type { GetFileOptions, LocalFile } from '#core/vault.ts';
import type { Bucket } from './connect-bucket.ts';
import { readObject } from './read-object.ts';

/** Writes an object to a new file, on to the disk; what is not whole is removed. @throws VaultFailure, EEXIST */
export async function getFile(
  bucket: Bucket,
  name: string,
  path: string,
  { bytesMax, onProgress }: GetFileOptions,
): Promise<LocalFile | undefined> {
  const handle = await open(path, 'wx', 0o600);
  let isWhole = false;
  let bytes = 0;
  try {
    const found = await readObject(bucket, name, bytesMax, async (chunk) => {
      await handle.writeFile(chunk);
      bytes += chunk.length;
      onProgress?.(bytes);
    });
    await handle.sync();
    isWhole = found !== undefined;
    return found && { path, ...found };
  } finally {
    await handle.close();
    if (!isWhole) await unlink(path);
  }
}
