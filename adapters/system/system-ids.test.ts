import { expect, test } from 'vitest';
import { idsAfter, systemIds } from './system-ids.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MANY = 20_000;

function take(count: number, next: () => string): string[] {
  return Array.from({ length: count }, next);
}

test('ids are UUIDv7s, each greater than the one before, also many within a millisecond', () => {
  const ids = take(MANY, systemIds.next);
  for (const id of ids) expect(id).toMatch(UUID_V7);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(MANY);
});

test('an id begins with the time', () => {
  const at = Date.UTC(2026, 10, 24, 12, 0, 0, 123);
  const id = idsAfter(() => at).next();
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(at);
});

test.each([
  { name: 'stands still', clock: () => 1_795_522_201_338 },
  { name: 'is set back an hour now and then', clock: setBack() },
])('ids ascend while the clock $name', ({ clock }) => {
  const ids = take(MANY, idsAfter(clock).next);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(MANY);
});

test('what is not time and number is random', () => {
  const tails = take(MANY, systemIds.next).map((id) => id.slice(20));
  expect(new Set(tails).size).toBe(MANY);
  // Each of the 16 digits turns up in each place: 20,000 draws miss one with a chance below 10^-500.
  for (let place = 0; place < 15; place += 1) {
    const digits = new Set(tails.map((tail) => tail.replace('-', '')[place]));
    expect(digits.size).toBe(16);
  }
});

test('random bytes are as many as were asked for', () => {
  expect(systemIds.random(24)).toHaveLength(24);
  expect(systemIds.random(24)).not.toEqual(systemIds.random(24));
});

function setBack(): () => number {
  let calls = 0;
  return () => {
    calls += 1;
    return 1_795_522_201_338 + calls - (calls % 1000 === 0 ? 3_600_000 : 0);
  };
}
