import type { Instant } from '#core/model.ts';
import type { Backups } from './backups.ts';
import { shipRows, unshippedRows } from './ship.ts';
import type { BackupTasks } from './snapshot-task.ts';

/** The recovery point that is promised: rows wait no longer than this before they are sent, or until there are so many. */
const SHIP_AFTER_MS = 2000;
const SHIP_AFTER_ROWS = 1000;

type ShipTask = Pick<Backups, 'ship'> & {
  /** How long the oldest row that is not in the vault has waited. */
  waitedMs(at: Instant): number;
};

/** Ships what was recorded since the last time. What comes while rows are on their way goes with the next ones. */
export function shipTask({ parts, exclusive, watch }: BackupTasks): ShipTask {
  const { history, vault } = parts;
  let waitingSince: Instant | null = null;

  async function waiting(at: Instant) {
    const state = await history.backupState(vault.location);
    const rows = await unshippedRows(parts, state);
    if (rows === 0 && (state?.pending ?? null) === null) waitingSince = null;
    else waitingSince ??= at;
    return { rows, isBegun: (state?.shipped ?? null) !== null };
  }

  function isTime(rows: number, at: Instant): boolean {
    if (waitingSince === null || watch.isTooEarly('segment', at)) return false;
    return rows >= SHIP_AFTER_ROWS || at - waitingSince >= SHIP_AFTER_MS;
  }

  return {
    async ship(at, all) {
      const { rows, isBegun } = await waiting(at);
      if (!isBegun || (all === 'all' ? waitingSince === null : !isTime(rows, at))) return;
      await watch.watched('segment', at, () => exclusive(() => shipRows(parts, at)));
      waitingSince = null;
    },
    waitedMs: (at) => (waitingSince === null ? 0 : Math.max(0, at - waitingSince)),
  };
}
