import { SealBroken } from '#core/sealer.ts';
import type { LocalFile } from '#core/vault.ts';
import { AGE_MAGIC, decrypted } from './decrypted.ts';
import { fileChunks } from './file-chunks.ts';
import { writeNewFile } from './new-file.ts';
import { decompressed, ZSTD_MAGIC } from './zstd-frames.ts';

/** How much of a file is read at once. The headers that age makes for one key have 200 bytes. */
const CHUNK_BYTES = 128 * 1024;

/** Small bytes, whole. Node's threads decompress them, this one decrypts. @throws SealBroken */
export async function unseal(
  sealed: Uint8Array,
  identity: string | null,
  bytesMax: number,
): Promise<Uint8Array> {
  const plain: Uint8Array[] = [];
  for await (const chunk of plainOf([sealed].values(), identity, bytesMax)) plain.push(chunk);
  return Buffer.concat(plain);
}

/**
 * A file of any size in bounded memory. Reads, decrypts and writes in the calling thread, and holds it meanwhile;
 * only decompressing, which is quick, is done by Node's threads. Its arguments can be posted to a worker.
 * @throws SealBroken, or Error of the file system; then there is nothing at `to` that was not there before
 */
export async function openFile(
  from: string,
  to: string,
  identity: string | null,
  bytesMax: number,
): Promise<LocalFile> {
  const chunks = fileChunks(from, () => Buffer.allocUnsafe(CHUNK_BYTES));
  try {
    return await writeNewFile(to, plainOf(chunks, identity, bytesMax));
  } finally {
    chunks.return();
  }
}

/** Stops where more than `bytesMax` bytes come out: what was sealed may have been made to fill a disk. */
async function* plainOf(
  chunks: IterableIterator<Uint8Array, void>,
  identity: string | null,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of decompressed(compressedOf(chunks, identity))) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new SealBroken(`too large: more than ${bytesMax} bytes come out of it`);
    yield chunk;
  }
}

/** Its first bytes say whether it is encrypted: a key may have been set, or taken away, since it was sealed. */
async function* compressedOf(
  chunks: IterableIterator<Uint8Array, void>,
  identity: string | null,
): AsyncGenerator<Uint8Array> {
  const { value: first = new Uint8Array() } = chunks.next();
  const all = startingWith(first, chunks);
  if (beginsWith(first, AGE_MAGIC)) yield* decrypted(first, all, identity);
  else if (beginsWith(first, ZSTD_MAGIC)) yield* all;
  else throw new SealBroken('not sealed: it begins neither as age nor as zstd does; take another copy');
}

function* startingWith(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield first;
  yield* rest;
}

function beginsWith(bytes: Uint8Array, magic: Buffer): boolean {
  return magic.equals(bytes.subarray(0, magic.length));
}
