import { expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { localDays } from './local-days.ts';

const zone = (name: string) => calendarOf(name);

test.each([
  { here: 'UTC', there: 'UTC', day: '2026-11-24', is: '2026-11-24' },
  { here: 'Asia/Shanghai', there: 'Asia/Shanghai', day: '2026-11-24', is: '2026-11-24' },
  { here: 'UTC', there: 'Asia/Shanghai', day: '2026-11-24', is: '2026-11-24' },
  // Noon in Kiritimati is ten at night of the day before in London.
  { here: 'UTC', there: 'Pacific/Kiritimati', day: '2026-11-24', is: '2026-11-23' },
  { here: 'Pacific/Kiritimati', there: 'Etc/GMT+12', day: '2026-11-24', is: '2026-11-25' },
  { here: 'UTC', there: 'UTC', day: '2026-11-26', is: undefined },
  { here: 'UTC', there: 'UTC', day: '2014-12-31', is: undefined },
  { here: 'UTC', there: 'UTC', day: '2026-02-31', is: undefined },
  { here: 'UTC', there: 'UTC', day: '24.11.2026', is: undefined },
])('$day in $there is $is in $here', ({ here, there, day, is }) => {
  expect(localDays(zone(here), zone(there), '2026-11-25').named(day)).toBe(is);
});

test('an instant is of a day that can be, or of none', () => {
  const days = localDays(zone('Asia/Shanghai'), zone('UTC'), '2026-11-25');
  expect(days.at(Date.UTC(2026, 10, 24, 16))).toBe('2026-11-25');
  expect(days.at(Date.UTC(2026, 10, 25, 16))).toBeUndefined();
  expect(days.at(0)).toBeUndefined();
});
