import { expect, test } from 'vitest';
import { DAYS_IN_USE, LEDGER_DAYS_MIN, removableBefore } from './ledger-retention.ts';

const DAY_MS = 24 * 3_600_000;
const TODAY = Date.UTC(2026, 10, 24);
/** The last days, today first. */
const DAYS = Array.from({ length: DAYS_IN_USE }, (_, index) => TODAY - index * DAY_MS);
const YEARS_MS = 3650 * DAY_MS;

test.each([
  { name: 'from the seventh last day on', now: TODAY + 5, daysInUse: DAYS, before: TODAY - 46 * DAY_MS },
  {
    name: 'never from later than now',
    now: TODAY - 9 * DAY_MS,
    daysInUse: DAYS,
    before: TODAY - 49 * DAY_MS,
  },
  {
    name: 'a clock that is ahead alone removes nothing',
    now: TODAY + YEARS_MS,
    daysInUse: DAYS,
    before: TODAY - 46 * DAY_MS,
  },
  {
    name: 'nor does one that requests were made by, on six days',
    now: TODAY + YEARS_MS,
    daysInUse: [5, 4, 3, 2, 1, 0].map((day) => TODAY + YEARS_MS - day * DAY_MS).concat(TODAY),
    before: TODAY - 40 * DAY_MS,
  },
  { name: 'nothing while there are fewer days in use', now: TODAY, daysInUse: DAYS.slice(1), before: null },
])('days are counted $name', ({ now, daysInUse, before }) => {
  expect(removableBefore(40, now, daysInUse)).toBe(before);
});

test('no window of a month is reached, however few days are asked for', () => {
  expect(removableBefore(LEDGER_DAYS_MIN - 1, TODAY, DAYS)).toBe(null);
  expect(removableBefore(0, TODAY, DAYS)).toBe(null);
  expect(LEDGER_DAYS_MIN).toBeGreaterThan(31);
});
