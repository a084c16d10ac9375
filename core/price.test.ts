import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PRICES } from '#test/fakes/accounts.ts';
import type { UnitPrices, Usage } from './model.ts';
import { costOf, outputTokensFor, pricesOf, worstCostOf } from './price.ts';

const MILLION = 1_000_000;
const used = (prompt: number, completion: number, parts: Partial<Usage> = {}): Usage => ({
  ...{ prompt, completion, cached: 0, cacheWritten: 0, reasoning: 0 },
  ...parts,
});

test.each([
  { name: 'nothing', usage: used(0, 0), prices: {}, cost: 0 },
  { name: 'input', usage: used(1_000, 0), prices: { input: MILLION }, cost: 1_000 },
  { name: 'output', usage: used(0, 1_000), prices: { output: 3 * MILLION }, cost: 3_000 },
  {
    name: 'cached input at its own price',
    usage: used(1_000, 0, { cached: 400 }),
    prices: { input: MILLION, cachedInput: MILLION / 10 },
    cost: 640,
  },
  {
    name: 'input written to the cache at its own price',
    usage: used(1_000, 0, { cached: 400, cacheWritten: 600 }),
    prices: { input: MILLION, cachedInput: MILLION / 10, cacheWrite: 2 * MILLION },
    cost: 1_240,
  },
  {
    name: 'reasoning at its own price',
    usage: used(0, 1_000, { reasoning: 900 }),
    prices: { output: 3 * MILLION, reasoning: MILLION },
    cost: 1_200,
  },
  { name: 'a part of a micro is a whole one', usage: used(1, 0), prices: { input: 1 }, cost: 1 },
  {
    name: 'rounded once, not by class',
    usage: used(2, 1, { cached: 1 }),
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

const FREE: UnitPrices = {
  ...{ version: 'free', input: 0, cachedInput: 0, cacheWrite: 0 },
  ...{ output: 0, reasoning: 0, request: 0 },
};

const tokens = fc.nat(1_000_000_000);
const price = fc.oneof(fc.constant(0), fc.nat(100), fc.nat(1_000_000_000));
/** Usage within these bounds, of any make-up. */
const usageWithin = (input: number, output: number) =>
  fc
    .tuple(fc.nat(input), fc.nat(output), fc.nat(input), fc.nat(input), fc.nat(output))
    .map(([prompt, completion, a, b, c]) => {
      const cached = Math.min(a, prompt);
      const parts = {
        cached,
        cacheWritten: Math.min(b, prompt - cached),
        reasoning: Math.min(c, completion),
      };
      return used(prompt, completion, parts);
    });
const anyPrices = fc.record({
  version: fc.constant('any'),
  input: price,
  cachedInput: price,
  cacheWrite: price,
  output: price,
  reasoning: price,
  request: fc.nat(1_000_000),
});

test('the cost is exact: the least whole number of micros that pays in full', () => {
  fc.assert(
    fc.property(usageWithin(1_000_000_000, 1_000_000_000), anyPrices, (usage, prices) => {
      const paid = BigInt(costOf(usage, prices) - prices.request) * BigInt(MILLION);
      const { prompt, cached, cacheWritten, completion, reasoning } = usage;
      const due =
        BigInt(prompt) * BigInt(prices.input) +
        BigInt(cached) * BigInt(prices.cachedInput - prices.input) +
        BigInt(cacheWritten) * BigInt(prices.cacheWrite - prices.input) +
        BigInt(completion) * BigInt(prices.output) +
        BigInt(reasoning) * BigInt(prices.reasoning - prices.output);
      expect(paid >= due && paid - due < BigInt(MILLION)).toBe(true);
    }),
  );
});

test('what was used within bounds never costs more than the bounds', () => {
  fc.assert(
    fc.property(
      fc.tuple(tokens, tokens).chain(([input, output]) =>
        fc.record({
          input: fc.constant(input),
          output: fc.constant(output),
          usage: usageWithin(input, output),
        }),
      ),
      anyPrices,
      ({ input, output, usage }, prices) => {
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
      } else if (prices.output === 0 && prices.reasoning === 0) {
        expect(output).toBe(Number.MAX_SAFE_INTEGER);
      } else {
        expect(worstCostOf(input, output, prices)).toBeLessThanOrEqual(micros);
        expect(worstCostOf(input, output + 1, prices)).toBeGreaterThan(micros);
      }
    }),
  );
});

test('a model has the prices of the table, stamped with its version, or none', () => {
  const unitPrices = { input: 1, cachedInput: 0, cacheWrite: 3, output: 2, reasoning: 4, request: 0 };
  const prices = { ...unitPrices, outputTokensMax: 8_192 };
  const table = { version: '2026-11', currency: 'CNY', models: new Map([['deepseek-chat', prices]]) };
  expect(pricesOf(table, 'deepseek-chat')).toEqual({ version: '2026-11', ...unitPrices });
  expect(pricesOf(table, 'deepseek-reasoner')).toBeNull();
  expect(pricesOf(null, 'deepseek-chat')).toBeNull();
  expect(worstCostOf(100, 50, PRICES)).toBe(200);
});
