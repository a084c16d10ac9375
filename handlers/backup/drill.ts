import type { Manifest } from '#core/backup.ts';
import { drillName } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import { SealBroken } from '#core/sealer.ts';
import type { DrillRecord } from '#core/snapshot.ts';
import { CopyBroken } from '#core/snapshot.ts';
import type { BackupParts } from './backup-parts.ts';
import { RecordBroken, withChecksum } from './checked-text.ts';
import { fetchCopy, fetchedBytesMax } from './fetch-copy.ts';
import { recordLine } from './records.ts';

/** The newest snapshot is restored as `restore latest` would; of an older one the segments may be gone by now. */
export interface Rehearsed {
  readonly manifest: Manifest;
  readonly withSegments: boolean;
}

/**
 * Rehearses a restore: everything that a restore does but for putting the copy in place, and then the copy is audited,
 * by a reader of another make, too. What is wrong with the backup is the result; that it could not be looked at throws.
 * @throws SealBroken if it is encrypted for another key than is there, VaultFailure, SpoolFull
 */
export async function rehearse(
  parts: BackupParts,
  { manifest, withSegments }: Rehearsed,
  at: Instant,
): Promise<DrillRecord> {
  const { clock, spool, vault, sealer, copies } = parts;
  const { id, recipient } = manifest;
  // That would be remembered as damage, and what is damaged is not kept.
  if (recipient !== null && recipient !== sealer.recipient) {
    throw new SealBroken(
      `Backup ${id} is encrypted for ${recipient}: to rehearse its restore, set BACKUP_ENCRYPTION_KEY to the key of then`,
    );
  }
  const startedMs = clock.elapsedMs();
  const folder = await spool.open('drill', fetchedBytesMax(manifest));
  try {
    const { segments, problems } = await tried(async () => {
      const copy = await fetchCopy(parts, manifest, folder, { until: null, withSegments });
      return { segments: copy.segments, problems: await copies.audit(copy.path) };
    });
    const durationMs = Math.round(clock.elapsedMs() - startedMs);
    const record = { snapshotId: manifest.id, at, durationMs, segments, problems };
    const { bytes: text } = await withChecksum(recordLine('drill', record));
    await vault.replace(drillName(manifest.lineage.id, manifest.id), text);
    return record;
  } finally {
    await folder.close();
  }
}

type Findings = Pick<DrillRecord, 'segments' | 'problems'>;

async function tried(work: () => Promise<Findings>): Promise<Findings> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CopyBroken || error instanceof SealBroken || error instanceof RecordBroken) {
      return { segments: 0, problems: [error.message] };
    }
    throw error;
  }
}
