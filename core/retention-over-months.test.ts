import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Instant } from './model.ts';
import type { Keep, Removals, StoredSegment, StoredSnapshot } from './retention.ts';
import { parseKeep, retain } from './retention.ts';
import type { Calendar } from './window.ts';
import { calendarOf } from './window.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** An hour or so of a server's life, and what became of its snapshot. */
interface Step {
  readonly waitMs: number;
  readonly jumpMs: number;
  readonly segments: number;
  readonly made: 'verified' | 'unverified' | 'nothing';
  /** Whether a backup was restored before: the database then has a lineage of its own. */
  readonly restored: boolean;
}

const waits = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 50 * MINUTE_MS, max: 75 * MINUTE_MS }) },
  { weight: 1, arbitrary: fc.nat(3 * DAY_MS) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
);
const jumps = fc.oneof(
  { weight: 30, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: -30 * HOUR_MS, max: 30 * HOUR_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: -100 * DAY_MS, max: 100 * DAY_MS }) },
);
const outcomes = fc.constantFrom<Step['made']>('verified', 'verified', 'verified', 'unverified', 'nothing');

/** Months of steps. Failures come one by one, and also for days on end. */
function lives(jumpMs: fc.Arbitrary<number>): fc.Arbitrary<Step[]> {
  const step = (made: fc.Arbitrary<Step['made']>) =>
    fc.record({
      waitMs: waits,
      jumpMs,
      segments: fc.nat(2),
      made,
      restored: fc.nat(150).map((n) => n === 150),
    });
  const spell = fc.oneof(
    { weight: 3, arbitrary: fc.array(step(outcomes), { minLength: 20, maxLength: 300, size: 'max' }) },
    { weight: 1, arbitrary: fc.array(step(fc.constant('unverified')), { maxLength: 40, size: 'max' }) },
  );
  return fc.array(spell, { minLength: 1, maxLength: 8, size: 'max' }).map((spells) => spells.flat());
}

const keeps = fc
  .constantFrom('24h 7d 4w 12m', '3h', '2d', '1w 2m', '100h 1000d')
  .map((text) => parseKeep(text) ?? []);
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Asia/Kolkata', 'Pacific/Apia');

// A life takes a quarter of a second, and a long one is shrunk for minutes: then the seed is to be run by itself.
const RUNS = { numRuns: 12, interruptAfterTimeLimit: 25_000, markInterruptAsFailure: true };

/** The vault before and after a run, and what was ever put there. */
interface Run {
  readonly now: Instant;
  readonly keep: Keep;
  readonly lineage: string;
  readonly before: readonly StoredSnapshot[];
  readonly after: readonly StoredSnapshot[];
  readonly removed: Removals;
  /** Numbers of the segments that are there before and after, of any lineage. */
  readonly segmentsBefore: readonly StoredSegment[];
  readonly segmentsAfter: ReadonlySet<string>;
  readonly verifiedEver: readonly StoredSnapshot[];
  readonly lastSegment: number;
}

/** Lives through `steps`; after each one removes what `retain` says, and lets `check` look. */
function live(steps: readonly Step[], keep: Keep, calendar: Calendar, check: (run: Run) => void): void {
  let now = Date.parse('2026-02-14T12:00Z');
  let lineages = 0;
  let lastSegment = 0;
  let before: StoredSnapshot[] = [];
  let segmentsBefore: StoredSegment[] = [];
  const verifiedEver: StoredSnapshot[] = [];
  for (const [index, step] of steps.entries()) {
    now += step.waitMs + step.jumpMs;
    if (step.restored) lineages += 1;
    if (step.restored) lastSegment = 0;
    const lineage = `lineage-${lineages}`;
    for (let cut = 0; cut < step.segments; cut += 1) segmentsBefore.push(segmentOf(lineage, ++lastSegment));
    const verified = step.made === 'verified';
    const id = String(index).padStart(6, '0');
    const snapshot = { id, lineage, createdAt: now, verified, coversSegment: lastSegment };
    if (step.made !== 'nothing') before.push(snapshot);
    if (verified) verifiedEver.push(snapshot);

    const by = { keep, now, calendar, currentLineage: lineage };
    const removed = retain({ snapshots: before, segments: segmentsBefore, ...by });
    const after = before.filter((snapshot) => !removed.snapshots.includes(snapshot.id));
    const gone = new Set(removed.segments);
    const segments = segmentsBefore.filter(({ name }) => !gone.has(name));
    const segmentsAfter = new Set(segments.map(({ name }) => name));
    check({
      now,
      keep,
      lineage,
      before,
      after,
      removed,
      segmentsBefore,
      segmentsAfter,
      verifiedEver,
      lastSegment,
    });
    expect(retain({ snapshots: after, segments, ...by })).toEqual({ snapshots: [], segments: [] });
    before = after;
    segmentsBefore = segments;
  }
}

test('over months of failures and clock jumps, backups are never too few, nor too many', () => {
  fc.assert(
    fc.property(lives(jumps), keeps, zones, (steps, keep, zone) => {
      live(steps, keep, remembering(calendarOf(zone)), (run) => {
        checkSnapshots(run);
        checkSegments(run);
      });
    }),
    RUNS,
  );
});

function checkSnapshots({ now, keep, before, after, removed, verifiedEver }: Run): void {
  const past = before.filter((snapshot) => snapshot.verified && snapshot.createdAt <= now);
  const newestAt = Math.max(...past.map(({ createdAt }) => createdAt));
  if (past.length === 0) expect(removed).toEqual({ snapshots: [], segments: [] });
  for (const { createdAt } of before.filter(({ id }) => removed.snapshots.includes(id))) {
    expect(createdAt).toBeLessThanOrEqual(newestAt);
  }
  const left = after.filter(({ verified }) => verified);
  expect(left.length).toBeGreaterThanOrEqual(Math.min(3, verifiedEver.length));
  if (past.length > 0) expect(left.some(({ createdAt }) => createdAt === newestAt)).toBe(true);
  // Besides what the rules ask for: the newest three, the one furthest on, the one from before the last day.
  const most = keep.reduce((sum, { count }) => sum + count, 0) + 3 + 2;
  expect(left.filter(({ createdAt }) => createdAt <= now).length).toBeLessThanOrEqual(most);
}

/** What a run leaves of the last day, and the newest, is as restorable as it was; and the database is, in any case. */
function checkSegments({
  now,
  after,
  lineage,
  lastSegment,
  segmentsBefore,
  segmentsAfter,
  verifiedEver,
}: Run): void {
  const left = after.filter(({ verified }) => verified);
  const past = left.filter(({ createdAt }) => createdAt <= now).sort((a, b) => a.createdAt - b.createdAt);
  // Of some made at once, the last: sorting is stable, and they are in the order of their ids.
  const newest = past.at(-1);
  for (const snapshot of past) {
    if (snapshot.createdAt <= now - DAY_MS && snapshot !== newest) continue;
    const lost = segmentsBefore.filter(({ lineage, number, name }) => {
      const isNeeded = lineage === snapshot.lineage && number >= snapshot.coversSegment;
      return isNeeded && !segmentsAfter.has(name);
    });
    expect(lost).toEqual([]);
  }
  const furthest = Math.max(...coveredBy(verifiedEver, lineage));
  if (furthest < 0) return;
  expect(Math.max(...coveredBy(left, lineage))).toBe(furthest);
  expect(missing(lineage, furthest, lastSegment, segmentsAfter)).toEqual([]);
}

test('while no clock jumps, every moment of the last 24 hours can be restored', () => {
  fc.assert(
    fc.property(lives(fc.constant(0)), keeps, zones, (steps, keep, zone) => {
      live(steps, keep, remembering(calendarOf(zone)), ({ now, lineage, ...run }) => {
        const first = run.verifiedEver.find((snapshot) => snapshot.lineage === lineage);
        if (first === undefined) return;
        const earliest = Math.max(now - DAY_MS, first.createdAt);
        const canBegin = ({ lineage: of, verified, createdAt, coversSegment }: StoredSnapshot) =>
          of === lineage &&
          verified &&
          createdAt <= earliest &&
          missing(lineage, coversSegment, run.lastSegment, run.segmentsAfter).length === 0;
        expect(run.after.findLast(canBegin)).toBeDefined();
      });
    }),
    RUNS,
  );
});

function segmentOf(lineage: string, number: number): StoredSegment {
  return { name: `${lineage}/${number}`, lineage, number };
}

const coveredBy = (snapshots: readonly StoredSnapshot[], lineage: string) =>
  snapshots.filter((snapshot) => snapshot.lineage === lineage).map(({ coversSegment }) => coversSegment);

/** What is not there of the segments that a restore needs which begins at `first`; 0 is before the first one. */
function missing(lineage: string, first: number, last: number, there: ReadonlySet<string>): string[] {
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const names = numbers.filter((number) => number > 0).map((number) => segmentOf(lineage, number).name);
  return names.filter((name) => !there.has(name));
}

/** The same calendar, for questions that are asked again and again. */
function remembering(calendar: Calendar): Calendar {
  const days = new Map<Instant, string>();
  return {
    ...calendar,
    dayOf(at) {
      const day = days.get(at) ?? calendar.dayOf(at);
      days.set(at, day);
      return day;
    },
  };
}
