import { createServer } from 'node:http';
import { Pool } from 'undici';

/**
 * The least that a proxy in Node does, and so the unit of all ratios: `node bench/bare-proxy.ts PORT UPSTREAM_PORT`.
 * node:http in, `Pool.dispatch` of undici out, bodies relayed as they come, with backpressure. Governs nothing.
 */
const [port, upstreamPort] = process.argv.slice(2);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`);

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { authorization = '' } = request.headers;
    const headers = { authorization, 'content-type': 'application/json' };
    pool.dispatch(
      { path: request.url ?? '/', method: 'POST', headers, body: Buffer.concat(parts) },
      {
        onRequestStart: () => {},
        onResponseStart: (controller, status, head) => {
          const { connection, 'keep-alive': _, 'transfer-encoding': __, ...passed } = head;
          response.writeHead(status, passed);
          response.on('drain', () => controller.resume());
          response.on('close', () => {
            if (!response.writableFinished) controller.abort(new Error('the client hung up'));
          });
        },
        onResponseData: (controller, chunk) => {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd: () => response.end(),
        onResponseError: () => response.destroy(),
      },
    );
  });
});
server.listen(Number(port), '127.0.0.1', 1024);
