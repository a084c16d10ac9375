import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBreaker } from './breaker.ts';

const RULE = { windowMs: 1_000, samplesMin: 4, failureShare: 0.5, openMs: 500 };

/** A breaker, and its clock. */
function breakerAt(nowMs: number) {
  const breaker = createBreaker(RULE);
  const clock = { nowMs };
  return {
    clock,
    state: () => breaker.state(clock.nowMs),
    allows: () => breaker.allows(clock.nowMs),
    begin: () => breaker.begin(clock.nowMs),
    end: (...[attempt, ok]: [Parameters<typeof breaker.end>[0], boolean | null]) =>
      breaker.end(attempt, ok, clock.nowMs),
    /** Tries that begin and end now. */
    tries(...outcomes: (boolean | null)[]) {
      for (const ok of outcomes) breaker.end(breaker.begin(clock.nowMs), ok, clock.nowMs);
    },
  };
}

test.each([
  { name: 'too few to tell', outcomes: [false, false, false], state: 'closed' },
  { name: 'all of enough', outcomes: [false, false, false, false], state: 'open' },
  { name: 'half of them', outcomes: [true, true, false, false], state: 'open' },
  { name: 'less than half', outcomes: [true, true, true, false, false], state: 'closed' },
  { name: 'what tells nothing', outcomes: [null, null, null, null, false], state: 'closed' },
])('failures, $name: $state', ({ outcomes, state }) => {
  for (const startMs of [0, 123_456]) {
    const breaker = breakerAt(startMs);
    breaker.tries(...outcomes);
    expect(breaker.state()).toBe(state);
  }
});

test('what lies further back than the window does not count', () => {
  const breaker = breakerAt(50_000);
  breaker.tries(false, false, false);
  breaker.clock.nowMs += RULE.windowMs;
  breaker.tries(false, true, true);
  expect(breaker.state()).toBe('closed');
  breaker.tries(false);
  expect(breaker.state()).toBe('open');
});

test('it opens, lets one probe through, opens again by its failure, and closes by its success', () => {
  const breaker = breakerAt(7);
  breaker.tries(false, false, false, false);
  expect(breaker.allows()).toBe(false);
  breaker.clock.nowMs += RULE.openMs - 1;
  expect(breaker.allows()).toBe(false);
  breaker.clock.nowMs += 1;
  expect([breaker.state(), breaker.allows()]).toEqual(['half_open', true]);
  expect(breaker.begin()).toBe('probe');
  expect(breaker.allows()).toBe(false);
  breaker.end('probe', false);
  expect(breaker.state()).toBe('open');
  breaker.clock.nowMs += RULE.openMs;
  breaker.end(breaker.begin(), true);
  expect([breaker.state(), breaker.allows()]).toEqual(['closed', true]);
  // What opened it is forgotten: three failures more are too few to tell.
  breaker.tries(false, false, false);
  expect(breaker.state()).toBe('closed');
});

test('a probe that tells nothing makes room for another; what was begun before moves nothing', () => {
  const breaker = breakerAt(7);
  const early = breaker.begin();
  breaker.tries(false, false, false, false);
  breaker.clock.nowMs += RULE.openMs;
  const probe = breaker.begin();
  breaker.end(early, true);
  expect(breaker.state()).toBe('half_open');
  breaker.end(probe, null);
  expect(breaker.begin()).toBe('probe');
});

test('there is never more than one probe, and none while it is open', () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant('begin' as const) }),
    fc.record({
      does: fc.constant('end' as const),
      which: fc.nat(9),
      ok: fc.constantFrom(true, false, null),
    }),
    fc.record({ does: fc.constant('wait' as const), ms: fc.nat(600) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const breaker = breakerAt(0);
      const under: ReturnType<typeof breaker.begin>[] = [];
      for (const each of steps) {
        const before = breaker.state();
        if (each.does === 'wait') breaker.clock.nowMs += each.ms;
        if (each.does === 'begin') under.push(breaker.begin());
        if (each.does === 'begin' && before !== 'half_open') expect(under.at(-1)).toBe('ordinary');
        if (each.does === 'end' && under.length > 0) {
          const [ended] = under.splice(each.which % under.length, 1);
          breaker.end(ended ?? 'ordinary', each.ok);
          if (ended === 'ordinary' && before !== 'closed') expect(breaker.state()).toBe(before);
        }
        expect(under.filter((attempt) => attempt === 'probe').length).toBeLessThanOrEqual(1);
        expect(breaker.allows()).toBe(
          breaker.state() === 'closed' || (breaker.state() === 'half_open' && !under.includes('probe')),
        );
      }
    }),
  );
});
