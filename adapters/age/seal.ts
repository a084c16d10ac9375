import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync } from 'node:zlib';
import type { Sealed } from '#core/sealer.ts';
import { fileChunks } from './file-chunks.ts';
import { writeNewFile } from './new-file.ts';
import type { Tally } from './tally.ts';
import { newTally } from './tally.ts';

/** Plain bytes of a frame of a file: 1 MiB is compressed as well, and as fast, as more. */
const FRAME_BYTES = 1 << 20;

/** A checksum in each frame: by default there is none, and damage would pass where nothing is encrypted. */
const COMPRESSION = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** Small bytes, whole: compressed by Node's threads, encrypted by this one. `null`: not encrypted. */
export async function seal(plain: Uint8Array, recipient: string | null): Promise<Uint8Array> {
  const frame = await promisify(zstdCompress)(plain, COMPRESSION);
  if (recipient === null) return frame;
  const encrypter = await encrypterFor(recipient);
  return encrypter.encrypt(frame);
}

/**
 * A file of any size in bounded memory. Reads, compresses, encrypts and writes in the calling thread, and holds it
 * meanwhile: meant for a worker, whose priority is then that of all the work. Its arguments can be posted to one.
 * @throws Error of the file system; then there is nothing at `to` that was not there before
 */
export async function sealFile(from: string, to: string, recipient: string | null): Promise<Sealed> {
  // Each piece is compressed before the next is read: there is no need for more room than one takes.
  const room = Buffer.allocUnsafe(FRAME_BYTES);
  const tally = newTally();
  const plain = counted(
    fileChunks(from, () => room),
    tally,
  );
  const sealed = await writeNewFile(to, sealedOf(plain, recipient));
  return { plain: { path: from, ...tally.total() }, sealed };
}

async function* sealedOf(plain: Iterable<Uint8Array>, recipient: string | null): AsyncGenerator<Uint8Array> {
  if (recipient === null) {
    yield* framesOf(plain);
    return;
  }
  const encrypter = await encrypterFor(recipient);
  // It asks for the next frame when the last one was taken, and not before.
  yield* await encrypter.encrypt(ReadableStream.from(framesOf(plain)));
}

/** A frame for each piece: decoders read frames one after another as one (RFC 8878 §3.1). */
function* framesOf(plain: Iterable<Uint8Array>): Generator<Uint8Array> {
  let isEmpty = true;
  for (const chunk of plain) {
    yield zstdCompressSync(chunk, COMPRESSION);
    isEmpty = false;
  }
  // Of nothing, too, something is made: an empty file would be taken for one that was cut off.
  if (isEmpty) yield zstdCompressSync('', COMPRESSION);
}

function* counted(chunks: Iterable<Uint8Array>, tally: Tally): Generator<Uint8Array> {
  for (const chunk of chunks) {
    tally.add(chunk);
    yield chunk;
  }
}

async function encrypterFor(recipient: string) {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter;
}
