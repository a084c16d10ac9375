import { expect, test } from 'vitest';
import { completions } from './completions.ts';

function reading(members: object) {
  const text = JSON.stringify({ model: 'm', prompt: 'Once', ...members });
  return completions.read(text, text.length);
}

function understood(members: object) {
  const result = reading(members);
  if (!result.ok) throw new Error(result.problem.message);
  return result.request;
}

test.each([
  { param: 'prompt', wrong: [7, {}, true, [{}], [null], [['a']], [[1.5]], [1, 'a'], ['a', 1]] },
  { param: 'prompt', wrong: [Array.from({ length: 2_049 }, () => 'a')] },
  { param: 'prompt_embeds', wrong: ['AAAA', ['AAAA']] },
  { param: 'stream', wrong: ['true', 1] },
  { param: 'stream_options', wrong: [true, []] },
  { param: 'n', wrong: [0, 129, 1.5, '1'] },
  { param: 'best_of', wrong: [0, 129] },
  { param: 'max_tokens', wrong: [-1, 1.5, '16', 1e9] },
  { param: 'n_predict', wrong: [-1] },
  { param: 'PROMPT', wrong: ['a'] },
  { param: 'max_to\u212aens', wrong: [1] },
])('a wrong $param is refused by name', ({ param, wrong }) => {
  for (const value of wrong) {
    const result = reading({ [param]: value });
    expect(result).toMatchObject({ ok: false, problem: { param } });
    if (!result.ok) expect(result.problem.message).toContain(`'${param}'`);
  }
});

test.each([
  { members: {}, choices: 1 },
  { members: { prompt: null }, choices: 1 },
  { members: { prompt: ['a', 'b', 'c'] }, choices: 3 },
  { members: { prompt: [1, 2, 3] }, choices: 1 },
  { members: { prompt: [[1, 2], [3]] }, choices: 2 },
  { members: { prompt: ['a', [1, 2]] }, choices: 2 },
  { members: { prompt: ['a', 'b'], n: 3 }, choices: 6 },
  { members: { prompt: ['a', 'b'], n: 3, best_of: 5 }, choices: 10 },
])('each prompt is answered: $members makes $choices choices', ({ members, choices }) => {
  expect(understood(members).call.choices).toBe(choices);
});

test.each([
  { members: {}, asked: 16, set: { max_tokens: 7 } },
  { members: { max_tokens: 0, echo: true }, asked: 0, set: { max_tokens: 7 } },
  { members: { max_tokens: 300 }, asked: 300, set: { max_tokens: 7 } },
  { members: { n_predict: 90, max_tokens: 300 }, asked: 90, set: { n_predict: 7, max_tokens: 7 } },
])('the bound of $members is $asked, and is set as $set', ({ members, asked, set }) => {
  const { call, bodyFor } = understood(members);
  expect(call.outputTokensMax).toBe(asked);
  expect(JSON.parse(bodyFor(7))).toEqual({ model: 'm', prompt: 'Once', ...members, ...set });
});

test.each([
  { members: { stream: true }, hidden: true },
  { members: { stream: true, stream_options: { include_usage: true } }, hidden: false },
  { members: {}, hidden: false },
])("a stream's usage is asked for, and hidden from who did not ask: $members", ({ members, hidden }) => {
  const { hidesUsage, bodyFor } = understood(members);
  expect(hidesUsage).toBe(hidden);
  const { stream, stream_options } = JSON.parse(bodyFor(null));
  expect(stream_options?.include_usage).toBe(stream);
});
