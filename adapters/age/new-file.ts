import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { LocalFile } from '#core/vault.ts';
import { newTally } from './tally.ts';

/**
 * A new file at `path`, for this user alone, of the bytes that come: all of them and synced, or no file is left.
 * @throws Error of the file system, also if there is something at `path`: that stays; and whatever `chunks` throws
 */
export async function writeNewFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<LocalFile> {
  const file = openSync(path, 'wx', 0o600);
  const tally = newTally();
  try {
    try {
      for await (const chunk of chunks) {
        // Unlike `writeSync` it does not stop at a part.
        writeFileSync(file, chunk);
        tally.add(chunk);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return { path, ...tally.total() };
}
