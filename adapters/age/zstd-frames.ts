import { pipeline } from 'node:stream';
import { constants, createZstdDecompress } from 'node:zlib';
import { SealBroken } from '#core/sealer.ts';
import type { ByteReader } from './byte-reader.ts';
import { newByteReader } from './byte-reader.ts';

/** Little-endian FD2FB528, the first bytes of a frame (RFC 8878 §3.1.1). */
export const ZSTD_MAGIC = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);

const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** RFC 8878 §3.1.1.2.4: no block is larger, neither as it is stored nor as it comes out. */
const BLOCK_BYTES_MAX = 128 * 1024;

const DECOMPRESSION = {
  // RFC 8878 §3.1.1.1.2 recommends that decoders take a window of 8 MB, and `zstd -19` needs no more; the header of
  // a frame may ask for a terabyte.
  params: { [constants.ZSTD_d_windowLogMax]: 23 },
  chunkSize: BLOCK_BYTES_MAX,
};

/**
 * What frames of zstd, one after another, hold. Each has a decoder of its own, which is given exactly its bytes:
 * Node's takes whatever comes after a good frame and is none, a damaged one too, for the end of it all, and drops it
 * without an error (as gunzip does; nodejs/node#64741); of some versions, also a frame that is cut off (#64592).
 * What nobody can see here is that whole frames are missing at the end: who stores them compares size and hash.
 * @throws SealBroken, and whatever `chunks` throws
 */
export async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = newByteReader(chunks);
  do {
    try {
      yield* pipeline(frame(reader), createZstdDecompress(DECOMPRESSION), () => undefined);
    } catch (error) {
      throw decoderTrouble(error);
    }
  } while (!(await reader.isAtEnd()));
}

/** The bytes of the next frame, block by block. Only its structure is looked at. */
async function* frame(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const start = await exactly(reader, ZSTD_MAGIC.length + 1);
  // A decoder would take a skippable frame, too, in which anything may be hidden: nobody makes any here.
  if (!ZSTD_MAGIC.equals(start.subarray(0, ZSTD_MAGIC.length))) throw damaged();
  const descriptor = start[ZSTD_MAGIC.length] ?? 0;
  yield start;
  yield await exactly(reader, headerRestBytes(descriptor));

  for (let isLast = false; !isLast; ) {
    const header = await exactly(reader, BLOCK_HEADER_BYTES);
    const [low = 0, middle = 0, high = 0] = header;
    const block = await exactly(reader, blockBytes(low | (middle << 8) | (high << 16)));
    // In one piece: each that the decoder is given costs a turn of Node's threads.
    yield Buffer.concat([header, block]);
    isLast = (low & 1) === 1;
  }
  const hasChecksum = (descriptor & 0b100) !== 0;
  if (hasChecksum) yield await exactly(reader, CHECKSUM_BYTES);
}

/** RFC 8878 §3.1.1.1: the window, the dictionary's id and the content's size, as the descriptor says. */
function headerRestBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0b10_0000) !== 0;
  const sizeFlag = descriptor >> 6;
  const window = isSingleSegment ? 0 : 1;
  const dictionary = [0, 1, 2, 4][descriptor & 0b11] ?? 0;
  const size = sizeFlag === 0 && !isSingleSegment ? 0 : 1 << sizeFlag;
  return window + dictionary + size;
}

/** RFC 8878 §3.1.1.2: how many bytes are stored after a block's header. */
function blockBytes(header: number): number {
  const isOneByteRepeated = ((header >> 1) & 0b11) === 0b01;
  const size = header >> 3;
  if (size > BLOCK_BYTES_MAX) throw damaged();
  return isOneByteRepeated ? 1 : size;
}

async function exactly(reader: ByteReader, count: number): Promise<Uint8Array> {
  const bytes = await reader.take(count);
  if (bytes.length < count) throw new SealBroken('cut off: its end is missing; take another copy');
  return bytes;
}

/** What the decoder says of its frame; anything else is somebody else's. */
function decoderTrouble(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new SealBroken('its window is too large: compress with zstd -19 or less', { cause: error });
  }
  return /^ZSTD_|^Z_/.test(code) ? damaged(error) : error;
}

function damaged(cause?: unknown): SealBroken {
  return new SealBroken('damaged: not all of it is what was compressed; take another copy', { cause });
}
