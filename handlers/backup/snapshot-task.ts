import type { Manifest } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import { isDue } from '#core/timetable.ts';
import type { VaultAbilities } from '#core/vault.ts';
import type { Exclusive } from '../mutex.ts';
import { backUp } from './back-up.ts';
import type { BackupParts } from './backup-parts.ts';
import type { BackupPlan, Backups } from './backups.ts';
import { prune } from './prune.ts';
import type { TaskWatch } from './task-watch.ts';

/** What all tasks about backups share. */
export interface BackupTasks {
  readonly parts: BackupParts;
  readonly plan: BackupPlan;
  readonly exclusive: Exclusive;
  readonly watch: TaskWatch;
}

type SnapshotTask = Pick<Backups, 'backUp' | 'backUpIfDue' | 'prune'> & {
  abilities(): VaultAbilities | null;
};

/** Makes backups and deletes old ones. Whoever asks for one while one is being made gets that one. */
export function snapshotTask({ parts, plan, exclusive, watch }: BackupTasks): SnapshotTask {
  const { history, vault, observer } = parts;
  let abilities: VaultAbilities | null = null;
  let underWay: Promise<Manifest> | null = null;

  async function makeOne(at: Instant): Promise<Manifest> {
    abilities ??= await vault.probe();
    const manifest = await backUp(parts, at, exclusive);
    observer.noticed('backed up', {
      backup_id: manifest.id,
      location: vault.location,
      bytes: manifest.database.bytes,
      stored_bytes: manifest.object.bytes,
      entries: manifest.mark.ledgerN,
      duration_ms: parts.clock.now() - at,
    });
    // What is kept too long goes when there is something new. That it could not go takes nothing away from that.
    await pruneNow(at).catch((error: unknown) => observer.failed('Old backups were not deleted.', error, {}));
    return manifest;
  }

  function pruneNow(at: Instant) {
    return watch.watched('prune', at, () => exclusive(() => prune(parts, plan, at)));
  }

  function backUpOnce(at: Instant): Promise<Manifest> {
    const ended = () => {
      underWay = null;
    };
    underWay ??= watch.watched('backup', at, () => makeOne(at)).finally(ended);
    return underWay;
  }

  return {
    backUp: backUpOnce,
    async backUpIfDue(at) {
      if (underWay !== null || watch.isTooEarly('backup', at)) return undefined;
      const state = await history.backupState(vault.location);
      const last = state?.snapshot ?? null;
      // Under a new key the rows that follow cannot be opened with the key of the snapshot before.
      const isOtherKey = last !== null && last.recipient !== parts.sealer.recipient;
      // One that was asked for and failed is made up for, too.
      const isWanted = isOtherKey || watch.hasFailed('backup');
      return isWanted || isDue(plan.schedule, last?.at ?? null, at) ? backUpOnce(at) : undefined;
    },
    prune: pruneNow,
    abilities: () => abilities,
  };
}
