import { copyFileSync, cpSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { makeIdentity } from '#adapters/age/identity.ts';
import { restoreStore } from '#adapters/container/compose-restore.ts';
import { checkedBody, withChecksum } from '#handlers/backup/checked-text.ts';
import { NOON } from '#test/fakes/accounts.ts';
import type { BackupsUnderTest } from '#test/fakes/backups.ts';
import { objectBytes, useBackups } from '#test/fakes/backups.ts';
import { problemsOf, reservedCount } from '#test/faults/ledger-file.ts';

const { open, again } = useBackups();

/** Whether two frames of zstd say the same: one bit in four hundred may be flipped without any effect (an equal place to copy from). */
function isSameText(flipped: Uint8Array, whole: Uint8Array): boolean {
  try {
    return zstdDecompressSync(flipped).equals(zstdDecompressSync(whole));
  } catch {
    return false;
  }
}

describe('B6: what is not what it was is refused by its name', () => {
  async function backedUp(identity: string | null = null) {
    const it = await open({ identity });
    const key = await it.addKey();
    await it.request(key, 20);
    await it.backups.backUp(NOON);
    for (let n = 1; n <= 3; n += 1) {
      await it.request(key, 2);
      await it.backups.ship(NOON + n * 1000, 'all');
    }
    return it;
  }

  test.each([{ encrypted: false }, { encrypted: true }])(
    'one bit flipped in each object (encrypted: $encrypted)',
    async ({ encrypted }) => {
      const it = await backedUp(encrypted ? await makeIdentity() : null);
      expect(it.objects()).toHaveLength(6);
      for (const name of it.objects()) {
        const bytes = objectBytes(it.vaultPath, name);
        for (const place of [0, 0.31, 0.5, 0.77, 0.999]) {
          const flipped = Buffer.from(bytes);
          const at = Math.floor(place * bytes.length);
          flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
          writeFileSync(join(it.vaultPath, name), flipped);
          const outcome = await it.restore().then(
            ({ file }) => file,
            (error: Error) => error.message,
          );
          // Of a segment the text has the checksum: what says the same text may be taken for what it was.
          const isWhole = name.startsWith('segments/') && !encrypted && isSameText(flipped, bytes);
          if (isWhole && !outcome.includes(name)) expect(reservedCount(outcome)).toBe(26);
          else expect(outcome, `${name} at ${at}`).toContain(name);
        }
        writeFileSync(join(it.vaultPath, name), bytes);
      }
      // The control: with every object as it was, it restores.
      expect(problemsOf((await it.restore()).file)).toEqual([]);
    },
    60_000,
  );

  test('a moment before a segment that is damaged, or for another key, is restored all the same', async () => {
    const it = await backedUp(await makeIdentity());
    const [, , third = ''] = it.objects().filter((name) => name.startsWith('segments/'));
    writeFileSync(join(it.vaultPath, third), 'damaged');
    expect(reservedCount((await it.restore({ kind: 'instant', at: NOON + 1500 })).file)).toBe(22);
    const wayOut = `what is before it can be restored by --at ${new Date(NOON + 2000).toISOString()}`;
    await expect(it.restore()).rejects.toThrow(wayOut);
    // Whether what is in it is older than this moment, nobody knows.
    await expect(it.restore({ kind: 'instant', at: NOON + 2500 })).rejects.toThrow(wayOut);
    expect(reservedCount((await it.restore({ kind: 'instant', at: NOON + 2000 })).file)).toBe(24);
  });

  test('of segments that were cut at one moment the last is needed for it: the moment before is the way out', async () => {
    const it = await open();
    const key = await it.addKey();
    await it.backups.backUp(NOON);
    await it.request(key);
    await it.backups.ship(NOON + 1000, 'all');
    await it.request(key, 5_100);
    await it.backups.ship(NOON + 2000, 'all');
    const [, , third = ''] = it.objects().filter((name) => name.startsWith('segments/'));
    writeFileSync(join(it.vaultPath, third), 'damaged');
    const before = NOON + 1000;
    await expect(it.restore()).rejects.toThrow(`by --at ${new Date(before).toISOString()}`);
    expect(reservedCount((await it.restore({ kind: 'instant', at: before })).file)).toBe(1);
  });

  test('objects that are swapped or missing', async () => {
    const it = await backedUp();
    const segments = it.objects().filter((name) => name.startsWith('segments/'));
    const [first = '', second = '', third = ''] = segments.map((name) => join(it.vaultPath, name));
    const aside = join(it.folder, 'aside');
    renameSync(first, aside);
    renameSync(second, first);
    renameSync(aside, second);
    await expect(it.restore()).rejects.toThrow(/000000000001\.segment is another segment: number 2/);
    renameSync(first, aside);
    renameSync(second, first);
    await expect(it.restore()).rejects.toThrow(/000000000002\.segment is missing/);
    renameSync(aside, second);
    // The end of a chain has nobody after it to miss it: then the state is a little older.
    rmSync(third);
    expect(reservedCount((await it.restore()).file)).toBe(24);
    rmSync(join(it.vaultPath, it.objects().find((name) => name.endsWith('.db.zst')) ?? ''));
    await expect(it.restore()).rejects.toThrow(/\.db\.zst is missing/);
  });

  test('the only snapshot of a database that was restored: what is older is not taken for the newest', async () => {
    const it = await backedUp();
    const place = {
      storePath: join(it.folder, 'new', 'quota.db'),
      timeZone: 'UTC',
      file: null,
      force: false,
    };
    await restoreStore(it.config, { kind: 'latest' }, place);
    const served = await again(it, { storePath: place.storePath, numbered: 100 });
    // The control: before its first snapshot the newest is what it was restored from.
    const { manifest } = await it.restore();
    await served.backups.backUp(NOON + 60_000);
    await served.request(await served.addKey());
    await served.backups.ship(NOON + 61_000, 'all');
    const { id } = (await served.store.history.lineage()) ?? {};
    const name = it.objects().find((each) => each.startsWith(`snapshots/${id}/`) && each.endsWith('.json'));
    const path = join(it.vaultPath, name ?? '');
    truncateSync(path, 100);
    await expect(it.restore()).rejects.toThrow(
      new RegExp(`no snapshot that can be read.*${manifest.id}.*${name}`),
    );
    await expect(served.backups.drill(null, NOON + 62_000)).rejects.toThrow('no snapshot that can be read');
    rmSync(path);
    await expect(it.restore()).rejects.toThrow(`restore ${manifest.id} restores the newest that can be read`);
    expect((await it.restore({ kind: 'snapshot', id: manifest.id })).manifest).toEqual(manifest);
  });

  test('a snapshot and segments of another lineage', async () => {
    const [it, other] = [await backedUp(), await backedUp()];
    const moved = (from: BackupsUnderTest, kind: string) =>
      from.objects().filter((name) => name.startsWith(kind));
    for (const [index, name] of moved(other, 'segments/').entries()) {
      const to = moved(it, 'segments/')[index] ?? '';
      copyFileSync(join(other.vaultPath, name), join(it.vaultPath, to));
    }
    await expect(it.restore()).rejects.toThrow(/is another segment: number 1 of lineage/);
    const snapshot = (from: BackupsUnderTest) =>
      from.objects().find((name) => name.endsWith('.db.zst')) ?? '';
    copyFileSync(join(other.vaultPath, snapshot(other)), join(it.vaultPath, snapshot(it)));
    await expect(it.restore()).rejects.toThrow(/\.db\.zst .*(damaged|more than)/);
  });

  /** Writes an object anew, sealed and with a checksum that is right: what its writer meant to say. */
  async function forge(it: BackupsUnderTest, name: string, change: (body: string) => string): Promise<void> {
    const path = join(it.vaultPath, name);
    const isSealed = name.endsWith('.segment');
    const bytes = objectBytes(it.vaultPath, name);
    const { body } = await checkedBody(isSealed ? await it.parts.sealer.open(bytes, 1e6) : bytes, name);
    const { bytes: forged } = await withChecksum(change(body));
    writeFileSync(path, isSealed ? await it.parts.sealer.seal(forged) : forged);
  }

  test('a segment that follows another one, though its rows would fit', async () => {
    const it = await backedUp();
    const name = it.objects().filter((each) => each.startsWith('segments/'))[1] ?? '';
    await forge(it, name, (body) => body);
    expect(reservedCount((await it.restore()).file)).toBe(26);
    await forge(it, name, (body) => body.replace(/"previous":"[0-9a-f]{4}/, '"previous":"0000'));
    await expect(it.restore()).rejects.toThrow(/000000000002\.segment does not continue snapshot/);
  });

  test('a manifest that describes another copy', async () => {
    const it = await backedUp();
    const name = it.objects().find((each) => /snapshots\/.*\.json$/.test(each)) ?? '';
    await forge(it, name, (body) => body.replace(/("ledger":\{"rows":40,"digest":")[0-9a-f]{4}/, '$10000'));
    await expect(it.restore()).rejects.toThrow(/is another one: the digest of ledger is/);
  });

  test('another key, and none', async () => {
    const it = await backedUp(await makeIdentity());
    const { sealer } = it.parts;
    const { openSealer } = await import('#adapters/age/open-sealer.ts');
    const restoreWith = async (identity: string | null) => {
      Object.assign(it.parts, { sealer: await openSealer({ identity }) });
      return it.restore();
    };
    await expect(restoreWith(await makeIdentity())).rejects.toThrow(/another key|BACKUP_ENCRYPTION_KEY/);
    await expect(restoreWith(null)).rejects.toThrow(/BACKUP_ENCRYPTION_KEY/);
    Object.assign(it.parts, { sealer });
    expect(reservedCount((await it.restore()).file)).toBe(26);
  });
});

describe('B8: two writers on one prefix', () => {
  test('another database is fenced off, and changes nothing', async () => {
    const it = await open();
    await it.addKey();
    await it.backups.backUp(NOON);
    const before = it.objects();
    const other = await again(it, { storePath: join(it.folder, 'other/quota.db') });
    await other.addKey();
    await expect(other.backups.backUp(NOON + 60_000)).rejects.toThrow(
      /holds the backups of another database/,
    );
    expect(it.objects()).toEqual(before);
  });

  test('a copy of the same database is fenced off by the first row that it would add', async () => {
    const it = await open();
    const key = await it.addKey();
    await it.request(key, 2);
    await it.backups.backUp(NOON);
    await it.store.close();
    cpSync(join(it.folder, 'data'), join(it.folder, 'copied'), { recursive: true });
    const [first, second] = [
      await again(it, { numbered: 100 }),
      await again(it, { numbered: 200, storePath: join(it.folder, 'copied/quota.db') }),
    ];
    const others = await first.addKey();
    await first.request(others, 3);
    await first.backups.ship(NOON + 2000, 'all');
    const theirs = await second.addKey();
    await second.request(theirs, 1);
    await expect(second.backups.ship(NOON + 3000, 'all')).rejects.toThrow(
      /No backups are made .* is another's/,
    );
    await expect(second.backups.backUp(NOON + 60_000)).rejects.toThrow(/is another's/);
    expect((await second.backups.catalog()).snapshots).toHaveLength(1);
    // The first goes on, and what is restored is its history alone.
    await first.request(others, 1);
    await first.backups.ship(NOON + 4000, 'all');
    const { file } = await first.restore();
    expect(reservedCount(file)).toBe(reservedCount(first.storePath));
  });

  test('what was restored in place takes the prefix over, whatever was restored before; a copy to look at does not', async () => {
    const it = await open();
    const key = await it.addKey();
    await it.request(key, 2);
    const { id } = await it.backups.backUp(NOON);
    const { file } = await it.restore();
    const look = await again(it, { storePath: file });
    await expect(look.backups.backUp(NOON + 60_000)).rejects.toThrow(/holds the backups of another database/);

    // Twice from the same backup: each is its operator's will, the later one counts.
    for (const name of ['first', 'second']) {
      const place = {
        storePath: join(it.folder, name, 'quota.db'),
        timeZone: 'UTC',
        file: null,
        force: false,
      };
      await restoreStore(it.config, { kind: 'snapshot', id }, place);
    }
    const [first, second] = await Promise.all(
      ['first', 'second'].map((name) => again(it, { storePath: join(it.folder, name, 'quota.db') })),
    );
    await expect(first?.backups.backUp(NOON + 120_000)).rejects.toThrow(
      /holds the backups of another database/,
    );
    await second?.backups.backUp(NOON + 180_000);
    await it.request(key);
    await expect(it.backups.ship(NOON + 181_000, 'all')).rejects.toThrow(
      /restored from this database backs up there/,
    );
    await expect(it.backups.backUp(NOON + 240_000)).rejects.toThrow(/No backups are made/);
    const latest = await it.restore();
    expect(latest.manifest.lineage.parent).toBe((await it.store.history.lineage()).id);
    expect(reservedCount(latest.file)).toBe(2);
  });
});
