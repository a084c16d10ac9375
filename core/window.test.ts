import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PERIODS } from './model.ts';
import type { Window } from './window.ts';
import { calendarOf, dayNamed } from './window.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const iso = ({ startsAt, endsAt }: Window) => [startsAt, endsAt].map((at) => new Date(at ?? 0).toISOString());

test.each([
  { zone: 'UTC', at: '2026-11-24T12:00Z', day: ['2026-11-24T00:00Z', '2026-11-25T00:00Z'], hours: 24 },
  {
    zone: 'Asia/Shanghai',
    at: '2026-11-24T15:59Z',
    day: ['2026-11-23T16:00Z', '2026-11-24T16:00Z'],
    hours: 24,
  },
  {
    zone: 'Asia/Shanghai',
    at: '2026-11-24T16:00Z',
    day: ['2026-11-24T16:00Z', '2026-11-25T16:00Z'],
    hours: 24,
  },
  {
    zone: 'Asia/Kolkata',
    at: '2026-11-24T12:00Z',
    day: ['2026-11-23T18:30Z', '2026-11-24T18:30Z'],
    hours: 24,
  },
  // Clocks go forward at two o'clock, and back at two o'clock.
  {
    zone: 'America/New_York',
    at: '2026-03-08T12:00Z',
    day: ['2026-03-08T05:00Z', '2026-03-09T04:00Z'],
    hours: 23,
  },
  {
    zone: 'America/New_York',
    at: '2026-11-01T12:00Z',
    day: ['2026-11-01T04:00Z', '2026-11-02T05:00Z'],
    hours: 25,
  },
  // Clocks go from midnight to one o'clock: these days have no midnight.
  {
    zone: 'Asia/Beirut',
    at: '2026-03-29T12:00Z',
    day: ['2026-03-28T22:00Z', '2026-03-29T21:00Z'],
    hours: 23,
  },
  {
    zone: 'Africa/Cairo',
    at: '2026-04-24T12:00Z',
    day: ['2026-04-23T22:00Z', '2026-04-24T21:00Z'],
    hours: 23,
  },
  // Clocks go from midnight back to eleven: the day before has that hour twice.
  {
    zone: 'Asia/Beirut',
    at: '2026-10-24T21:30Z',
    day: ['2026-10-23T21:00Z', '2026-10-24T22:00Z'],
    hours: 25,
  },
  // Samoa went over the date line and never had a 30 December 2011.
  {
    zone: 'Pacific/Apia',
    at: '2011-12-30T09:59Z',
    day: ['2011-12-29T10:00Z', '2011-12-30T10:00Z'],
    hours: 24,
  },
  {
    zone: 'Pacific/Apia',
    at: '2011-12-30T10:00Z',
    day: ['2011-12-30T10:00Z', '2011-12-31T10:00Z'],
    hours: 24,
  },
  {
    zone: 'Pacific/Apia',
    at: '2026-11-24T12:00Z',
    day: ['2026-11-24T11:00Z', '2026-11-25T11:00Z'],
    hours: 24,
  },
])('the day of $zone around $at has $hours hours', ({ zone, at, day, hours }) => {
  const window = calendarOf(zone).windowOf('day', Date.parse(at));
  expect(iso(window)).toEqual(day.map((text) => new Date(text).toISOString()));
  expect((window.endsAt ?? 0) - window.startsAt).toBe(hours * HOUR_MS);
});

test.each([
  { zone: 'UTC', at: '2024-02-29T12:00Z', month: ['2024-02-01T00:00Z', '2024-03-01T00:00Z'] },
  { zone: 'Asia/Shanghai', at: '2026-12-31T16:00Z', month: ['2026-12-31T16:00Z', '2027-01-31T16:00Z'] },
  { zone: 'America/New_York', at: '2026-11-24T12:00Z', month: ['2026-11-01T04:00Z', '2026-12-01T05:00Z'] },
  { zone: 'Pacific/Apia', at: '2011-12-31T00:00Z', month: ['2011-12-01T10:00Z', '2011-12-31T10:00Z'] },
])('the month of $zone around $at', ({ zone, at, month }) => {
  expect(iso(calendarOf(zone).windowOf('month', Date.parse(at)))).toEqual(
    month.map((text) => new Date(text).toISOString()),
  );
});

test('the total never begins nor ends', () => {
  expect(calendarOf('UTC').windowOf('total', Date.UTC(2026, 10, 24))).toEqual({ startsAt: 0, endsAt: null });
});

test('a zone that is none is refused', () => {
  expect(() => calendarOf('Mars/Olympus')).toThrow(RangeError);
});

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const instants = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2031, 0, 1) });
const periods = fc.constantFrom(...PERIODS);

test('an instant is inside its window, and every instant of a window has that window', () => {
  fc.assert(
    fc.property(
      zones,
      periods,
      instants,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (zone, period, at, share) => {
        const window = calendarOf(zone).windowOf(period, at);
        const endsAt = window.endsAt ?? at + DAY_MS;
        expect(window.startsAt).toBeLessThanOrEqual(at);
        expect(endsAt).toBeGreaterThan(at);
        const other = window.startsAt + Math.floor(share * (endsAt - window.startsAt - 1));
        for (const inside of [window.startsAt, other, endsAt - 1]) {
          expect(calendarOf(zone).windowOf(period, inside)).toEqual(window);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('windows tile: where one ends, the next begins', () => {
  fc.assert(
    fc.property(zones, fc.constantFrom('minute', 'hour', 'day', 'month'), instants, (zone, period, at) => {
      const calendar = calendarOf(zone);
      const { startsAt, endsAt } = calendar.windowOf(period, at);
      expect(calendar.windowOf(period, endsAt ?? 0).startsAt).toBe(endsAt);
      expect(calendar.windowOf(period, startsAt - 1).endsAt).toBe(startsAt);
    }),
    { numRuns: 100 },
  );
});

test('a day is named by the local date, and no two days share a name', () => {
  fc.assert(
    fc.property(zones, instants, (zone, at) => {
      const calendar = calendarOf(zone);
      const { startsAt, endsAt } = calendar.windowOf('day', at);
      const name = calendar.dayOf(at);
      // Swedes write dates as ISO 8601 does.
      expect(name).toBe(new Intl.DateTimeFormat('sv-SE', { timeZone: zone }).format(at));
      expect(calendar.dayOf(startsAt)).toBe(name);
      expect(calendar.dayOf((endsAt ?? 0) - 1)).toBe(name);
      expect(calendar.dayOf(endsAt ?? 0)).not.toBe(name);
      expect(calendar.dayOf(startsAt - 1)).not.toBe(name);
    }),
    { numRuns: 100 },
  );
});

test('what was asked before does not matter', () => {
  const questions = fc.array(fc.tuple(periods, instants), { maxLength: 12 });
  fc.assert(
    fc.property(zones, questions, (zone, asked) => {
      const calendar = calendarOf(zone);
      for (const [period, at] of asked) {
        expect(calendar.windowOf(period, at)).toEqual(calendarOf(zone).windowOf(period, at));
        expect(calendar.dayOf(at)).toBe(calendarOf(zone).dayOf(at));
      }
    }),
    { numRuns: 30 },
  );
});

test('a calendar that remembers days says what a new one says, in any order', () => {
  const zones = fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Sao_Paulo', 'Pacific/Apia', 'Africa/Cairo');
  const instants = fc.array(fc.integer({ min: Date.UTC(2009, 0), max: Date.UTC(2019, 0) }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(zones, instants, (zone, given) => {
      const calendar = calendarOf(zone);
      // Each twice, and its neighbours, some of which are on the same day of UTC and on another here.
      for (const at of [...given, ...given].flatMap((near) => [near, near + 43_200_000, near - 43_200_000])) {
        const fresh = calendarOf(zone);
        expect([calendar.dayOf(at), calendar.windowOf('day', at)]).toEqual([
          fresh.dayOf(at),
          fresh.windowOf('day', at),
        ]);
      }
    }),
    { numRuns: 40 },
  );
});

test.each([
  { zone: 'UTC', day: '2026-11-25', from: '2026-11-25T00:00:00.000Z' },
  { zone: 'Etc/GMT+12', day: '2026-11-25', from: '2026-11-25T12:00:00.000Z' },
  { zone: 'Pacific/Kiritimati', day: '2026-11-25', from: '2026-11-24T10:00:00.000Z' },
  { zone: 'Asia/Shanghai', day: '2026-11-25', from: '2026-11-24T16:00:00.000Z' },
])('the day $day of $zone is found by its name', ({ zone, day, from }) => {
  const calendar = calendarOf(zone);
  const window = dayNamed(day, calendar);
  expect(new Date(window?.startsAt ?? 0).toISOString()).toBe(from);
  expect(calendar.dayOf(window?.startsAt ?? 0)).toBe(day);
});

test('a day that a zone has skipped is not there', () => {
  expect(dayNamed('2011-12-30', calendarOf('Pacific/Apia'))).toBeUndefined();
  expect(dayNamed('2011-12-31', calendarOf('Pacific/Apia'))).toBeDefined();
});
