import { copyFileSync, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '#adapters/system/system-clock.ts';
import { systemIds } from '#adapters/system/system-ids.ts';
import type { RestoreTarget } from '#core/backup.ts';
import { snapshotIdOf } from '#core/backup.ts';
import type { Copies, Mark } from '#core/snapshot.ts';
import type { Vault } from '#core/vault.ts';
import type { RestoreRequest } from '#handlers/backup/restore.ts';
import type { BackupConfig } from './backup-config.ts';
import type { StorePlace } from './compose-backups.ts';
import { openCopies, openRestoreParts, openStoreSpool, openVault, refuseServed } from './compose-backups.ts';
import { jobRunner } from './job-thread.ts';

export interface RestorePlace extends StorePlace {
  /** A new file; `null`: in the place of the database. */
  readonly file: string | null;
  /** Whether a database that is there may be moved aside. */
  readonly force: boolean;
}

/** What was restored. */
export interface StoreRestored {
  /** Where it is now. */
  readonly path: string;
  /** Where the database that was there is now; `null` if there was none. */
  readonly aside: string | null;
  readonly mark: Mark;
  readonly bytes: number;
  readonly durationMs: number;
}

/** The same from a vault: what was chosen, and the instant that the state is of. */
export interface VaultRestored extends StoreRestored {
  readonly backupId: string;
  readonly asOf: number;
  readonly segments: number;
  readonly pepperCheck: string;
}

/** There is a database where the restored one should go. One line, with the way out. */
class InTheWay extends Error {
  override readonly name = 'InTheWay';
}

/** Nobody is served meanwhile. */
const runJob = jobRunner({ givesWay: false });

export type Watching = Pick<RestoreRequest, 'onProgress' | 'onChosen'>;

/**
 * Restores a backup from the vault. Nothing is changed before the copy is whole and checked.
 * @throws InTheWay, StoreRefused where a server runs, and what `restore` throws
 */
export async function restoreStore(
  config: BackupConfig,
  target: RestoreTarget,
  place: RestorePlace,
  watching: Watching = {},
): Promise<VaultRestored> {
  const { NothingToRestore, restore } = await import('#handlers/backup/restore.ts');
  const now = systemClock.now();
  if (target.kind === 'instant' && target.at > now) {
    // Else a local time that was taken for another one would bring back all that is to be undone.
    const [asked, is] = [target.at, now].map((at) => new Date(at).toISOString());
    throw new NothingToRestore(
      `${asked} is in the future, now is ${is}: write --at in UTC, as 2026-11-25T08:30:00Z, or restore latest`,
    );
  }
  const startedMs = systemClock.elapsedMs();
  const { to, aside } = await wayTo(place);
  const parts = await openRestoreParts({ ...place, storePath: to }, config, runJob);
  const put = (path: string) => moveInto(parts.copies, path, place, aside, parts.vault);
  const { manifest, at, segments, mark } = await restore(parts, { target, place: put, ...watching });
  const { id: backupId, pepperCheck } = manifest;
  const found = { backupId, asOf: at, segments, pepperCheck, mark, bytes: statSync(to).size };
  return { ...found, path: to, aside, durationMs: Math.round(systemClock.elapsedMs() - startedMs) };
}

/**
 * Restores from a file that `backup now --to` made. It stays where it is. `config` is that of the vault, if there is one.
 * @throws NothingToRestore, InTheWay, StoreRefused where a server runs, CopyBroken, SpoolFull
 */
export async function restoreFile(
  file: string,
  place: RestorePlace,
  config: BackupConfig | null,
): Promise<StoreRestored> {
  const startedMs = systemClock.elapsedMs();
  if (!existsSync(file)) {
    const { NothingToRestore } = await import('#handlers/backup/restore.ts');
    throw new NothingToRestore(`There is no file at ${file}: name one that backup now --to made`);
  }
  const { to, aside } = await wayTo(place);
  const copies = await openCopies(place.timeZone, runJob);
  const spool = await openStoreSpool(to, Number.POSITIVE_INFINITY);
  const folder = await spool.open('restore', statSync(file).size);
  try {
    const copy = folder.pathOf('quota.db');
    copyFileSync(file, copy);
    const { mark, bytes } = await copies.inspect(copy);
    await moveInto(copies, copy, place, aside, config === null ? null : await openVault(config));
    return { path: to, aside, mark, bytes, durationMs: Math.round(systemClock.elapsedMs() - startedMs) };
  } finally {
    await folder.close();
  }
}

/**
 * Restores the newest backup where there is no database at all: neither a file, nor a log, nor a restore half-way.
 * `null` if there is one, or if the vault answers that nothing was ever backed up to it: then this is the first start.
 * @throws what `restoreStore` throws
 */
export async function restoreIfMissing(
  config: BackupConfig,
  place: StorePlace,
): Promise<VaultRestored | null> {
  const parts = ['', '-wal', '.restoring'].map((suffix) => `${place.storePath}${suffix}`);
  if (parts.some((path) => existsSync(path))) return null;
  const { isUnclaimed } = await import('#handlers/backup/restore.ts');
  if (await isUnclaimed(await openRestoreParts(place, config, runJob))) return null;
  return restoreStore(config, { kind: 'latest' }, { ...place, file: null, force: false });
}

/** Where the copy goes, and what becomes of what is there. @throws InTheWay, StoreRefused */
async function wayTo({ storePath, file, force }: RestorePlace) {
  const to = file ?? storePath;
  const isTaken = [to, `${to}-wal`].some(
    (name) => (statSync(name, { throwIfNoEntry: false })?.size ?? 0) > 0,
  );
  if (isTaken && file !== null) throw new InTheWay(`${to} exists already: name another file with --to`);
  if (file === null) await refuseServed(to);
  if (isTaken && !force) {
    throw new InTheWay(
      `There is a database at ${to}: with --force it is moved aside and kept, or restore into a file with --to`,
    );
  }
  // No two restores begin in the same second: each takes longer.
  const aside = join(dirname(to), `replaced-${snapshotIdOf(systemClock.now())}`);
  return { to, aside: isTaken ? aside : null };
}

/** Into a file, or in place: then the vault is the restored database's from now on, and no other's. */
async function moveInto(
  copies: Copies,
  path: string,
  { storePath, file }: RestorePlace,
  asidePath: string | null,
  vault: Vault | null,
): Promise<void> {
  if (file !== null) {
    await copies.moveTo(path, file);
    return;
  }
  const claim = systemIds.next();
  const own = vault && { location: vault.location, claim };
  const lineage = await copies.install(path, { storePath, asidePath, claim: own });
  if (vault === null) return;
  const { takeOver } = await import('#handlers/backup/claim.ts');
  // Should it not get there, the first backup of the restored database tries again.
  await takeOver(vault, { lineage, claim, claimedAt: systemClock.now() }).catch(() => undefined);
}
