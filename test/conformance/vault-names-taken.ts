import { expect, test } from 'vitest';
import { VaultConflict } from '#core/vault.ts';
import type { VaultSubject } from './vault-under-test.ts';
import { ONE, OTHER, readFrom } from './vault-under-test.ts';

/** What becomes of a put where there is something already, or comes at the same time. */
export function testNamesTaken(subject: VaultSubject): void {
  test('the same again is success, anything else is a conflict that changes nothing', async () => {
    await subject.vault.put('object', ONE);
    await subject.vault.put('object', ONE);
    await subject.another().put('object', ONE);
    for (const bytes of [OTHER, Buffer.alloc(0), Buffer.from(ONE).reverse()]) {
      await expect(subject.vault.put('object', bytes)).rejects.toThrow(VaultConflict);
      await expect(subject.another().put('object', bytes)).rejects.toThrow(VaultConflict);
    }
    expect(await readFrom(subject.vault, 'object')).toEqual(ONE);
  });

  test('nor by a file, nor of a file', async () => {
    const file = await subject.writeLocal('other', OTHER);
    await subject.vault.put('object', ONE);
    await expect(subject.vault.putFile('object', file)).rejects.toThrow(VaultConflict);
    expect(await readFrom(subject.vault, 'object')).toEqual(ONE);
    await subject.vault.putFile('file', file);
    await subject.vault.putFile('file', file);
    await subject.vault.put('file', OTHER);
    await expect(subject.vault.put('file', ONE)).rejects.toThrow(VaultConflict);
    expect(await readFrom(subject.vault, 'file')).toEqual(OTHER);
  });

  test('of many that put different bytes at once, one wins', async () => {
    const answers = await Promise.allSettled(rivals.map((bytes) => subject.vault.put('contested', bytes)));
    expect(winnersOf(answers)).toHaveLength(1);
    expect(await readFrom(subject.vault, 'contested')).toEqual(winnersOf(answers)[0]);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(VaultConflict);
    }
  });

  test('of many servers, one wins where the vault says so; else at least what is there is a winner’s', async () => {
    const { conditionalWrites } = await subject.vault.probe();
    const answers = await Promise.allSettled(
      rivals.map((bytes) => subject.another().put('contested', bytes)),
    );
    const winners = winnersOf(answers);
    if (conditionalWrites) expect(winners).toHaveLength(1);
    expect(winners).toContainEqual(await readFrom(subject.vault, 'contested'));
  });

  test('many may put the same at once', async () => {
    await Promise.all(rivals.map(() => subject.another().put('agreed', ONE)));
    expect(await readFrom(subject.vault, 'agreed')).toEqual(ONE);
  });

  const rivals = Array.from({ length: 6 }, (_, rival) => Buffer.from(`rival ${rival}`));
  const winnersOf = (answers: readonly PromiseSettledResult<void>[]) =>
    rivals.filter((_, rival) => answers[rival]?.status === 'fulfilled');
}
