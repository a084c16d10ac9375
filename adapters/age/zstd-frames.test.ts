import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decompressed } from './zstd-frames.ts';

const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag } = constants;

test.each([
  { name: 'nothing', plain: Buffer.alloc(0) },
  { name: 'a few bytes', plain: Buffer.from('a few bytes') },
  { name: 'a size of two bytes', plain: Buffer.alloc(300, 'abc') },
  { name: 'a size of four bytes', plain: Buffer.alloc(100_000, 'abc') },
  { name: 'blocks of one byte repeated', plain: Buffer.alloc(150_000) },
  { name: 'blocks that are not compressed', plain: randomBytes(150_000) },
  {
    name: 'blocks of each kind',
    plain: Buffer.concat([randomBytes(140_000), Buffer.alloc(140_000, 'abcd'), Buffer.alloc(140_000)]),
  },
])('every form of a frame is followed: $name', async ({ plain }) => {
  for (const level of [-5, 1, 3, 19]) {
    for (const hasChecksum of [0, 1]) {
      for (const hasSize of [0, 1]) {
        const params = {
          [ZSTD_c_compressionLevel]: level,
          [ZSTD_c_checksumFlag]: hasChecksum,
          [ZSTD_c_contentSizeFlag]: hasSize,
        };
        const frame = zstdCompressSync(plain, { params });
        const opened = await outOf([frame, frame]);
        expect(opened.equals(Buffer.concat([plain, plain])), JSON.stringify(params)).toBe(true);
      }
    }
  }
});

test('it does not matter how the bytes come in pieces', async () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 });
  const pieceBytes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(parts, pieceBytes, async (parts, pieceBytes) => {
      const stored = Buffer.concat(parts.map((part) => zstdCompressSync(part)));
      const pieces: Buffer[] = [];
      for (let at = 0, i = 0; at < stored.length; i += 1) {
        const bytes = pieceBytes[i % pieceBytes.length] ?? 1;
        pieces.push(stored.subarray(at, at + bytes));
        at += bytes;
      }
      expect((await outOf(pieces)).equals(Buffer.concat(parts))).toBe(true);
    }),
  );
});

test('a block larger than any is not waited for', async () => {
  const hugeBlock = Buffer.from('28b52ffd0048fcffff', 'hex');
  await expect(outOf([hugeBlock])).rejects.toThrow('damaged: ');
});

test('what the pieces come with is passed on', async () => {
  async function* failing() {
    yield zstdCompressSync('first').subarray(0, 10);
    throw new Error('the disk is on fire');
  }
  await expect(outOf(failing())).rejects.toThrow('the disk is on fire');
});

async function outOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  async function* coming() {
    yield* pieces;
  }
  const plain: Uint8Array[] = [];
  for await (const chunk of decompressed(coming())) plain.push(chunk);
  return Buffer.concat(plain);
}
