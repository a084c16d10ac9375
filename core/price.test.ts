import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PRICES } from '#test/fakes/accounts.ts';
import { costOf, outputTokensFor, pricesOf, worstCostOf } from './price.ts';

const MILLION = 1_000_000;
const used = (prompt: number, completion: number, cached = 0) => ({
  prompt,
  completion,
  cached,
  reasoning: 0,
});

test.each([
  { name: 'nothing', usage: used(0, 0), prices: {}, cost: 0 },
  { name: 'input', usage: used(1_000, 0), prices: { input: MILLION }, cost: 1_000 },
  { name: 'output', usage: used(0, 1_000), prices: { output: 3 * MILLION }, cost: 3_000 },
  {
    name: 'cached input at its own price',
    usage: used(1_000, 0, 400),
    prices: { input: MILLION, cachedInput: MILLION / 10 },
    cost: 640,
  },
  { name: 'a part of a micro is a whole one', usage: used(1, 0), prices: { input: 1 }, cost: 1 },
  {
    name: 'rounded once, not by class',
    usage: used(2, 1, 1),
    prices: { input: 1, cachedInput: 1, output: 1 },
    cost: 1,
  },
  { name: 'exactly a micro', usage: used(MILLION, 0), prices: { input: 1 }, cost: 1 },
  { name: 'and a little', usage: used(MILLION + 1, 0), prices: { input: 1 }, cost: 2 },
  { name: 'by the request', usage: used(0, 0), prices: { request: 7 }, cost: 7 },
  { name: 'by the request, and tokens', usage: used(1, 0), prices: { request: 7, input: 1 }, cost: 8 },
  {
    name: 'beyond what doubles hold exactly',
    usage: used(999_999_999, 0),
    prices: { input: 8_999_999_999 },
    cost: 8_999_999_990_001,
  },
])('the cost of $name', ({ usage, prices, cost }) => {
  expect(costOf(usage, { ...FREE, ...prices })).toBe(cost);
});

const FREE = { version: 'free', input: 0, cachedInput: 0, output: 0, request: 0 };

const tokens = fc.nat(1_000_000_000);
const price = fc.oneof(fc.constant(0), fc.nat(100), fc.nat(1_000_000_000));
const anyPrices = fc.record({
  version: fc.constant('any'),
  input: price,
  cachedInput: price,
  output: price,
  request: fc.nat(1_000_000),
});

test('the cost is exact: the least whole number of micros that pays in full', () => {
  fc.assert(
    fc.property(
      tokens,
      tokens,
      fc.double({ min: 0, max: 1, noNaN: true }),
      anyPrices,
      (prompt, completion, share, prices) => {
        const cached = Math.floor(prompt * share);
        const paid =
          BigInt(costOf(used(prompt, completion, cached), prices) - prices.request) * BigInt(MILLION);
        const due =
          BigInt(prompt - cached) * BigInt(prices.input) +
          BigInt(cached) * BigInt(prices.cachedInput) +
          BigInt(completion) * BigInt(prices.output);
        expect(paid >= due && paid - due < BigInt(MILLION)).toBe(true);
      },
    ),
  );
});

test('what was used within bounds never costs more than the bounds', () => {
  fc.assert(
    fc.property(
      tokens,
      tokens,
      fc.array(fc.nat(1_000_000_000), { minLength: 3, maxLength: 3 }),
      anyPrices,
      (input, output, [a = 0, b = 0, c = 0], prices) => {
        const prompt = Math.min(a, input);
        const usage = used(prompt, Math.min(b, output), Math.min(c, prompt));
        expect(costOf(usage, prices)).toBeLessThanOrEqual(worstCostOf(input, output, prices));
      },
    ),
  );
});

test('outputTokensFor is what can be afforded, and one more cannot', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000_000), fc.nat(1_000_000), anyPrices, (micros, input, prices) => {
      const output = outputTokensFor(micros, input, prices);
      if (output < 0) {
        expect(worstCostOf(input, 0, prices)).toBeGreaterThan(micros);
      } else if (prices.output === 0) {
        expect(output).toBe(Number.MAX_SAFE_INTEGER);
      } else {
        expect(worstCostOf(input, output, prices)).toBeLessThanOrEqual(micros);
        expect(worstCostOf(input, output + 1, prices)).toBeGreaterThan(micros);
      }
    }),
  );
});

test('a model has the prices of the table, stamped with its version, or none', () => {
  const prices = { input: 1, cachedInput: 0, output: 2, request: 0, outputTokensMax: 8_192 };
  const table = { version: '2026-11', currency: 'CNY', models: new Map([['deepseek-chat', prices]]) };
  expect(pricesOf(table, 'deepseek-chat')).toEqual({
    version: '2026-11',
    input: 1,
    cachedInput: 0,
    output: 2,
    request: 0,
  });
  expect(pricesOf(table, 'deepseek-reasoner')).toBeNull();
  expect(pricesOf(null, 'deepseek-chat')).toBeNull();
  expect(worstCostOf(100, 50, PRICES)).toBe(200);
});
