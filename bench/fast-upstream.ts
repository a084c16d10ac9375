import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * An upstream that streams as fast as it is read, three megabytes for each request: more than the buffers of two connections take: `node bench/fast-upstream.ts PORT`.
 * What it has sent and no client has read is somewhere in between.
 */
const EVENTS = 10_000;
const EVENT = `data: ${JSON.stringify({
  id: '930c60df-bf64-41c9-a88e-3ec75f81e00e',
  object: 'chat.completion.chunk',
  model: 'deepseek-chat',
  choices: [{ index: 0, delta: { content: ' word'.repeat(20) }, finish_reason: null }],
})}\n\n`;

const server = createServer(async (request, response) => {
  request.resume();
  await once(request, 'end');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let index = 0; index < EVENTS && !response.destroyed; index += 1) {
    if (!response.write(EVENT)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end('data: [DONE]\n\n');
});
server.listen(Number(process.argv[2]), '127.0.0.1', 1024);
