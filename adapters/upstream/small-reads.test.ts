import diagnostics from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openUpstream } from './open-upstream.ts';

const STREAMS = 8;
const STREAM_BYTES = 32 * 1024 * 1024; // beyond what both sides' socket buffers hold
const TAKEN_BYTES_MAX = 32 * 1024;
const EVENT = `data: ${'x'.repeat(250)}\n\n`;

/** An upstream that streams as fast as it is read. */
async function fastUpstream() {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let written = 0;
    const write = () => {
      for (; written < STREAM_BYTES; written += EVENT.length) {
        if (!response.write(EVENT)) return void response.once('drain', write);
      }
      response.end();
    };
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream = openUpstream({
    baseUrl: `http://127.0.0.1:${port}`,
    ...{ apiKey: null, userAgent: 'quota-proxy/test', answerBytesMax: 1 },
    ...{
      connectTimeoutMs: 10_000,
      headersTimeoutMs: 60_000,
      silenceTimeoutMs: 60_000,
      exchangeMsMax: 120_000,
    },
  });
  onTestFinished(async () => {
    await upstream.close();
    server.closeAllConnections();
    server.close();
  });
  return upstream;
}

/** The connections that are made from now on, to count what they read out of the kernel's buffers. */
function connectionsMade(): readonly Socket[] {
  const made: Socket[] = [];
  const add = (message: unknown) => void made.push((message as { socket: Socket }).socket);
  diagnostics.subscribe('undici:client:connected', add);
  onTestFinished(() => void diagnostics.unsubscribe('undici:client:connected', add));
  return made;
}

test('of streams that nobody reads no more is taken than a little of each', async () => {
  const sockets = connectionsMade();
  const upstream = await fastUpstream();
  const call = { dialect: 'openai', method: 'POST', path: '/', headers: {}, body: '{}' } as const;
  const answers = await Promise.all(Array.from({ length: STREAMS }, () => upstream.send(call)));
  const taken = () => sockets.map((socket) => socket.bytesRead);
  // Until nothing more is taken, however long that goes on.
  for (let before: number[] = []; `${before}` !== `${taken()}`; await delay(200)) before = taken();
  expect(taken()).toHaveLength(STREAMS);
  for (const bytes of taken()) expect(bytes).toBeLessThanOrEqual(TAKEN_BYTES_MAX);

  // And so it stays while they are read: what is taken beyond that is as little as before.
  for (const [index, answer] of answers.entries()) {
    if (answer.kind !== 'stream') throw new Error('no stream');
    let read = 0;
    while (read < STREAM_BYTES / 64) read += (await answer.chunks.next())?.length ?? 0;
    // A chunk's length and ends, around each event: under a tenth.
    const framing = read / 10;
    expect((sockets[index]?.bytesRead ?? 0) - read - framing).toBeLessThanOrEqual(TAKEN_BYTES_MAX);
  }
});
