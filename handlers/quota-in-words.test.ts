import { expect, test } from 'vitest';
import type { Standing } from '#core/decision.ts';
import { NOON } from '#test/fakes/accounts.ts';
import type { Told } from './quota-in-words.ts';
import { inWords } from './quota-in-words.ts';

const UNLIMITED: Told = {
  ...{ standings: [], rate: null, inFlight: 0, maxConcurrency: null },
  ...{ expiresAt: null, currency: 'USD' },
};
const standing = (given: Partial<Standing>): Standing => ({
  ...{ meter: 'requests', period: 'day', limit: 200, used: 38, held: 0, resetsAt: NOON + 43_200_000 },
  ...given,
});

test.each<{ name: string; told: Partial<Told>; said: readonly string[] }>([
  { name: 'no limit', told: {}, said: ['Nothing is limited.'] },
  {
    name: 'a day of requests',
    told: { standings: [standing({})] },
    said: ['162 of 200 requests per day left (38 used); starts anew in 12 h, at 2026-11-25T00:00:00.000Z.'],
  },
  {
    name: 'what is held',
    told: { standings: [standing({ meter: 'tokens', period: 'total', held: 100, resetsAt: null })] },
    said: ['62 of 200 tokens in total left (38 used, 100 held for requests in flight).'],
  },
  {
    name: 'money',
    told: {
      standings: [
        standing({ meter: 'cost', limit: 5_000_000, used: 1_250_001, held: 10, resetsAt: NOON + 61_000 }),
      ],
    },
    said: [
      '3.749989 of 5 USD per day left (1.250001 used, 0.00001 held for requests in flight); ' +
        'starts anew in 1 min 1 s, at 2026-11-24T12:01:01.000Z.',
    ],
  },
  {
    name: 'more than is allowed, by what the upstream billed beyond',
    told: { standings: [standing({ used: 300, resetsAt: NOON + 500 })] },
    said: ['0 of 200 requests per day left (300 used); starts anew in 1 s, at 2026-11-24T12:00:00.500Z.'],
  },
  {
    name: 'rate, concurrency, expiry',
    told: {
      ...{ rate: { requestsPerMinute: 60, remaining: 58 }, inFlight: 1, maxConcurrency: 2 },
      expiresAt: NOON + (2 * 24 + 3) * 3_600_000 + 59_000,
    },
    said: [
      '58 of 60 requests per minute left.',
      '1 of 2 requests in flight.',
      'The key expires in 2 d 3 h, at 2026-11-26T15:00:59.000Z.',
    ],
  },
])('in words: $name', ({ told, said }) => {
  expect(inWords({ ...UNLIMITED, ...told }, NOON)).toEqual(said);
});
