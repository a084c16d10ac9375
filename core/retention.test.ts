import { expect, test } from 'vitest';
import type { Holdings, StoredSegment, StoredSnapshot } from './retention.ts';
import { parseKeep, retain } from './retention.ts';
import { calendarOf } from './window.ts';

const NOW = Date.parse('2026-11-24T12:30Z'); // a Tuesday

test.each([
  { text: '24h 7d 4w 12m', keep: [24, 'hour', 7, 'day', 4, 'week', 12, 'month'] },
  { text: '  12m\t1h ', keep: [12, 'month', 1, 'hour'] },
  { text: '1000d', keep: [1000, 'day'] },
])('parseKeep reads "$text"', ({ text, keep }) => {
  expect(parseKeep(text)?.flatMap(({ count, unit }) => [count, unit])).toEqual(keep);
});

test.each(
  [
    '',
    ' ',
    '24',
    'h',
    '0h',
    '01h',
    '-1h',
    '1.5h',
    '1001h',
    '99999h',
    '24H',
    '7y',
    '1h,1d',
    '1h1d',
    '1h 2h',
  ].map((text) => ({ text })),
)('parseKeep refuses "$text"', ({ text }) => {
  expect(parseKeep(text)).toBeUndefined();
});

/** A verified snapshot of the lineage `a`, named by when it was made. */
function made(id: string, over: Partial<StoredSnapshot> = {}): StoredSnapshot {
  return { id, lineage: 'a', createdAt: Date.parse(id), verified: true, coversSegment: 0, ...over };
}

/** By default nothing is of the current lineage, so that the rules stand alone. */
function removals(over: Partial<Omit<Holdings, 'keep'>>, keep = '1h') {
  const by = { keep: parseKeep(keep) ?? [], now: NOW, calendar: calendarOf('UTC'), currentLineage: 'none' };
  return retain({ snapshots: [], segments: [], ...by, ...over });
}

/** They are kept in any case, and are of one hour, day, week and month. */
const NEWEST = ['2026-11-24T12:28Z', '2026-11-24T12:29Z', '2026-11-24T12:30Z'];

test.each([
  {
    name: 'the newest of each hour, hours without one passed over',
    keep: '4h',
    zone: 'UTC',
    kept: ['2026-11-24T11:59Z', '2026-11-22T03:59Z', '2026-11-20T09:10Z'],
    removed: ['2026-11-24T11:00Z', '2026-11-22T03:58Z', '2026-11-20T09:00Z', '2026-11-20T08:59Z'],
  },
  {
    name: 'of each local day',
    keep: '3d',
    zone: 'Asia/Shanghai', // where the day begins at 16:00Z
    kept: ['2026-11-23T15:59Z', '2026-11-22T15:59Z'],
    removed: ['2026-11-23T16:00Z', '2026-11-22T16:00Z', '2026-11-22T15:58Z', '2026-11-21T15:59Z'],
  },
  {
    name: 'a day of 25 hours is one day',
    keep: '4d',
    zone: 'America/New_York', // 1 November from 04:00Z to 05:00Z
    kept: ['2026-11-02T05:00Z', '2026-11-02T04:59Z', '2026-11-01T03:59Z'],
    removed: ['2026-11-01T04:00Z', '2026-10-31T04:00Z', '2026-10-31T03:59Z'],
  },
  {
    name: 'of each week from Monday, also over the end of the year',
    keep: '5w',
    zone: 'UTC',
    kept: ['2026-01-05T00:00Z', '2026-01-04T23:59Z', '2025-12-28T23:59Z', '2025-12-21T12:00Z'],
    removed: ['2026-01-01T00:00Z', '2025-12-29T00:00Z', '2025-12-22T00:00Z', '2025-12-14T23:59Z'],
  },
  {
    name: 'of each local week',
    keep: '4w',
    zone: 'Asia/Shanghai',
    kept: ['2026-11-22T15:59Z', '2026-11-15T15:59Z', '2026-11-08T15:59Z'],
    removed: ['2026-11-22T16:00Z', '2026-11-15T16:00Z', '2026-11-08T16:00Z', '2026-11-01T15:59Z'],
  },
  {
    name: 'of each local month of a year',
    keep: '5m',
    zone: 'Asia/Shanghai',
    kept: ['2026-10-31T15:59Z', '2026-09-30T15:59Z', '2025-11-24T00:00Z', '2025-10-24T00:00Z'],
    removed: ['2026-10-31T16:00Z', '2026-09-30T16:00Z', '2025-11-23T00:00Z', '2025-09-24T00:00Z'],
  },
  {
    name: 'by each rule for itself',
    keep: '2m 3d 2h',
    zone: 'UTC',
    kept: ['2026-11-24T11:10Z', '2026-11-23T10:10Z', '2026-11-21T10:10Z', '2026-10-31T10:10Z'],
    removed: ['2026-11-24T10:10Z', '2026-11-20T10:10Z', '2026-10-30T10:10Z', '2026-09-30T10:10Z'],
  },
  { name: 'the three newest and no more', keep: '1m', zone: 'UTC', kept: [], removed: ['2026-11-24T12:27Z'] },
])('of verified snapshots stay: $name', ({ keep, zone, kept, removed }) => {
  const snapshots = [...removed, ...NEWEST, ...kept].map((text) => made(text));
  const calendar = calendarOf(zone);
  expect(removals({ snapshots, calendar }, keep).snapshots).toEqual(removed.toSorted());
  expect(removals({ snapshots: snapshots.toReversed(), calendar }, keep).snapshots).toEqual(
    removed.toSorted(),
  );
});

const three = ['2026-11-24T10:00Z', '2026-11-24T11:00Z', '2026-11-24T12:00Z'].map((text) => made(text));
const old = made('2026-11-20T00:00Z');
const unverified = { verified: false };
const ahead = ['2026-11-24T12:31Z', '2026-11-25T00:00Z', '2027-01-01T00:00Z', '2036-01-01T00:00Z'];

test.each([
  { name: 'an empty list', snapshots: [], removed: [] },
  {
    name: 'none verified',
    snapshots: [made('2020-01-01', unverified), made('2021-01-01', unverified)],
    removed: [],
  },
  { name: 'one too many', snapshots: [old, ...three], removed: [old] },
  {
    name: 'unverified ones count for nothing',
    snapshots: [
      old,
      ...three.slice(1),
      made('2026-11-24T12:10Z', unverified),
      made('2026-11-24T11:10Z', unverified),
    ],
    removed: [],
  },
  {
    name: 'unverified and older than the newest verified: after a day',
    snapshots: [made('2026-11-23T12:30Z', unverified), made('2026-11-23T12:31Z', unverified), ...three],
    removed: [made('2026-11-23T12:30Z')],
  },
  {
    name: 'unverified and newer than the newest verified: never',
    snapshots: [
      old,
      made('2026-11-20T00:01Z', unverified),
      made('2026-11-20T00:00Z', { ...unverified, id: 'same' }),
    ],
    removed: [],
  },
  {
    name: 'the future counts for nothing',
    snapshots: [old, ...ahead.map((text) => made(text))],
    removed: [],
  },
  {
    name: 'the future stays',
    snapshots: [old, ...three, ...ahead.map((text) => made(text)), made('2026-11-24T13:00Z', unverified)],
    removed: [old],
  },
  { name: 'now is not the future', snapshots: [...three, made('2026-11-24T12:30Z')], removed: [three[0]] },
])('snapshots: $name', ({ snapshots, removed }) => {
  expect(removals({ snapshots }).snapshots).toEqual(removed.map((snapshot) => snapshot?.id));
});

test('of two made at once, the greater id is the newer, in any order', () => {
  const twins = ['x', 'y'].map((id) => made('2026-11-24T10:00Z', { id }));
  for (const snapshots of [
    [...twins, ...three.slice(1)],
    [...three.slice(1), ...twins.toReversed()],
  ]) {
    expect(removals({ snapshots }).snapshots).toEqual(['x']);
  }
});

test('of the current lineage stay the one furthest on, and the last one from before the last 24 hours', () => {
  const furthest = made('2026-11-23T12:29Z', { coversSegment: 9 });
  const base = made('2026-11-23T12:30Z', { coversSegment: 1 });
  const snapshots = [old, furthest, base, made('2026-11-23T12:31Z'), ...three];
  expect(removals({ snapshots, currentLineage: 'a' }).snapshots).toEqual([old.id, '2026-11-23T12:31Z']);
  expect(removals({ snapshots, currentLineage: 'b' }).snapshots).toHaveLength(4);
});

test('of a current lineage younger than 24 hours stays the oldest one', () => {
  const snapshots = ['2026-11-24T06:00Z', '2026-11-24T07:00Z'].map((text) => made(text));
  const { snapshots: removed } = removals({ snapshots: [...snapshots, ...three], currentLineage: 'a' });
  expect(removed).toEqual(['2026-11-24T07:00Z']);
});

/** The segments `first` to `last` of a lineage. */
function cut(lineage: string, first: number, last: number): StoredSegment[] {
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return numbers.map((number) => ({ name: `${lineage}${number}`, lineage, number }));
}

const covering = (coversSegment: number, lineage = 'a') => ({ coversSegment, lineage });

test.each([
  { name: 'nothing where nothing is listed', snapshots: [], current: 'a', removed: [] },
  {
    name: 'those before the last snapshot from before the last 24 hours',
    snapshots: [
      made('2026-11-23T12:29Z', covering(2)),
      made('2026-11-23T12:30Z', covering(4)),
      made('2026-11-24T12:00Z', covering(8)),
    ],
    current: 'a',
    removed: cut('a', 1, 3),
  },
  {
    name: 'those before the first of a young lineage',
    snapshots: [made('2026-11-23T12:31Z', covering(4)), made('2026-11-24T12:00Z', covering(8))],
    current: 'a',
    removed: cut('a', 1, 3),
  },
  {
    name: 'by what is covered, not by when: clocks jump',
    snapshots: [
      made('2026-11-20T00:00Z', covering(8)),
      made('2026-11-24T12:00Z', covering(3)),
      made('2026-11-24T12:10Z', covering(9)),
    ],
    current: 'a',
    removed: cut('a', 1, 2),
  },
  {
    name: 'nothing that a snapshot of the next 24 hours needs: the clock was set back',
    snapshots: [made('2026-11-24T12:00Z', covering(8)), made('2026-11-25T12:29Z', covering(4))],
    current: 'a',
    removed: cut('a', 1, 3),
  },
  {
    name: 'also what a snapshot of the far future needs',
    snapshots: [made('2026-11-24T12:00Z', covering(8)), made('2026-11-25T12:30Z', covering(4))],
    current: 'a',
    removed: cut('a', 1, 7),
  },
  {
    name: 'nothing by a snapshot that is not verified, or of the future',
    snapshots: [
      made('2026-11-24T12:00Z', covering(5, 'b')),
      made('2026-11-24T12:00Z', { ...covering(5), ...unverified }),
      made('2026-11-24T12:31Z', covering(5)),
    ],
    current: 'a',
    removed: cut('b', 1, 4),
  },
  {
    name: 'all of a lineage whose last snapshot goes',
    snapshots: [old, ...three.map((snapshot) => ({ ...snapshot, lineage: 'b' }))],
    current: 'b',
    removed: cut('a', 1, 9),
  },
  {
    name: 'nothing of a lineage that keeps a snapshot, verified or not',
    snapshots: [
      old,
      made('2026-11-24T12:20Z', unverified),
      ...three.map((snapshot) => ({ ...snapshot, lineage: 'b' })),
    ],
    current: 'b',
    removed: [],
  },
  {
    name: 'nothing of the current lineage, if its last snapshot goes',
    snapshots: [made('2026-11-20', unverified), ...three.map((snapshot) => ({ ...snapshot, lineage: 'b' }))],
    current: 'a',
    removed: [],
  },
  {
    name: 'nothing of a lineage without a snapshot',
    snapshots: [old, ...three],
    current: 'b',
    removed: [],
  },
])('segments: $name', ({ snapshots, current, removed }) => {
  const segments = [...cut('a', 1, 9), ...cut('b', 1, 9)];
  const { segments: names } = removals({ snapshots, segments, currentLineage: current });
  expect(names).toEqual(removed.map(({ name }) => name));
});
