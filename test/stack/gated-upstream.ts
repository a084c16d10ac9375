import { createServer } from 'node:http';
import { completion, events, sendJson } from '#test/fakes/upstream-server.ts';

/** Where it listens, in its container. */
const PORT = 4010;
const [FIRST = '', ...REST] = events({ prompt_tokens: 19, completion_tokens: 7, total_tokens: 26 });

/** The streams that have sent their first event, and wait to be let on. */
const waiting: (() => void)[] = [];

/**
 * An upstream, as a program. A stream sends its first event and then waits for `POST /open`, which says how many it
 * let on; `GET /waiting` says how many wait. Everything else is answered at once.
 */
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text) => {
    body += text;
  });
  request.on('end', () => {
    if (request.url === '/open')
      return sendJson(response, String(waiting.splice(0).map((go) => go()).length));
    if (request.url === '/waiting') return sendJson(response, String(waiting.length));
    if (request.url === '/v1/models') return sendJson(response, '{"object":"list","data":[{"id":"a/b"}]}');
    if (!JSON.parse(body).stream) return sendJson(response, completion(19, 7));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(FIRST);
    waiting.push(() => response.end(REST.join('')));
    return undefined;
  });
});

server.listen(PORT, '0.0.0.0');
