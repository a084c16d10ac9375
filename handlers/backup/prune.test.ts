import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Vault } from '#core/vault.ts';
import { NOON } from '#test/fakes/accounts.ts';
import type { BackupsUnderTest } from '#test/fakes/backups.ts';
import { openBackups } from '#test/fakes/backups.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let it: BackupsUnderTest;
afterEach(() => it.close());

/** Backups at noon of so many days, each with one segment after it. */
async function backedUpDaily(days: number): Promise<void> {
  const key = await it.addKey();
  for (let day = 0; day < days; day += 1) {
    it.clock.now = NOON + day * DAY_MS;
    await it.backups.backUp(it.clock.now);
    await it.request(key);
    await it.backups.ship(it.clock.now + HOUR_MS, 'all');
  }
}

function count(kind: string): number {
  return it.objects().filter((name) => name.startsWith(kind)).length;
}

test('old snapshots go with their manifests and drills, segments go with the reach of a day, and it restores', async () => {
  it = await openBackups();
  await backedUpDaily(3);
  await it.backups.drill(null, it.clock.now);
  // The state of a day ago is restored from the second, which begins in the first segment.
  expect([count('snapshots/'), count('segments/'), count('drills/')]).toEqual([6, 3, 1]);
  for (let hour = 1; hour <= 2; hour += 1)
    await it.backups.backUp(it.clock.now + 8 * DAY_MS + hour * HOUR_MS);
  const { snapshots, problems } = await it.backups.catalog();
  expect(problems).toEqual([]);
  expect(snapshots.every(({ verified }) => verified)).toBe(true);
  expect(count('segments/')).toBe(2);
  const restored = await it.restore();
  expect(restored.mark.ledgerN).toBe(6);
  for (const { manifest } of snapshots) await it.restore({ kind: 'snapshot', id: manifest.id });
}, 60_000);

test('where a manifest cannot be read, or the list is empty, nothing is deleted', async () => {
  let isEmpty = false;
  const deleted: string[] = [];
  const wrapVault = (vault: Vault): Vault => ({
    ...vault,
    list: async (folder) => (isEmpty ? [] : vault.list(folder)),
    async delete(name) {
      deleted.push(name);
      await vault.delete(name);
    },
  });
  it = await openBackups({ wrapVault });
  await backedUpDaily(2);
  deleted.length = 0;
  isEmpty = true;
  await it.backups.prune(NOON + 400 * DAY_MS);
  isEmpty = false;
  const manifest = join(it.vaultPath, it.objects().find((name) => name.endsWith('Z.json')) ?? '');
  writeFileSync(manifest, 'not what it was');
  await it.backups.prune(NOON + 400 * DAY_MS);
  expect(deleted).toEqual([]);
  const { problems } = await it.backups.catalog();
  expect(problems).toHaveLength(1);
});

test('what never got its manifest goes after two days, and not before', async () => {
  it = await openBackups();
  await it.addKey();
  await it.backups.backUp(NOON);
  const object = it.objects().find((name) => name.endsWith('.db.zst')) ?? '';
  const orphan = object.replace('20261124T120000Z', '20261124T110000Z');
  writeFileSync(join(it.vaultPath, orphan), 'half of it');
  await it.backups.prune(NOON + DAY_MS);
  expect(it.objects()).toContain(orphan);
  await it.backups.prune(NOON + 3 * DAY_MS);
  expect(it.objects()).not.toContain(orphan);
  expect(it.objects()).toContain(object);
});

test('a snapshot whose object is gone does not count as one', async () => {
  it = await openBackups();
  await backedUpDaily(2);
  rmSync(join(it.vaultPath, it.objects().findLast((name) => name.endsWith('.db.zst')) ?? ''));
  const { snapshots } = await it.backups.catalog();
  expect(snapshots.map(({ verified }) => verified)).toEqual([false, true]);
});
