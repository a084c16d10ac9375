import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DemoUpstream } from './start-demo-upstream.ts';
import { DEMO_MODEL, startDemoUpstream } from './start-demo-upstream.ts';

let upstream: DemoUpstream;

beforeAll(async () => {
  upstream = await startDemoUpstream({ now: () => 1_795_522_201_338 });
});

afterAll(() => upstream.close());

const HELLO = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: [{ type: 'text', text: 'one two three four' }] },
];

function ask(body: unknown): Promise<Response> {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${upstream.baseUrl}/chat/completions`, { method: 'POST', body: sent });
}

async function answerTo(body: unknown) {
  return (await (await ask(body)).json()) as { choices: unknown[]; usage: unknown };
}

test.each([
  { name: 'whole', more: {}, content: 'one two three four', reason: 'stop', completion: 4 },
  { name: 'bounded', more: { max_tokens: 2 }, content: 'one two', reason: 'length', completion: 2 },
  {
    name: 'by either bound',
    more: { max_tokens: 9, max_completion_tokens: 1 },
    content: 'one',
    reason: 'length',
    completion: 1,
  },
  { name: 'several', more: { n: 3, max_tokens: 2 }, content: 'one two', reason: 'length', completion: 6 },
])('answers with what was said last: $name', async ({ more, content, reason, completion }) => {
  const answer = await answerTo({ model: 'any', messages: HELLO, ...more });
  expect(answer).toMatchObject({ object: 'chat.completion', model: 'any', created: 1_795_522_201 });
  for (const choice of answer.choices) {
    expect(choice).toMatchObject({ message: { role: 'assistant', content }, finish_reason: reason });
  }
  const usage = { prompt_tokens: 6, completion_tokens: completion, total_tokens: 6 + completion };
  expect(answer.usage).toEqual(usage);
});

test.each([true, false])('streams; usage at the end if it was asked for: %s', async (include_usage) => {
  const reply = await ask({ model: 'any', messages: HELLO, stream: true, stream_options: { include_usage } });
  expect(reply.headers.get('content-type')).toBe('text/event-stream');
  const events = (await reply.text()).trim().split('\n\n');
  expect(events.pop()).toBe('data: [DONE]');
  const chunks = events.map((event) => JSON.parse(event.slice('data: '.length)));
  const usage = { prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 };
  if (include_usage) expect(chunks.pop()).toMatchObject({ choices: [], usage });
  for (const chunk of chunks) expect(chunk.usage).toBe(include_usage ? null : undefined);
  expect(chunks.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe('one two three four');
  expect(chunks.at(-1).choices[0].finish_reason).toBe('stop');
});

test.each([
  { name: 'no JSON', body: '{', says: 'JSON object' },
  { name: 'no model', body: { messages: HELLO }, says: "'model'" },
  { name: 'no messages', body: { model: 'any', messages: [] }, says: "'messages'" },
])('refuses $name with an error object', async ({ body, says }) => {
  const reply = await ask(body);
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ error: { message: expect.stringContaining(says) } });
});

test('lists its one model', async () => {
  const list = await (await fetch(`${upstream.baseUrl}/models`)).json();
  expect(list).toMatchObject({ object: 'list', data: [{ id: DEMO_MODEL, object: 'model' }] });
  expect((await fetch(`${upstream.baseUrl}/embeddings`)).status).toBe(404);
});
