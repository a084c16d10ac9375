import { expect, test } from 'vitest';
import { accountWith, NOON } from '#test/fakes/accounts.ts';
import { bringIn } from './bring-in.ts';
import type { PastUse } from './past-use.ts';

const past: PastUse = {
  usedAt: Date.UTC(2026, 10, 24),
  used: { requests: 2, tokens: 30, cost: 4 },
  successes: 1,
  errors: 1,
  usage: { prompt: 10, completion: 20, cached: 0, cacheWritten: 0, reasoning: 0 },
};
const { sponsor } = accountWith();

test('each day of a history is one fact, at the time of the import', () => {
  const earlier = { ...past, usedAt: Date.UTC(2026, 10, 23) };
  expect(bringIn('key', [earlier, past], sponsor, NOON)).toEqual([
    { kind: 'imported', keyId: 'key', at: NOON, ...earlier },
    { kind: 'imported', keyId: 'key', at: NOON, ...past },
  ]);
  expect(bringIn('key', [], sponsor, NOON)).toEqual([]);
});

test("the ledger's time does not run backwards", () => {
  const [entry] = bringIn('key', [past], { latestAt: NOON + 5 }, NOON);
  expect(entry?.at).toBe(NOON + 5);
});

test('nothing was used in the future', () => {
  expect(() => bringIn('key', [{ ...past, usedAt: NOON + 1 }], sponsor, NOON)).toThrow(`after ${NOON}`);
});
