import { expect, test } from 'vitest';
import { messages } from './messages.ts';

const BODY = { model: 'claude', max_tokens: 2_000, messages: [{ role: 'user', content: 'Hi' }] };

function reading(members: object | string) {
  const text = typeof members === 'string' ? members : JSON.stringify({ ...BODY, ...members });
  return messages.read(text, text.length);
}

function understood(members: object) {
  const result = reading(members);
  if (!result.ok) throw new Error(result.problem.message);
  return result.request;
}

test.each([
  { param: 'messages', wrong: [undefined, null, 'Hi', {}] },
  { param: 'max_tokens', wrong: [undefined, null, -1, 1.5, '16', 1e9] },
  { param: 'stream', wrong: ['true'] },
  { param: 'thread', wrong: [{ type: 'create' }, { type: 'continue', previous_message_id: 'msg_1' }] },
  { param: 'container', wrong: ['container_1', { id: 'container_1' }, { 'i\\d': 'container_1' }] },
  { param: 'fallbacks', wrong: ['default', [{ model: 'dear' }]] },
  { param: 'speed', wrong: ['fast'] },
  { param: 'SPEED', wrong: ['fast'] },
  { param: 'Max_tokens', wrong: [9] },
])('a $param that is wrong or cannot be metered is refused by name: $wrong', ({ param, wrong }) => {
  for (const value of wrong) {
    const result = reading({ [param]: value });
    expect(result).toMatchObject({ ok: false, problem: { param } });
    if (!result.ok) expect(result.problem.message).toContain(`'${param}'`);
  }
});

test.each([{ container: null, thread: null }, { container: { skills: [] } }, { speed: 'standard' }])(
  '%j passes',
  (members) => {
    expect(reading(members).ok).toBe(true);
  },
);

const image = { type: 'image', source: { type: 'url', url: 'https://example.org/cat.png' } };
const text = { type: 'text', text: 'What?' };
const document = (source: object) => ({ type: 'document', source });
const pdf = document({ type: 'base64', media_type: 'application/pdf', data: 'JVBERi0' });

test.each([
  { name: 'text', content: [text, { type: 'thinking', thinking: '', signature: 'EqQ' }], parts: 0 },
  { name: 'images', content: [text, image, image], parts: 2 },
  { name: 'a PDF', content: [pdf], parts: 1 },
  { name: 'a file', content: [document({ type: 'file', file_id: 'file_1' })], parts: 1 },
  { name: 'a document of text', content: [document({ type: 'text', data: 'A' })], parts: 0 },
  { name: 'one of blocks', content: [document({ type: 'content', content: [text, image] })], parts: 1 },
  { name: 'what a tool gave', content: [{ type: 'tool_result', content: [text, image, pdf] }], parts: 2 },
  { name: 'a call of a tool', content: [{ type: 'tool_use', input: { type: 'image' } }], parts: 0 },
  { name: 'what nobody knows yet', content: [{ type: 'hologram' }], parts: 1 },
])('what is not text may cost more than its bytes: $name', ({ content, parts }) => {
  const members = { messages: [{ role: 'user', content }] };
  const bytes = JSON.stringify({ ...BODY, ...members }).length;
  expect(understood(members).call.inputTokensMax).toBe(bytes + parts * 50_000);
});

test('a system prompt counts, too', () => {
  const members = { system: [text, image] };
  const bytes = JSON.stringify({ ...BODY, ...members }).length;
  expect(understood(members).call.inputTokensMax).toBe(bytes + 50_000);
});

test.each([
  {
    members: {
      tools: [
        { name: 'f', input_schema: {} },
        { type: 'custom', name: 'g' },
      ],
    },
    tokens: 1_024,
  },
  { members: { tools: [{ type: 'web_search_20250305' }, { type: 'bash_20250124' }] }, tokens: 101_024 },
  { members: { tools: [{ 'typ\\e': 'web_search_20250305' }] }, tokens: 51_024 },
  { members: { mcp_servers: [{ type: 'url' }, { type: 'url' }] }, tokens: 100_000 },
])('tools of the provider have more than the body says: $members', ({ members, tokens }) => {
  const bytes = JSON.stringify({ ...BODY, ...members }).length;
  expect(understood(members).call.inputTokensMax).toBe(bytes + tokens);
});

test.each([
  { name: 'content', block: '{"role":"user","NAME":[{"type":"image"}]}' },
  { name: 'source', block: '{"role":"user","content":[{"type":"document","NAME":{"type":"file"}}]}' },
])('no $name is hidden behind an escaped name', ({ name, block }) => {
  const body = (written: string) =>
    `{"model":"m","max_tokens":9,"messages":[${block.replace('NAME', written)}]}`;
  expect(reading(body(`${name}\\\\`))).toMatchObject({ ok: false, problem: { param: 'messages' } });
  const escaped = reading(body(`\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`));
  if (escaped.ok) expect(escaped.request.call.inputTokensMax).toBeGreaterThan(50_000);
  else expect(escaped.problem.param).toBe('messages');
});

test.each([
  { members: {}, asked: 2_000, set: { max_tokens: 7 } },
  { members: { max_tokens: 0 }, asked: 0, set: { max_tokens: 7 } },
  { members: { max_completion_tokens: 20 }, asked: 20, set: { max_tokens: 7, max_completion_tokens: 7 } },
])('the bound of $members is $asked, and is set as $set', ({ members, asked, set }) => {
  const { call, bodyFor } = understood(members);
  expect(call.outputTokensMax).toBe(asked);
  expect(JSON.parse(bodyFor(7))).toEqual({ ...BODY, ...members, ...set });
});

test.each([
  { thinking: undefined, least: 0 },
  { thinking: { type: 'disabled' }, least: 0 },
  { thinking: { type: 'adaptive' }, least: 0 },
  { thinking: { type: 'enabled', budget_tokens: 1_024 }, least: 1_025 },
  { thinking: { type: 'enabled', budget_tokens: 'many' }, least: 0 },
])('an answer must be longer than the thinking that was asked for: $thinking', ({ thinking, least }) => {
  expect(understood({ thinking }).call.outputTokensMin).toBe(least);
});
