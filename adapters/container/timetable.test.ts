import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDue } from '#core/timetable.ts';
import { timetableOf } from './timetable.ts';

const DAY_MS = 24 * 3_600_000;

/** The next times after `from`, in UTC, to the minute. */
function times(expression: string, zone: string, from: string, count: number): string[] {
  const timetable = timetableOf(expression, zone);
  const found: string[] = [];
  for (let at = Date.parse(from); found.length < count; ) {
    at = timetable.next(at);
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

test.each([
  { expression: '0 3 * * *', from: '2026-06-01T00:00Z', due: ['2026-06-01T01:00Z', '2026-06-02T01:00Z'] },
  { expression: '@daily', from: '2026-06-01T00:00Z', due: ['2026-06-01T22:00Z', '2026-06-02T22:00Z'] },
  { expression: '@hourly', from: '2026-06-01T00:00Z', due: ['2026-06-01T01:00Z', '2026-06-01T02:00Z'] },
  {
    expression: '*/15 * * * *',
    from: '2026-06-01T00:14:59.999Z',
    due: ['2026-06-01T00:15Z', '2026-06-01T00:30Z'],
  },
  {
    expression: '0 * * * *',
    from: '2026-06-01T00:00:00.001Z',
    due: ['2026-06-01T01:00Z', '2026-06-01T02:00Z'],
  },
  { expression: '30 4 * * MON', from: '2026-06-01T02:30Z', due: ['2026-06-08T02:30Z', '2026-06-15T02:30Z'] },
  { expression: '0 0 29 2 *', from: '2026-06-01T00:00Z', due: ['2028-02-28T23:00Z', '2032-02-28T23:00Z'] },
])('in Berlin, "$expression" after $from', ({ expression, from, due }) => {
  expect(times(expression, 'Europe/Berlin', from, due.length)).toEqual(due);
});

// Berlin goes from 02:00 to 03:00 at 01:00Z on 29 March 2026, and from 03:00 back to 02:00 at 01:00Z on 25 October.
// São Paulo went from 00:00 to 01:00 at 03:00Z on 4 November 2018, and from 00:00 back to 23:00 at 02:00Z on
// 18 February 2018.
test.each([
  {
    name: 'an hour that is passed over: once, after the gap',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-28T00:00Z',
    due: ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z'],
  },
  {
    name: 'an hour that comes twice: once, the first time',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T12:00Z',
    due: ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
  },
  {
    name: 'the same for a list of hours, in the gap',
    expression: '30 2,14 * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-28T20:00Z',
    due: ['2026-03-29T01:00Z', '2026-03-29T12:30Z', '2026-03-30T00:30Z'],
  },
  {
    name: 'the same for a list of hours, in the hour that comes twice',
    expression: '30 2,14 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T20:00Z',
    due: ['2026-10-25T00:30Z', '2026-10-25T13:30Z'],
  },
  {
    name: 'every hour goes on through the gap',
    expression: '0 * * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-29T00:00Z',
    due: ['2026-03-29T01:00Z', '2026-03-29T02:00Z'],
  },
  {
    name: 'every hour goes on through the hour that comes twice',
    expression: '0 * * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T23:00Z',
    due: ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'],
  },
  {
    name: 'a day without a midnight: when it begins',
    expression: '@daily',
    zone: 'America/Sao_Paulo',
    from: '2018-11-03T12:00Z',
    due: ['2018-11-04T03:00Z', '2018-11-05T02:00Z'],
  },
  {
    name: 'a day with two last hours: once',
    expression: '30 23 * * *',
    zone: 'America/Sao_Paulo',
    from: '2018-02-17T12:00Z',
    due: ['2018-02-18T01:30Z', '2018-02-19T02:30Z'],
  },
  {
    name: 'an hour that is passed over at the end of a day: not on that day',
    expression: '30 23 * * *',
    zone: 'America/Nuuk', // from 23:00 to midnight at 01:00Z on 30 March 2025
    from: '2025-03-28T12:00Z',
    due: ['2025-03-29T01:30Z', '2025-03-31T00:30Z'],
  },
  {
    name: 'no change of clocks any more',
    expression: '@daily',
    zone: 'America/Sao_Paulo',
    from: '2026-11-01T12:00Z',
    due: ['2026-11-02T03:00Z', '2026-11-03T03:00Z'],
  },
])('where clocks are changed: $name', ({ expression, zone, from, due }) => {
  expect(times(expression, zone, from, due.length)).toEqual(due);
});

test('what was done at the first of two hours is not due at the second', () => {
  const timetable = timetableOf('30 2 * * *', 'Europe/Berlin');
  const first = Date.parse('2026-10-25T00:30Z');
  const second = Date.parse('2026-10-25T01:30Z');
  expect(isDue(timetable, first - DAY_MS, first)).toBe(true);
  expect(isDue(timetable, first, second)).toBe(false);
  expect(isDue(timetable, first, second + DAY_MS)).toBe(true);
});

test('in any zone and any year, always later, and nothing is left out between', () => {
  const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
  const starts = fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2035, 0, 1) });
  const expressions = fc
    .tuple(fc.nat(59), fc.constantFrom('*', '*/6', '0', '2', '1,23'))
    .map(([m, h]) => `${m} ${h} * * *`);
  fc.assert(
    fc.property(zones, starts, expressions, fc.nat(DAY_MS), (zone, start, expression, pauseMs) => {
      const timetable = timetableOf(expression, zone);
      const next = timetable.next(start);
      expect(next).toBeGreaterThan(start);
      expect(next - start).toBeLessThanOrEqual(2 * DAY_MS);
      expect(timetable.next(Math.min(start + pauseMs, next - 1))).toBe(next);
    }),
    { numRuns: 300 },
  );
});

test.each([
  { expression: '', why: 'write five fields' },
  { expression: '* * * *', why: 'write five fields' },
  { expression: '0 * * * * *', why: 'write five fields' },
  { expression: '0 0 0 1 1 * 2030', why: 'write five fields' },
  { expression: '0 0 *\n* *', why: 'write five fields' },
  { expression: '2030-01-01T00:00:00', why: 'write five fields' },
  { expression: '@reboot', why: 'write five fields' },
  { expression: '@dayly', why: 'write five fields' },
  { expression: '99 * * * *', why: 'is no cron expression: Invalid value for minute: 99' },
  { expression: '0 25 * * *', why: 'Invalid value for hour: 25' },
  { expression: '*/0 * * * *', why: 'illegal stepping' },
  { expression: '0 0 * * FOO', why: 'illegal characters' },
  { expression: '0 0 30 2 *', why: 'never comes true' },
])('"$expression" is refused in one line', ({ expression, why }) => {
  const trial = () => timetableOf(expression, 'Europe/Berlin');
  expect(trial).toThrow(why);
  expect(trial).toThrow(/^.+$/);
  expect(trial).toThrow(JSON.stringify(expression));
});

test('a zone that is none is refused in one line', () => {
  expect(() => timetableOf('@daily', 'Mars/Olympus')).toThrow(/^.*Mars\/Olympus.*$/);
});

test('after the end of time, nothing comes', () => {
  expect(() => timetableOf('@daily', 'UTC').next(Date.UTC(9999, 11, 31))).toThrow(
    'nothing of @daily comes after',
  );
});
