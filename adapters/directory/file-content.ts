import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, unlink } from 'node:fs/promises';
import type { LocalFile } from '#core/vault.ts';
import { answered } from './failure-of.ts';

/** What a file is to hold. */
export interface FileContent {
  readonly bytes: number;
  readonly sha256: string;
  /** From the beginning; a chunk is good until the next one is asked for. */
  chunks(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export interface OpenObject {
  readonly handle: FileHandle;
  readonly bytes: number;
}

/** The most of a file that is held in memory at a time. */
const CHUNK_BYTES = 1 << 20;

// No link is followed, and what is no file (a pipe) does not keep us waiting.
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a regular file; `undefined` if there is none by that name. @throws ELOOP for a symbolic link */
export async function openObject(path: string): Promise<OpenObject | undefined> {
  const handle = await open(path, READ_ONLY).catch(answered('ENOENT', 'ENOTDIR'));
  const stats = await handle?.stat();
  if (handle !== undefined && stats?.isFile()) return { handle, bytes: stats.size };
  await handle?.close();
  return undefined;
}

/** The SHA-256 of a regular file; `undefined` if there is none by that name. */
export async function readDigest(path: string): Promise<string | undefined> {
  const found = await openObject(path);
  if (found === undefined) return undefined;
  await using handle = found.handle;
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(handle)) hash.update(chunk);
  return hash.digest('hex');
}

/** A file from its beginning, in one buffer that is used again and again. */
export async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Writes a file that was not there before, on to the disk; what is not whole is removed. @throws EEXIST */
export async function writeNewFile(
  path: string,
  chunks: ReturnType<FileContent['chunks']>,
  onProgress: (bytes: number) => void = () => {},
): Promise<LocalFile> {
  const handle = await open(path, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunks) {
      await handle.writeFile(chunk);
      hash.update(chunk);
      bytes += chunk.length;
      onProgress(bytes);
    }
    await handle.sync();
    await handle.close();
    return { path, bytes, sha256: hash.digest('hex') };
  } catch (error) {
    await handle.close();
    await unlink(path).catch(answered('ENOENT'));
    throw error;
  }
}
