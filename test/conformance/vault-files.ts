import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { LocalFile } from '#core/vault.ts';
import { VaultConflict, VaultFailure } from '#core/vault.ts';
import { peakBytesHeld } from './peak-bytes-held.ts';
import type { VaultSubject } from './vault-under-test.ts';
import { MANY, ONE, OTHER, patternOf, readFrom, sha256Of } from './vault-under-test.ts';

const LARGE_BYTES = 32 << 20;
/** What a vault may hold in memory of a file that is larger: a part of 8 MiB, and what is on its way. */
const HELD_BYTES_MAX = 20 << 20;

/** Files of this machine, large and small, there and back. */
export function testFiles(subject: VaultSubject): void {
  let large: LocalFile;
  beforeAll(async () => {
    large = await subject.writeLocal('large', patternOf(LARGE_BYTES));
  });

  test('a large file goes and comes in bounded memory', async () => {
    const put = await peakBytesHeld(HELD_BYTES_MAX, () => subject.vault.putFile('files/large', large));
    expect(put.bytes).toBeLessThan(HELD_BYTES_MAX);

    const path = join(subject.directory, 'copy');
    const progress: number[] = [];
    const got = await peakBytesHeld(HELD_BYTES_MAX, () =>
      subject.vault.getFile('files/large', path, {
        bytesMax: LARGE_BYTES,
        onProgress: (bytes) => progress.push(bytes),
      }),
    );
    expect(got.bytes).toBeLessThan(HELD_BYTES_MAX);
    expect(got.result).toEqual({ ...large, path });
    expect(sha256Of(await readFile(path))).toBe(large.sha256);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(progress.at(-1)).toBe(LARGE_BYTES);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.length).toBeGreaterThan(1);
  });

  test('a large file, too, may be put again, and not be replaced', async () => {
    await subject.vault.putFile('large', large);
    await subject.vault.putFile('large', large);
    const changed = patternOf(LARGE_BYTES);
    changed[LARGE_BYTES - 1] = (changed[LARGE_BYTES - 1] ?? 0) ^ 1;
    const file = await subject.writeLocal('changed', changed);
    await expect(subject.vault.putFile('large', file)).rejects.toThrow(VaultConflict);
    await expect(subject.another().putFile('large', file)).rejects.toThrow(VaultConflict);
    expect(sha256Of(await readFrom(subject.vault, 'large', LARGE_BYTES))).toBe(large.sha256);
  });

  test.each([{ bytes: 0 }, { bytes: 1 }, { bytes: (8 << 20) + 1 }])(
    'one of $bytes bytes is whole',
    async ({ bytes }) => {
      const file = await subject.writeLocal(`of-${bytes}`, patternOf(bytes));
      await subject.vault.putFile('file', file);
      const path = join(subject.directory, `copy-of-${bytes}`);
      expect(await subject.vault.getFile('file', path, { bytesMax: bytes })).toEqual({ ...file, path });
    },
  );

  test.each([
    { what: 'another digest', change: { sha256: sha256Of(OTHER) } },
    { what: 'more bytes', change: { bytes: ONE.length + 1 } },
    { what: 'fewer bytes', change: { bytes: ONE.length - 1 } },
  ])('one that has $what than it was said to have is not put', async ({ change }) => {
    const file = await subject.writeLocal('small', ONE);
    await expect(subject.vault.putFile('file', { ...file, ...change })).rejects.toThrow(VaultFailure);
    await expect(subject.vault.putFile('file', { ...large, ...change })).rejects.toThrow(VaultFailure);
    expect(await subject.vault.get('file', LARGE_BYTES)).toBeUndefined();
  });

  test('a copy that is not whole does not stay', async () => {
    await subject.vault.put('object', ONE);
    const path = join(subject.directory, 'half');
    const onProgress = () => {
      throw new Error('the disk is full');
    };
    const copying = subject.vault.getFile('object', path, { bytesMax: MANY, onProgress });
    await expect(copying).rejects.toThrow('the disk is full');
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('what is at the path already is neither replaced nor removed', async () => {
    await subject.vault.put('object', ONE);
    const file = await subject.writeLocal('mine', OTHER);
    await expect(subject.vault.getFile('object', file.path, { bytesMax: MANY })).rejects.toThrow('EEXIST');
    expect(await readFile(file.path)).toEqual(OTHER);
  });

  test('one that is not there is no trouble of the vault', async () => {
    const file = { path: join(subject.directory, 'absent'), bytes: 1, sha256: sha256Of(ONE) };
    await expect(subject.vault.putFile('object', file)).rejects.toThrow('ENOENT');
    expect(await subject.vault.get('object', MANY)).toBeUndefined();
  });
}
