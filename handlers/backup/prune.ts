import { begunAt, drillName, manifestName, SEGMENTS, SNAPSHOTS, segmentIn } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import { type Keep, retain, type StoredSegment, type StoredSnapshot } from '#core/retention.ts';
import type { Calendar } from '#core/window.ts';
import type { BackupParts } from './backup-parts.ts';
import type { Cataloged } from './catalog.ts';
import { readCatalog } from './catalog.ts';
import { checkClaim } from './claim.ts';

export interface Pruned {
  readonly snapshots: number;
  readonly segments: number;
}

export interface Pruning {
  readonly keep: Keep;
  readonly calendar: Calendar;
}

const NONE: Pruned = { snapshots: 0, segments: 0 };

/**
 * Deletes what is not to be kept any more: of a snapshot the manifest last, so that one which is cut short begins anew.
 * Never where anything could not be read, and only of the vault that is this database's.
 * @throws Fenced, VaultFailure
 */
export async function prune(parts: BackupParts, { keep, calendar }: Pruning, now: Instant): Promise<Pruned> {
  const { vault, history } = parts;
  const lineage = await history.lineage();
  const state = await history.backupState(vault.location);
  if (state === undefined) return NONE;
  await checkClaim(parts, lineage, state);
  const { snapshots, problems } = await readCatalog(vault);
  if (problems.length > 0) return NONE;
  const listed = await vault.list(SEGMENTS);
  const segments = listed.flatMap(({ name }): StoredSegment[] => {
    const found = segmentIn(name);
    return found === undefined ? [] : [{ name, ...found }];
  });
  const removals = retain({
    snapshots: snapshots.map(storedOf),
    segments,
    keep,
    now,
    calendar,
    currentLineage: lineage.id,
  });
  for (const name of removals.segments) await vault.delete(name);
  const removed = snapshots.filter(({ manifest }) => removals.snapshots.includes(keyOf(manifest)));
  for (const each of removed) await removeSnapshot(parts, each);
  await removeUnfinished(parts, snapshots, now);
  return { snapshots: removed.length, segments: removals.segments.length };
}

/** Two lineages may have made one in the same second. */
function keyOf({ lineage, id }: Cataloged['manifest']): string {
  return `${lineage.id}/${id}`;
}

function storedOf({ manifest, verified }: Cataloged): StoredSnapshot {
  const { lineage, createdAt, segment } = manifest;
  return { id: keyOf(manifest), lineage: lineage.id, createdAt, verified, coversSegment: segment.number };
}

async function removeSnapshot({ vault }: BackupParts, { manifest, drill }: Cataloged): Promise<void> {
  await vault.delete(manifest.object.name);
  if (drill !== null) await vault.delete(drillName(manifest.lineage.id, manifest.id));
  await vault.delete(manifestName(manifest.lineage.id, manifest.id));
}

// A snapshot of any size is uploaded in less.
const UNFINISHED_KEPT_MS = 2 * 24 * 3_600_000;

/** Objects that never got their manifest: the upload was cut short, or the manifest. */
async function removeUnfinished(
  { vault }: BackupParts,
  snapshots: readonly Cataloged[],
  now: Instant,
): Promise<void> {
  const known = new Set(snapshots.map(({ manifest }) => manifest.object.name));
  for (const { name } of await vault.list(SNAPSHOTS)) {
    const [, id] = /\/(\d{8}T\d{6}Z)\.db\.[a-z.]+$/.exec(name) ?? [];
    if (id === undefined || known.has(name)) continue;
    if (now - begunAt(id) > UNFINISHED_KEPT_MS) await vault.delete(name);
  }
}
