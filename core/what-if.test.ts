import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOON, perDay, UTC } from '#test/fakes/accounts.ts';
import type { Quota } from './model.ts';
import { NOTHING } from './model.ts';
import type { PastRequest, Proposal } from './what-if.ts';
import { whatIf } from './what-if.ts';

const FREE: Proposal = { quotas: [], sponsorQuotas: [], requestsPerMinute: 0, maxConcurrency: null };
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let made = 0;
/** A request of Ada's that held 200 tokens and 40 micros, and used half of it within a second. */
function past(given: Partial<PastRequest> = {}): PastRequest {
  made += 1;
  const madeAt = given.madeAt ?? NOON + made;
  return {
    ...{
      requestId: String(made),
      keyId: 'ada',
      model: 'demo',
      madeAt,
      endedAt: madeAt + 1_000,
      priced: true,
    },
    reserved: { requests: 1, tokens: 200, cost: 40 },
    used: { requests: 1, tokens: 100, cost: 20 },
    ...given,
  };
}

const many = (count: number, everyMs: number, given: Partial<PastRequest> = {}) =>
  Array.from({ length: count }, (_, index) => past({ madeAt: NOON + index * everyMs, ...given }));

test('without limits nothing would have been refused', () => {
  const { total } = whatIf(many(5, MINUTE), FREE, UTC);
  const used = { requests: 5, tokens: 500, cost: 100 };
  expect(total).toEqual({ requests: 5, refused: 0, firstRefusedAt: null, reasons: {}, used, wouldUse: used });
});

test.each<{
  name: string;
  proposal: Partial<Proposal>;
  requests: readonly PastRequest[];
  admitted: number;
  reason: string;
}>([
  {
    name: 'requests a day',
    proposal: { quotas: [perDay('requests', 3)] },
    requests: many(5, MINUTE),
    admitted: 3,
    reason: 'quota_exceeded',
  },
  {
    // The fourth has 100 left, which is what it used, and no room for 16 more.
    name: 'tokens a day',
    proposal: { quotas: [perDay('tokens', 400)] },
    requests: many(5, MINUTE),
    admitted: 3,
    reason: 'quota_exceeded',
  },
  {
    name: 'tokens a day: what would be clamped is admitted',
    proposal: { quotas: [perDay('tokens', 416)] },
    requests: many(5, MINUTE),
    admitted: 4,
    reason: 'quota_exceeded',
  },
  {
    name: 'cost a day',
    proposal: { quotas: [perDay('cost', 64)] },
    requests: many(5, MINUTE),
    admitted: 3,
    reason: 'quota_exceeded',
  },
  {
    name: 'what others use counts for the sponsor',
    proposal: { sponsorQuotas: [perDay('requests', 3)] },
    requests: [...many(2, MINUTE), ...many(2, MINUTE, { keyId: 'bob' })],
    admitted: 3,
    reason: 'quota_exceeded',
  },
  {
    name: 'the rate',
    proposal: { requestsPerMinute: 2 },
    requests: many(5, 1),
    admitted: 2,
    reason: 'rate_exceeded',
  },
  {
    name: 'concurrency',
    proposal: { maxConcurrency: 2 },
    requests: many(5, 1),
    admitted: 2,
    reason: 'too_many_in_flight',
  },
  {
    name: 'no price, and a quota of cost',
    proposal: { quotas: [perDay('cost', 1_000)] },
    requests: [past(), past({ priced: false })],
    admitted: 1,
    reason: 'model_not_priced',
  },
])('refused for $name', ({ proposal, requests, admitted, reason }) => {
  const { total } = whatIf(requests, { ...FREE, ...proposal }, UTC);
  expect(total.requests - total.refused).toBe(admitted);
  expect(total.reasons).toEqual({ [reason]: total.refused });
  expect(total.wouldUse).toEqual({ requests: admitted, tokens: admitted * 100, cost: admitted * 20 });
});

test('who, and when for the first time; the next day there is room again', () => {
  const requests = [
    ...many(3, MINUTE),
    ...many(1, 0, { madeAt: NOON + DAY }),
    ...many(1, 0, { keyId: 'bob' }),
  ];
  const { keys, days } = whatIf(requests, { ...FREE, quotas: [perDay('requests', 2)] }, UTC);
  expect(keys.get('ada')).toMatchObject({ requests: 4, refused: 1, firstRefusedAt: NOON + 2 * MINUTE });
  expect(keys.get('bob')).toMatchObject({ requests: 1, refused: 0, firstRefusedAt: null });
  expect([...days].map(([day, { requests: count, refused }]) => [day, count, refused])).toEqual([
    ['2026-11-24', 4, 1],
    ['2026-11-25', 1, 0],
  ]);
});

test('what ended makes room, and what was released costs nothing', () => {
  const quotas = [perDay('tokens', 350)];
  const released = past({ madeAt: NOON, used: NOTHING });
  const requests = [released, ...many(3, 2_000, {}).slice(1)];
  expect(whatIf(requests, { ...FREE, quotas }, UTC).total.refused).toBe(0);
});

test('no more is used than without limits, and of a total no more than it allows', () => {
  const quota = fc.record({
    meter: fc.constantFrom<Quota['meter']>('requests', 'tokens', 'cost'),
    period: fc.constantFrom<Quota['period']>('minute', 'day', 'total'),
    limit: fc.nat(2_000),
  });
  const request = fc.record({
    gapMs: fc.nat(3 * 60 * MINUTE),
    tookMs: fc.nat(60 * MINUTE),
    reserved: fc.integer({ min: 100, max: 300 }),
  });
  fc.assert(
    fc.property(quota, fc.array(request, { maxLength: 30 }), (limit, list) => {
      let madeAt = NOON;
      const requests = list.map(({ gapMs, tookMs, reserved }) => {
        madeAt += gapMs;
        return past({
          madeAt,
          endedAt: madeAt + tookMs,
          reserved: { requests: 1, tokens: reserved, cost: reserved },
          used: { requests: 1, tokens: 100, cost: 100 },
        });
      });
      const first = whatIf(requests, { ...FREE, quotas: [limit] }, UTC);
      const { wouldUse, used, refused } = first.total;
      // Never more than without limits; and within a total, never more than it.
      expect(wouldUse[limit.meter]).toBeLessThanOrEqual(used[limit.meter]);
      if (limit.period === 'total') expect(wouldUse[limit.meter]).toBeLessThanOrEqual(limit.limit);
      expect(refused).toBe(requests.length - wouldUse.requests);
    }),
  );
});
