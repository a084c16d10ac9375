import { expect, test } from 'vitest';
import { throttle } from './throttle.ts';

const HOUR_MS = 60 * 60_000;
const AT = Date.UTC(2026, 10, 24, 12);

test('so many pass at once, and then one after each share of the span', () => {
  const applications = throttle({ count: 5, withinMs: HOUR_MS });
  const takes = Array.from({ length: 6 }, () => applications.take('a', AT));
  expect(takes).toEqual([0, 0, 0, 0, 0, HOUR_MS / 5]);
  expect(applications.take('a', AT + HOUR_MS / 5 - 1)).toBe(1);
  expect(applications.take('a', AT + HOUR_MS / 5)).toBe(0);
  expect(applications.take('a', AT + HOUR_MS / 5)).toBe(HOUR_MS / 5);
  expect(applications.take('b', AT)).toBe(0);
});

test('refusals do not count, and a clock that is set back locks nobody out for longer than the span', () => {
  const once = throttle({ count: 1, withinMs: HOUR_MS });
  expect(once.take('a', AT)).toBe(0);
  for (let tries = 0; tries < 100; tries += 1) expect(once.take('a', AT)).toBe(HOUR_MS);
  expect(once.take('a', AT - 9 * HOUR_MS)).toBe(HOUR_MS);
  expect(once.take('a', AT + HOUR_MS)).toBe(0);
});

test('of too many names the one that was longest not heard of is forgotten, and no other', () => {
  const once = throttle({ count: 1, withinMs: HOUR_MS });
  for (let n = 0; n < 10_000; n += 1) once.take(`name ${n}`, AT);
  once.take('name 0', AT);
  once.take('one more', AT);
  expect(once.take('name 0', AT)).toBe(HOUR_MS);
  expect(once.take('name 2', AT)).toBe(HOUR_MS);
  expect(once.take('name 1', AT)).toBe(0);
});
