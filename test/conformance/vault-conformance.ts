import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VaultFailure } from '#core/vault.ts';
import { testFiles } from './vault-files.ts';
import { testNamesTaken } from './vault-names-taken.ts';
import type { OpenVault, VaultSubject } from './vault-under-test.ts';
import { MANY, ONE, OTHER, patternOf, readFrom, useVault } from './vault-under-test.ts';

/** Everything that the port promises of a vault, wherever it is. */
export function testVault(name: string, open: OpenVault): void {
  describe(name, () => {
    const subject = useVault(open);
    describe('put and get', () => testPutAndGet(subject));
    describe('no replacing', () => testNamesTaken(subject));
    describe('files', () => testFiles(subject));
    describe('replace, delete, list, probe', () => testTheRest(subject));
  });
}

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

function testPutAndGet(subject: VaultSubject): void {
  test.each([
    { what: 'text', bytes: ONE },
    { what: 'every byte there is', bytes: EVERY_BYTE },
    { what: 'nothing at all', bytes: Buffer.alloc(0) },
    { what: 'a megabyte', bytes: patternOf(MANY) },
  ])('$what comes back', async ({ bytes }) => {
    await subject.vault.put('folder/object', bytes);
    expect(await readFrom(subject.vault, 'folder/object')).toEqual(bytes);
    expect(await readFrom(subject.another(), 'folder/object')).toEqual(bytes);
  });

  test.each(['a', 'A', 'a.b', 'a-b_c.0', '0', 'a/b/c/d/e/f', '.hidden', 'a..b', `${'long-'.repeat(40)}name`])(
    '%s is a name',
    async (name) => {
      await subject.vault.put(name, ONE);
      expect(await readFrom(subject.vault, name)).toEqual(ONE);
    },
  );

  test.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/..',
    './a',
    'a b',
    'ä',
    'a\\b',
    'a\0b',
    'a~b',
    'a%2Fb',
    'a?b',
  ])('%j is no name', async (name) => {
    await expect(subject.vault.put(name, ONE)).rejects.toThrow('name');
    await expect(subject.vault.replace(name, ONE)).rejects.toThrow('name');
    await expect(subject.vault.get(name, MANY)).rejects.toThrow('name');
    await expect(subject.vault.delete(name)).rejects.toThrow('name');
    await expect(subject.vault.list(`${name}/`)).rejects.toThrow('name');
  });

  test('what was never put is undefined, beside what was', async () => {
    await subject.vault.put('folder/object', ONE);
    for (const name of [
      'folder/objec',
      'folder/object2',
      'folder',
      'folder/none/at-all',
      'folder/object/below',
    ]) {
      expect(await subject.vault.get(name, MANY)).toBeUndefined();
      expect(
        await subject.vault.getFile(name, join(subject.directory, 'never'), { bytesMax: MANY }),
      ).toBeUndefined();
    }
    expect(await readdir(subject.directory)).not.toContain('never');
  });

  test('a vault that is not there is no vault without the object', async () => {
    const gone = subject.missing();
    const asked = {
      gets: gone.get('a', MANY),
      lists: gone.list('a/'),
      puts: gone.put('a', ONE),
      replaces: gone.replace('a', ONE),
      probes: gone.probe(),
    };
    const answers = await Promise.allSettled(Object.values(asked));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 'rejected',
        reason: { name: 'VaultFailure', kind: 'missing' },
      });
    }
  });

  test('an object may have bytesMax bytes, and not one more', async () => {
    await subject.vault.put('object', ONE);
    expect(await subject.vault.get('object', ONE.length)).toHaveLength(ONE.length);
    await expect(subject.vault.get('object', ONE.length - 1)).rejects.toThrow(VaultFailure);
    const target = join(subject.directory, 'too-large');
    await expect(subject.vault.getFile('object', target, { bytesMax: ONE.length - 1 })).rejects.toThrow(
      VaultFailure,
    );
    expect(await readdir(subject.directory)).not.toContain('too-large');
  });
}

function testTheRest(subject: VaultSubject): void {
  test('replace leaves nothing of what was there', async () => {
    for (const bytes of [OTHER, ONE, Buffer.alloc(0), OTHER]) {
      await subject.vault.replace('folder/latest', bytes);
      expect(await readFrom(subject.vault, 'folder/latest')).toEqual(bytes);
      expect(await readFrom(subject.another(), 'folder/latest')).toEqual(bytes);
    }
    expect(await subject.vault.list('folder/')).toEqual([{ name: 'folder/latest', bytes: OTHER.length }]);
  });

  test('what is deleted is gone, and the name is free', async () => {
    await subject.vault.put('folder/a', ONE);
    await subject.vault.put('folder/b', ONE);
    await subject.vault.delete('folder/a');
    await subject.vault.delete('folder/a');
    await subject.vault.delete('never/there');
    await subject.vault.delete('folder');
    expect(await subject.vault.get('folder/a', MANY)).toBeUndefined();
    expect(await subject.vault.list('folder/')).toEqual([{ name: 'folder/b', bytes: ONE.length }]);
    await subject.vault.put('folder/a', OTHER);
    expect(await readFrom(subject.vault, 'folder/a')).toEqual(OTHER);
  });

  test('a list is all of one folder, by name, and nothing of its neighbours', async () => {
    const names = ['f/10', 'f/2', 'f/B', 'f/a', 'f/a-b', 'f/a.b', 'f/sub/x', 'f/sub/y/z', 'f/sub-1'];
    for (const name of [...names, 'f2/other', 'g/other', 'other'])
      await subject.vault.put(name, Buffer.from(name));
    const listed = names.toSorted().map((name) => ({ name, bytes: name.length }));
    expect(await subject.vault.list('f/')).toEqual(listed);
    expect(await subject.another().list('f/')).toEqual(listed);
    expect(await subject.vault.list('f/sub/')).toEqual(
      listed.filter(({ name }) => name.startsWith('f/sub/')),
    );
    expect(await subject.vault.list('none/')).toEqual([]);
    await expect(subject.vault.list('f')).rejects.toThrow('name');
  });

  test('says what the vault can do, again and again, and leaves nothing behind', async () => {
    const abilities = await subject.vault.probe();
    expect(abilities).toEqual({ conditionalWrites: expect.any(Boolean), deletes: true });
    expect(await subject.vault.probe()).toEqual(abilities);
    expect(await subject.another().probe()).toEqual(abilities);
    expect(await subject.vault.get('probe', MANY)).toBeUndefined();
    expect(await subject.vault.list('probe/')).toEqual([]);
  });

  test('a vault says where it is, for people', () => {
    expect(subject.vault.location).toMatch(/^(s3|file):\/\/\S+$/);
  });
}
