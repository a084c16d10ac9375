import { expect, test } from 'vitest';
import { usageOf } from './openai-usage.ts';

test.each([
  {
    name: 'OpenAI',
    usage: {
      prompt_tokens: 100,
      completion_tokens: 40,
      total_tokens: 140,
      prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 30 },
    },
    is: { prompt: 100, completion: 40, cached: 64, cacheWritten: 0, reasoning: 30 },
  },
  {
    name: 'OpenAI, that writes to its cache',
    usage: {
      prompt_tokens: 100,
      completion_tokens: 40,
      prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 40 },
    },
    is: { prompt: 100, completion: 40, cached: 64, cacheWritten: 36, reasoning: 0 },
  },
  {
    name: 'DeepSeek, with its cache',
    usage: {
      prompt_tokens: 100,
      completion_tokens: 40,
      total_tokens: 140,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
    },
    is: { prompt: 100, completion: 40, cached: 64, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'the cache alone',
    usage: { prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36, completion_tokens: 40 },
    is: { prompt: 100, completion: 40, cached: 64, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'xAI and Gemini, whose reasoning is in the total alone',
    usage: { prompt_tokens: 100, completion_tokens: 40, total_tokens: 340 },
    is: { prompt: 100, completion: 240, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'a total that is less than its parts',
    usage: { prompt_tokens: 100, completion_tokens: 40, total_tokens: 1 },
    is: { prompt: 100, completion: 40, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'embeddings: no completion',
    usage: { prompt_tokens: 8, total_tokens: 8 },
    is: { prompt: 8, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'an explicit zero',
    usage: { prompt_tokens: 100, completion_tokens: 0 },
    is: { prompt: 100, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'null details',
    usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: null, prompt_tokens_details: null },
    is: { prompt: 9, completion: 1, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'more cached than there was',
    usage: { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 10 } },
    is: { prompt: 9, completion: 1, cached: 9, cacheWritten: 0, reasoning: 0 },
  },
])('usage is read: $name', ({ usage, is }) => {
  expect(usageOf({ id: 'chatcmpl-1', choices: [], usage })).toEqual(is);
});

test('Moonshot puts usage into the first choice', () => {
  const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 };
  const is = { prompt: 9, completion: 1, cached: 0, cacheWritten: 0, reasoning: 0 };
  expect(usageOf({ choices: [{ delta: {}, usage }] })).toEqual(is);
  expect(usageOf({ choices: [{ delta: {}, usage }], usage: null })).toEqual(is);
});

const COUNTS = [
  ['prompt_tokens'],
  ['completion_tokens'],
  ['total_tokens'],
  ['prompt_cache_hit_tokens'],
  ['prompt_tokens_details', 'cached_tokens'],
  ['completion_tokens_details', 'reasoning_tokens'],
];
const WRONG = [-1, 0.5, 1e12, Number.NaN, Number.POSITIVE_INFINITY, '7', true, [7], {}];

test.each(COUNTS.flatMap((path) => WRONG.map((wrong) => ({ count: path.join('.'), path, wrong }))))(
  'a count that cannot be is not believed, nor those beside it: $count = $wrong',
  ({ path: [name = '', detail], wrong }) => {
    const value = detail === undefined ? wrong : { [detail]: wrong };
    expect(usageOf({ usage: { prompt_tokens: 9, completion_tokens: 1, [name]: value } })).toBeNull();
  },
);

test.each([
  { name: 'no usage', answer: { choices: [{ delta: { content: 'usage' } }] } },
  { name: 'null', answer: { choices: [], usage: null } },
  { name: 'text', answer: { usage: 'plenty' } },
  { name: 'a number', answer: { usage: 5 } },
  { name: 'no object', answer: 'usage' },
  { name: 'nothing', answer: null },
  { name: 'a list', answer: [{ usage: { prompt_tokens: 1 } }] },
  { name: 'inherited', answer: Object.create({ usage: { prompt_tokens: 1 } }) },
])('there is no usage to read: $name', ({ answer }) => {
  expect(usageOf(answer)).toBeNull();
});
