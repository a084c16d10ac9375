import { expect, test } from 'vitest';
import { embeddings } from './embeddings.ts';

function reading(members: object) {
  const text = JSON.stringify({ model: 'm', ...members });
  return { bytes: text.length, result: embeddings.read(text, text.length) };
}

test.each([
  { param: 'input', wrong: [undefined, null, 7, {}, true] },
  { param: 'Input', wrong: ['Hi'] },
])('a wrong $param is refused by name', ({ param, wrong }) => {
  for (const value of wrong) {
    expect(reading({ [param]: value }).result).toMatchObject({ ok: false, problem: { param } });
  }
});

test.each([
  { name: 'a text', input: 'Hi', parts: 0 },
  { name: 'texts', input: ['Hi', 'there'], parts: 0 },
  { name: 'tokens', input: [1, 2, 3], parts: 0 },
  { name: 'lists of tokens', input: [[1, 2], [3]], parts: 0 },
  {
    name: 'an image, which some servers take',
    input: ['Hi', { image: 'https://example.org/a.png' }],
    parts: 1,
  },
])('$name: input is bounded, and there is no output', ({ input, parts }) => {
  const { bytes, result } = reading({ input });
  expect(result).toMatchObject({
    ok: true,
    request: {
      call: { inputTokensMax: bytes + parts * 50_000, outputTokensMax: 0, choices: 1, stream: false },
    },
  });
});

test('a total without its parts is input: nothing comes out', () => {
  const usage = { prompt: 9, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 };
  expect(embeddings.usageOf({ usage: { total_tokens: 9 } })).toEqual(usage);
});
