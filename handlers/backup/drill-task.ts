import type { Instant } from '#core/model.ts';
import type { DrillRecord } from '#core/snapshot.ts';
import { isDue } from '#core/timetable.ts';
import type { Backups } from './backups.ts';
import { readCatalog, readHead } from './catalog.ts';
import { RecordBroken } from './checked-text.ts';
import { rehearse } from './drill.ts';
import { chosenOf, missingAfter } from './restore.ts';
import type { BackupTasks } from './snapshot-task.ts';

/** Rehearses restores, and remembers how they went. */
export function drillTask({
  parts,
  plan,
  exclusive,
  watch,
}: BackupTasks): Pick<Backups, 'drill' | 'drillIfDue'> {
  const { history, vault } = parts;

  async function drillOne(id: string | null, at: Instant): Promise<DrillRecord | undefined> {
    const head = await readHead(vault);
    const { snapshots, problems } = await readCatalog(vault);
    const manifests = snapshots.map(({ manifest }) => manifest);
    const latest = chosenOf(head, manifests, { kind: 'latest' });
    const manifest = id === null ? latest : chosenOf(head, manifests, { kind: 'snapshot', id });
    if (manifest === undefined) return undefined;
    const missing = id === null && (await missingAfter(manifest, { vault, head, problems }));
    if (missing) throw new RecordBroken(missing);
    const record = await rehearse(parts, { manifest, withSegments: manifest === latest }, at);
    await exclusive(async () => {
      const state = await history.backupState(vault.location);
      if (state !== undefined) await history.rememberBackup(vault.location, { ...state, drill: record });
    });
    return record;
  }

  return {
    drill: (id, at) => watch.watched('drill', at, () => drillOne(id, at)),
    async drillIfDue(at) {
      const state = await history.backupState(vault.location);
      // Before the first backup there is nothing to rehearse.
      if (state === undefined || state.snapshot === null || watch.isTooEarly('drill', at)) return undefined;
      // Under a new key one that it opens is on its way.
      if (state.snapshot.recipient !== parts.sealer.recipient) return undefined;
      if (!isDue(plan.drillSchedule, state.drill?.at ?? null, at)) return undefined;
      return watch.watched('drill', at, () => drillOne(null, at));
    },
  };
}
