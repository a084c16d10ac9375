import { expect, test } from 'vitest';
import { readPrices } from './price-file.ts';

test('a price file becomes a price table; what is left out costs what the rest does', () => {
  const models = {
    a: { input: 280_000, output: 420_000 },
    b: {
      ...{ input: 0, cached_input: 1, cache_write: 5 },
      ...{ output: 2, reasoning: 6, request: 3, max_output_tokens: 4 },
    },
  };
  expect(readPrices(JSON.stringify({ version: '2026-11', currency: 'USD', models }))).toEqual({
    ok: true,
    table: {
      version: '2026-11',
      currency: 'USD',
      models: new Map([
        [
          'a',
          {
            ...{ input: 280_000, cachedInput: 280_000, cacheWrite: 280_000 },
            ...{ output: 420_000, reasoning: 420_000, request: 0, outputTokensMax: null },
          },
        ],
        [
          'b',
          {
            ...{ input: 0, cachedInput: 1, cacheWrite: 5 },
            ...{ output: 2, reasoning: 6, request: 3, outputTokensMax: 4 },
          },
        ],
      ]),
    },
  });
});

test.each([
  { text: '{', problem: /^is not JSON: / },
  {
    text: '{"version":"1","currency":"USD","models":[]}',
    problem: /^models: must be an object: the name of each model, and its prices$/,
  },
  {
    text: '{"version":"1","currency":"USD","models":{"":{"input":1,"output":1}}}',
    problem: /^models → : has a name that is not taken: it must have at least 1 characters$/,
  },
  {
    text: '{"version":"1","currency":"usd","models":{}}',
    problem: /^currency: must be three capital letters/,
  },
  {
    text: '{"version":"1","currency":"USD","models":{"a":{"input":-1,"output":0.5}}}',
    problem: /^models → a → input: must not be negative$/,
  },
  {
    text: '{"version":"1","currency":"USD","models":{"a":{"input":1,"output":1,"cahced_input":1}}}',
    problem: /cahced_input/,
  },
  {
    text: '{"version":"1","currency":"USD","models":{"a":{"input":1,"output":1,"max_output_tokens":0}}}',
    problem: /^models → a → max_output_tokens: must be at least 1$/,
  },
])('$text is refused, and why is said', ({ text, problem }) => {
  const read = readPrices(text);
  expect(read.ok ? [] : read.problems).toContainEqual(expect.stringMatching(problem));
});
