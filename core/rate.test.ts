import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOON } from '#test/fakes/accounts.ts';
import { passRate } from './rate.ts';

const MINUTE_MS = 60_000;

/** How many of the requests at `instants` pass, and what is remembered after them. */
function passing(perMinute: number, instants: readonly number[], from = 0) {
  let arrivalUs = from;
  const passed: number[] = [];
  for (const at of instants) {
    const decision = passRate(arrivalUs, perMinute, at);
    if (!decision.allowed) continue;
    arrivalUs = decision.arrivalUs;
    passed.push(at);
  }
  return { passed, arrivalUs };
}

const atOnce = (count: number, at = NOON) => Array<number>(count).fill(at);

test.each([1, 3, 7, 60, 61, 600])('%i a minute: so many pass at once, and not one more', (perMinute) => {
  expect(passing(perMinute, atOnce(perMinute + 5)).passed).toHaveLength(perMinute);
});

test.each([
  { perMinute: 1, intervalMs: 60_000 },
  { perMinute: 6, intervalMs: 10_000 },
  { perMinute: 60, intervalMs: 1_000 },
])('$perMinute a minute: then one every $intervalMs ms, to the millisecond', ({ perMinute, intervalMs }) => {
  const { arrivalUs } = passing(perMinute, atOnce(perMinute));
  expect(passRate(arrivalUs, perMinute, NOON + intervalMs - 1)).toMatchObject({ allowed: false, retryMs: 1 });
  expect(passRate(arrivalUs, perMinute, NOON + intervalMs)).toMatchObject({ allowed: true, retryMs: 0 });
  expect(passing(perMinute, atOnce(5, NOON + intervalMs), arrivalUs).passed).toHaveLength(1);
});

test.each([
  { name: 'the first of many', before: 0, allowed: true, remaining: 59, resetMs: 1_000, retryMs: 0 },
  { name: 'one in the middle', before: 29, allowed: true, remaining: 30, resetMs: 30_000, retryMs: 0 },
  { name: 'the last', before: 59, allowed: true, remaining: 0, resetMs: 60_000, retryMs: 0 },
  { name: 'one too many', before: 60, allowed: false, remaining: 0, resetMs: 60_000, retryMs: 1_000 },
])('the standing is what is left: $name', ({ before, allowed, remaining, resetMs, retryMs }) => {
  const { arrivalUs } = passing(60, atOnce(before));
  const standing = { requestsPerMinute: 60, remaining, resetMs };
  expect(passRate(arrivalUs, 60, NOON)).toMatchObject({ allowed, retryMs, standing });
});

test('a flood passes at the rate, without drift', () => {
  const perMinute = 6_000;
  const everyMs = Array.from({ length: 2 * MINUTE_MS + 1 }, (_, passedMs) => NOON + passedMs);
  expect(passing(perMinute, everyMs).passed).toHaveLength(3 * perMinute);
});

test('a request that is refused costs nothing', () => {
  const { arrivalUs } = passing(60, atOnce(60));
  expect(passRate(arrivalUs, 60, NOON).arrivalUs).toBe(arrivalUs);
});

test('after a clock was set back one passes, and then as many as the rate says', () => {
  const { arrivalUs } = passing(60, atOnce(60));
  const before = NOON - 24 * 60 * MINUTE_MS;
  const everyMs = Array.from({ length: 5_000 }, (_, passedMs) => before + passedMs);
  const seconds = [0, 1_000, 2_000, 3_000, 4_000];
  expect(passing(60, everyMs, arrivalUs).passed).toEqual(seconds.map((passedMs) => before + passedMs));
});

test('a rate that was lowered takes hold at once', () => {
  const { arrivalUs } = passing(600, atOnce(600));
  expect(passRate(arrivalUs, 1, NOON)).toMatchObject({ allowed: false, retryMs: MINUTE_MS });
});

test('in no span of time do more pass than at once, and one for each interval of it', () => {
  const rates = fc.integer({ min: 1, max: 120 });
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat(400), fc.nat(90_000)), { maxLength: 150 });
  fc.assert(
    fc.property(rates, gaps, (perMinute, gapsMs) => {
      let at = NOON;
      const { passed } = passing(
        perMinute,
        gapsMs.map((gapMs) => (at += gapMs)),
      );
      const intervalMs = MINUTE_MS / perMinute;
      for (const [first, from] of passed.entries()) {
        for (const [last, until] of passed.entries()) {
          if (last < first) continue;
          expect(last - first + 1).toBeLessThanOrEqual(perMinute + Math.floor((until - from) / intervalMs));
        }
      }
    }),
    { numRuns: 60 },
  );
});
