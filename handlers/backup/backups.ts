import type { Manifest } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import type { Keep } from '#core/retention.ts';
import type { BackupState, DrillRecord, Lineage } from '#core/snapshot.ts';
import type { Timetable } from '#core/timetable.ts';
import type { VaultAbilities } from '#core/vault.ts';
import type { Calendar } from '#core/window.ts';
import { mutex } from '../mutex.ts';
import type { BackupParts } from './backup-parts.ts';
import type { Catalog } from './catalog.ts';
import { readCatalog } from './catalog.ts';
import { drillTask } from './drill-task.ts';
import type { Pruned } from './prune.ts';
import { unshippedRows } from './ship.ts';
import { shipTask } from './ship-task.ts';
import { snapshotTask } from './snapshot-task.ts';
import { type TaskCounts, type Trouble, taskWatch } from './task-watch.ts';

/** When backups are made and how long they are kept. */
export interface BackupPlan {
  readonly schedule: Timetable;
  readonly drillSchedule: Timetable;
  readonly keep: Keep;
  readonly calendar: Calendar;
}

/** The backups of the database that is served, into one vault. What is under way is never begun twice. */
export interface Backups {
  /** Makes one now. @throws what `backUp` throws */
  backUp(at: Instant): Promise<Manifest>;
  /** Makes one if it is time to. */
  backUpIfDue(at: Instant): Promise<Manifest | undefined>;
  /** Ships the rows that wait, if they are many or have waited long enough; `all` does not ask. */
  ship(at: Instant, all?: 'all'): Promise<void>;
  /** Rehearses a restore of a snapshot, or of the newest; `undefined` if there is none of this id. */
  drill(id: string | null, at: Instant): Promise<DrillRecord | undefined>;
  drillIfDue(at: Instant): Promise<DrillRecord | undefined>;
  prune(at: Instant): Promise<Pruned>;
  catalog(): Promise<Catalog>;
  status(at: Instant): Promise<BackupStatus>;
}

export interface BackupStatus {
  readonly location: string;
  readonly lineage: Lineage;
  readonly recipient: string | null;
  readonly state: BackupState | undefined;
  readonly unshippedRows: number;
  /** How long the oldest of these has waited, in milliseconds. */
  readonly unshippedMs: number;
  /** `null` until it was tried out. */
  readonly abilities: VaultAbilities | null;
  /** What went wrong the last time, by task; a success takes it away. */
  readonly troubles: readonly Trouble[];
  /** Since this process began. */
  readonly counts: TaskCounts;
}

export function createBackups(parts: BackupParts, plan: BackupPlan): Backups {
  const { history, vault, sealer } = parts;
  const tasks = { parts, plan, exclusive: mutex(), watch: taskWatch() };
  const { ship, waitedMs } = shipTask(tasks);
  const { abilities, ...snapshots } = snapshotTask(tasks);
  return {
    ...snapshots,
    ...drillTask(tasks),
    ship,
    catalog: () => readCatalog(vault),
    async status(at) {
      const state = await history.backupState(vault.location);
      return {
        location: vault.location,
        lineage: await history.lineage(),
        recipient: sealer.recipient,
        state,
        unshippedRows: await unshippedRows(parts, state),
        unshippedMs: waitedMs(at),
        abilities: abilities(),
        troubles: tasks.watch.troubles(),
        counts: tasks.watch.counts(),
      };
    },
  };
}
