import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeIdentity } from '#adapters/age/identity.ts';
import type { Vault } from '#core/vault.ts';
import { VaultFailure } from '#core/vault.ts';
import { readCatalog } from '#handlers/backup/catalog.ts';
import { idOf } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { useBackups } from '#test/fakes/backups.ts';
import { notOnce, problemsOf, readDatabase, reservedCount } from '#test/faults/ledger-file.ts';

const { open, again } = useBackups();

describe('a backup', () => {
  test('B1: made under load, it has all that was acknowledged before, and is what its manifest says', async () => {
    const it = await open();
    const key = await it.addKey();
    await it.request(key, 500);
    let stop = false;
    const load = (async () => {
      while (!stop) await it.request(key, 50);
    })();
    const manifest = await it.backups.backUp(NOON);
    stop = true;
    await load;
    const { file } = await it.restore({ kind: 'snapshot', id: manifest.id });
    const acknowledged = Array.from({ length: 500 }, (_, index) => idOf('request', index + 1));
    expect([...notOnce(file, acknowledged)]).toEqual([]);
    expect(problemsOf(file)).toEqual([]);
    expect(reservedCount(file) * 2).toBeGreaterThanOrEqual(manifest.mark.ledgerN);
    // What came later is not in the snapshot, and is in the newest state.
    const { backups } = it;
    await backups.ship(it.clock.now, 'all');
    const latest = await it.restore();
    expect(reservedCount(latest.file)).toBe(reservedCount(it.storePath));
    expect(reservedCount(latest.file)).toBeGreaterThan(reservedCount(file));
    expect(problemsOf(latest.file)).toEqual([]);
  });

  test('three that are asked for within one second are three', async () => {
    const it = await open({ identity: await makeIdentity() });
    const ids = new Set<string>();
    for (let made = 0; made < 3; made += 1) ids.add((await it.backups.backUp(NOON + made)).id);
    expect(ids.size).toBe(3);
  });

  test('what is shipped while a snapshot is on its way follows it, whatever of it is in the copy', async () => {
    let whileUploading = async () => undefined as unknown;
    const wrapVault = (vault: Vault) => ({
      ...vault,
      async putFile(...args: Parameters<Vault['putFile']>) {
        await whileUploading();
        await vault.putFile(...args);
      },
    });
    const it = await open({ wrapVault });
    const key = await it.addKey();
    await it.backups.backUp(NOON);
    // A second one before anything was shipped, and a third while several segments are.
    await it.backups.backUp(NOON + 60_000);
    await it.request(key, 3);
    await it.backups.ship(NOON + 61_000, 'all');
    whileUploading = async () => {
      for (let n = 1; n <= 3; n += 1) {
        await it.request(key, n);
        await it.backups.ship(NOON + 120_000 + n, 'all');
      }
    };
    await it.backups.backUp(NOON + 120_000);
    await it.request(key);
    await it.backups.ship(NOON + 130_000, 'all');
    expect(reservedCount((await it.restore()).file)).toBe(10);
    const early = await it.restore({ kind: 'instant', at: NOON + 61_000 });
    expect(early.manifest.createdAt).toBe(NOON + 60_000);
    expect(reservedCount(early.file)).toBe(3);
  });

  test('keys, quotas, the sponsor, counters, operations: all comes back, changes after the snapshot too', async () => {
    const it = await open({ identity: await makeIdentity() });
    const [kept, changed] = [await it.addKey(), await it.addKey()];
    await it.request(kept, 3);
    await it.backups.backUp(NOON);
    const quotas = [{ meter: 'requests' as const, period: 'day' as const, limit: 9 }];
    await it.store.keys.amend(changed.id, { at: NOON, disabled: true, label: '改过的 🔑' }, null);
    await it.store.keys.setSponsorQuotas(quotas, NOON, null);
    const late = await it.addKey();
    await it.request(late, 2);
    await it.store.ledger.execute({ kind: 'reset', at: NOON, keyId: kept.id });
    await it.backups.ship(NOON, 'all');
    const { file } = await it.restore();

    const restored = await again(it, { storePath: file });
    const [before, after] = await Promise.all(
      [it, restored].map(async ({ store }) => ({
        keys: await store.keys.list({ at: NOON, limit: 10 }),
        sponsor: await store.keys.sponsor(),
        usage: await store.reports.usage({ groupBy: 'key_model', limit: 10 }),
        operations: await store.operations.list({ limit: 10 }),
        chain: await store.operations.verify(),
      })),
    );
    expect(after).toEqual(before);
    expect(after?.keys.items).toHaveLength(3);
    expect(after?.keys.items.find(({ key }) => key.id === changed.id)?.key).toMatchObject({ disabled: true });
  });

  test('a restore to an instant has what was recorded until then', async () => {
    const it = await open();
    const key = await it.addKey();
    await it.backups.backUp(NOON);
    const counts: number[] = [];
    for (let minute = 1; minute <= 3; minute += 1) {
      it.clock.now = NOON + minute * 60_000;
      await it.request(key, minute);
      await it.backups.ship(it.clock.now, 'all');
      counts.push(reservedCount(it.storePath));
    }
    for (const [index, count] of counts.entries()) {
      const at = NOON + (index + 1) * 60_000;
      expect(reservedCount((await it.restore({ kind: 'instant', at })).file)).toBe(count);
    }
    await expect(it.restore({ kind: 'instant', at: NOON - 1 })).rejects.toThrow(
      /There is no such backup .* newest are/,
    );
  });

  test('a backup that is encrypted for another key is not called damaged by a drill', async () => {
    const it = await open({ identity: await makeIdentity() });
    const { id } = await it.backups.backUp(NOON);
    await it.store.close();
    const { backups, parts } = await again(it, { identity: await makeIdentity() });
    expect(await backups.drillIfDue(NOON + 1)).toBeUndefined();
    await expect(backups.drill(id, NOON + 1)).rejects.toThrow(/encrypted for age1.* BACKUP_ENCRYPTION_KEY/);
    expect((await readCatalog(parts.vault)).snapshots).toMatchObject([{ verified: true, drill: null }]);
    await backups.backUpIfDue(NOON + 1);
    expect(await backups.drillIfDue(NOON + 20_000)).toMatchObject({ problems: [] });
  });

  test('what was backed up while the clock ran days ahead is not taken for the newest', async () => {
    const it = await open();
    const key = await it.addKey();
    const hour = 3_600_000;
    await it.backups.backUp(NOON + 72 * hour);
    for (const at of [0, 1, 26, 27].map((hours) => NOON + hours * hour)) {
      await it.request(key);
      await it.backups.ship(at, 'all');
      await it.backups.backUp(at);
    }
    await it.request(key);
    await it.backups.ship(NOON + 27 * hour, 'all');
    expect(reservedCount((await it.restore()).file)).toBe(5);
    expect(await it.backups.drill(null, NOON + 27 * hour)).toMatchObject({ segments: 1, problems: [] });
  });

  test('a segment of which it is not known whether it got there is recognised under another key, too', async () => {
    let isCrash = false;
    const wrapVault = (vault: Vault): Vault => ({
      ...vault,
      async put(name, bytes) {
        await vault.put(name, bytes);
        if (isCrash) throw new VaultFailure('unreachable', 'crashed after the put');
      },
    });
    const first = await open({ wrapVault, identity: await makeIdentity() });
    const key = await first.addKey();
    await first.backups.backUp(NOON);
    await first.request(key);
    isCrash = true;
    await expect(first.backups.ship(NOON, 'all')).rejects.toThrow('crashed');
    isCrash = false;
    await first.store.close();

    const restarted = await again(first, { identity: await makeIdentity(), numbered: 1 });
    await restarted.backups.backUpIfDue(NOON + 20_000);
    await restarted.request(key);
    await restarted.backups.ship(NOON + 40_000, 'all');
    expect(restarted.objects().filter((name) => name.startsWith('segments/'))).toHaveLength(2);
    const { file } = await restarted.restore();
    expect(reservedCount(file)).toBe(2);
    expect(problemsOf(file)).toEqual([]);
  });

  test('it is not begun twice: who asks while one is made gets that one', async () => {
    const it = await open();
    await it.addKey();
    const made = await Promise.all([it.backups.backUp(NOON), it.backups.backUp(NOON + 5000)]);
    expect(made[0]).toEqual(made[1]);
    expect((await it.backups.catalog()).snapshots).toHaveLength(1);
  });
});

describe('B3: what did not get there is no success, and takes nothing away', () => {
  const broken =
    (method: 'put' | 'putFile' | 'replace', when: (name: string) => boolean) => (vault: Vault) => ({
      ...vault,
      async [method](name: string, content: never) {
        if (when(name)) throw new VaultFailure('unreachable', `${vault.location} is away`);
        await vault[method](name, content);
      },
    });

  test.each([
    { name: 'the snapshot', wrapVault: broken('putFile', () => true) },
    {
      name: 'the manifest',
      wrapVault: broken('put', (name) => name.endsWith('.json') && name.startsWith('snap')),
    },
    { name: 'the claim', wrapVault: broken('put', (name) => name === 'lineage.json') },
  ])('$name', async ({ wrapVault }) => {
    const it = await open();
    const key = await it.addKey();
    await it.request(key, 3);
    const failing = await again(it, {
      storePath: join(it.folder, 'other/quota.db'),
      vaultPath: join(it.folder, 'v2'),
      wrapVault,
    });
    await failing.addKey();
    await expect(failing.backups.backUp(NOON)).rejects.toThrow('is away');
    const status = await failing.backups.status(NOON);
    expect(status.troubles).toMatchObject([{ task: 'backup', message: expect.stringContaining('is away') }]);
    expect(status.state?.snapshot ?? null).toBeNull();
    await expect(failing.restore()).rejects.toThrow(/There is no backup at/);
    // It is not tried again at once, and then it is.
    expect(await failing.backups.backUpIfDue(NOON + 1000)).toBeUndefined();
    await expect(failing.backups.backUpIfDue(NOON + 11_000)).rejects.toThrow('is away');
  });

  test('an older backup stays, and a later one succeeds', async () => {
    let away = false;
    const it = await open({ wrapVault: broken('putFile', () => away) });
    const key = await it.addKey();
    await it.backups.backUp(NOON);
    away = true;
    await expect(it.backups.backUp(NOON + 3_600_000)).rejects.toThrow('is away');
    expect(reservedCount((await it.restore()).file)).toBe(0);
    away = false;
    await it.request(key);
    await it.backups.backUp(NOON + 7_200_000);
    expect((await it.backups.status(NOON)).troubles).toEqual([]);
    expect(reservedCount((await it.restore()).file)).toBe(1);
  });

  test('a writer in mid-transaction does not keep a copy from being made, and is not in it', async () => {
    const it = await open();
    const key = await it.addKey();
    await it.request(key, 5);
    // Somebody with the sqlite3 command, who has not committed yet.
    const { default: Database } = await import('better-sqlite3');
    const outsider = new Database(it.storePath);
    outsider.exec("BEGIN IMMEDIATE; UPDATE keys SET label = 'not yet'");
    const facts = await it.parts.source.copy(join(it.folder, 'copy.db'));
    outsider.exec('ROLLBACK');
    outsider.close();
    expect(facts.mark.ledgerN).toBe(10);
    const label = readDatabase(join(it.folder, 'copy.db'), (database) =>
      database.prepare('SELECT label FROM keys').pluck().get(),
    );
    expect(label).toBe('key 1');
  });
});
