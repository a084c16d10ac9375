import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib';
import { Encrypter } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SealBroken } from '#core/sealer.ts';
import { decrypted } from './decrypted.ts';
import { makeIdentity, recipientOf } from './identity.ts';
import { seal } from './seal.ts';
import { openFile, unseal } from './unseal.ts';

const MIB = 1 << 20;
const KEY = await makeIdentity();
const RECIPIENT = await recipientOf(KEY);
const PLAIN = Buffer.from('who pays the piper calls the tune, who pays the piper calls the tune');

/** Two frames, as a file has them: what is lost with the second is to be noticed, too. */
const TWO_FRAMES = Buffer.concat([await seal(PLAIN, null), await seal(PLAIN, null)]);
const SPECIMENS = [
  { name: 'encrypted', sealed: Buffer.from(await seal(PLAIN, RECIPIENT)), plain: PLAIN },
  { name: 'not encrypted', sealed: TWO_FRAMES, plain: Buffer.concat([PLAIN, PLAIN]) },
];

let directory: string;
let from: string;
let to: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unseal-'));
  from = join(directory, 'sealed');
  to = join(directory, 'opened');
});

afterEach(() => rmSync(directory, { recursive: true }));

describe.each(SPECIMENS)('$name', ({ sealed, plain }) => {
  test('no flipped bit gives other bytes', async () => {
    let harmless = 0;
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const opened = await unseal(flipped, KEY, plain.length).catch(brokenSeal);
      if (typeof opened === 'string') continue;
      expect(plain.equals(opened), `bit ${bit}`).toBe(true);
      harmless += 1;
    }
    // zstd has bits that mean nothing, one in each frame's header (RFC 8878 §3.1.1.1.1.3); age has none.
    if (sealed !== TWO_FRAMES) expect(harmless).toBe(0);
  });

  test('cut off anywhere, it is broken', async () => {
    // Of two whole frames the first is whole, too: this cannot be seen in the bytes.
    const unseen = sealed === TWO_FRAMES ? sealed.length / 2 : -1;
    for (let length = 0; length < sealed.length; length += 1) {
      if (length === unseen) continue;
      const opened = await unseal(sealed.subarray(0, length), KEY, plain.length).catch(brokenSeal);
      expect(opened, `${length} bytes`).toMatch(/^(not sealed|damaged|cut off): /);
    }
  });

  test.each([
    { name: 'one byte', garbage: Buffer.of(0) },
    { name: 'the first byte of a frame', garbage: Buffer.of(0x28) },
    { name: 'the beginning of a frame', garbage: Buffer.of(0x28, 0xb5, 0x2f, 0xfd) },
    { name: 'a skippable frame', garbage: Buffer.from('502a4d1803000000aabbcc', 'hex') },
    // As a frame, it would have a window, the id of a dictionary, and one block of six bytes.
    {
      name: 'one in the form of a frame',
      garbage: Buffer.from('502a4d180b000000aaaa310000010203040506', 'hex'),
    },
    { name: 'text', garbage: Buffer.from('<html>Service Unavailable</html>') },
    { name: 'zeros', garbage: Buffer.alloc(4096) },
  ])('with something behind it, it is broken: $name', async ({ garbage }) => {
    const longer = Buffer.concat([sealed, garbage]);
    const opened = await unseal(longer, KEY, MIB).catch(brokenSeal);
    expect(opened).toMatch(/^(damaged|cut off): /);
  });

  test('it may be as large as expected, and not larger by a byte', async () => {
    expect(await unseal(sealed, KEY, plain.length)).toHaveLength(plain.length);
    const message = `too large: more than ${plain.length - 1} bytes come out of it`;
    expect(await unseal(sealed, KEY, plain.length - 1).catch(brokenSeal)).toBe(message);
    expect(await unseal(sealed, KEY, 0).catch(brokenSeal)).toMatch(/^too large: /);
  });

  test.each([0, 30, 60, 90])('a file that is broken at byte %d leaves nothing', async (at) => {
    const broken = Buffer.from(sealed);
    broken[at]! ^= 1;
    await expectBroken(broken, /^(not sealed|damaged|cut off|for another key)/);
  });
});

test('encrypted for another key: said so, and what to do', async () => {
  const sealed = await seal(PLAIN, await recipientOf(await makeIdentity()));
  await expectBroken(sealed, /^for another key: set BACKUP_ENCRYPTION_KEY /);
});

test('whatever is wrong, no file stays open', async () => {
  writeFileSync(from, await seal(randomBytes(MIB), await recipientOf(await makeIdentity())));
  const refuse = () => expect(openFile(from, to, KEY, MIB)).rejects.toThrow(SealBroken);
  await refuse();
  const before = nextDescriptor();
  for (let i = 0; i < 50; i += 1) await refuse();
  expect(nextDescriptor()).toBeLessThan(before + 25);
});

test('encrypted, and no key: said so, and what to do', async () => {
  const sealed = await seal(PLAIN, RECIPIENT);
  await expectBroken(sealed, /^encrypted, and there is no key: set BACKUP_ENCRYPTION_KEY /, null);
});

test('a key that is none is not repeated', async () => {
  const mistyped = `${KEY.slice(0, -1)}B`;
  const error = await unseal(await seal(PLAIN, RECIPIENT), mistyped, 100).catch((error: unknown) => error);
  expect(String(error)).toContain('the key is not one of age');
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(mistyped.slice(-20));
});

test.each([
  { name: 'nothing', bytes: Buffer.alloc(0) },
  { name: 'text', bytes: Buffer.from('{"error":"no such object"}') },
  { name: 'a database', bytes: Buffer.concat([Buffer.from('SQLite format 3\0'), randomBytes(5000)]) },
  { name: 'gzip', bytes: Buffer.from('1f8b0800000000000003', 'hex') },
  { name: 'another version of age', bytes: Buffer.from('age-encryption.org/v12\n-> X25519 a\n') },
])('not sealed: $name', async ({ bytes }) => {
  await expectBroken(bytes, /^not sealed: /);
});

test('encrypted, and what is in it is no zstd', async () => {
  await expectBroken(await encrypted(PLAIN), /^damaged: /);
});

test('a header of age without an end is not looked for through a whole file', async () => {
  const endless = Buffer.concat([Buffer.from('age-encryption.org/v1\n'), Buffer.alloc(8 * MIB, '-> a b\n')]);
  await expectBroken(endless, /^damaged: /);
});

test.each([1, 2, 3])('encrypted in several chunks, cut off after %d of them', async (chunks) => {
  const sealed = Buffer.from(await seal(randomBytes(4 * 65_536), RECIPIENT));
  const macLine = sealed.indexOf('\n--- ') + 1;
  const payload = sealed.indexOf('\n', macLine) + 1 + 16;
  const cut = sealed.subarray(0, payload + chunks * (65_536 + 16));
  await expectBroken(cut, /^damaged: /);
});

test('trouble in reading, after the header, is not taken for damage', async () => {
  const trouble = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
  const whole = await seal(PLAIN, RECIPIENT);
  function* failing() {
    yield whole;
    throw trouble;
  }
  const opened = decrypted(whole, failing(), KEY);
  await expect(opened.next()).rejects.toBe(trouble);
});

test('a window that needs much memory is refused', async () => {
  const stream = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 24 } });
  stream.end(PLAIN);
  await expectBroken(Buffer.concat(await stream.toArray()), /^its window is too large: /);
});

describe.each([
  { name: 'many frames', bomb: Buffer.concat(Array(1024).fill(zstdCompressSync(Buffer.alloc(MIB)))) },
  { name: 'one frame', bomb: await oneFrame(1024) },
])('1 GiB of zeros in $name', ({ bomb }) => {
  // Were it read to its end, it would be damaged, and not too large.
  const broken = Buffer.concat([bomb, Buffer.from('end')]);

  test.each([
    { name: 'not encrypted', bytes: async () => broken },
    { name: 'encrypted', bytes: () => encrypted(broken) },
  ])('$name, stops at the bytes that are expected', async ({ bytes }) => {
    const before = process.resourceUsage().maxRSS;
    await expectBroken(await bytes(), /^too large: more than 1048576 bytes /);
    const grownKib = process.resourceUsage().maxRSS - before;
    expect(grownKib).toBeLessThan(100 * 1024);
  });
});

/** Both ways of opening say the same, in one line and without the key, and leave nothing. */
async function expectBroken(sealed: Uint8Array, message: RegExp, identity: string | null = KEY) {
  expect(await unseal(sealed, identity, MIB).catch(brokenSeal)).toMatch(message);
  writeFileSync(from, sealed);
  expect(await openFile(from, to, identity, MIB).catch(brokenSeal)).toMatch(message);
  expect(readdirSync(directory)).toEqual(['sealed']);
}

/** The third that is free: those that stay open take it away, and others may free one or two meanwhile. */
function nextDescriptor(): number {
  const free = [1, 2, 3].map(() => openSync(from, 'r'));
  for (const descriptor of free) closeSync(descriptor);
  return Math.max(...free);
}

function brokenSeal(error: unknown): string {
  if (!(error instanceof SealBroken)) throw error;
  expect(error.message).not.toMatch(/\n|AGE-SECRET-KEY/);
  return error.message;
}

async function encrypted(bytes: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(RECIPIENT);
  return encrypter.encrypt(bytes);
}

async function oneFrame(mebibytes: number): Promise<Buffer> {
  const stream = createZstdCompress();
  const compressed = stream.toArray();
  const zeros = Buffer.alloc(MIB);
  for (let i = 0; i < mebibytes; i += 1) await new Promise((resolve) => stream.write(zeros, resolve));
  stream.end();
  return Buffer.concat(await compressed);
}
