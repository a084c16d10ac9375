import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CHUNK_INTERVAL_MS, CHUNKS_PER_STREAM } from './workload.ts';

/**
 * The upstream of every server under test: `node bench/upstream.ts PORT`. Answers any POST with a chat completion,
 * streamed if the body asks for that, with usage at the end where it asks for that, as OpenAI and DeepSeek do.
 */
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', async () => {
    const body = Buffer.concat(parts).toString('latin1');
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': COMPLETION.length });
      response.end(COMPLETION);
      return;
    }
    // By the last header nginx relays the events as they come.
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    response.flushHeaders();
    // Streams of the real world do not beat in time.
    await delay(Math.random() * CHUNK_INTERVAL_MS);
    for (let index = 0; index < CHUNKS_PER_STREAM && !response.destroyed; index += 1) {
      response.write(CHUNK);
      await delay(CHUNK_INTERVAL_MS);
    }
    if (body.includes('"include_usage":true')) response.write(USAGE_CHUNK);
    response.end('data: [DONE]\n\n');
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1', 1024);

const USAGE = {
  prompt_tokens: 26,
  completion_tokens: 50,
  total_tokens: 76,
  prompt_tokens_details: { cached_tokens: 0 },
  prompt_cache_hit_tokens: 0,
  prompt_cache_miss_tokens: 26,
};
const HEAD = {
  id: '930c60df-bf64-41c9-a88e-3ec75f81e00e',
  created: 1_796_000_000,
  model: 'deepseek-chat',
  system_fingerprint: 'fp_eaab8d114b_prod0820_fp8_kvcache',
};
const COMPLETION = Buffer.from(
  JSON.stringify({
    ...HEAD,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello! How can I help you today? '.repeat(5) },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: USAGE,
  }),
);
const CHUNK = event({
  choices: [{ index: 0, delta: { content: ' word' }, logprobs: null, finish_reason: null }],
});
const USAGE_CHUNK = event({ choices: [], usage: USAGE });

function event(members: object): string {
  return `data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', ...members })}\n\n`;
}
