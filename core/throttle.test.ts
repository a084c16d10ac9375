import { expect, test } from 'vitest';
import { throttle } from './throttle.ts';

const HOUR_MS = 60 * 60_000;
const AT = Date.UTC(2026, 10, 24, 12);

test('so many pass at once, and then one after each share of the span; each name by itself', () => {
  const applications = throttle({ count: 5, withinMs: HOUR_MS });
  const takes = Array.from({ length: 6 }, () => applications.take('a', AT));
  expect(takes).toEqual([0, 0, 0, 0, 0, HOUR_MS / 5]);
  expect(applications.take('a', AT + HOUR_MS / 5 - 1)).toBe(1);
  expect(applications.take('a', AT + HOUR_MS / 5)).toBe(0);
  expect(applications.take('a', AT + HOUR_MS / 5)).toBe(HOUR_MS / 5);
  expect(applications.take('b', AT)).toBe(0);
});

test('refusals do not count, and a clock that is set back locks nobody out', () => {
  const once = throttle({ count: 1, withinMs: HOUR_MS });
  expect(once.take('a', AT)).toBe(0);
  for (let tries = 0; tries < 100; tries += 1) expect(once.take('a', AT)).toBe(HOUR_MS);
  expect(once.take('a', AT + HOUR_MS)).toBe(0);
  expect(once.take('a', AT - 9 * HOUR_MS)).toBe(0);
  expect(once.take('a', AT - 9 * HOUR_MS)).toBe(HOUR_MS);
  expect(once.take('a', AT - 8 * HOUR_MS)).toBe(0);
});

test('0: all pass, and nothing is kept', () => {
  const any = throttle({ count: 0, withinMs: HOUR_MS });
  for (let n = 0; n < 100; n += 1) expect(any.take('a', AT)).toBe(0);
  expect(any.size()).toBe(0);
});

test('a million names take the room of ten thousand, and the quiet ones are forgotten first', () => {
  const once = throttle({ count: 1, withinMs: HOUR_MS });
  once.take('busy', AT);
  for (let n = 0; n < 1_000_000; n += 1) {
    once.take(`name ${n}`, AT);
    if (n % 4_000 === 0) expect(once.take('busy', AT)).toBeGreaterThan(0);
  }
  expect(once.size()).toBeLessThanOrEqual(10_000);
  expect(once.take('name 999999', AT)).toBeGreaterThan(0);
  expect(once.take('name 0', AT)).toBe(0);
});
