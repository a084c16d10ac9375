import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeIdentity, recipientOf } from './identity.ts';
import { openSealer } from './open-sealer.ts';
import { newTally } from './tally.ts';

const MIB = 1 << 20;
const KEY = await makeIdentity();
const CONTENTS = [
  { name: 'nothing', plain: Buffer.alloc(0) },
  { name: '1 byte', plain: Buffer.of(7) },
  { name: 'one frame to the byte', plain: randomBytes(MIB) },
  { name: 'one frame and a byte', plain: randomBytes(MIB + 1) },
  { name: '5 MiB at random', plain: randomBytes(5 * MIB) },
  { name: '5 MiB of zeros', plain: Buffer.alloc(5 * MIB) },
];

let directory: string;
let from: string;
let sealedPath: string;
let to: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'open-sealer-'));
  from = join(directory, 'plain');
  sealedPath = join(directory, 'sealed');
  to = join(directory, 'opened');
});

afterEach(() => rmSync(directory, { recursive: true }));

describe.each([
  { name: 'encrypted', identity: KEY, suffix: '.zst.age', magic: 'age-encryption.org/v1\n' },
  { name: 'not encrypted', identity: null, suffix: '.zst', magic: '\x28\xb5\x2f\xfd' },
])('$name', ({ identity, suffix, magic }) => {
  test('says what it does', async () => {
    const sealer = await openSealer({ identity });
    expect(sealer.suffix).toBe(suffix);
    expect(sealer.recipient).toBe(identity === null ? null : await recipientOf(identity));
  });

  test.each(CONTENTS)('bytes come back: $name', async ({ plain }) => {
    const sealer = await openSealer({ identity });
    const sealed = await sealer.seal(plain);
    expect(Buffer.from(sealed).toString('latin1', 0, magic.length)).toBe(magic);
    const opened = await sealer.open(sealed, plain.length);
    expect(plain.equals(opened)).toBe(true);
  });

  test.each(CONTENTS)('a file comes back: $name', async ({ plain }) => {
    const sealer = await openSealer({ identity });
    writeFileSync(from, plain);
    const told = await sealer.sealFile(from, sealedPath);
    const sealed = readFileSync(sealedPath);
    expect(sealed.toString('latin1', 0, magic.length)).toBe(magic);
    expect(told).toEqual({ plain: fileOf(from, plain), sealed: fileOf(sealedPath, sealed) });
    expect(await sealer.openFile(sealedPath, to, plain.length)).toEqual(fileOf(to, plain));
    expect(readFileSync(to).equals(plain)).toBe(true);
    for (const path of [sealedPath, to]) expect(statSync(path).mode & 0o777).toBe(0o600);
    // One way of sealing is opened by the other.
    expect(plain.equals(await sealer.open(sealed, plain.length))).toBe(true);
  });

  test('whatever the bytes', async () => {
    const sealer = await openSealer({ identity });
    const bytes = fc.uint8Array({ maxLength: 2000 });
    await fc.assert(
      fc.asyncProperty(bytes, async (plain) => {
        const opened = await sealer.open(await sealer.seal(plain), plain.length);
        expect(Buffer.from(plain).equals(opened)).toBe(true);
      }),
    );
  });

  test('no more comes out than is expected', async () => {
    const sealer = await openSealer({ identity });
    writeFileSync(from, 'plain');
    await sealer.sealFile(from, sealedPath);
    await expect(sealer.open(readFileSync(sealedPath), 4)).rejects.toThrow('too large');
    await expect(sealer.openFile(sealedPath, to, 4)).rejects.toThrow('too large');
  });

  test('what does not repeat itself is hardly longer, what does is much shorter', async () => {
    const sealer = await openSealer({ identity });
    expect((await sealer.seal(randomBytes(MIB))).length).toBeLessThan(MIB + 2000);
    expect((await sealer.seal(Buffer.alloc(MIB))).length).toBeLessThan(2000);
  });

  test('what is there is not written over, and stays', async () => {
    const sealer = await openSealer({ identity });
    writeFileSync(from, 'plain');
    await sealer.sealFile(from, sealedPath);
    writeFileSync(to, 'mine');
    await expect(sealer.sealFile(from, to)).rejects.toThrow('EEXIST');
    await expect(sealer.openFile(sealedPath, to, 100)).rejects.toThrow('EEXIST');
    expect(readFileSync(to, 'utf8')).toBe('mine');
  });

  test('what cannot be read leaves nothing, and is no broken seal', async () => {
    const sealer = await openSealer({ identity });
    await expect(sealer.sealFile(from, sealedPath)).rejects.toThrow('ENOENT');
    await expect(sealer.sealFile(directory, sealedPath)).rejects.toThrow('EISDIR');
    await expect(sealer.openFile(from, to, 100)).rejects.toThrow('ENOENT');
    await expect(sealer.openFile(directory, to, 100)).rejects.toThrow('EISDIR');
    expect(readdirSync(directory)).toEqual([]);
  });
});

test('one without a key opens what is not encrypted, and so does one with a key', async () => {
  const [open, locked] = await Promise.all([openSealer({ identity: null }), openSealer({ identity: KEY })]);
  const sealed = await open.seal(Buffer.from('from before there was a key'));
  expect(Buffer.from(await locked.open(sealed, 100)).toString()).toBe('from before there was a key');
});

test('the same bytes are encrypted to something else each time', async () => {
  const sealer = await openSealer({ identity: KEY });
  const [a, b] = await Promise.all([sealer.seal(Buffer.of(1)), sealer.seal(Buffer.of(1))]);
  expect(Buffer.from(a).equals(b)).toBe(false);
});

test('a key that is none is refused at once', async () => {
  await expect(openSealer({ identity: `${KEY}Q` })).rejects.toThrow('the key is not one of age');
});

test('work on files is done by whom it was given to, with what can be posted, and the key only to open', async () => {
  const asked: unknown[] = [];
  const none = { path: '', bytes: 0, sha256: '' };
  const sealer = await openSealer({
    identity: KEY,
    files: {
      sealFile: async (...given) => ({
        plain: none,
        sealed: none,
        asked: asked.push(structuredClone(given)),
      }),
      openFile: async (...given) => ({ ...none, asked: asked.push(structuredClone(given)) }),
    },
  });
  await sealer.sealFile('a', 'b');
  await sealer.openFile('b', 'c', 7);
  expect(asked).toEqual([
    ['a', 'b', sealer.recipient],
    ['b', 'c', KEY, 7],
  ]);
});

function fileOf(path: string, bytes: Uint8Array) {
  const tally = newTally();
  tally.add(bytes);
  return { path, ...tally.total() };
}
