import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENDPOINT_SPECIMENS } from '#test/fakes/endpoint-specimens.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import { sendEvents, sendJson } from '#test/fakes/upstream-server.ts';

/** The real server before an upstream that nobody here wrote, asked by the providers' own clients. */
const directory = mkdtempSync(join(tmpdir(), 'official-clients-'));
const upstream = new LLMock({ port: 0 });
const ANSWER = 'Nothing is lost, and nobody pays twice.';
const BILLED = { input_tokens: 19, output_tokens: 7 };
let server: ServerProcess;
let openai: OpenAI;
let anthropic: Anthropic;
let poor: Anthropic;

beforeAll(async () => {
  upstream.onMessage(/./, { content: ANSWER, usage: BILLED });
  upstream.onEmbedding(/./, { embedding: [0.25, -0.5] });
  await upstream.start();
  server = await startServer({ directory, upstreamUrl: `${upstream.url}/v1` });
  const { key } = await server.admin.keys.create({ body: { label: 'official' } });
  const nothing = [{ meter: 'requests' as const, period: 'day' as const, limit: 0 }];
  const other = await server.admin.keys.create({ body: { label: 'poor', quotas: nothing } });
  openai = new OpenAI({ apiKey: key, baseURL: `${server.baseUrl}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: key, baseURL: server.baseUrl, maxRetries: 0 });
  poor = new Anthropic({ apiKey: other.key, baseURL: server.baseUrl, maxRetries: 3 });
});

afterAll(async () => {
  await server.stop();
  await upstream.stop();
  rmSync(directory, { recursive: true });
});

/** What the newest request was charged by, once it is over. */
async function charged() {
  const newest = async () => (await server.admin.requests.list({ query: { limit: 1 } })).items[0];
  await expect.poll(async () => (await newest())?.status).toBe('settled');
  const receipt = await newest();
  return receipt && { endpoint: receipt.endpoint, source: receipt.source, tokens: receipt.used?.tokens };
}

const byUpstream = (endpoint: string) => ({ endpoint, source: 'upstream', tokens: 26 });

test('embeddings, whose upstream tells of no usage: they cost what was set aside', async () => {
  const reply = await openai.embeddings.create({ model: 'demo', input: ['Hi', 'there'] });
  expect(reply.data).toHaveLength(2);
  expect(await charged()).toMatchObject({ endpoint: '/v1/embeddings', source: 'estimate' });
});

test('responses, buffered', async () => {
  const reply = await openai.responses.create({ model: 'demo', input: 'Hi' });
  expect(reply.output_text).toBe(ANSWER);
  expect(await charged()).toEqual(byUpstream('/v1/responses'));
  expect(upstream.getLastRequest()?.body).toMatchObject({ model: 'demo' });
});

test('responses, streamed', async () => {
  const stream = openai.responses.stream({ model: 'demo', input: 'Hi' });
  const final = await stream.finalResponse();
  expect(final.output_text).toBe(ANSWER);
  expect(await charged()).toEqual(byUpstream('/v1/responses'));
});

test('responses with state at the provider are refused by name', async () => {
  const call = openai.responses.create({ model: 'demo', input: 'Hi', previous_response_id: 'resp_1' });
  await expect(call).rejects.toMatchObject({
    status: 400,
    code: 'invalid_body',
    param: 'previous_response_id',
  });
});

test('messages, buffered', async () => {
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const reply = await anthropic.messages.create({ model: 'demo', max_tokens: 64, messages });
  expect(reply.content).toMatchObject([{ type: 'text', text: ANSWER }]);
  expect(reply._request_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await charged()).toEqual(byUpstream('/v1/messages'));
});

test('messages, streamed, also with a beta', async () => {
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const stream = anthropic.messages.stream({ model: 'demo', max_tokens: 64, messages });
  expect(await stream.finalText()).toBe(ANSWER);
  expect(await charged()).toEqual(byUpstream('/v1/messages'));
  const betas = ['files-api-2025-04-14'];
  await anthropic.beta.messages.create({ model: 'demo', max_tokens: 64, messages, betas });
  const seen = upstream.getLastRequest();
  expect(seen?.headers).toMatchObject({ 'anthropic-version': '2026-10-21', 'anthropic-beta': betas[0] });
  expect(JSON.stringify(seen?.headers)).not.toContain(anthropic.apiKey);
});

test("a refusal is Anthropic's error, and is not tried again where that cannot help", async () => {
  const before = server.written();
  const call = poor.messages.create({ model: 'demo', max_tokens: 9, messages: [] });
  await expect(call).rejects.toSatisfy((error: InstanceType<typeof Anthropic.RateLimitError>) => {
    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    expect(error).toMatchObject({ status: 429, type: 'rate_limit_error', errorCode: 'insufficient_quota' });
    expect(error.requestID).toMatch(/^[0-9a-f-]{36}$/);
    return true;
  });
  // What a process writes comes a little later than its answers.
  const refusals = () =>
    server
      .written()
      .slice(before.length)
      .match(/quota_exceeded/g);
  await expect.poll(refusals).toHaveLength(1);
  const counting = anthropic.messages.countTokens({ model: 'demo', messages: [] });
  await expect(counting).rejects.toMatchObject({
    status: 404,
    type: 'not_found_error',
    errorCode: 'unknown_url',
  });
});

const completions = ENDPOINT_SPECIMENS.find(({ path }) => path === '/v1/completions');

// aimock does not speak this one.
test.each([true, false])('completions, streamed: %s', async (stream) => {
  if (completions === undefined) throw new Error('no specimen of completions');
  const { events, answer, usage } = completions;
  const proxy = await openProxy({
    behaviour: (_call, response) =>
      stream ? sendEvents(response, events(usage)) : sendJson(response, answer(usage)),
  });
  const { secret } = await proxy.issue();
  const client = new OpenAI({
    apiKey: secret,
    baseURL: 'http://proxy.test/v1',
    fetch: (url, init) => proxy.fetch(new URL(String(url)).pathname, init as RequestInit),
  });
  const asked = { model: 'demo', prompt: 'Once upon' };
  const texts: string[] = [];
  if (stream) {
    for await (const { choices } of await client.completions.create({ ...asked, stream })) {
      texts.push(choices[0]?.text ?? '');
    }
  } else {
    texts.push((await client.completions.create(asked)).choices[0]?.text ?? '');
  }
  expect(texts.join('')).toBe(' a time');
  await proxy.settled();
  expect(proxy.log).toMatchObject([
    { route: '/v1/completions', charge: { source: 'upstream', used: { tokens: 35 } } },
  ]);
  await proxy.close();
});
