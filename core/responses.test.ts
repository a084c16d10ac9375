import { expect, test } from 'vitest';
import { responses } from './responses.ts';
import { responseEvents } from './responses-usage.ts';

function reading(members: object | string) {
  const text =
    typeof members === 'string' ? members : JSON.stringify({ model: 'gpt-4o', input: 'Hi', ...members });
  return responses.read(text, text.length);
}

function understood(members: object) {
  const result = reading(members);
  if (!result.ok) throw new Error(result.problem.message);
  return result.request;
}

const user = (content: unknown) => ({ role: 'user', content });

test.each([
  { param: 'input', wrong: [undefined, null, 7, {}] },
  { param: 'stream', wrong: ['true'] },
  { param: 'max_output_tokens', wrong: [0, -1, 1.5, '16', 1e9] },
  { param: 'max_tokens', wrong: [0] },
  { param: 'Store', wrong: [true] },
  { param: 'Background', wrong: [true] },
  { param: 'background', wrong: [true, 'true', 1] },
  { param: 'previous_response_id', wrong: ['resp_1'] },
  { param: 'conversation', wrong: ['conv_1', { id: 'conv_1' }] },
  { param: 'prompt', wrong: [{ id: 'pmpt_1' }] },
  {
    param: 'input',
    wrong: [[{ type: 'item_reference', id: 'msg_1' }], [{ id: 'msg_1' }], [{ id: 'a', type: null }]],
  },
])('a $param that is wrong or cannot be metered is refused by name: $wrong', ({ param, wrong }) => {
  for (const value of wrong) {
    const result = reading({ [param]: value });
    expect(result).toMatchObject({ ok: false, problem: { param } });
    if (!result.ok) expect(result.problem.message).toContain(`'${param}'`);
  }
});

test.each([{ background: false }, { previous_response_id: null, conversation: null, prompt: null }])(
  '%j asks for nothing, and passes',
  (members) => {
    expect(reading(members).ok).toBe(true);
  },
);

const image = { type: 'input_image', image_url: 'https://example.org/cat.png' };
const text = { type: 'input_text', text: 'What?' };

test.each([
  { name: 'a text', input: 'Hi', parts: 0 },
  { name: 'messages', input: [user('Hi'), { type: 'message', ...user([text]) }], parts: 0 },
  { name: 'images', input: [user([text, image, image])], parts: 2 },
  { name: 'a file', input: [user([{ type: 'input_file', file_id: 'file-1' }])], parts: 1 },
  {
    name: 'what a tool of the client gave',
    input: [{ type: 'function_call_output', output: '7' }],
    parts: 0,
  },
  {
    name: 'an image that it gave',
    input: [{ type: 'function_call_output', output: [text, image] }],
    parts: 1,
  },
  { name: 'reasoning', input: [{ type: 'reasoning', encrypted_content: 'gA', summary: [] }], parts: 0 },
  { name: 'a screenshot', input: [{ type: 'computer_call_output', output: { type: 'x' } }], parts: 1 },
  { name: 'what nobody knows yet', input: [{ type: 'hologram' }], parts: 1 },
])('what is not text may cost more than its bytes: $name', ({ input, parts }) => {
  const bytes = JSON.stringify({ model: 'gpt-4o', input }).length;
  expect(understood({ input }).call.inputTokensMax).toBe(bytes + parts * 50_000);
});

test.each([
  { tools: [{ type: 'function', name: 'f' }], tokens: 512 },
  { tools: [{ type: 'custom' }, { type: 'local_shell' }], tokens: 512 },
  { tools: [{ type: 'web_search' }, { type: 'mcp' }], tokens: 100_512 },
  { tools: [{ 'type\\': 'function', type: 'function' }], tokens: 50_512 },
])('a tool that the provider runs reads what is not in the body: $tools', ({ tools, tokens }) => {
  const bytes = JSON.stringify({ model: 'gpt-4o', input: 'Hi', tools }).length;
  expect(understood({ tools }).call.inputTokensMax).toBe(bytes + tokens);
});

test('no content of an item is hidden behind an escaped name', () => {
  const item = (name: string) => `{"model":"m","input":[{"role":"user","${name}":[{"type":"input_image"}]}]}`;
  expect(reading(item('c\\\\u006fn'))).toMatchObject({ ok: false, problem: { param: 'input' } });
  const escaped = reading(item('c\\u006fntent'));
  if (escaped.ok) expect(escaped.request.call.inputTokensMax).toBeGreaterThan(50_000);
  else expect(escaped.problem.param).toBe('input');
});

test.each([
  { members: {}, asked: null, set: { max_output_tokens: 7 } },
  { members: { max_output_tokens: 90 }, asked: 90, set: { max_output_tokens: 7 } },
  {
    members: { max_output_tokens: 90, max_tokens: 20 },
    asked: 20,
    set: { max_output_tokens: 7, max_tokens: 7 },
  },
])('the bound of $members is $asked, and is set as $set', ({ members, asked, set }) => {
  const { call, bodyFor } = understood({ store: false, ...members });
  expect(call.outputTokensMax).toBe(asked);
  expect(JSON.parse(bodyFor(7))).toEqual({ model: 'gpt-4o', input: 'Hi', store: false, ...members, ...set });
});

const REASONING = 'reasoning.encrypted_content';

test.each([
  { members: {}, set: { store: false } },
  { members: { store: true }, set: { store: false } },
  { members: { store: null }, set: { store: false } },
  { members: { model: 'gpt-5-nano' }, set: { store: false, include: [REASONING] } },
  { members: { model: 'openai/o4-mini', include: null }, set: { store: false, include: [REASONING] } },
  { members: { model: 'gpt-6-x', include: ['a'] }, set: { store: false, include: ['a', REASONING] } },
  { members: { model: 'o3', include: [REASONING] }, set: { store: false } },
  { members: { model: 'o3', include: 'a' }, set: { store: false } },
  { members: { model: 'gpt-5-chat-latest' }, set: { store: false } },
  { members: { model: 'o3', store: false }, set: {} },
])('nothing is kept at the provider: $members sets $set', ({ members, set }) => {
  expect(JSON.parse(understood(members).bodyFor(null))).toEqual({
    model: 'gpt-4o',
    input: 'Hi',
    ...members,
    ...set,
  });
});

test.each(['response.completed', 'response.incomplete', 'response.failed'])('%s ends a stream', (type) => {
  const usage = { input_tokens: 3, output_tokens: 2 };
  const reader = responseEvents.reader();
  reader.read({ type: 'response.created', response: { usage } }, '');
  expect([reader.usage(), reader.isDone(), reader.isFinal()]).toEqual([null, false, false]);
  reader.read({ type, response: { usage } }, '');
  expect(reader.usage()).toMatchObject({ prompt: 3, completion: 2 });
  expect([reader.isDone(), reader.isFinal()]).toEqual([true, true]);
});

test.each([
  {
    name: 'more cached than there was',
    details: { cached_tokens: 99, cache_write_tokens: 99 },
    cached: 9,
    written: 0,
  },
  { name: 'both', details: { cached_tokens: 4, cache_write_tokens: 3 }, cached: 4, written: 3 },
  { name: 'null', details: null, cached: 0, written: 0 },
])('classes have no token in common: $name', ({ details, cached, written }) => {
  const usage = { input_tokens: 9, output_tokens: 1, total_tokens: null, input_tokens_details: details };
  expect(responses.usageOf({ usage })).toMatchObject({ prompt: 9, cached, cacheWritten: written });
});

test('what is in the total alone is output, reasoning is part of it, and a wrong detail is not believed', () => {
  const usage = { input_tokens: 9, output_tokens: 1, total_tokens: 30 };
  const details = { output_tokens_details: { reasoning_tokens: 99 } };
  expect(responses.usageOf({ usage: { ...usage, ...details } })).toMatchObject({
    completion: 21,
    reasoning: 21,
  });
  expect(responses.usageOf({ usage: { ...usage, input_tokens_details: { cached_tokens: -1 } } })).toBeNull();
});
