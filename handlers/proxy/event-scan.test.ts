import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openaiChunks } from '#core/openai-chunks.ts';
import { concat } from '../concat.ts';
import { scanEvents } from './event-scan.ts';

const USAGE = '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}';
const COUNTED = { prompt: 3, completion: 2, cached: 0, cacheWritten: 0, reasoning: 0 };

/** What passes a scan when the stream comes in these pieces. */
function pass(pieces: readonly Uint8Array[], hidesUsage: boolean) {
  const scan = scanEvents(openaiChunks, hidesUsage);
  const passed = [...pieces.map((piece) => scan.push(piece)), scan.flush()];
  return { text: new TextDecoder().decode(concat(passed)), usage: scan.usage(), done: scan.isDone() };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const whole = (text: string, hidesUsage: boolean) => pass([bytesOf(text)], hidesUsage);

const OPENAI = [
  ': keep-alive\n\n',
  'data: {"id":"a","choices":[{"delta":{"content":"你好 \\"usage\\":null"}}],"usage":null}\n\n',
  'data: {"id":"a","usage" : null,"choices":[{"delta":{"content":"!"}}]}\r\n\r\n',
  `data: {"id":"a","choices":[],"usage":${USAGE}}\n\n`,
  'data: [DONE]\n\n',
].join('');

const OPENAI_WITHOUT_USAGE = [
  ': keep-alive\n\n',
  'data: {"id":"a","choices":[{"delta":{"content":"你好 \\"usage\\":null"}}]}\n\n',
  'data: {"id":"a","choices":[{"delta":{"content":"!"}}]}\r\n\r\n',
  'data: [DONE]\n\n',
].join('');

test('a client that asked for usage gets every byte', () => {
  expect(whole(OPENAI, false)).toEqual({ text: OPENAI, usage: COUNTED, done: true });
});

test('a client that did not ask sees no trace of usage, and every other byte', () => {
  expect(whole(OPENAI, true)).toEqual({ text: OPENAI_WITHOUT_USAGE, usage: COUNTED, done: true });
});

test.each([
  {
    name: 'on a chunk with a choice (DeepSeek)',
    data: `{"choices":[{"delta":{}}],"usage":${USAGE}}`,
    usage: COUNTED,
  },
  { name: 'in the choice (Moonshot)', data: `{"choices":[{"usage":${USAGE}}]}`, usage: COUNTED },
  { name: 'negative', data: '{"choices":[{}],"usage":{"prompt_tokens":-1}}', usage: null },
  { name: 'in broken JSON', data: '{"choices":[{}],"usage":{"prompt', usage: null },
  {
    name: 'as text',
    data: '{"choices":[{"delta":{"content":"\\"usage\\":{\\"prompt_tokens\\":9}"}}]}',
    usage: null,
  },
  {
    name: 'that is not there, with prompt filter results (Azure)',
    data: '{"choices":[],"prompt":[]}',
    usage: null,
  },
])('usage $name passes as it came', ({ data, usage }) => {
  const stream = `data: ${data}\n\ndata: [DONE]\n\n`;
  expect(whole(stream, true)).toEqual({ text: stream, usage, done: true });
  expect(whole(stream, false)).toEqual({ text: stream, usage, done: true });
});

test('the last usage counts where every chunk carries one', () => {
  const stream = `data: {"choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: {"choices":[{}],"usage":${USAGE}}\n\n`;
  expect(whole(stream, false).usage).toEqual(COUNTED);
});

test('"[DONE]" in an answer does not end it', () => {
  expect(whole('data: {"choices":[{"delta":{"content":"data: [DONE]"}}]}\n\n', true).done).toBe(false);
});

test('however a stream is cut into pieces, the same comes out', () => {
  const cuts = fc.uniqueArray(fc.nat(bytesOf(OPENAI).length), { maxLength: 40 });
  fc.assert(
    fc.property(cuts, fc.boolean(), (at, hidesUsage) => {
      const bytes = bytesOf(OPENAI);
      const edges = [0, ...at.sort((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
      expect(pass(pieces, hidesUsage)).toEqual(whole(OPENAI, hidesUsage));
    }),
  );
});

test('a line that never ends is refused before it fills the memory', () => {
  const scan = scanEvents(openaiChunks, false);
  const piece = new Uint8Array(1024 * 1024).fill(0x61);
  expect(() => {
    for (let pieces = 0; pieces < 10; pieces += 1) scan.push(piece);
  }).toThrow('over 8388608 bytes');
});
