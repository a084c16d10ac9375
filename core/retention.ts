import type { Instant } from './model.ts';
import type { LineageId } from './snapshot.ts';
import type { Calendar } from './window.ts';

/** A snapshot is kept for each of the most recent `count` hours, days, weeks or months that have one. */
export interface KeepRule {
  readonly count: number;
  readonly unit: KeepUnit;
}

export type KeepUnit = 'hour' | 'day' | 'week' | 'month';
export type Keep = readonly KeepRule[];

/** A snapshot of the vault, as far as its keeping is concerned. */
export interface StoredSnapshot {
  readonly id: string;
  readonly lineage: LineageId;
  readonly createdAt: Instant;
  /** Whether it was read back and found whole. */
  readonly verified: boolean;
  /** Number of the last segment whose rows it has; 0 for none. */
  readonly coversSegment: number;
}

export interface StoredSegment {
  readonly name: string;
  readonly lineage: LineageId;
  /** 1, 2, 3 … within the lineage: a clock that does not jump. */
  readonly number: number;
}

/** All that the vault holds, and by what to judge it. */
export interface Holdings {
  readonly snapshots: readonly StoredSnapshot[];
  readonly segments: readonly StoredSegment[];
  readonly keep: Keep;
  readonly now: Instant;
  readonly calendar: Calendar;
  /** That of the database that is served. */
  readonly currentLineage: LineageId;
}

/** What is not needed any more, snapshots by id and segments by name. */
export interface Removals {
  readonly snapshots: readonly string[];
  readonly segments: readonly string[];
}

const DAY_MS = 24 * 3_600_000;

// However few the rules keep: one may be damaged where it lies, and the next one, too.
const SNAPSHOTS_KEPT_MIN = 3;
// A mistake is noticed within a day, as a rule, and undone by a restore to the moment before it.
const SEGMENTS_REACH_MS = DAY_MS;
// An upload may still run, or wait to be tried again; and a failure is to be looked into.
const UNVERIFIED_KEPT_MS = DAY_MS;

// More hours, days, weeks or months than anybody reads back; a slip of the finger is noticed.
const KEEP_COUNT_MAX = 1000;
const UNITS: Readonly<Record<string, KeepUnit>> = { h: 'hour', d: 'day', w: 'week', m: 'month' };

/**
 * Reads `24h 7d 4w 12m`: so many hours, days, weeks, months, in any order and each at most once.
 * `undefined` if it is anything else.
 */
export function parseKeep(text: string): Keep | undefined {
  const keep: KeepRule[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const [, digits, letter = ''] = /^([1-9]\d{0,3})([hdwm])$/.exec(word) ?? [];
    const unit = UNITS[letter];
    const count = Number(digits);
    if (unit === undefined || count > KEEP_COUNT_MAX || keep.some((rule) => rule.unit === unit))
      return undefined;
    keep.push({ count, unit });
  }
  return keep;
}

/**
 * What may be deleted. Of verified snapshots these stay: what `keep` asks for of all lineages together, the newest
 * SNAPSHOTS_KEPT_MIN, and of the current lineage the one furthest on and the one by which every moment of the last
 * SEGMENTS_REACH_MS can be restored. One that is not verified counts for nothing, and stays while it is newer than
 * the newest verified one or less than UNVERIFIED_KEPT_MS old. What says that it was made in the future stays and
 * counts for nothing: the clock was changed. Without a verified snapshot, all stays.
 *
 * Delete the segments first: those of a lineage that ends are found by its snapshots, if a run is cut short.
 */
export function retain(holdings: Holdings): Removals {
  const { snapshots, now } = holdings;
  const known = snapshots.filter(({ createdAt }) => createdAt <= now).sort(newestFirst);
  const verified = known.filter((snapshot) => snapshot.verified);
  const newest = verified[0];
  if (newest === undefined) return { snapshots: [], segments: [] };
  const wanted = wantedOf(verified, holdings);
  const removed = known.filter((snapshot) => {
    if (snapshot.verified) return !wanted.has(snapshot);
    return snapshot.createdAt < newest.createdAt && now - snapshot.createdAt >= UNVERIFIED_KEPT_MS;
  });
  return {
    snapshots: removed.map(({ id }) => id).reverse(),
    segments: spentSegments(holdings, new Set(removed)),
  };
}

/** `verified` is newest first, as everywhere below. */
function wantedOf(verified: readonly StoredSnapshot[], holdings: Holdings): Set<StoredSnapshot> {
  const { keep, now, calendar, currentLineage } = holdings;
  const wanted = new Set(verified.slice(0, SNAPSHOTS_KEPT_MIN));
  for (const rule of keep) {
    for (const snapshot of newestOfEach(rule, verified, calendar)) wanted.add(snapshot);
  }
  const ofCurrent = verified.filter(({ lineage }) => lineage === currentLineage);
  const oldest = ofCurrent.at(-1);
  if (oldest !== undefined) wanted.add(baseOf(ofCurrent, now) ?? oldest);
  // After a clock was wrong, the newest by its time may not be the latest; segment numbers know.
  const furthest = ofCurrent.toSorted((a, b) => b.coversSegment - a.coversSegment)[0];
  if (furthest !== undefined) wanted.add(furthest);
  return wanted;
}

/** The snapshot that a restore to the earliest moment within reach begins at. */
function baseOf(verified: readonly StoredSnapshot[], now: Instant): StoredSnapshot | undefined {
  return verified.find(({ createdAt }) => createdAt <= now - SEGMENTS_REACH_MS);
}

function newestOfEach(rule: KeepRule, verified: readonly StoredSnapshot[], calendar: Calendar) {
  const found = new Map<string, StoredSnapshot>();
  for (const snapshot of verified) {
    const span = spanOf(rule.unit, snapshot.createdAt, calendar);
    if (found.has(span)) continue;
    if (found.size === rule.count) break;
    found.set(span, snapshot);
  }
  return found.values();
}

/** A name of the hour, local day, week (from Monday, ISO 8601) or month. */
function spanOf(unit: KeepUnit, at: Instant, calendar: Calendar): string {
  switch (unit) {
    case 'hour':
      return String(calendar.windowOf('hour', at).startsAt);
    case 'day':
      return calendar.dayOf(at);
    case 'week': {
      const midnight = Date.parse(calendar.dayOf(at));
      const daysSinceMonday = (new Date(midnight).getUTCDay() + 6) % 7;
      return String(midnight - daysSinceMonday * DAY_MS);
    }
    case 'month':
      return calendar.dayOf(at).slice(0, 7);
  }
}

/** Segments that no restore within reach begins at, and all those of a lineage that ends with this run. */
function spentSegments(
  { snapshots, segments, now, currentLineage }: Holdings,
  removed: ReadonlySet<StoredSnapshot>,
): string[] {
  const first = new Map<LineageId, number>();
  for (const [lineage, ofLineage] of Map.groupBy(snapshots, (snapshot) => snapshot.lineage)) {
    const left = ofLineage.filter((snapshot) => !removed.has(snapshot));
    // A lineage of which nothing was listed is not even asked about: it may have a snapshot all the same.
    const ends = left.length === 0 && lineage !== currentLineage;
    first.set(lineage, ends ? Number.POSITIVE_INFINITY : firstSegmentNeeded(left, now));
  }
  return segments.filter(({ lineage, number }) => number < (first.get(lineage) ?? 0)).map(({ name }) => name);
}

/**
 * A restore begins at a snapshot, with the segment that it covers last, and goes on to the newest. All snapshots made
 * within reach must be able to, and the last one from before it. 0, for all segments, if there is none to judge by.
 */
function firstSegmentNeeded(left: readonly StoredSnapshot[], now: Instant): number {
  const verified = left.filter((snapshot) => snapshot.verified).sort(newestFirst);
  const newest = verified.find(({ createdAt }) => createdAt <= now);
  if (newest === undefined) return 0;
  const base = baseOf(verified, now);
  // Of the future, only as much as a clock is off by hours: one that was off by years must not keep years of rows.
  const needed = verified.filter(
    (snapshot) => snapshot === base || Math.abs(now - snapshot.createdAt) < SEGMENTS_REACH_MS,
  );
  return needed.reduce((first, { coversSegment }) => Math.min(first, coversSegment), newest.coversSegment);
}

function newestFirst(a: StoredSnapshot, b: StoredSnapshot): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
}
