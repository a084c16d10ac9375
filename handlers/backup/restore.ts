import type { Head, Manifest, RestoreTarget } from '#core/backup.ts';
import { ancestry, SEGMENTS, snapshotFor } from '#core/backup.ts';
import type { Vault } from '#core/vault.ts';
import type { RestoreParts } from './backup-parts.ts';
import { readCatalog, readHead } from './catalog.ts';
import type { FetchedCopy, FetchOptions } from './fetch-copy.ts';
import { fetchCopy, fetchedBytesMax } from './fetch-copy.ts';

/** There is nothing to restore, or not for this target. One line, with the way out. */
export class NothingToRestore extends Error {
  override readonly name = 'NothingToRestore';
}

export interface RestoreRequest {
  readonly target: RestoreTarget;
  /** Where the copy goes once it is whole and checked. */
  place(path: string): Promise<void>;
  onProgress?: FetchOptions['onProgress'];
  /** Called when it is known what will be restored, before anything is downloaded. */
  onChosen?(manifest: Manifest): void;
}

/** What was put in place. */
export interface Restored extends FetchedCopy {
  readonly manifest: Manifest;
}

/**
 * Makes the database of an instant from what is in the vault, checks it, and only then puts it in place.
 * @throws NothingToRestore, CopyBroken, RecordBroken, SealBroken, VaultFailure, SpoolFull
 */
export async function restore(parts: RestoreParts, request: RestoreRequest): Promise<Restored> {
  const { spool } = parts;
  const { target, place, onProgress, onChosen } = request;
  const manifest = await choose(parts, target);
  onChosen?.(manifest);
  const folder = await spool.open('restore', fetchedBytesMax(manifest));
  try {
    const copy = await fetchCopy(parts, manifest, folder, {
      until: target.kind === 'instant' ? target.at : null,
      withSegments: target.kind !== 'snapshot',
      ...(onProgress && { onProgress }),
    });
    await place(copy.path);
    return { ...copy, manifest };
  } finally {
    await folder.close();
  }
}

/** Whether the vault answered that it was never backed up to. An empty list is no such answer. */
export async function isUnclaimed({ vault }: RestoreParts): Promise<boolean> {
  return (await readHead(vault)) === undefined;
}

/** The one of these that the target asks for, by what the vault's head says of their lineages. */
export function chosenOf(
  head: Head | undefined,
  manifests: readonly Manifest[],
  target: RestoreTarget,
): Manifest | undefined {
  return snapshotFor(manifests, target, head === undefined ? [] : ancestry(head, manifests));
}

async function choose({ vault }: RestoreParts, target: RestoreTarget): Promise<Manifest> {
  const head = await readHead(vault);
  const { snapshots, problems } = await readCatalog(vault);
  const manifests = snapshots.map(({ manifest }) => manifest);
  const found = chosenOf(head, manifests, target);
  if (found !== undefined) {
    const missing = target.kind === 'latest' && (await missingAfter(found, { vault, head, problems }));
    if (missing) throw new NothingToRestore(missing);
    return found;
  }
  const damaged = damageIn(problems);
  if (manifests.length === 0) {
    const why =
      head === undefined ? 'nothing was ever backed up there' : 'it was claimed, and has no snapshot';
    const text = problems.length > 0 ? 'none of its snapshots can be read' : why;
    throw new NothingToRestore(
      `There is no backup at ${vault.location}: ${text}. Is BACKUP_TARGET right?${damaged}`,
    );
  }
  const ids = manifests.slice(0, 5).map(({ id }) => id);
  throw new NothingToRestore(
    `There is no such backup at ${vault.location}. The newest are ${ids.join(', ')}.${damaged}`,
  );
}

/** What a vault says of itself. */
interface Told {
  readonly vault: Vault;
  readonly head: Head | undefined;
  readonly problems: readonly string[];
}

/**
 * What to say where `found` is of an older database than the one that backs up there, and that one has backups, too: there
 * is nothing of it before its first snapshot.
 */
export async function missingAfter(
  found: Manifest,
  { vault, head, problems }: Told,
): Promise<string | undefined> {
  if (head === undefined || found.lineage.id === head.lineage.id) return undefined;
  const segments = await vault.list(`${SEGMENTS}${head.lineage.id}/`);
  if (segments.length === 0 && problems.length === 0) return undefined;
  const left = `restore ${found.id} restores the newest that can be read`;
  return `The newest backups at ${vault.location} have no snapshot that can be read; ${left}.${damageIn(problems)}`;
}

function damageIn(problems: readonly string[]): string {
  return problems.length > 0 ? ` Not readable: ${problems.join('; ')}.` : '';
}
