import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { UpstreamChunks, UpstreamRequest } from '#core/upstream.ts';
import type { OpenUpstream, UpstreamConfig } from './open-upstream.ts';
import { openUpstream } from './open-upstream.ts';

const CALL: UpstreamRequest = {
  dialect: 'openai',
  method: 'POST',
  path: '/chat/completions',
  headers: {},
  body: '{}',
};
const opened: { upstream: OpenUpstream; server: Server }[] = [];

afterEach(async () => {
  for (const { upstream, server } of opened.splice(0)) {
    await upstream.close();
    server.closeAllConnections();
    server.close();
  }
});

async function upstreamThat(
  answers: RequestListener,
  limits: Partial<UpstreamConfig> = {},
): Promise<OpenUpstream> {
  const server = createServer(answers);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream = openUpstream({ ...config(`http://127.0.0.1:${port}/v1`), ...limits });
  opened.push({ upstream, server });
  return upstream;
}

function config(baseUrl: string): UpstreamConfig {
  return {
    baseUrl,
    apiKey: 'sk-upstream',
    userAgent: 'quota-proxy/test',
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 10_000,
    silenceTimeoutMs: 10_000,
    exchangeMsMax: 20_000,
    answerBytesMax: 100_000,
  };
}

async function textOf(chunks: UpstreamChunks): Promise<string> {
  let text = '';
  for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
    text += new TextDecoder().decode(chunk);
  }
  return text;
}

test('sends what it is told, with its own credentials, and gives the whole answer', async () => {
  let seen: IncomingMessage | undefined;
  let body = '';
  const upstream = await upstreamThat((request, response) => {
    seen = request;
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () =>
      response.writeHead(201, { 'content-type': 'application/json', 'x-a': ['1', '2'] }).end('{"a":1}'),
    );
  });
  const answer = await upstream.send({
    ...CALL,
    headers: { 'content-type': 'application/json' },
    body: '{"é":1}',
  });
  expect(answer).toMatchObject({ kind: 'whole', head: { status: 201, headers: { 'x-a': '1, 2' } } });
  expect(answer.kind === 'whole' && new TextDecoder().decode(answer.body)).toBe('{"a":1}');
  expect(seen?.url).toBe('/v1/chat/completions');
  expect(body).toBe('{"é":1}');
  expect(seen?.headers).toMatchObject({
    authorization: 'Bearer sk-upstream',
    'user-agent': 'quota-proxy/test',
    'accept-encoding': 'identity',
  });
});

test('a stream is handed over as it comes', async () => {
  let more: (() => void) | undefined;
  const upstream = await upstreamThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write('data: 1\n\n');
    more = () => response.end('data: 2\n\n');
  });
  const answer = await upstream.send(CALL);
  if (answer.kind !== 'stream') throw new Error('no stream');
  expect(new TextDecoder().decode(await answer.chunks.next())).toBe('data: 1\n\n');
  more?.();
  expect(await textOf(answer.chunks)).toBe('data: 2\n\n');
  expect(await answer.chunks.next()).toBeUndefined();
});

test('a reader that falls behind slows the upstream down, and misses nothing', async () => {
  const piece = `data: ${'x'.repeat(8_000)}\n\n`;
  const pieces = 4_000; // 32 MB, beyond what both sides' socket buffers hold
  let written = 0;
  let blocked: (() => void) | undefined;
  const isBlocked = new Promise<void>((resolve) => {
    blocked = resolve;
  });
  const upstream = await upstreamThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const write = () => {
      while (written < pieces) {
        written += 1;
        if (!response.write(piece)) {
          // Blocked for good, not for the moment that the reader's kernel takes to empty its buffer.
          const stuck = setTimeout(() => blocked?.(), 200);
          response.once('drain', () => {
            clearTimeout(stuck);
            write();
          });
          return;
        }
      }
      response.end();
    };
    write();
  });
  const answer = await upstream.send(CALL);
  if (answer.kind !== 'stream') throw new Error('no stream');
  await isBlocked;
  expect(written).toBeLessThan(pieces);
  expect((await textOf(answer.chunks)).length).toBe(piece.length * pieces);
});

test.each<{ name: string; answers: RequestListener; limits: Partial<UpstreamConfig>; kind: string }>([
  { name: 'no answer in time', answers: () => {}, limits: { headersTimeoutMs: 300 }, kind: 'timed_out' },
  {
    name: 'cut off before the answer',
    answers: (request) => request.socket.destroy(),
    limits: {},
    kind: 'broken',
  },
  {
    name: 'cut off in the answer',
    answers: (_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('12345', () => response.destroy());
    },
    limits: {},
    kind: 'broken',
  },
  {
    name: 'silent in the answer',
    answers: (_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('12345');
    },
    limits: { silenceTimeoutMs: 300 },
    kind: 'timed_out',
  },
  {
    name: 'too large',
    answers: (_request, response) => response.end('x'.repeat(100_001)),
    limits: {},
    kind: 'broken',
  },
  {
    name: 'compressed, unasked',
    answers: (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    limits: {},
    kind: 'broken',
  },
  {
    name: 'not HTTP',
    answers: (request) => request.socket.end('SSH-2.0-nonsense\r\n'),
    limits: {},
    kind: 'broken',
  },
  {
    name: 'longer than an exchange may last',
    answers: (_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('1');
      setTimeout(() => response.write('2'), 50);
    },
    limits: { exchangeMsMax: 10 },
    kind: 'timed_out',
  },
])('$name is a failure: $kind', async ({ answers, limits, kind }) => {
  const upstream = await upstreamThat(answers, limits);
  await expect(upstream.send(CALL)).rejects.toMatchObject({ name: 'UpstreamFailure', kind });
});

test('no connection means that nothing was served', async () => {
  const upstream = await upstreamThat(() => {});
  opened[0]?.server.close();
  await expect(upstream.send(CALL)).rejects.toMatchObject({ kind: 'unreachable', mayHaveServed: false });
});

test('a redirect is an answer, and is not followed', async () => {
  let asked = 0;
  const upstream = await upstreamThat((_request, response) => {
    asked += 1;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  expect(await upstream.send(CALL)).toMatchObject({ head: { status: 307 } });
  expect(asked).toBe(1);
});

test('a stream that breaks rejects after the chunks that came', async () => {
  const upstream = await upstreamThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n', () => setTimeout(() => response.destroy(), 20));
  });
  const answer = await upstream.send(CALL);
  if (answer.kind !== 'stream') throw new Error('no stream');
  await answer.chunks.next();
  await expect(answer.chunks.next()).rejects.toMatchObject({ kind: 'broken', mayHaveServed: true });
});

test('a stream that nobody reads ends with its exchange, too', async () => {
  let closed: (() => void) | undefined;
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const answers: RequestListener = (request, response) => {
    request.socket.on('close', () => closed?.());
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('x'.repeat(1_000_000));
  };
  const upstream = await upstreamThat(answers, { exchangeMsMax: 300 });
  const answer = await upstream.send(CALL);
  if (answer.kind !== 'stream') throw new Error('no stream');
  await isClosed;
});

test('cancelling a stream closes its connection', async () => {
  let closed: (() => void) | undefined;
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const upstream = await upstreamThat((request, response) => {
    request.socket.on('close', () => closed?.());
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  });
  const answer = await upstream.send(CALL);
  if (answer.kind !== 'stream') throw new Error('no stream');
  answer.chunks.cancel();
  await isClosed;
});

test('closing ends what is under way, as aborted', async () => {
  const upstream = await upstreamThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  });
  const answer = await upstream.send(CALL);
  if (answer.kind !== 'stream') throw new Error('no stream');
  await answer.chunks.next();
  const rest = expect(answer.chunks.next()).rejects.toMatchObject({ kind: 'aborted' });
  await upstream.close();
  await rest;
});
