import { expect, test } from 'vitest';
import { messageEvents, usageOf } from './anthropic-usage.ts';

test.each([
  {
    name: 'input alone',
    usage: { input_tokens: 9, output_tokens: 1 },
    is: { prompt: 9, completion: 1, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'what the cache took and gave is not in input_tokens',
    usage: {
      input_tokens: 9,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 300,
      output_tokens: 4,
    },
    is: { prompt: 329, completion: 4, cached: 300, cacheWritten: 20, reasoning: 0 },
  },
  {
    name: 'thinking is part of the output',
    usage: { input_tokens: 9, output_tokens: 40, output_tokens_details: { thinking_tokens: 30 } },
    is: { prompt: 9, completion: 40, cached: 0, cacheWritten: 0, reasoning: 30 },
  },
  {
    name: 'null is none',
    usage: { input_tokens: 9, cache_read_input_tokens: null, output_tokens: 1, output_tokens_details: null },
    is: { prompt: 9, completion: 1, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'a compaction is billed beside the answer',
    usage: {
      input_tokens: 9,
      output_tokens: 4,
      iterations: [
        { type: 'compaction', input_tokens: 180_000, output_tokens: 3_500 },
        { type: 'message', input_tokens: 9, output_tokens: 4 },
      ],
    },
    is: { prompt: 180_009, completion: 3_504, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
  {
    name: 'iterations that tell less',
    usage: { input_tokens: 9, output_tokens: 4, iterations: [{ type: 'message', input_tokens: 1 }] },
    is: { prompt: 9, completion: 4, cached: 0, cacheWritten: 0, reasoning: 0 },
  },
])('usage is read: $name', ({ usage, is }) => {
  expect(usageOf({ type: 'message', usage })).toEqual(is);
});

test.each([
  { usage: { input_tokens: 9, output_tokens: 1, output_tokens_details: { thinking_tokens: -1 } } },
  { usage: { input_tokens: 9, output_tokens: 1, iterations: [{ input_tokens: -1 }] } },
])('a count that cannot be is not believed, nor those beside it: $usage', ({ usage }) => {
  expect(usageOf({ usage })).toBeNull();
});

const START = { type: 'message_start', message: { usage: { input_tokens: 9, output_tokens: 1 } } };
const STOP = { type: 'message_stop' };
const delta = (usage: unknown, stop_reason: string | null = 'end_turn') => ({
  type: 'message_delta',
  delta: { stop_reason },
  usage,
});

test.each([
  { name: 'input first, output at the end', events: [START, delta({ output_tokens: 5 })], is: [9, 5] },
  { name: 'all at the end', events: [delta({ input_tokens: 9, output_tokens: 5 })], is: [9, 5] },
  {
    name: 'more input than was thought, by a search',
    events: [START, delta({ input_tokens: 9_000, output_tokens: 5 })],
    is: [9_000, 5],
  },
  {
    name: 'several times, each with all so far',
    events: [START, delta({ output_tokens: 5 }, null), delta({ output_tokens: 8 })],
    is: [9, 8],
  },
  {
    name: 'a server that forgets the input',
    events: [START, delta({ input_tokens: 0, output_tokens: 5 })],
    is: [9, 5],
  },
  { name: 'an explicit zero', events: [START, delta({ output_tokens: 1 })], is: [9, 1] },
  { name: 'no output told', events: [START], is: null },
  { name: 'no usage at the end', events: [START, delta(undefined)], is: null },
  { name: 'a count that cannot be', events: [START, delta({ output_tokens: -5 })], is: null },
  {
    name: 'one that cannot be, and another',
    events: [START, delta({ output_tokens: -5 }), delta({ output_tokens: 5 })],
    is: null,
  },
])('a stream is counted: $name', ({ events, is }) => {
  const reader = messageEvents.reader();
  for (const event of events) reader.read(event, '');
  expect(reader.isDone()).toBe(false);
  reader.read(STOP, '');
  expect(reader.isDone()).toBe(true);
  const usage = reader.usage();
  expect(usage && [usage.prompt, usage.completion]).toEqual(is);
});

test.each([
  { stop: 'end_turn', final: true },
  { stop: null, final: false },
])('usage with the reason to stop ($stop) is that of the whole answer: $final', ({ stop, final }) => {
  const reader = messageEvents.reader();
  reader.read(START, '');
  expect(reader.isFinal()).toBe(false);
  reader.read(delta({ output_tokens: 5 }, stop), '');
  expect(reader.isFinal()).toBe(final);
});
