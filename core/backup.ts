import type { Bucket, Buckets, Instant, Period } from './model.ts';
import { METERS } from './model.ts';
import type { Lineage, LineageId, Mark, SnapshotFacts, TableDigest } from './snapshot.ts';

/** What a snapshot is and how it is checked; written last, so that what has one is complete. */
export interface Manifest {
  /** The second it was begun in, UTC: `20261125T083716Z`. */
  readonly id: string;
  readonly lineage: Lineage;
  readonly createdAt: Instant;
  /** Of the program that made it. */
  readonly version: string;
  readonly schema: number;
  readonly timeZone: string;
  readonly mark: Mark;
  readonly tables: Readonly<Record<string, TableDigest>>;
  /** The plain database. */
  readonly database: { readonly bytes: number; readonly sha256: string };
  /** What is stored of it. */
  readonly object: { readonly name: string; readonly bytes: number; readonly sha256: string };
  /** The public key that it is encrypted for; `null`: it is not. */
  readonly recipient: string | null;
  /** By which a pepper is recognised as the one that the keys were made with. */
  readonly pepperCheck: string;
  /**
   * The last segment that was shipped when the copy was begun, and its checksum: what is not in the snapshot is in those
   * after it. 0 with a checksum: none, the chain began with another manifest; without one: it begins with this.
   */
  readonly segment: { readonly number: number; readonly sha256: string };
  /** The last segment that was in the vault when this was written. */
  readonly shippedThrough: number;
}

/** The first line of a segment. */
export interface SegmentHeader {
  readonly lineage: LineageId;
  readonly number: number;
  /** The checksum of the segment before, or of the manifest that the chain begins with. */
  readonly previous: string;
  readonly from: Mark;
  readonly through: Mark;
  readonly cutAt: Instant;
  /** What all keys together stand at afterwards; `null` where more rows were waiting. */
  readonly sponsor: Buckets | null;
}

/** Whose backups a vault takes: the first object in it, and the only one that is ever replaced. */
export interface Head {
  readonly lineage: Lineage;
  /** The random text by which a database knows that the vault is its own. */
  readonly claim: string;
  readonly claimedAt: Instant;
}

/** What to restore: the newest state, that of a snapshot alone, or that of an instant. */
export type RestoreTarget =
  | { readonly kind: 'latest' }
  | { readonly kind: 'snapshot'; readonly id: string }
  | { readonly kind: 'instant'; readonly at: Instant };

export const HEAD_NAME = 'lineage.json';
export const SNAPSHOTS = 'snapshots/';
export const SEGMENTS = 'segments/';
export const DRILLS = 'drills/';

/** Ids sort as their times do. */
export function snapshotIdOf(at: Instant): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** The second that a snapshot's id names. */
export function begunAt(id: string): Instant {
  return Date.parse(id.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)/, '$1-$2-$3:$4:'));
}

/** How far ahead the last one may be and still be followed: further ahead, the clock was wrong. */
const FOLLOWED_WITHIN_MS = 60_000;

/** Of two that are begun in one second, the later is named by the next: no name is given twice. */
export function nextSnapshotId(at: Instant, last: { readonly id: string } | null): string {
  const own = snapshotIdOf(at);
  if (last === null || last.id < own) return own;
  const next = begunAt(last.id) + 1_000;
  return next - at <= FOLLOWED_WITHIN_MS ? snapshotIdOf(next) : own;
}

export function snapshotName(lineage: LineageId, id: string, suffix: string): string {
  return `${SNAPSHOTS}${lineage}/${id}.db${suffix}`;
}

export function manifestName(lineage: LineageId, id: string): string {
  return `${SNAPSHOTS}${lineage}/${id}.json`;
}

export function drillName(lineage: LineageId, id: string): string {
  return `${DRILLS}${lineage}/${id}.json`;
}

/** By its number alone, sealed or not: two writers of one history cannot help but meet. */
export function segmentName(lineage: LineageId, number: number): string {
  return `${SEGMENTS}${lineage}/${String(number).padStart(12, '0')}.segment`;
}

/** The lineage and number that a segment's name says; `undefined` for any other name. */
export function segmentIn(
  name: string,
): { readonly lineage: LineageId; readonly number: number } | undefined {
  const [, lineage, number] = /^segments\/([0-9a-f]{32})\/(\d{12})\.segment$/.exec(name) ?? [];
  return lineage === undefined ? undefined : { lineage, number: Number(number) };
}

/**
 * Why a database must not write into a vault, in words; `undefined` if it may: nobody claimed the vault, or it did so
 * itself. A restored copy that somebody only looks at has no claim; one that was put in place of the database got its
 * own from the restore, and takes over what it was restored from.
 */
export function fencedBy(
  head: Head | undefined,
  lineage: Lineage,
  claim: string | undefined,
): string | undefined {
  if (head === undefined) return undefined;
  if (head.lineage.id === lineage.id) {
    return head.claim === claim ? undefined : 'a copy of this database backs up there already';
  }
  if (claim !== undefined && head.lineage.id === lineage.parent) return undefined;
  if (head.lineage.parent === lineage.id) return 'what was restored from this database backs up there now';
  return `it holds the backups of another database, of lineage ${head.lineage.id}`;
}

/** How a copy differs from what its manifest says, in words; empty: it is that copy. */
export function differencesFrom(manifest: Manifest, facts: SnapshotFacts): readonly string[] {
  const differences: string[] = [];
  const check = (what: string, found: unknown, said: unknown) => {
    if (found !== said) differences.push(`${what} is ${found}, the manifest says ${said}`);
  };
  check('its lineage', facts.lineage.id, manifest.lineage.id);
  check('its schema', facts.schema, manifest.schema);
  check('its size in bytes', facts.bytes, manifest.database.bytes);
  check('its last ledger entry', facts.mark.ledgerN, manifest.mark.ledgerN);
  check('its last operation', facts.mark.operationN, manifest.mark.operationN);
  for (const table of new Set([...Object.keys(manifest.tables), ...Object.keys(facts.tables)])) {
    check(`the number of rows in ${table}`, facts.tables[table]?.rows, manifest.tables[table]?.rows);
    check(`the digest of ${table}`, facts.tables[table]?.digest, manifest.tables[table]?.digest);
  }
  return differences;
}

/** The lineages whose backups lead to the one that the vault belongs to, itself first. */
export function ancestry(head: Head, manifests: readonly Manifest[]): readonly LineageId[] {
  const parents = new Map(manifests.map(({ lineage }) => [lineage.id, lineage.parent]));
  parents.set(head.lineage.id, head.lineage.parent);
  const found: LineageId[] = [];
  for (let id: LineageId | null = head.lineage.id; id !== null && !found.includes(id); ) {
    found.push(id);
    id = parents.get(id) ?? null;
  }
  return found;
}

/**
 * The snapshot to begin with; `undefined` if there is none for this target. The newest state is that of the current
 * lineage or, where it has none, of the one that it was restored from. Before the current one began, an instant is that
 * of whoever had backed up last by then: also what a later restore turned away from. One that is named may be of any.
 */
export function snapshotFor(
  manifests: readonly Manifest[],
  target: RestoreTarget,
  lineages: readonly LineageId[],
): Manifest | undefined {
  const fitting = manifests.filter(({ id, createdAt }) => {
    if (target.kind === 'snapshot') return id === target.id;
    return target.kind === 'latest' || createdAt <= target.at;
  });
  const byTime = fitting.toSorted((a, b) => b.createdAt - a.createdAt).map(({ lineage }) => lineage.id);
  for (const id of target.kind === 'latest' ? lineages : [...lineages.slice(0, 1), ...byTime]) {
    const [found] = fitting.filter(({ lineage }) => lineage.id === id).sort(furthestFirst);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** After a clock was wrong, the newest by its time may not be the latest; segment numbers know. */
function furthestFirst(a: Manifest, b: Manifest): number {
  return b.segment.number - a.segment.number || (a.id < b.id ? 1 : -1);
}

/**
 * Whether two sums over all keys are the same. Days and months are left out: which one is the current may depend on a
 * time zone that was changed since, and what is in them is in the total, too.
 */
export function isSameBalance(a: Buckets, b: Buckets): boolean {
  const [ours, theirs] = [comparable(a), comparable(b)];
  return ours.length === theirs.length && ours.every((bucket, index) => isSameBucket(bucket, theirs[index]));
}

const LOCAL_PERIODS: ReadonlySet<Period> = new Set<Period>(['day', 'month']);

function comparable(buckets: Buckets): Buckets {
  return buckets.filter(({ period }) => !LOCAL_PERIODS.has(period));
}

function isSameBucket(a: Bucket, b: Bucket | undefined): boolean {
  if (b?.period !== a.period || b.startsAt !== a.startsAt) return false;
  return METERS.every((meter) => a.used[meter] === b.used[meter] && a.held[meter] === b.held[meter]);
}

/** How many rows lie between two marks of one database. */
export function rowsBetween(from: Mark, to: Mark): number {
  return to.ledgerN - from.ledgerN + (to.operationN - from.operationN) + (to.keyChangeN - from.keyChangeN);
}
