import type { Head, Manifest } from '#core/backup.ts';
import { DRILLS, HEAD_NAME, SNAPSHOTS } from '#core/backup.ts';
import type { DrillRecord } from '#core/snapshot.ts';
import type { Vault, VaultObject } from '#core/vault.ts';
import { checkedBody, RecordBroken } from './checked-text.ts';
import { readRecord } from './records.ts';

/** A snapshot that is in the vault. */
export interface Cataloged {
  readonly manifest: Manifest;
  /** Its object is there, in the size that the manifest says, and no drill found anything wrong with it. */
  readonly verified: boolean;
  readonly drill: DrillRecord | null;
}

export interface Catalog {
  /** Newest first. */
  readonly snapshots: readonly Cataloged[];
  /** Objects that should be readable and are not, in words. */
  readonly problems: readonly string[];
}

// A manifest has a line for each table; all of this together is a few kilobytes.
export const RECORD_BYTES_MAX = 1024 * 1024;
const AT_ONCE = 8;

/** Whose backups the vault takes; `undefined` if it answered that nobody's are there. @throws RecordBroken, VaultFailure */
export async function readHead(vault: Vault): Promise<Head | undefined> {
  const bytes = await vault.get(HEAD_NAME, RECORD_BYTES_MAX);
  if (bytes === undefined) return undefined;
  return readRecord('head', (await checkedBody(bytes, HEAD_NAME)).body, HEAD_NAME);
}

/**
 * All snapshots that have a manifest. A list is believed in what it names, and never in what it does not:
 * nothing may be concluded from an empty catalog.
 */
export async function readCatalog(vault: Vault): Promise<Catalog> {
  const [listed, drilled] = await Promise.all([vault.list(SNAPSHOTS), vault.list(DRILLS)]);
  const problems: string[] = [];
  const manifests = await readAll(vault, 'manifest', listed.filter(isRecord), problems);
  const drills = await readAll(vault, 'drill', drilled.filter(isRecord), problems);
  const sizes = new Map(listed.map(({ name, bytes }) => [name, bytes]));
  const drillOf = new Map(drills.map((drill) => [drill.snapshotId, drill]));
  const snapshots = manifests.map((manifest): Cataloged => {
    const drill = drillOf.get(manifest.id) ?? null;
    const isThere = sizes.get(manifest.object.name) === manifest.object.bytes;
    return { manifest, verified: isThere && (drill?.problems.length ?? 0) === 0, drill };
  });
  snapshots.sort((a, b) => (a.manifest.id < b.manifest.id ? 1 : -1));
  return { snapshots, problems };
}

function isRecord({ name }: VaultObject): boolean {
  return name.endsWith('.json');
}

type Kinds = { readonly manifest: Manifest; readonly drill: DrillRecord };

/** One that is damaged is told, and the others are read all the same. */
async function readAll<K extends keyof Kinds>(
  vault: Vault,
  kind: K,
  objects: readonly VaultObject[],
  problems: string[],
): Promise<Kinds[K][]> {
  const found: Kinds[K][] = [];
  for (let from = 0; from < objects.length; from += AT_ONCE) {
    const part = objects.slice(from, from + AT_ONCE);
    const read = await Promise.all(part.map(({ name }) => readOne(vault, kind, name)));
    for (const each of read) {
      if (typeof each === 'string') problems.push(each);
      else if (each !== undefined) found.push(each);
    }
  }
  return found;
}

async function readOne<K extends keyof Kinds>(
  vault: Vault,
  kind: K,
  name: string,
): Promise<Kinds[K] | string | undefined> {
  try {
    const bytes = await vault.get(name, RECORD_BYTES_MAX);
    if (bytes === undefined) return undefined;
    return readRecord(kind, (await checkedBody(bytes, name)).body, name) as Kinds[K];
  } catch (error) {
    if (error instanceof RecordBroken) return error.message;
    throw error;
  }
}
