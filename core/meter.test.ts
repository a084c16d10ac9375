import { expect, test } from 'vitest';
import {
  accountWith,
  callWith,
  NOON,
  PRICES,
  perDay,
  reservationWith,
  SERVED,
  settleOf,
  sponsoredBy,
} from '#test/fakes/accounts.ts';
import type { Settle } from './command.ts';
import { isGoverned, release, settle, worstCase } from './meter.ts';
import type { Meter } from './model.ts';
import { METERS, NOTHING } from './model.ts';

test.each([
  { name: 'input and output', call: {}, prices: PRICES, tokens: 150, cost: 200 },
  { name: 'each choice is billed', call: { choices: 3 }, prices: PRICES, tokens: 250, cost: 400 },
  {
    name: 'all input may miss the cache',
    call: {},
    prices: { ...PRICES, input: 0, cachedInput: 5_000_000 },
    tokens: 150,
    cost: 600,
  },
  {
    name: 'all input may be written to the cache',
    call: {},
    prices: { ...PRICES, cacheWrite: 2_000_000 },
    tokens: 150,
    cost: 300,
  },
  {
    name: 'all output may be reasoning',
    call: {},
    prices: { ...PRICES, reasoning: 3_000_000 },
    tokens: 150,
    cost: 250,
  },
  { name: 'a price for each request', call: {}, prices: { ...PRICES, request: 9 }, tokens: 150, cost: 209 },
  { name: 'without a price there is no cost', call: {}, prices: null, tokens: 150, cost: 0 },
])('the worst case: $name', ({ call, prices, tokens, cost }) => {
  expect(worstCase(callWith(call), 50, prices)).toEqual({ requests: 1, tokens, cost });
});

/** What settling records for a reservation of 150 tokens and 200 micros. */
const settledBy = (command: Settle, quotas = [perDay('tokens', 1_000), perDay('cost', 1_000)]) => {
  const account = accountWith({ quotas }, { open: [reservationWith()] });
  const [entry] = settle(account, command).entries;
  if (entry?.kind !== 'settled') throw new Error('nothing was settled');
  return entry;
};

test.each([
  { name: 'as counted', prompt: 80, completion: 20, used: { requests: 1, tokens: 100, cost: 120 } },
  { name: 'no output', prompt: 80, completion: 0, used: { requests: 1, tokens: 80, cost: 80 } },
  { name: 'no input', prompt: 0, completion: 20, used: { requests: 1, tokens: 20, cost: 40 } },
])("a request is charged by the upstream's own count: $name", ({ prompt, completion, used }) => {
  expect(settledBy(settleOf(prompt, completion))).toMatchObject({
    used,
    overdraft: NOTHING,
    source: 'upstream',
  });
});

test('cached input costs less', () => {
  const usage = { prompt: 80, completion: 20, cached: 80, cacheWritten: 0, reasoning: 20 };
  expect(settledBy(settleOf(0, 0, { usage }))).toMatchObject({ used: { tokens: 100, cost: 48 }, usage });
});

test.each([
  { name: 'missing', usage: null },
  {
    name: 'of nothing at all',
    usage: { prompt: 0, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
])('usage $name costs the reservation, marked as an estimate', ({ usage }) => {
  const { amount } = reservationWith();
  expect(settledBy(settleOf(0, 0, { usage }))).toMatchObject({
    used: amount,
    overdraft: NOTHING,
    usage: null,
    source: 'estimate',
  });
});

test.each([
  {
    name: 'tokens and cost',
    quotas: [perDay('tokens', 1_000), perDay('cost', 1_000)],
    overdraft: { tokens: 50, cost: 100 },
  },
  { name: 'tokens', quotas: [perDay('tokens', 1_000)], overdraft: { tokens: 50 } },
  { name: 'cost', quotas: [perDay('cost', 1_000)], overdraft: { cost: 100 } },
  { name: 'requests', quotas: [perDay('requests', 1_000)], overdraft: {} },
  { name: 'nothing', quotas: [], overdraft: {} },
])(
  'what was billed beyond the reservation is an overdraft where a quota governs: $name',
  ({ quotas, overdraft }) => {
    const entry = settledBy(settleOf(100, 100), quotas);
    expect(entry.used).toEqual({ requests: 1, tokens: 200, cost: 300 });
    expect(entry.overdraft).toEqual({ ...NOTHING, ...overdraft });
  },
);

test("the sponsor's quota governs as the key's does", () => {
  const governed = (account: ReturnType<typeof accountWith>): readonly Meter[] =>
    METERS.filter((meter) => isGoverned(account, meter));
  expect(governed(accountWith())).toEqual([]);
  expect(governed(accountWith({ quotas: [perDay('requests', 1)] }))).toEqual(['requests']);
  expect(
    governed(sponsoredBy(accountWith({ quotas: [perDay('requests', 1)] }), [perDay('cost', 1)])),
  ).toEqual(['requests', 'cost']);
});

test('a release gives back what was held, and only once', () => {
  const asks = { kind: 'release', at: NOON, requestId: 'request-1', keyId: 'key', outcome: SERVED } as const;
  const { entries, result } = release(accountWith({}, { open: [reservationWith()] }), asks);
  expect(entries).toEqual([
    { kind: 'released', requestId: 'request-1', keyId: 'key', at: NOON, outcome: SERVED },
  ]);
  expect(result.ended).toBe(true);
  expect(release(accountWith(), asks)).toEqual({ entries: [], result: { ended: false } });
});

test('what is not open cannot be settled', () => {
  expect(settle(accountWith(), settleOf(1, 1))).toEqual({ entries: [], result: { ended: false } });
});
