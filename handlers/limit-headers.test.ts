import { expect, test } from 'vitest';
import type { Admission, Standing } from '#core/decision.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { later, limitHeaders } from './limit-headers.ts';

const ADMISSION: Admission = {
  admitted: true,
  reservation: {
    id: '0197b2a0-0000-7000-8000-000000000002',
    keyId: '0197b2a0-0000-7000-8000-000000000001',
    madeAt: NOON,
    lapsesAt: NOON + 60_000,
    amount: { requests: 1, tokens: 100, cost: 0 },
    model: 'demo',
    prices: null,
  },
  outputTokensMax: null,
  standings: [],
  rate: null,
};

const standing = (given: Partial<Standing>): Standing => ({
  meter: 'requests',
  period: 'day',
  limit: 200,
  used: 0,
  held: 0,
  resetsAt: NOON + 43_200_000,
  ...given,
});

test('nothing is said where nothing is limited', () => {
  expect(limitHeaders(ADMISSION, NOON)).toEqual({});
});

test('rate, quotas and what is left of them', () => {
  const standings = [
    standing({ used: 19, held: 1 }),
    standing({
      meter: 'tokens',
      period: 'minute',
      limit: 1000,
      used: 250,
      held: 100,
      resetsAt: NOON + 30_000,
    }),
    standing({ meter: 'tokens', period: 'total', limit: 500, used: 450, held: 100, resetsAt: null }),
  ];
  const rate = { requestsPerMinute: 60, remaining: 58, resetMs: 1_500 };
  expect(limitHeaders({ ...ADMISSION, standings, rate }, NOON)).toEqual({
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '58',
    'x-ratelimit-reset-requests': '1.5s',
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '650',
    'x-ratelimit-reset-tokens': '30s',
    'x-quota-remaining-requests': '180',
    'x-quota-remaining-tokens': '0',
    'ratelimit-policy':
      '"rate";q=60;w=60, "requests-day";q=200;w=86400, "tokens-minute";q=1000;w=60, "tokens-total";q=500',
    ratelimit:
      '"rate";r=58;t=2, "requests-day";r=180;t=43200, "tokens-minute";r=650;t=30, "tokens-total";r=0',
  });
});

test.each([
  { resetMs: 0, said: '0s' },
  { resetMs: 7, said: '7ms' },
  { resetMs: 1_000, said: '1s' },
  { resetMs: 59_999, said: '59.999s' },
  { resetMs: 60_000, said: '1m0s' },
  { resetMs: 119_500, said: '2m0s' },
  { resetMs: 3_661_000, said: '1h1m1s' },
])('a span of $resetMs ms is told as $said', ({ resetMs, said }) => {
  expect(
    limitHeaders({ rate: { requestsPerMinute: 1, remaining: 0, resetMs }, standings: [] }, NOON)[
      'x-ratelimit-reset-requests'
    ],
  ).toBe(said);
});

test.each([
  { elapsedMs: -5_000, remaining: 50, resetMs: 10_000 },
  { elapsedMs: 0, remaining: 50, resetMs: 10_000 },
  { elapsedMs: 2_500, remaining: 52, resetMs: 7_500 },
  { elapsedMs: 9_999, remaining: 59, resetMs: 1 },
  { elapsedMs: 10_000, remaining: 60, resetMs: 0 },
  { elapsedMs: 300_000, remaining: 60, resetMs: 0 },
])('a rate gives way while an answer is made: after $elapsedMs ms', ({ elapsedMs, ...is }) => {
  const rate = { requestsPerMinute: 60, remaining: 50, resetMs: 10_000 };
  expect(later({ rate, standings: [] }, elapsedMs).rate).toEqual({ requestsPerMinute: 60, ...is });
});

test('a window that is over has nothing left of its time', () => {
  const standings = [standing({ meter: 'tokens', period: 'minute', used: 200, resetsAt: NOON + 30_000 })];
  expect(limitHeaders({ rate: null, standings }, NOON + 45_000)).toMatchObject({
    'x-ratelimit-reset-tokens': '0s',
    ratelimit: '"tokens-minute";r=0;t=0',
  });
});
