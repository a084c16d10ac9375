import { expect, test } from 'vitest';
import type { Timetable } from './timetable.ts';
import { isDue, retryAt } from './timetable.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOON = Date.UTC(2026, 10, 24, 12);

const hourly: Timetable = { next: (after) => after - (after % HOUR_MS) + HOUR_MS };

test.each([
  { name: 'never done', lastAt: null, due: true },
  { name: 'done just now, on time', lastAt: NOON, due: false },
  { name: 'done within the hour', lastAt: NOON - 1, due: true },
  { name: 'done an hour ago', lastAt: NOON - HOUR_MS, due: true },
  { name: 'missed for long, as by a server that was off', lastAt: NOON - 100 * DAY_MS, due: true },
  { name: 'done a moment ahead: the clock was set back', lastAt: NOON + 1, due: false },
  { name: 'done a day ahead', lastAt: NOON + DAY_MS, due: false },
  { name: 'done more than a day ahead', lastAt: NOON + DAY_MS + 1, due: true },
])('isDue: $name', ({ lastAt, due }) => {
  expect(isDue(hourly, lastAt, NOON)).toBe(due);
});

test('is due from the very millisecond on', () => {
  expect(isDue(hourly, NOON, NOON + HOUR_MS - 1)).toBe(false);
  expect(isDue(hourly, NOON, NOON + HOUR_MS)).toBe(true);
});

test.each([
  { failures: 1, seconds: 10 },
  { failures: 2, seconds: 20 },
  { failures: 3, seconds: 40 },
  { failures: 5, seconds: 160 },
  { failures: 6, seconds: 300 },
  { failures: 7, seconds: 300 },
  { failures: 100_000, seconds: 300 },
])('retryAt: after $failures failures, $seconds seconds', ({ failures, seconds }) => {
  expect(retryAt(failures, NOON)).toBe(NOON + seconds * SECOND_MS);
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
  'retryAt: %d failures are a bug',
  (failures) => {
    expect(() => retryAt(failures, NOON)).toThrow('no reason to retry');
  },
);
