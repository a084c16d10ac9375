import { expect, test } from 'vitest';
import { chatCompletions } from './chat-completions.ts';
import type { ReadRequest } from './endpoints.ts';
import { ENDPOINTS } from './endpoints.ts';

const MESSAGES = [{ role: 'user', content: 'Hello' }];

function reading(body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return chatCompletions.read(text, Buffer.byteLength(text));
}

function understood(body: unknown): ReadRequest {
  const result = reading(body);
  if (!result.ok) throw new Error(result.problem.message);
  return result.request;
}

const asking = (members: object = {}) =>
  understood({ model: 'deepseek-chat', messages: MESSAGES, ...members });

test('it is one of the metered endpoints', () => {
  expect(ENDPOINTS).toContain(chatCompletions);
});

test.each([
  { param: 'model', wrong: [undefined, null, '', 7, ['gpt-4o'], 'm'.repeat(257)] },
  { param: 'messages', wrong: [undefined, null, 'Hello', {}] },
  { param: 'stream', wrong: ['true', 1, {}] },
  { param: 'stream_options', wrong: [true, 'include_usage', []] },
  { param: 'n', wrong: [0, -1, 1.5, '1', 129, true, [1]] },
  { param: 'best_of', wrong: [0, -1, 1.5, '1', 129] },
  { param: 'max_to\u212aens', wrong: [0, -1, 1.5, '10', 1e9, {}] },
  { param: 'max_completion_tokens', wrong: [0, -1, 1.5, '10', 1e9] },
])('a wrong $param is refused by name', ({ param, wrong }) => {
  for (const value of wrong) {
    const result = reading({ model: 'deepseek-chat', messages: MESSAGES, [param]: value });
    expect(result).toMatchObject({ ok: false, problem: { param } });
    if (!result.ok) expect(result.problem.message).toContain(`'${param}'`);
  }
});

test.each(['', '{', 'model', '{"model":"a",}', "{'model':'a'}", '\ufeff{}'])('%j is not JSON', (text) => {
  expect(reading(text)).toMatchObject({ ok: false, problem: { param: null } });
});

test.each(['[]', 'null', '"model"', '7'])('%s is JSON, and no object', (text) => {
  expect(reading(text)).toMatchObject({ ok: false, problem: { param: null } });
});

test.each(['model', 'max_tokens', 'messages', 'temperature'])('%s given twice is refused', (name) => {
  const text = `{"model":"m","messages":[],"max_tokens":1,"temperature":1,"${name}":1}`;
  expect(reading(text)).toMatchObject({ ok: false, problem: { param: name } });
  const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
  expect(reading(text.replace(`"${name}"`, `"${escaped}"`))).toMatchObject({
    ok: false,
    problem: { param: name },
  });
});

// nodejs/node#63785: V8 reads the second name as the first one's, if both stand in the same place.
test('an escaped name is read as itself, whatever was read before', () => {
  const before = '{"model":"m","messages":[],"\\\\":0}';
  const after = '{"model":"m","messages":[],"\\u006e":128}';
  understood(before);
  expect(understood(after).call.choices).toBe(128);
});

test('no content of a message is hidden behind an escaped name', () => {
  const message = (name: string) => `{"model":"m","messages":[{"${name}":[{"type":"image_url"}]}]}`;
  expect(reading(message('c\\\\u006fn'))).toMatchObject({ ok: false, problem: { param: 'messages' } });
  const escaped = reading(message('c\\u006fntent'));
  if (escaped.ok) expect(escaped.request.call.inputTokensMax).toBeGreaterThan(2_000);
  else expect(escaped.problem.param).toBe('messages');
});

test('nesting is bounded', () => {
  const nested = (levels: number) =>
    `{"model":"m","messages":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  expect(reading(nested(64)).ok).toBe(true);
  expect(reading(nested(65))).toMatchObject({ ok: false, problem: { param: null } });
  expect(reading(nested(100_000)).ok).toBe(false);
});

test('a name that only looks like a member of every object is no member', () => {
  expect(reading('{"__proto__":{"model":"m","messages":[]}}')).toMatchObject({
    ok: false,
    problem: { param: 'model' },
  });
});

test.each([
  { name: 'none', members: {}, outputTokensMax: null },
  { name: 'max_tokens', members: { max_tokens: 10 }, outputTokensMax: 10 },
  { name: 'max_completion_tokens', members: { max_completion_tokens: 20 }, outputTokensMax: 20 },
  {
    name: 'the smaller of both',
    members: { max_tokens: 10, max_completion_tokens: 20 },
    outputTokensMax: 10,
  },
  { name: 'whichever it is', members: { max_tokens: 30, max_completion_tokens: 20 }, outputTokensMax: 20 },
  { name: 'null is none', members: { max_tokens: null, max_completion_tokens: 20 }, outputTokensMax: 20 },
])("the client's bound on output: $name", ({ members, outputTokensMax }) => {
  expect(asking(members).call.outputTokensMax).toBe(outputTokensMax);
});

test.each([
  { members: {}, choices: 1 },
  { members: { n: 3 }, choices: 3 },
  { members: { best_of: 5 }, choices: 5 },
  { members: { n: 3, best_of: 5 }, choices: 5 },
  { members: { n: 128, best_of: null }, choices: 128 },
])('choices of $members: $choices', ({ members, choices }) => {
  expect(asking(members).call.choices).toBe(choices);
});

test('input is bounded by the bytes of the body', () => {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: '你好' }] });
  expect(understood(body).call.inputTokensMax).toBe(Buffer.byteLength(body));
});

test('tools cost more than their bytes: a model is told how to use them', () => {
  const body = JSON.stringify({ model: 'm', messages: [], tools: [{ type: 'function' }] });
  expect(understood(body).call.inputTokensMax).toBe(Buffer.byteLength(body) + 512);
});

test('what is not text may cost more than its bytes', () => {
  const image = { type: 'image_url', image_url: { url: 'https://example.org/cat.png' } };
  const body = JSON.stringify({
    model: 'm',
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'What?' }, image, image] },
      { role: 'user', content: [image] },
    ],
  });
  expect(understood(body).call.inputTokensMax).toBe(Buffer.byteLength(body) + 3 * 50_000);
});

test.each([
  { model: 'deepseek-chat', members: {}, set: { max_tokens: 7 } },
  { model: 'gpt-4o', members: {}, set: { max_tokens: 7 } },
  { model: 'o3', members: {}, set: { max_completion_tokens: 7 } },
  { model: 'o4-mini', members: {}, set: { max_completion_tokens: 7 } },
  { model: 'gpt-5-nano', members: {}, set: { max_completion_tokens: 7 } },
  { model: 'openai/gpt-5.1', members: {}, set: { max_completion_tokens: 7 } },
  { model: 'olmo-2', members: {}, set: { max_tokens: 7 } },
  { model: 'gpt-4o', members: { max_completion_tokens: 9 }, set: { max_completion_tokens: 7 } },
  { model: 'o3', members: { max_tokens: 9 }, set: { max_tokens: 7 } },
  { model: 'o3', members: { max_tokens: null }, set: { max_completion_tokens: 7 } },
  {
    model: 'o3',
    members: { max_tokens: 9, max_completion_tokens: 8 },
    set: { max_tokens: 7, max_completion_tokens: 7 },
  },
])('the bound of $model with $members is set as $set', ({ model, members, set }) => {
  const body = { model, messages: MESSAGES, ...members };
  expect(JSON.parse(understood(body).bodyFor(7))).toEqual({ ...body, ...set });
});

test('a body that needs nothing set passes byte for byte', () => {
  const text = '{ "model":"m",\n"messages" :[], "seed":9007199254740993, "x":1.0, "s":"\\u0041" }';
  expect(understood(text).bodyFor(null)).toBe(text);
  expect(understood(text).bodyFor(7)).toBe(text.replace('{', '{"max_tokens":7,'));
});

test.each([
  { name: 'not asked for', members: {}, options: { include_usage: true }, hidden: true },
  {
    name: 'declined',
    members: { stream_options: { include_usage: false } },
    options: { include_usage: true },
    hidden: true,
  },
  { name: 'null', members: { stream_options: null }, options: { include_usage: true }, hidden: true },
  {
    name: 'others stay',
    members: { stream_options: { obfuscate: 1 } },
    options: { obfuscate: 1, include_usage: true },
    hidden: true,
  },
  {
    name: 'asked for',
    members: { stream_options: { include_usage: true } },
    options: { include_usage: true },
    hidden: false,
  },
])(
  "a stream's usage is always asked for, and hidden again if the client did not: $name",
  ({ members, options, hidden }) => {
    const request = asking({ stream: true, ...members });
    expect(request.call.stream).toBe(true);
    expect(request.hidesUsage).toBe(hidden);
    const sent = JSON.parse(request.bodyFor(null));
    expect(sent).toEqual({
      model: 'deepseek-chat',
      messages: MESSAGES,
      stream: true,
      ...members,
      stream_options: options,
    });
  },
);

test.each([{ stream: false }, { stream: null }, {}])('%j is no stream: nothing is asked for', (members) => {
  const request = asking(members);
  expect(request.call.stream).toBe(false);
  expect(request.hidesUsage).toBe(false);
  expect(JSON.parse(request.bodyFor(null))).toEqual({
    model: 'deepseek-chat',
    messages: MESSAGES,
    ...members,
  });
});

test.each([
  {
    name: 'OpenAI refuses two bounds',
    model: 'gpt-4o',
    members: { max_completion_tokens: 16 },
    set: { max_completion_tokens: 7 },
  },
  {
    name: 'DeepSeek ignores max_completion_tokens',
    model: 'deepseek-chat',
    members: { max_completion_tokens: 16 },
    set: { max_tokens: 7, max_completion_tokens: 7 },
  },
  {
    name: 'a server may obey the larger of two',
    model: 'm',
    members: { max_tokens: 7, max_completion_tokens: 90_000 },
    set: { max_tokens: 7, max_completion_tokens: 7 },
  },
  {
    name: 'llama.cpp prefers its own',
    model: 'm',
    members: { max_tokens: 7, n_predict: 90_000 },
    set: { max_tokens: 7, n_predict: 7 },
  },
])('every bound that the model may obey is the bound: $name', ({ model, members, set }) => {
  const { call, bodyFor } = understood(JSON.stringify({ model, messages: [], ...members }));
  expect(call.outputTokensMax).toBe(Math.min(...Object.values(members)));
  expect(JSON.parse(bodyFor(7))).toEqual({ model, messages: [], ...members, ...set });
});

test.each([
  { body: '{"model":"m","messages":[],"MAX_TOKENS":9}', param: 'MAX_TOKENS' },
  { body: '{"model":"cheap","messages":[],"Model":"dear"}', param: 'Model' },
  { body: '{"model":"m","messages":[],"\u017ftream":true}', param: 'ſtream' },
  { body: '{"model":"m","messages":[],"to\u212aens":1,"max_to\u212aens":9}', param: 'max_to\u212aens' },
  { body: '{"model":"m","messages":[],"models":["dear"]}', param: 'models' },
  {
    body: '{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}],"content":"x"}]}',
    param: null,
  },
  { body: '{"model":"m","messages":[],"metadata":{"a":{"b":1,"b":2}}}', param: null },
  { body: `{"model":"m","messages":[${'{},'.repeat(100_000)}{}]}`, param: null },
])('another reading of the body is refused: $body', ({ body, param }) => {
  expect(chatCompletions.read(body, body.length)).toMatchObject({ ok: false, problem: { param } });
});
