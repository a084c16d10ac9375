import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

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
    if (!response.write(EVENT)) await roomIn(response);
  }
  response.end('data: [DONE]\n\n');
});
/** Resolves when more can be written, or never will be. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}

server.listen(Number(process.argv[2]), '127.0.0.1', 1024);
