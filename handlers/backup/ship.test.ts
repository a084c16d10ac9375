import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { segmentName } from '#core/backup.ts';
import type { Vault } from '#core/vault.ts';
import { VaultFailure } from '#core/vault.ts';
import { keyNumber } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import type { BackupsUnderTest } from '#test/fakes/backups.ts';
import { objectBytes, openBackups } from '#test/fakes/backups.ts';
import { problemsOf, reservedCount } from '#test/faults/ledger-file.ts';
import { readSegment } from './segment-text.ts';

/** What becomes of the next put of a segment. */
let fault: 'none' | 'before' | 'after';
let it: BackupsUnderTest;

beforeEach(async () => {
  fault = 'none';
  it = await openBackups({ wrapVault });
});

afterEach(() => it.close());

function wrapVault(vault: Vault): Vault {
  return {
    ...vault,
    async put(name, bytes) {
      const is = name.startsWith('segments/') ? fault : 'none';
      if (is !== 'none') fault = 'none';
      if (is === 'before') throw new VaultFailure('unreachable', 'away before the put');
      await vault.put(name, bytes);
      if (is === 'after') throw new VaultFailure('unreachable', 'away after the put');
    },
  };
}

function segments(): readonly string[] {
  return it.objects().filter((name) => name.startsWith('segments/'));
}

async function read(number: number) {
  const name = segmentName((await it.store.history.lineage()).id, number);
  const plain = await it.parts.sealer.open(objectBytes(it.vaultPath, name), 1e9);
  return readSegment(plain, name);
}

async function restoresAll(): Promise<void> {
  const { file } = await it.restore();
  expect(reservedCount(file)).toBe(reservedCount(it.storePath));
  expect(problemsOf(file)).toEqual([]);
}

test('before the first backup nothing is shipped', async () => {
  await it.request(await it.addKey(), 2);
  await it.backups.ship(NOON, 'all');
  expect(it.objects()).toEqual([]);
});

test('rows are shipped when they have waited two seconds, or are a thousand', async () => {
  const key = await it.addKey();
  await it.backups.backUp(NOON);
  await it.request(key);
  for (const [afterMs, count] of [
    [0, 0],
    [1999, 0],
    [2000, 1],
    [9000, 1],
  ] as const) {
    await it.backups.ship(NOON + afterMs);
    expect(segments(), `after ${afterMs} ms`).toHaveLength(count);
  }
  await it.request(key, 500);
  await it.backups.ship(NOON + 9001);
  expect(segments()).toHaveLength(2);
  expect(await it.backups.status(NOON + 9001)).toMatchObject({ unshippedRows: 0, unshippedMs: 0 });
});

test('how much waits, and how long, is known', async () => {
  const key = await it.addKey();
  await it.backups.backUp(NOON);
  await it.request(key, 3);
  await it.backups.ship(NOON + 100);
  expect(await it.backups.status(NOON + 1600)).toMatchObject({ unshippedRows: 6, unshippedMs: 1500 });
});

test.each(['before', 'after'] as const)('a vault that fails %s the put is found as it is', async (when) => {
  const key = await it.addKey();
  await it.backups.backUp(NOON);
  await it.request(key, 2);
  fault = when;
  await expect(it.backups.ship(NOON + 1000, 'all')).rejects.toThrow(`away ${when} the put`);
  const { state } = await it.backups.status(NOON);
  expect(state).toMatchObject({ shipped: { segment: 0 }, pending: { segment: 1 } });

  // As after a crash: another process knows nothing but what is written.
  await it.request(key, 3);
  const restarted = await it.again({ storePath: it.storePath }).catch(() => undefined);
  expect(restarted, 'the store is served').toBeUndefined();
  await it.backups.ship(NOON + 20_000, 'all');
  expect(segments()).toHaveLength(when === 'before' ? 1 : 2);
  expect((await it.backups.status(NOON)).state).toMatchObject({ pending: null });
  await restoresAll();
});

test('a segment that somebody else wrote meanwhile fences this database off', async () => {
  const key = await it.addKey();
  await it.backups.backUp(NOON);
  await it.request(key);
  fault = 'after';
  await expect(it.backups.ship(NOON, 'all')).rejects.toThrow('away');
  const [name = ''] = segments();
  const ours = objectBytes(it.vaultPath, name);
  const theirs = await it.parts.sealer.seal(
    new TextEncoder().encode(new TextDecoder().decode(await it.parts.sealer.open(ours, 1e6))),
  );
  // The same text, sealed anew, is ours.
  writeFileSync(join(it.vaultPath, name), theirs);
  await it.backups.ship(NOON + 20_000, 'all');
  await it.request(key);
  writeFileSync(join(it.vaultPath, name.replace('1.segment', '2.segment')), theirs);
  await expect(it.backups.ship(NOON + 40_000, 'all')).rejects.toThrow(/No backups are made .* is another's/);
});

test('a segment that cannot be opened, and may be ours, is named', async () => {
  const key = await it.addKey();
  await it.backups.backUp(NOON);
  await it.request(key);
  fault = 'after';
  await expect(it.backups.ship(NOON, 'all')).rejects.toThrow('away');
  const [name = ''] = segments();
  writeFileSync(join(it.vaultPath, name), 'something else');
  await expect(it.backups.ship(NOON + 20_000, 'all')).rejects.toThrow(`${name}: not sealed`);
});

test('a change of keys alone is shipped, also where no operation tells of it', async () => {
  await it.backups.backUp(NOON);
  await it.store.keys.add(keyNumber(7), null);
  fault = 'after';
  await expect(it.backups.ship(NOON, 'all')).rejects.toThrow('away');
  await it.store.keys.amend(keyNumber(7).id, { at: NOON, label: 'changed since' }, null);
  await it.backups.ship(NOON + 20_000, 'all');
  expect(segments()).toHaveLength(2);
  const { file } = await it.restore();
  const restored = await it.again({ storePath: file });
  const account = await restored.store.keys.account({ id: keyNumber(7).id });
  await restored.close();
  expect(account?.key.label).toBe('changed since');
});

test('a long backlog goes in several segments, and only the last tells what all keys stand at', async () => {
  const key = await it.addKey();
  await it.backups.backUp(NOON);
  await it.request(key, 5_100);
  await it.backups.ship(NOON, 'all');
  expect(segments()).toHaveLength(2);
  const [first, last] = [await read(1), await read(2)];
  expect(first.header).toMatchObject({
    number: 1,
    sponsor: null,
    from: { ledgerN: 0 },
    through: { ledgerN: 10_000 },
  });
  expect(last.header).toMatchObject({ number: 2, previous: first.sha256, through: { ledgerN: 10_200 } });
  expect(last.header.sponsor?.find(({ period }) => period === 'total')?.used.requests).toBe(5_100);
  await restoresAll();
});
