import type { Manifest } from '#core/backup.ts';
import {
  differencesFrom,
  isSameBalance,
  manifestName,
  SEGMENTS,
  segmentIn,
  segmentName,
} from '#core/backup.ts';
import type { Buckets, Instant } from '#core/model.ts';
import { CopyBroken, type Replayed } from '#core/snapshot.ts';
import type { SpoolFolder } from '#core/spool.ts';
import type { RestoreParts } from './backup-parts.ts';
import { RECORD_BYTES_MAX } from './catalog.ts';
import { checkedBody, RecordBroken } from './checked-text.ts';
import { type ReadSegment, readSegment } from './segment-text.ts';
import { SEGMENT_BYTES_MAX } from './ship.ts';

/** A copy of the database as it was at some instant, checked against everything that the vault says of it. */
export interface FetchedCopy {
  readonly path: string;
  readonly mark: Replayed['mark'];
  /** When the last rows in it were cut; that of the snapshot where there are none after it. */
  readonly at: Instant;
  readonly segments: number;
}

export interface FetchOptions {
  /** `null`: as new as there is; else nothing that was cut later. */
  readonly until: Instant | null;
  readonly withSegments: boolean;
  onProgress?(progress: FetchProgress): void;
}

export interface FetchProgress {
  readonly step: 'download' | 'unpack' | 'check' | 'segments' | 'replay';
  /** Bytes; of `segments` their number. */
  readonly done: number;
  readonly total: number;
}

/** The plain copy, and its log while rows are added. */
const PLAIN_TIMES = 2;

/** How much room `fetchCopy` takes, the sealed copy included. */
export function fetchedBytesMax({ object, database }: Manifest): number {
  return object.bytes + PLAIN_TIMES * database.bytes;
}

const COPY = 'quota.db';
const ROWS = 'rows.jsonl';
const AT_ONCE = 8;

/**
 * Downloads a snapshot and the segments after it into `folder`, and makes one database of them. Every hash, digest and
 * link of the chain is checked on the way; what does not hold is refused by its name.
 * @throws CopyBroken, RecordBroken, SealBroken, VaultFailure
 */
export async function fetchCopy(
  parts: RestoreParts,
  manifest: Manifest,
  folder: SpoolFolder,
  options: FetchOptions,
): Promise<FetchedCopy> {
  const path = folder.pathOf(COPY);
  await fetchSnapshot(parts, manifest, folder, options);
  await folder.append(ROWS, '');
  const last = options.withSegments ? await fetchSegments(parts, manifest, folder, options) : NONE;
  progress(options, 'replay', 0, last.rowsBytes);
  const { mark, sponsor } = await parts.copies.replay(path, folder.pathOf(ROWS));
  await folder.remove(ROWS);
  // Of an instant soon after the snapshot was begun, the copy may have more than the segments until then.
  const goal = Math.max(last.through?.ledgerN ?? 0, manifest.mark.ledgerN);
  if (mark.ledgerN !== goal) {
    throw new CopyBroken(`the copy ends at entry ${mark.ledgerN}, and the backup at entry ${goal}`);
  }
  const isComparable = last.sponsor !== null && last.through?.ledgerN === goal;
  if (isComparable && !isSameBalance(sponsor, last.sponsor)) {
    throw new CopyBroken('the copy adds up to other sums over all keys than the database that was backed up');
  }
  return { path, mark, at: last.cutAt ?? manifest.createdAt, segments: last.count };
}

async function fetchSnapshot(
  { vault, sealer, copies }: RestoreParts,
  manifest: Manifest,
  folder: SpoolFolder,
  options: FetchOptions,
): Promise<void> {
  const { object, database } = manifest;
  const sealed = folder.pathOf('sealed');
  const found = await vault.getFile(object.name, sealed, {
    bytesMax: object.bytes,
    onProgress: (bytes) => progress(options, 'download', bytes, object.bytes),
  });
  if (found === undefined) throw new CopyBroken(`${object.name} is missing from ${vault.location}`);
  if (found.bytes !== object.bytes || found.sha256 !== object.sha256) {
    throw new CopyBroken(`${object.name} is damaged: its SHA-256 is not what the manifest says`);
  }
  progress(options, 'unpack', 0, database.bytes);
  const plain = await sealer.openFile(sealed, folder.pathOf(COPY), database.bytes);
  await folder.remove('sealed');
  if (plain.bytes !== database.bytes || plain.sha256 !== database.sha256) {
    throw new CopyBroken(`what is in ${object.name} is not the database that the manifest describes`);
  }
  progress(options, 'check', 0, database.bytes);
  const [difference] = differencesFrom(manifest, await copies.inspect(plain.path));
  if (difference !== undefined)
    throw new CopyBroken(`the copy in ${object.name} is another one: ${difference}`);
}

/** What the segments end with. */
interface Ending {
  readonly through: Replayed['mark'] | null;
  readonly sponsor: Buckets | null;
  readonly cutAt: Instant | null;
  readonly count: number;
  readonly rowsBytes: number;
}

const NONE: Ending = { through: null, sponsor: null, cutAt: null, count: 0, rowsBytes: 0 };

/** Appends the rows of all segments that continue the snapshot, in order, to one file. */
async function fetchSegments(
  parts: RestoreParts,
  manifest: Manifest,
  folder: SpoolFolder,
  options: FetchOptions,
): Promise<Ending> {
  const lineage = manifest.lineage.id;
  const first = manifest.segment.number + 1;
  let previous = await chainBefore(parts, manifest);
  let ending = NONE;
  let wholeAt: Instant | null = null;
  const known = Math.max(await lastListed(parts, lineage), manifest.shippedThrough);
  for (let from = first; ; from += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, index) => from + index);
    const read = await Promise.allSettled(numbers.map((number) => fetchSegment(parts, lineage, number)));
    for (const [index, outcome] of read.entries()) {
      const number = from + index;
      const name = segmentName(lineage, number);
      // What is wrong with one that is not needed keeps nothing from being restored.
      if (outcome.status === 'rejected') throw withWayOut(outcome.reason, wholeAt);
      const segment = outcome.value;
      // Names follow one another: what the store answers is not there is the end, unless it lists a later one.
      if (segment === undefined) {
        if (number > known) return ending;
        throw withWayOut(new CopyBroken(`${name} is missing from ${parts.vault.location}`), wholeAt);
      }
      previous = follows(segment, previous, manifest, name);
      const { header, rows } = segment;
      if (options.until !== null && header.cutAt > options.until) return ending;
      await folder.append(ROWS, rows);
      const { through, sponsor, cutAt } = header;
      ending = {
        through,
        sponsor,
        cutAt,
        count: ending.count + 1,
        rowsBytes: ending.rowsBytes + rows.length,
      };
      progress(options, 'segments', number - first + 1, Math.max(known - first + 1, number - first + 1));
      // What was cut at one moment is whole where its sums are told: nobody need be able to read the next one.
      if (sponsor !== null) wholeAt = cutAt;
      if (wholeAt === options.until && wholeAt !== null) return ending;
    }
  }
}

/** What is wrong with a segment, and the last moment before it that can be restored all the same. */
function withWayOut(error: unknown, wholeAt: Instant | null): unknown {
  if (wholeAt === null || !(error instanceof CopyBroken || error instanceof RecordBroken)) return error;
  const at = new Date(wholeAt).toISOString();
  return new CopyBroken(`${error.message}; what is before it can be restored by --at ${at}`, {
    cause: error,
  });
}

/** What the first segment to be read must name as the one before. */
async function chainBefore({ vault }: RestoreParts, { segment, lineage, id }: Manifest): Promise<string> {
  if (segment.sha256 !== '') return segment.sha256;
  const name = manifestName(lineage.id, id);
  const bytes = await vault.get(name, RECORD_BYTES_MAX);
  if (bytes === undefined) throw new CopyBroken(`${name} is missing from ${vault.location}`);
  return (await checkedBody(bytes, name)).sha256;
}

/** The checksum of a segment that is the next link of the chain. @throws CopyBroken which names it if it is not */
function follows(
  { header, sha256 }: ReadSegment,
  previous: string,
  { lineage, id }: Manifest,
  name: string,
): string {
  if (header.lineage !== lineage.id || segmentName(header.lineage, header.number) !== name) {
    throw new CopyBroken(`${name} is another segment: number ${header.number} of lineage ${header.lineage}`);
  }
  if (header.previous !== previous) {
    throw new CopyBroken(`${name} does not continue snapshot ${id}: two histories are mixed`);
  }
  return sha256;
}

async function fetchSegment({ vault, sealer }: RestoreParts, lineage: string, number: number) {
  const name = segmentName(lineage, number);
  const sealed = await vault.get(name, SEGMENT_BYTES_MAX);
  if (sealed === undefined) return undefined;
  try {
    return await readSegment(await sealer.open(sealed, SEGMENT_BYTES_MAX), name);
  } catch (error) {
    if (error instanceof RecordBroken) throw error;
    throw new CopyBroken(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function lastListed({ vault }: RestoreParts, lineage: string): Promise<number> {
  const listed = await vault.list(`${SEGMENTS}${lineage}/`);
  return Math.max(0, ...listed.map(({ name }) => segmentIn(name)?.number ?? 0));
}

function progress(options: FetchOptions, step: FetchProgress['step'], done: number, total: number): void {
  options.onProgress?.({ step, done, total });
}
